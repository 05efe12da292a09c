//! The proxies as a witness of mutual TLS: what their counters and certificates say, per port.
//!
//! Pure readings of one proxy's statistics. Names are Envoy's, with the endings that Istio gives
//! to a cluster's name (seen with Envoy 1.40.0 and 1.38.2). Counters are history, since the proxy
//! began; only `..._active` is now.

use std::collections::BTreeSet;

use crate::mesh::{Certificate, MeshError, Proxy, Stats, excerpt};
use crate::outcome::Evidence;

/// The statistics that are read, as a filter of the admin port's `/stats`.
pub const FILTER: &str = "ssl|upstream_cx|no_filter_chain";
/// The listener through which all inbound connections pass.
const INBOUND: &str = "listener.0.0.0.0_15006.";
/// The counter of connections that it refused, having no filter chain for them: plaintext, where
/// only mutual TLS is taken.
const REFUSED: &str = "listener.0.0.0.0_15006.no_filter_chain_match";
/// The cluster of outbound connections to what the mesh does not know: they go out as they are.
const PASSTHROUGH: &str = "cluster.PassthroughCluster;.";

/// One proxy's statistics, with the command that shows them.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The pod.
    pub pod: String,
    /// The command by which a person reads the same.
    pub command: String,
    /// What it said.
    pub stats: Stats,
}

/// The inbound side of a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// TLS handshakes that were completed; none where the counter is not kept.
    pub handshakes: Option<u64>,
    /// Those of them in which the peer showed no certificate; none where the counter is not kept.
    pub without_certificate: Option<u64>,
    /// Handshakes per version, as in `TLSv1.3`.
    pub versions: Vec<(String, u64)>,
}

impl Reading {
    /// Reads a proxy now.
    ///
    /// # Errors
    /// When its admin port does not answer.
    pub async fn of(proxy: &Proxy<'_>) -> Result<Self, MeshError> {
        Ok(Self {
            pod: proxy.pod.clone(),
            command: proxy.command(&format!("/stats?filter={FILTER}")),
            stats: proxy.stats(FILTER).await?,
        })
    }

    /// TLS handshakes that this proxy completed as the connecting side of a Service's port; none where
    /// it knows no such port, or keeps no such counter.
    pub fn outbound_handshakes(&self, port: u16, host: &str) -> Option<u64> {
        self.stats
            .get(&format!("{}ssl.handshake", outbound(port, host)))
    }

    /// What it says of inbound connections.
    pub fn inbound(&self) -> Inbound {
        let versions = format!("{INBOUND}ssl.versions.");
        let versions = self
            .stats
            .between(&versions, "")
            .filter(|(_, count)| *count > 0);
        Inbound {
            handshakes: self.stats.get(&format!("{INBOUND}ssl.handshake")),
            without_certificate: self.stats.get(&format!("{INBOUND}ssl.no_certificate")),
            versions: versions
                .map(|(version, count)| (version.to_owned(), count))
                .collect(),
        }
    }

    /// Connections that ever were made through the PassthroughCluster, whatever the port. The
    /// counter comes into being with the first: it is 0 where it is not listed and those of other
    /// clusters are, and unknown where the proxy keeps none of theirs either.
    pub fn passthrough_total(&self) -> Option<u64> {
        let kept = self.stats.between("cluster.outbound|", ".ssl.handshake");
        let never = || (kept.count() > 0).then_some(0);
        let total = self.stats.get(&format!("{PASSTHROUGH}upstream_cx_total"));
        total.or_else(never)
    }

    /// Inbound connections that it refused for want of a filter chain; none where the counter, which
    /// begins with the listener, is not kept.
    pub fn refused(&self) -> Option<u64> {
        self.stats.get(REFUSED)
    }

    /// Evidence made of the lines that bear on one port of a Service.
    pub fn outbound_evidence(&self, port: u16, host: &str, fact: impl Into<String>) -> Evidence {
        let start = outbound(port, host);
        self.evidence(fact, |name| name.starts_with(&start))
    }

    /// Evidence made of the inbound listener's lines.
    pub fn inbound_evidence(&self, fact: impl Into<String>) -> Evidence {
        self.evidence(fact, |name| name.starts_with(INBOUND))
    }

    /// Evidence made of the line that counts refused connections.
    pub fn refused_evidence(&self, fact: impl Into<String>) -> Evidence {
        self.evidence(fact, |name| name.starts_with(REFUSED))
    }

    /// Evidence made of the PassthroughCluster's lines.
    pub fn passthrough_evidence(&self, fact: impl Into<String>) -> Evidence {
        self.evidence(fact, |name| name.starts_with(PASSTHROUGH))
    }

    /// Evidence made of the lines that are wanted, without when certificates expire and what
    /// nobody asked of stapled revocation answers.
    fn evidence(&self, fact: impl Into<String>, wanted: impl Fn(&str) -> bool) -> Evidence {
        let told = |name: &str| !name.contains(".ssl.certificate.") && !name.contains(".ssl.ocsp_");
        let raw = excerpt(&self.stats.raw, |line| wanted(line) && told(line));
        Evidence::now(self.command.clone(), raw, fact)
    }
}

/// What the names of a Service port's cluster begin with.
fn outbound(port: u16, host: &str) -> String {
    format!("cluster.outbound|{port}||{host};.")
}

/// The identities that a proxy's certificates carry.
pub fn identities(certificates: &[Certificate]) -> BTreeSet<&str> {
    certificates
        .iter()
        .flat_map(|c| c.uris.iter().map(String::as_str))
        .collect()
}

/// The identity of a namespace's default service account, in the mesh's default trust domain.
pub fn default_identity(namespace: &str) -> String {
    format!("spiffe://cluster.local/ns/{namespace}/sa/default")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "ignite-headless.ignite.svc.cluster.local";

    fn reading(text: &str) -> Reading {
        Reading {
            pod: "ignite-0".into(),
            command: "curl".into(),
            stats: Stats::parse(text),
        }
    }

    #[test]
    fn a_recorded_proxy_is_read_per_port() {
        let node = reading(include_str!("../../fixtures/proxies/ignite-0.stats"));
        let counts = [47500, 47100, 10800].map(|port| node.outbound_handshakes(port, HOST));
        assert_eq!(counts, [Some(16), Some(24), Some(0)]);
        assert_eq!(
            node.outbound_handshakes(47500, "ignite-headless.other.svc.cluster.local"),
            None
        );
        assert_eq!(
            (node.passthrough_total(), node.refused()),
            (Some(6), Some(6))
        );
        let expected = Inbound {
            handshakes: Some(21),
            without_certificate: Some(0),
            versions: vec![("TLSv1.3".into(), 21)],
        };
        assert_eq!(node.inbound(), expected);
    }

    #[test]
    fn a_counter_that_is_not_listed_is_told_from_one_that_is_zero() {
        let node = reading("listener.0.0.0.0_15006.ssl.handshake: 2\n");
        assert_eq!(node.inbound().without_certificate, None);
        assert_eq!((node.passthrough_total(), node.refused()), (None, None));
    }

    #[test]
    fn a_counter_that_its_first_count_makes_is_zero_before_it_where_its_like_are_kept() {
        let recorded = include_str!("../../fixtures/proxies/ignite-0.stats");
        let lines = recorded
            .lines()
            .filter(|l| !l.contains("PassthroughCluster"));
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        let node = reading(&text);
        assert_eq!(
            (node.passthrough_total(), node.refused()),
            (Some(0), Some(6))
        );
    }

    #[test]
    fn evidence_keeps_the_lines_that_bear_on_it_and_says_how_many_there_were() {
        let node = reading(include_str!("../../fixtures/proxies/ignite-0.stats"));
        let all = node.stats.raw.lines().count();
        let evidence = node.outbound_evidence(47500, HOST, "fact");
        assert!(
            evidence
                .raw
                .lines()
                .rev()
                .skip(1)
                .all(|line| line.contains("|47500|"))
        );
        assert!(
            evidence.raw.ends_with(&format!("of {all} lines)")),
            "{}",
            evidence.raw
        );
    }
}
