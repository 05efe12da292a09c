//! One Ignite container, without Kubernetes: our clients and the log reader against a real node.
//!
//! What is asked of it here is what the scenarios rest on: REST and the thin client see the same
//! data, a node's log tells what it is and who came, and every port answers a plaintext client
//! (the intruder's positive controls). How the node is started is in `node`.
//!
//! Each test starts a container, so each holds the file lock `engine`: one at a time, over all
//! test programs, however they are run.

#[path = "ignite_container/node.rs"]
mod node;

use meshproof_harness::product::logs::NodeLog;
use meshproof_harness::product::rest::RestError;
use meshproof_protocol::classify::{Spoken, first_bytes};
use meshproof_protocol::plaintext;
use meshproof_protocol::ports::ProductPort;
use meshproof_protocol::thin::{ThinError, Value};
use node::{LIMIT, Node};
use serial_test::file_serial;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Of 2.16.0, from `ClientStatus`.
const CACHE_DOES_NOT_EXIST: i32 = 1000;

#[tokio::test]
#[file_serial(engine)]
async fn a_node_answers_over_rest() {
    let node = Node::start().await;
    let rest = node.rest().await;

    assert_eq!(rest.version().await.unwrap(), "2.16.0");
    assert_eq!(rest.state().await.unwrap(), "ACTIVE");
    let top = rest.top().await.unwrap();
    assert_eq!(top.len(), 1);
    assert_eq!(top[0].order, 1);
    assert!(top[0].caches.iter().any(|cache| cache.name == "PERSON"));
    let baseline = rest.baseline().await.unwrap();
    assert_eq!(baseline.servers, [top[0].consistent_id.clone()]);

    assert_eq!(rest.size("PERSON").await.unwrap(), 0);
    let written = rest.put("PERSON", "key 1", "a & b").await.unwrap();
    assert_eq!(written.affinity_node_id.as_ref(), Some(&top[0].node_id));
    assert_eq!(
        rest.get("PERSON", "key 1").await.unwrap().as_deref(),
        Some("a & b")
    );
    assert_eq!(rest.get("PERSON", "another").await.unwrap(), None);
    assert_eq!(rest.size("PERSON").await.unwrap(), 1);

    let error = rest.get("ABSENT", "key 1").await.unwrap_err();
    assert!(matches!(error, RestError::Refused { .. }), "{error}");
}

#[tokio::test]
#[file_serial(engine)]
async fn the_log_of_a_lone_node_is_read() {
    let node = Node::start().await;
    let top = node.rest().await.top().await.unwrap();
    let text = node.log().await;
    let log = NodeLog::read(&text);

    assert_eq!(
        (log.newest_version(), log.servers()),
        (Some(1), Some(1)),
        "{text}"
    );
    assert!(log.exchange_completed(1), "{text}");
    assert_eq!(log.stalled(), None);
    assert_eq!(log.local_node(), Some((top[0].node_id.as_str(), 1)));
    for port in [ProductPort::Discovery, ProductPort::Communication] {
        assert_eq!(log.bound_for(port.number()), Some(port.number()), "{text}");
    }
}

#[tokio::test]
#[file_serial(engine)]
async fn the_thin_client_stores_and_counts_every_type() {
    let node = Node::start().await;
    let mut thin = node.thin().await;

    thin.get_or_create_cache("typed").await.unwrap();
    let names = thin.cache_names().await.unwrap();
    for expected in ["PERSON", "typed"] {
        assert!(
            names.iter().any(|name| name == expected),
            "{expected} is not among {names:?}"
        );
    }

    let entries = [
        (Value::from(1_i32), Value::from("under an int")),
        (Value::from(1_i64), Value::from("under a long")),
        (Value::from("1"), Value::from("under a string")),
        (Value::from(i32::MIN), Value::from(i64::MAX)),
        (Value::from("grüße"), Value::from(-7_i32)),
        (Value::from("empty"), Value::from("")),
    ];
    for (key, value) in &entries {
        thin.put("typed", key, value).await.unwrap();
    }
    for (key, value) in &entries {
        assert_eq!(
            &thin.get("typed", key).await.unwrap(),
            value,
            "under {key:?}"
        );
    }
    assert_eq!(thin.size("typed").await.unwrap(), entries.len() as u64);
    let several = [
        (Value::from("x"), Value::from(7_i64)),
        (Value::from("y"), Value::from("z")),
    ];
    thin.get_or_create_cache("several").await.unwrap();
    thin.put_all("several", &several).await.unwrap();
    let keys = [Value::from("x"), Value::from("absent"), Value::from("y")];
    let found = thin.get_all("several", &keys).await.unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        several.iter().all(|entry| found.contains(entry)),
        "{found:?}"
    );
    assert_eq!(
        thin.get("typed", &Value::from(2_i32)).await.unwrap(),
        Value::Null
    );

    thin.put("typed", &Value::from(1_i32), &Value::from("anew"))
        .await
        .unwrap();
    assert_eq!(
        thin.get("typed", &Value::from(1_i32)).await.unwrap(),
        Value::from("anew")
    );
    assert_eq!(thin.size("typed").await.unwrap(), entries.len() as u64);

    let error = thin.get("ABSENT", &Value::from(1_i32)).await.unwrap_err();
    assert!(
        matches!(
            error,
            ThinError::Status {
                code: CACHE_DOES_NOT_EXIST,
                ..
            }
        ),
        "{error}"
    );
    // A refused request leaves the connection as it was.
    assert_eq!(thin.size("typed").await.unwrap(), entries.len() as u64);
}

#[tokio::test]
#[file_serial(engine)]
async fn rest_and_the_thin_client_see_the_same_entries() {
    let node = Node::start().await;
    let rest = node.rest().await;
    let mut thin = node.thin().await;

    thin.put("PERSON", &Value::from("by thin"), &Value::from("a & b"))
        .await
        .unwrap();
    assert_eq!(
        rest.get("PERSON", "by thin").await.unwrap().as_deref(),
        Some("a & b")
    );
    rest.put("PERSON", "by rest", "c / d").await.unwrap();
    assert_eq!(
        thin.get("PERSON", &Value::from("by rest")).await.unwrap(),
        Value::from("c / d")
    );

    // REST's keys are strings: the same digit as an int is another key.
    thin.put("PERSON", &Value::from(1_i32), &Value::from("int"))
        .await
        .unwrap();
    assert_eq!(rest.get("PERSON", "1").await.unwrap(), None);
    assert_eq!(
        (
            thin.size("PERSON").await.unwrap(),
            rest.size("PERSON").await.unwrap()
        ),
        (3, 3)
    );
}

#[tokio::test]
#[file_serial(engine)]
async fn every_port_answers_a_plaintext_client() {
    let node = Node::start().await;
    let top = node.rest().await.top().await.unwrap();

    for port in ProductPort::ALL {
        let answer = answer(&node.address(port).await, &plaintext::request(port)).await;
        let spoken = first_bytes(&answer);
        let expected = match port {
            ProductPort::ThinClient => Spoken::ThinClientAnswer { accepted: true },
            ProductPort::Communication => Spoken::Communication {
                node_id: Some(top[0].node_id.clone()),
            },
            ProductPort::Discovery => Spoken::DiscoveryAnswer {
                class: Some(
                    "org.apache.ignite.spi.discovery.tcp.messages.TcpDiscoveryPingResponse".into(),
                ),
            },
            ProductPort::Rest => Spoken::Http,
            ProductPort::RestTcp => Spoken::Memcached,
        };
        assert_eq!(spoken, expected, "{port} answered {answer:02x?}");
    }

    // 47500's second control: the log names whoever pinged.
    node.log_line(plaintext::PING_SENDER).await;
    assert!(!NodeLog::read(&node.log().await).connections().is_empty());
}

/// Sends a request in plaintext and reads until the answer is something known, or ends.
async fn answer(address: &str, request: &[u8]) -> Vec<u8> {
    let mut received = Vec::with_capacity(1024);
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request).await?;
        while matches!(first_bytes(&received), Spoken::Nothing | Spoken::Other)
            && stream.read_buf(&mut received).await? > 0
        {}
        std::io::Result::Ok(())
    };
    let ended = timeout(LIMIT, exchange).await;
    assert!(
        matches!(ended, Ok(Ok(()))),
        "{address}: {ended:?} after {received:02x?}"
    );
    received
}
