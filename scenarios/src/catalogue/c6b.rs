//! C6b: mutual TLS on each of the product's ports, by the proxies' own counters.
//!
//! It reads the proxies; what they have to show is in [`questions`].

mod questions;

use jiff::Timestamp;
use meshproof_harness::evidence::log_gate;
use meshproof_harness::evidence::nodes;
use meshproof_harness::evidence::proxy_tls::Reading;
use meshproof_harness::mesh::{Certificate, OpenConnections, Proxy, excerpt};
use meshproof_harness::outcome::{Check, Evidence};
use meshproof_harness::scenario::{About, Checkpoint, Scenario, Scope, Stand, StepError};

use super::client;

/// The scenario.
pub fn scenario() -> Scenario {
    let about = About {
        id: "C6b",
        title: "Mutual TLS on every port",
        section: "Verify mutual TLS is enforced",
        claim: "Traffic between the nodes on the discovery and communication ports, and that of \
                thin clients, is encrypted and authenticated on both sides.",
        scope: Scope::Namespace,
        alone: None,
        remarks: &[
            "Deviation: not the guide's command but Envoy's TLS counters, which are kept per port \
             and need none of Istio's own filters.",
            "Counters are history since the proxy began. Connections through the \
             PassthroughCluster that have ended, as those to a new pod before the proxy has heard \
             of it, are shown and not judged: what is open now is, by its port.",
        ],
    };
    Scenario::checkpoint(about, PerPort)
}

struct PerPort;

/// All that the proxies said.
struct Readings {
    namespace: String,
    nodes: Vec<Node>,
    client: Reading,
}

/// What the proxy of one node said.
struct Node {
    counted: Reading,
    open: OpenConnections,
    certificates: Vec<Certificate>,
    /// The page with the certificates.
    certificates_page: Evidence,
}

impl Checkpoint for PerPort {
    /// The client's pod, and when the step began.
    type Arranged = (String, Timestamp);

    async fn arrange(&self, stand: &Stand) -> Result<Self::Arranged, StepError> {
        let begun = Timestamp::now();
        let pod = client::ready(stand)
            .await?
            .metadata
            .name
            .unwrap_or_default();
        client::asks_the_cluster(stand, &pod).await?;
        Ok((pod, begun))
    }

    async fn check(
        &self,
        stand: &Stand,
        (client_pod, begun): Self::Arranged,
    ) -> Result<Vec<Check>, StepError> {
        let of_client = Proxy::of(&stand.kube, &stand.namespace, client_pod);
        let (nodes, client) = tokio::try_join!(
            futures::future::try_join_all(nodes::PODS.map(|pod| ask_node(stand, pod))),
            async { Ok(Reading::of(&of_client).await?) },
        )?;
        let mut checks = Readings {
            namespace: stand.namespace.clone(),
            nodes,
            client,
        }
        .checks();
        let logs = log_gate::Logs::of_nodes(&stand.product, &stand.namespace, begun);
        let quiet = logs.check(&stand.kube, &[]).await?;
        checks.insert(checks.len().saturating_sub(1), quiet);
        Ok(checks)
    }
}

async fn ask_node(stand: &Stand, pod: &str) -> Result<Node, StepError> {
    let proxy = Proxy::of(&stand.kube, &stand.namespace, pod);
    let (counted, open, (certificates, page)) = tokio::try_join!(
        async { Ok::<_, StepError>(Reading::of(&proxy).await?) },
        async { Ok(OpenConnections::of(&stand.kube, &proxy).await?) },
        async { Ok(proxy.certificates().await?) },
    )?;
    let told = |line: &str| line.contains("\"uri\"") || line.contains("\"expiration_time\"");
    let page = excerpt(&page, told);
    let fact = questions::identities_in_words(&certificates);
    let certificates_page = Evidence::now(proxy.command("/certs"), page, fact);
    Ok(Node {
        counted,
        open,
        certificates,
        certificates_page,
    })
}
