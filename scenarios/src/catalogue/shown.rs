//! What the proxies show beside a symptom: the plaintext, the refusal or the sniffing behind it.

use meshproof_harness::evidence::nodes;
use meshproof_harness::evidence::proxy_tls::Reading;
use meshproof_harness::mesh::{OpenConnections, Proxy};
use meshproof_harness::outcome::{Check, Standing};
use meshproof_harness::scenario::{Stand, StepError};
use meshproof_protocol::ports::ProductPort;

/// One thing that the two nodes' proxies have to show.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shown {
    /// Connections left one of them in plaintext, and the other refused them.
    PlaintextRefused,
    /// Connections left one of them in plaintext, and none was refused: accepted, or held open by a
    /// proxy that waits for the client's first bytes while the client waits for the server's.
    PlaintextNotRefused,
    /// No connection between nodes is open in plaintext, and this port's are encrypted.
    Encrypted(ProductPort),
}

const REFUSALS: &str = "listener.0.0.0.0_15006.no_filter_chain_match";

impl Shown {
    /// Asks both proxies.
    pub(super) async fn check(self, stand: &Stand) -> Result<Check, StepError> {
        let mut readings = vec![];
        let mut open = vec![];
        for pod in nodes::PODS {
            let proxy = Proxy::of(&stand.kube, &stand.namespace, pod);
            readings.push(Reading::of(&proxy).await?);
            open.push(OpenConnections::of(&stand.kube, &proxy).await?);
        }
        let left: u64 = readings.iter().map(Reading::passthrough_total).sum();
        let refused: u64 = readings.iter().map(|r| r.stats.get(REFUSALS)).sum();
        let host = format!("ignite-headless.{}.svc.cluster.local", stand.namespace);
        let told = |r: &Reading| {
            format!(
                "{}: {} by the PassthroughCluster, {} refused",
                r.pod,
                r.passthrough_total(),
                r.stats.get(REFUSALS)
            )
        };
        let counts = readings.iter().map(told).collect::<Vec<_>>().join("; ");
        let mut evidence: Vec<_> = readings
            .iter()
            .map(|r| r.passthrough_evidence(told(r)))
            .collect();
        let (statement, holds, seen) = match self {
            Self::PlaintextRefused => (
                "connections leave in plaintext and the other side refuses them".to_owned(),
                left > 0 && refused > 0,
                counts,
            ),
            Self::PlaintextNotRefused => (
                "connections leave in plaintext and none is refused".to_owned(),
                left > 0 && refused == 0,
                counts,
            ),
            Self::Encrypted(port) => {
                let number = port.number();
                let handshakes: u64 = readings
                    .iter()
                    .map(|r| r.outbound_handshakes(number, &host))
                    .sum();
                let plain: Vec<u16> = open.iter().flat_map(OpenConnections::passing_by).collect();
                let between = plain
                    .iter()
                    .filter(|port| ProductPort::ALL.iter().any(|p| p.number() == **port))
                    .count();
                evidence.extend(readings.iter().map(|r| {
                    r.outbound_evidence(number, &host, format!("{}: TLS on {number}", r.pod))
                }));
                (
                    format!("connections to {port} are encrypted and none is open in plaintext"),
                    handshakes > 0 && between == 0,
                    format!("{handshakes} handshakes on {number}, {between} open in plaintext"),
                )
            }
        };
        Ok(Check::answered(
            Standing::Truth,
            statement,
            holds,
            seen,
            evidence,
        ))
    }
}
