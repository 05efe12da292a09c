//! What the proxies show beside a symptom: the plaintext, the refusal or the sniffing behind it.

use meshproof_harness::evidence::nodes;
use meshproof_harness::evidence::proxy_tls::Reading;
use meshproof_harness::mesh::{OpenConnections, Proxy};
use meshproof_harness::outcome::{Check, Evidence, Standing};
use meshproof_harness::scenario::{Stand, StepError};
use meshproof_protocol::ports::ProductPort;

/// One thing that the two nodes' proxies have to show.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shown {
    /// Connections left one of them in plaintext, and the other refused them.
    PlaintextRefused,
    /// Connections left one of them in plaintext, and none was refused: accepted, or held open by a
    /// proxy that waits for the client's first bytes while the client waits for the server's. What the
    /// proxies demand is asked with the fault: one that demands nothing refuses nothing either.
    PlaintextNotRefused,
    /// No connection between nodes is open in plaintext, and this port's are encrypted.
    Encrypted(ProductPort),
}

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
        Ok(match self {
            Self::PlaintextRefused => {
                let statement = "connections leave in plaintext and the other side refuses them";
                plaintext(&readings, statement, |refused| refused > 0)
            }
            Self::PlaintextNotRefused => {
                let statement = "connections leave in plaintext and none is refused";
                plaintext(&readings, statement, |refused| refused == 0)
            }
            Self::Encrypted(port) => {
                let host = format!("ignite-headless.{}.svc.cluster.local", stand.namespace);
                encrypted(&readings, &open, port, &host)
            }
        })
    }
}

/// That connections left in plaintext, and that as many of them were refused as should be. A count
/// that a proxy does not keep is no 0.
fn plaintext(readings: &[Reading], statement: &str, refused_so: impl Fn(u64) -> bool) -> Check {
    let told = |count: Option<u64>| count.map_or("an unknown number".into(), |n| n.to_string());
    let line = |r: &Reading| {
        format!(
            "{}: {} by the PassthroughCluster, {} refused",
            r.pod,
            told(r.passthrough_total()),
            told(r.refused())
        )
    };
    let evidence: Vec<Evidence> = readings
        .iter()
        .flat_map(|r| [r.passthrough_evidence(line(r)), r.refused_evidence(line(r))])
        .collect();
    let seen = readings.iter().map(line).collect::<Vec<_>>().join("; ");
    let left: Option<u64> = readings.iter().map(Reading::passthrough_total).sum();
    let refused: Option<u64> = readings.iter().map(Reading::refused).sum();
    match left.zip(refused) {
        Some((left, refused)) => {
            let holds = left > 0 && refused_so(refused);
            Check::answered(Standing::Truth, statement, holds, seen, evidence)
        }
        None => {
            let because = format!("a proxy does not keep the counters: {seen}");
            Check::unproven(Standing::Truth, statement, because, evidence)
        }
    }
}

fn encrypted(
    readings: &[Reading],
    open: &[OpenConnections],
    port: ProductPort,
    host: &str,
) -> Check {
    let number = port.number();
    // Presence is what is asked for: a proxy that counts none shows none.
    let handshakes: u64 = readings
        .iter()
        .filter_map(|r| r.outbound_handshakes(number, host))
        .sum();
    let plain = open.iter().flat_map(OpenConnections::passing_by);
    let between = plain
        .filter(|port| ProductPort::from_number(*port).is_some())
        .count();
    Check::answered(
        Standing::Truth,
        format!("connections to {port} are encrypted and none is open in plaintext"),
        handshakes > 0 && between == 0,
        format!("{handshakes} handshakes on {number}, {between} open in plaintext"),
        readings
            .iter()
            .flat_map(|r| {
                let fact = format!("{}: TLS on {number}", r.pod);
                [
                    r.passthrough_evidence(fact.clone()),
                    r.outbound_evidence(number, host, fact),
                ]
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use meshproof_harness::mesh::Stats;
    use meshproof_harness::outcome::CheckResult;

    use super::*;

    const LEFT: &str = "cluster.PassthroughCluster;.upstream_cx_total: 10\n";
    const KEPT: &str = "cluster.outbound|80||a.b.svc.cluster.local;.ssl.handshake: 0\n";
    const NONE_REFUSED: &str = "listener.0.0.0.0_15006.no_filter_chain_match: 0\n";

    fn not_refused(pages: [&[&str]; 2]) -> Check {
        let reading = |page: &[&str]| Reading {
            pod: "ignite-0".into(),
            command: "curl".into(),
            stats: Stats::parse(&page.concat()),
        };
        let readings = pages.map(reading);
        plaintext(&readings, "none is refused", |refused| refused == 0)
    }

    #[test]
    fn plaintext_that_nobody_refuses_is_told_from_what_nobody_counts() {
        let (left, never): (&[_], &[_]) = (&[LEFT, NONE_REFUSED], &[KEPT, NONE_REFUSED]);
        assert!(not_refused([left, never]).holds());
        assert_eq!(not_refused([never, never]).result, CheckResult::Fails);
        let one = NONE_REFUSED.replace(": 0", ": 1");
        let refused = not_refused([left, &[KEPT, &one]]);
        assert_eq!(refused.result, CheckResult::Fails);
        for uncounted in [&[KEPT][..], &[NONE_REFUSED]] {
            let check = not_refused([left, uncounted]);
            let unproven = matches!(check.result, CheckResult::Unproven { .. });
            assert!(unproven && check.seen.contains("unknown"), "{}", check.seen);
        }
    }
}
