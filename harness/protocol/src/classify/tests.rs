//! Tests of the classifier, on bytes recorded from Ignite 2.16.0 where a comment says so.

use super::*;

fn tls_of(bytes: &[u8]) -> Option<(TlsRecord, String)> {
    match first_bytes(bytes) {
        Spoken::Tls {
            record,
            record_version,
        } => Some((record, record_version)),
        _ => None,
    }
}

#[test]
fn nothing_is_told_apart_from_unknown_bytes() {
    assert_eq!(first_bytes(&[]), Spoken::Nothing);
    assert_eq!(first_bytes(b"meshproof"), Spoken::Other);
    assert_eq!(first_bytes(&[0]), Spoken::Other);
}

#[test]
fn tls_records_are_named_with_their_version() {
    let hello = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01];
    assert_eq!(
        tls_of(&hello),
        Some((TlsRecord::Handshake, "1.0".to_owned()))
    );
    let alert = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28];
    assert_eq!(tls_of(&alert), Some((TlsRecord::Alert, "1.2".to_owned())));
    let data = [0x17, 0x03, 0x03, 0x40, 0x11];
    assert_eq!(
        tls_of(&data),
        Some((TlsRecord::ApplicationData, "1.2".to_owned()))
    );
    assert_eq!(
        tls_of(&[0x14, 0x03, 0x03, 0x00, 0x01, 0x01]).unwrap().0,
        TlsRecord::ChangeCipherSpec
    );
}

#[test]
fn bytes_that_only_resemble_tls_are_not_tls() {
    assert_eq!(
        tls_of(&[0x16, 0x03, 0x03, 0xff, 0xff]),
        None,
        "longer than any record"
    );
    assert_eq!(
        tls_of(&[0x16, 0x03, 0x03, 0x00, 0x00]),
        None,
        "an empty record"
    );
    assert_eq!(
        tls_of(&[0x18, 0x03, 0x03, 0x00, 0x10]),
        None,
        "no such type"
    );
    assert_eq!(
        tls_of(&[0x16, 0x04, 0x03, 0x00, 0x10]),
        None,
        "no such version"
    );
    assert_eq!(tls_of(&[0x16, 0x03]), None, "too short to say");
}

/// Recorded.
#[test]
fn a_thin_client_answer_says_whether_it_accepts() {
    let accepted = [1, 0, 0, 0, 1];
    assert_eq!(
        first_bytes(&accepted),
        Spoken::ThinClientAnswer { accepted: true }
    );
    let refused =
        b"\x2b\0\0\0\0\x01\0\x07\0\0\0\x09\x1b\0\0\0Unsupported version: 1.99.0\x01\0\0\0";
    assert_eq!(
        first_bytes(refused),
        Spoken::ThinClientAnswer { accepted: false }
    );
    let unknown_type = b"\x26\0\0\0\0\0\0\0\0\0\0\x09\x16\0\0\0Unknown client type: 9\x01\0\0\0";
    assert_eq!(
        first_bytes(unknown_type),
        Spoken::ThinClientAnswer { accepted: false }
    );
}

#[test]
fn a_thin_client_request_is_not_taken_for_an_answer() {
    let request = [8, 0, 0, 0, 1, 1, 0, 2, 0, 0, 0, 2];
    assert_eq!(first_bytes(&request), Spoken::ThinClientHandshake);
}

/// Recorded: the node's log gave its id as 09F09A66-633B-4FC7-8B09-51D76E296962.
#[test]
fn the_communication_port_tells_the_nodes_id() {
    let id = [
        0x09, 0xf0, 0x9a, 0x66, 0x63, 0x3b, 0x4f, 0xc7, 0x8b, 0x09, 0x51, 0xd7, 0x6e, 0x29, 0x69,
        0x62,
    ];
    let node_id = Some("09f09a66-633b-4fc7-8b09-51d76e296962".to_owned());
    let message = [&[0xff, 0xff], id.as_slice()].concat();
    assert_eq!(
        first_bytes(&message),
        Spoken::Communication {
            node_id: node_id.clone()
        }
    );
    let after_wait = [&[0xe4, 0xff, 0xff, 0xff], id.as_slice()].concat();
    assert_eq!(first_bytes(&after_wait), Spoken::Communication { node_id });
    assert_eq!(
        first_bytes(&message[..17]),
        Spoken::Communication { node_id: None }
    );
    assert_eq!(
        first_bytes(&[0xe4, 0xff]),
        Spoken::Communication { node_id: None }
    );
    assert_eq!(first_bytes(&[0xe4, 0xff, 0x01]), Spoken::Other);
}

/// The answer's beginning is recorded.
#[test]
fn discovery_is_known_by_its_header_and_its_answers_class() {
    assert_eq!(first_bytes(&[0, 0, 0x47, 0x47]), Spoken::DiscoveryHeader);
    let class = "org.apache.ignite.spi.discovery.tcp.messages.TcpDiscoveryPingResponse";
    let answer = [
        b"\xac\xed\0\x05sr\0\x45".as_slice(),
        class.as_bytes(),
        &[0; 8],
    ]
    .concat();
    assert_eq!(
        first_bytes(&answer),
        Spoken::DiscoveryAnswer {
            class: Some(class.to_owned())
        }
    );
    assert_eq!(
        first_bytes(&answer[..64]),
        Spoken::DiscoveryAnswer { class: None }
    );
}

#[test]
fn http_is_known_in_both_directions() {
    assert_eq!(first_bytes(b"HTTP/1.1 200 OK\r\n"), Spoken::Http);
    assert_eq!(
        first_bytes(b"GET /ignite?cmd=version HTTP/1.1\r\n"),
        Spoken::Http
    );
    assert_eq!(first_bytes(b"GETTING"), Spoken::Other);
}

/// Recorded.
#[test]
fn memcached_needs_its_whole_header() {
    let mut answer = vec![0x81, 0x0b];
    answer.resize(24, 0);
    answer[11] = 6;
    answer.extend(b"2.16.0");
    assert_eq!(first_bytes(&answer), Spoken::Memcached);
    assert_eq!(first_bytes(&answer[..23]), Spoken::Other);
}

#[test]
fn what_is_spoken_survives_json() {
    let tls = Spoken::Tls {
        record: TlsRecord::Alert,
        record_version: "1.2".to_owned(),
    };
    let json = serde_json::to_value(&tls).unwrap();
    let expected =
        serde_json::json!({"protocol": "tls", "record": "alert", "record_version": "1.2"});
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_value::<Spoken>(json).unwrap(), tls);
}
