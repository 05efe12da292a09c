//! Tests of the client against a scripted node on an in-memory stream, and against real resets.

use tokio::{
    io::{DuplexStream, duplex},
    net::TcpListener,
};

use super::*;

const LIMIT: Duration = Duration::from_secs(20);

/// A node that reads what it is told to expect and answers with the bytes given, in turn, and then
/// closes the connection.
async fn node(mut stream: DuplexStream, script: Vec<(Vec<u8>, Vec<u8>)>) {
    for (expected, answer) in script {
        let mut request = vec![0; expected.len()];
        stream.read_exact(&mut request).await.unwrap();
        assert_eq!(request, expected);
        stream.write_all(&answer).await.unwrap();
    }
}

fn handshake() -> (Vec<u8>, Vec<u8>) {
    (codec::handshake_request(), vec![1, 0, 0, 0, 1])
}

fn answer(id: i64, status: i32, payload: &[u8]) -> Vec<u8> {
    let body = [&id.to_le_bytes(), status.to_le_bytes().as_slice(), payload].concat();
    [
        i32::try_from(body.len()).unwrap().to_le_bytes().as_slice(),
        &body,
    ]
    .concat()
}

async fn connected(script: Vec<(Vec<u8>, Vec<u8>)>) -> ThinClient<DuplexStream> {
    let (ours, theirs) = duplex(1024);
    let script = std::iter::once(handshake()).chain(script).collect();
    tokio::spawn(node(theirs, script));
    ThinClient::handshake(ours, LIMIT).await.unwrap()
}

async fn refused_by(answer: &[u8]) -> ThinError {
    let (ours, theirs) = duplex(1024);
    tokio::spawn(node(
        theirs,
        vec![(codec::handshake_request(), answer.to_vec())],
    ));
    ThinClient::handshake(ours, LIMIT).await.unwrap_err()
}

#[tokio::test]
async fn requests_are_numbered_and_answers_are_read() {
    let key = Value::Long(7);
    let put = codec::request(
        Operation::Put,
        1,
        &codec::entries("C", &[&key, &"v".into()]),
    );
    let get = codec::request(Operation::Get, 2, &codec::entries("C", &[&key]));
    let size = codec::request(Operation::Size, 3, &codec::size("C"));
    let names = codec::request(Operation::CacheNames, 4, &[]);
    let create = codec::request(Operation::GetOrCreateCache, 5, &codec::cache_name("C"));
    let mut client = connected(vec![
        (put.unwrap(), answer(1, 0, &[])),
        (get.unwrap(), answer(2, 0, &[9, 1, 0, 0, 0, b'v'])),
        (size.unwrap(), answer(3, 0, &1i64.to_le_bytes())),
        (
            names.unwrap(),
            answer(4, 0, &[1, 0, 0, 0, 9, 1, 0, 0, 0, b'C']),
        ),
        (create.unwrap(), answer(5, 0, &[])),
    ])
    .await;
    client.put("C", &key, &"v".into()).await.unwrap();
    assert_eq!(client.get("C", &key).await.unwrap(), "v".into());
    assert_eq!(client.size("C").await.unwrap(), 1);
    assert_eq!(client.cache_names().await.unwrap(), ["C"]);
    client.get_or_create_cache("C").await.unwrap();
}

#[tokio::test]
async fn a_failed_request_leaves_the_connection_usable() {
    let size = |id| codec::request(Operation::Size, id, &codec::size("C")).unwrap();
    let mut client = connected(vec![
        (size(1), answer(1, 1000, &[9, 2, 0, 0, 0, b'n', b'o'])),
        (size(2), answer(2, 0, &0i64.to_le_bytes())),
    ])
    .await;
    let error = client.size("C").await.unwrap_err();
    assert!(matches!(&error, ThinError::Status { code: 1000, reason, .. } if reason == "no"));
    assert!(!error.is_connection_lost());
    assert_eq!(client.size("C").await.unwrap(), 0);
}

#[tokio::test]
async fn an_answer_to_another_request_makes_the_connection_unusable() {
    let size = codec::request(Operation::Size, 1, &codec::size("C")).unwrap();
    let mut client = connected(vec![(size, answer(9, 0, &0i64.to_le_bytes()))]).await;
    let error = client.size("C").await.unwrap_err();
    assert!(matches!(error, ThinError::Malformed(_)), "{error}");
    assert!(matches!(
        client.size("C").await.unwrap_err(),
        ThinError::Unusable
    ));
}

#[tokio::test]
async fn a_refused_handshake_tells_the_servers_version() {
    let body = b"\x2b\0\0\0\0\x01\0\x07\0\0\0\x09\x1b\0\0\0Unsupported version: 1.99.0\x01\0\0\0";
    let error = refused_by(body).await;
    let ThinError::HandshakeRefused {
        server, status: 1, ..
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!(server.to_string(), "1.7.0");
}

#[tokio::test]
async fn a_close_without_a_byte_is_told_apart_from_one_in_an_answer() {
    let nothing = refused_by(&[]).await;
    let how = HowClosed::InOrder;
    assert!(
        matches!(nothing, ThinError::Closed { how: h, received: 0, .. } if h == how),
        "{nothing}"
    );
    let half = refused_by(&[8, 0, 0, 0, 1]).await;
    assert!(
        matches!(half, ThinError::Closed { received: 5, .. }),
        "{half}"
    );
}

#[tokio::test]
async fn a_frame_beyond_the_limit_is_not_allocated() {
    let error = refused_by(b"HTTP/1.1 400 Bad Request").await;
    assert!(error.to_string().starts_with("malformed frame"), "{error}");
}

#[tokio::test]
async fn silence_ends_at_the_limit_and_leaves_the_connection_unusable() {
    let (ours, mut theirs) = duplex(1024);
    theirs.write_all(&[1, 0, 0, 0, 1]).await.unwrap();
    let mut client = ThinClient::handshake(ours, LIMIT).await.unwrap();
    client.limit = Duration::from_millis(20);
    let error = client.cache_names().await.unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with("no answer to cache names within 20ms"),
        "{message}"
    );
    assert!(matches!(
        client.cache_names().await.unwrap_err(),
        ThinError::Unusable
    ));
}

#[tokio::test]
async fn a_reset_is_told_apart_from_a_close_and_from_a_refusal() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let resetting = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        // Closing with unread bytes makes the kernel send a reset.
        stream.readable().await.unwrap();
        drop(stream);
    });
    let error = ThinClient::connect(&address, LIMIT).await.unwrap_err();
    let how = HowClosed::Reset;
    assert!(
        matches!(error, ThinError::Closed { how: h, received: 0, .. } if h == how),
        "{error}"
    );
    resetting.await.unwrap();
    let error = ThinClient::connect(&address, LIMIT).await.unwrap_err();
    assert!(matches!(error, ThinError::Connect { .. }), "{error}");
}
