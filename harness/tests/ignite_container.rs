//! One Ignite container, without Kubernetes: the REST client and the log reader against a real node.
//!
//! It runs with the guide's own configuration. The name of the headless Service, which only a
//! cluster resolves, is the container's loopback here, so the node finds itself and starts alone.

use meshproof_harness::product::guide;
use meshproof_harness::product::logs::NodeLog;
use meshproof_harness::product::rest::{RestClient, RestError};
use serial_test::file_serial;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use testcontainers::core::{Host, IntoContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};

const CONFIG_PATH: &str = "/ignite/config/ignite-config.xml";
const REST_PORT: u16 = 8080;
const LIMIT: Duration = Duration::from_secs(10);

fn ignite_image() -> String {
    std::env::var("MESHPROOF_IGNITE_IMAGE")
        .expect("no Ignite image is known: run ci/setup, or name one in MESHPROOF_IGNITE_IMAGE")
}

/// Name and tag, which testcontainers wants apart. A registry's port has a colon too.
fn name_and_tag(image: &str) -> (&str, &str) {
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

/// Starts a node as the guide's pod does: its configuration and its environment.
async fn start_node() -> ContainerAsync<GenericImage> {
    let manifest = guide::ignite_cluster().expect("the guide's manifest is readable");
    let config = manifest
        .object("ConfigMap", "ignite-config")
        .expect("it has the ConfigMap");
    let xml = config["data"]["ignite-config.xml"]
        .as_str()
        .expect("the ConfigMap holds the XML");
    let set = manifest
        .object("StatefulSet", "ignite")
        .expect("it has the StatefulSet");
    let env = set["spec"]["template"]["spec"]["containers"][0]["env"]
        .as_array()
        .expect("env");

    let image = ignite_image();
    let (name, tag) = name_and_tag(&image);
    // Printed after the ports are open, so the node is up when it is seen.
    let started = WaitFor::message_on_either_std("Topology snapshot [ver=1,");
    let mut request = GenericImage::new(name, tag)
        .with_exposed_port(REST_PORT.tcp())
        .with_wait_for(started)
        .with_startup_timeout(Duration::from_secs(120))
        .with_copy_to(CONFIG_PATH, xml.as_bytes().to_vec())
        .with_host(
            "ignite-headless.ignite.svc.cluster.local",
            Host::Addr(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        );
    for variable in env {
        let text = |field: &str| variable[field].as_str().expect("a string").to_owned();
        request = request.with_env_var(text("name"), text("value"));
    }
    request.start().await.expect("the Ignite container starts")
}

async fn rest_client(node: &ContainerAsync<GenericImage>) -> RestClient {
    let host = node.get_host().await.expect("the engine's host");
    let port = node
        .get_host_port_ipv4(REST_PORT)
        .await
        .expect("the mapped port");
    RestClient::new(&format!("http://{host}:{port}"), LIMIT).expect("the base is a URL")
}

#[tokio::test]
#[file_serial(engine)]
async fn a_node_answers_over_rest() {
    let node = start_node().await;
    let rest = rest_client(&node).await;

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
    let node = start_node().await;
    let top = rest_client(&node).await.top().await.unwrap();
    let mut text = node.stdout_to_vec().await.expect("the container's output");
    text.extend(
        node.stderr_to_vec()
            .await
            .expect("the container's error output"),
    );
    let text = String::from_utf8_lossy(&text);
    let log = NodeLog::read(&text);

    assert_eq!(
        (log.newest_version(), log.servers()),
        (Some(1), Some(1)),
        "{text}"
    );
    assert!(log.exchange_completed(1), "{text}");
    assert_eq!(log.stalled(), None);
    assert_eq!(log.local_node(), Some((top[0].node_id.as_str(), 1)));
    for port in [REST_PORT, 10800, 11211, 47100, 47500] {
        assert!(
            log.local_ports().contains(&port),
            "{port} is not among {:?}",
            log.local_ports()
        );
    }
}
