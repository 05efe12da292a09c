//! The Ignite container under test, and the ways to reach it.
//!
//! It runs with the guide's own configuration and environment. The name of the headless Service,
//! which only a cluster resolves, is the container's loopback here, so the node finds itself and
//! starts alone.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use meshproof_harness::lab::Engine;
use meshproof_harness::lab::images::ignite_reference;
use meshproof_harness::product::guide;
use meshproof_harness::product::rest::RestClient;
use meshproof_protocol::ports::ProductPort;
use meshproof_protocol::thin::ThinClient;
use testcontainers::core::{Host, IntoContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};
use tokio::io::AsyncBufReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The limit of one request, and of one line of the log to appear.
pub const LIMIT: Duration = Duration::from_secs(30);
/// The limit of the node's start; it takes 3 s on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(120);
const CONFIG_PATH: &str = "/ignite/config/ignite-config.xml";

/// One Ignite node in a container; the container goes when this is dropped.
pub struct Node(ContainerAsync<GenericImage>);

impl Node {
    /// Starts a node as the guide's pod does: its configuration and its environment.
    pub async fn start() -> Self {
        let manifest = guide::ignite_cluster().expect("the guide's manifest is readable");
        let config = manifest
            .object("ConfigMap", "ignite-config")
            .expect("it has the ConfigMap");
        let xml = config["data"]["ignite-config.xml"]
            .as_str()
            .expect("the ConfigMap holds XML");
        let set = manifest
            .object("StatefulSet", "ignite")
            .expect("it has the StatefulSet");
        let env = set["spec"]["template"]["spec"]["containers"][0]["env"]
            .as_array()
            .expect("env");

        let image = image().await;
        let (name, tag) = name_and_tag(&image);
        // Printed after the ports are open, so the node is up when it is seen.
        let started = WaitFor::message_on_either_std("Topology snapshot [ver=1,");
        let mut container = GenericImage::new(name, tag).with_wait_for(started);
        for port in ProductPort::ALL {
            container = container.with_exposed_port(port.number().tcp());
        }
        let mut request = container
            .with_startup_timeout(START_LIMIT)
            .with_copy_to(CONFIG_PATH, xml.as_bytes().to_vec())
            .with_host(
                "ignite-headless.ignite.svc.cluster.local",
                Host::Addr(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            );
        for variable in env {
            let text = |field: &str| variable[field].as_str().expect("a string").to_owned();
            request = request.with_env_var(text("name"), text("value"));
        }
        Self(request.start().await.expect("the Ignite container starts"))
    }

    /// Where a port of the node is reached from here.
    pub async fn address(&self, port: ProductPort) -> String {
        let host = self.0.get_host().await.expect("the engine's host");
        let port = self
            .0
            .get_host_port_ipv4(port.number())
            .await
            .expect("the mapped port");
        format!("{host}:{port}")
    }

    /// A REST client of the node.
    pub async fn rest(&self) -> RestClient {
        let base = format!("http://{}", self.address(ProductPort::Rest).await);
        RestClient::new(&base, LIMIT).expect("the base is a URL")
    }

    /// A thin client, connected.
    pub async fn thin(&self) -> ThinClient<TcpStream> {
        let address = self.address(ProductPort::ThinClient).await;
        ThinClient::connect(&address, LIMIT)
            .await
            .expect("the node accepts the thin client")
    }

    /// The log so far, both streams.
    pub async fn log(&self) -> String {
        let mut text = self
            .0
            .stdout_to_vec()
            .await
            .expect("the container's output");
        text.extend(
            self.0
                .stderr_to_vec()
                .await
                .expect("the container's error output"),
        );
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Follows the log until a line holds this text, and returns the line.
    pub async fn log_line(&self, text: &str) -> String {
        // Ignite's records go through Java's console handler, which writes to the error output.
        let mut lines = self.0.stderr(true).lines();
        let find = async {
            while let Some(line) = lines.next_line().await.expect("the log can be read") {
                if line.contains(text) {
                    return line;
                }
            }
            panic!("the log ended before `{text}`")
        };
        let found = timeout(LIMIT, find).await;
        found.unwrap_or_else(|_| panic!("no `{text}` in the log within {LIMIT:?}"))
    }
}

/// The image to run: `MESHPROOF_IGNITE_IMAGE`, which the engine may have to pull, else the lab's
/// own, which no registry has.
async fn image() -> String {
    if let Ok(named) = std::env::var("MESHPROOF_IGNITE_IMAGE") {
        return named;
    }
    let ours = ignite_reference();
    let engine = Engine::connect()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let present = engine
        .image_id(&ours)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(
        present.is_some(),
        "the Ignite image {ours} is not made yet; run ci/setup, or name another in \
         MESHPROOF_IGNITE_IMAGE"
    );
    ours
}

/// Name and tag, which testcontainers wants apart. A registry's port has a colon too.
fn name_and_tag(image: &str) -> (&str, &str) {
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}
