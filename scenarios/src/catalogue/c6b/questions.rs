//! What the proxies have to show for C6b. Pure functions over what they said.

use meshproof_harness::evidence::proxy_tls::{self, Reading};
use meshproof_harness::mesh::Certificate;
use meshproof_harness::outcome::{Check, Evidence, Standing};
use meshproof_protocol::ports::ProductPort;

use super::Readings;

impl Readings {
    /// The questions, the one that makes TLS mutual last.
    pub(super) fn checks(&self) -> Vec<Check> {
        vec![
            self.discovery(),
            self.communication(),
            self.thin_client(),
            self.nothing_passes_by(),
            self.identities(),
            self.every_peer_had_a_certificate(),
        ]
    }

    /// The host of the headless Service through which the nodes and the client connect.
    fn host(&self) -> String {
        format!("ignite-headless.{}.svc.cluster.local", self.namespace)
    }

    fn discovery(&self) -> Check {
        let port = ProductPort::Discovery.number();
        let counted = self.outbound(port);
        Check::answered(
            Standing::Truth,
            format!("both nodes complete TLS handshakes to {port}"),
            counted.iter().all(|(_, count)| some(*count)),
            in_words(&counted),
            self.outbound_evidence(port),
        )
    }

    /// One connection carries both directions of data, so one side's handshake is enough.
    fn communication(&self) -> Check {
        let port = ProductPort::Communication.number();
        let counted = self.outbound(port);
        let connecting: Vec<&str> = counted
            .iter()
            .filter(|(_, count)| some(*count))
            .map(|(pod, _)| *pod)
            .collect();
        let seen = match connecting.as_slice() {
            [] => "neither side connected".to_owned(),
            sides => format!(
                "connecting: {}; {}",
                sides.join(" and "),
                in_words(&counted)
            ),
        };
        Check::answered(
            Standing::Truth,
            format!("at least one of the nodes completes a TLS handshake to {port}"),
            !connecting.is_empty(),
            seen,
            self.outbound_evidence(port),
        )
    }

    fn thin_client(&self) -> Check {
        let port = ProductPort::ThinClient.number();
        let count = self.client.outbound_handshakes(port, &self.host());
        let seen = in_words(&[(self.client.pod.as_str(), count)]);
        Check::answered(
            Standing::Truth,
            format!("a thin client completes a TLS handshake to {port}"),
            some(count),
            seen.clone(),
            vec![self.client.outbound_evidence(port, &self.host(), seen)],
        )
    }

    /// Absence shows something only on a page on which the node's other connections are seen.
    fn nothing_passes_by(&self) -> Check {
        let statement = "no connection of a node to a product port is open through the \
                         PassthroughCluster";
        let host = self.host();
        let (mut shown, mut none_open) = (true, true);
        let (mut lines, mut evidence) = (vec![], vec![]);
        for node in &self.nodes {
            let (counted, open) = (&node.counted, &node.open);
            let known = open.through_service(&host);
            let mut passing = open.passing_by();
            passing.retain(|port| ProductPort::served_by(*port).is_some());
            shown &= open.lists_passthrough() && !known.is_empty();
            none_open &= passing.is_empty();
            let line = format!(
                "{}: past the mesh {}, through the Service {}",
                counted.pod,
                ports_in_words(&passing),
                ports_in_words(&known)
            );
            let total = told(counted.passthrough_total());
            let ever = format!("{}: {total} ever, to any port", counted.pod);
            evidence.push(open.evidence(&host, line.clone()));
            evidence.push(counted.passthrough_evidence(ever));
            lines.push(line);
        }
        if !shown && none_open {
            let because = "a proxy shows no connection of its node to the other, or no \
                           PassthroughCluster, so that absence there shows nothing";
            return Check::unproven(Standing::Truth, statement, because, evidence);
        }
        Check::answered(
            Standing::Truth,
            statement,
            none_open,
            lines.join("; "),
            evidence,
        )
    }

    fn identities(&self) -> Check {
        let expected = proxy_tls::default_identity(&self.namespace);
        let exact = |certificates: &[Certificate]| {
            proxy_tls::identities(certificates)
                .into_iter()
                .eq([expected.as_str()])
        };
        let lines: Vec<String> = self
            .nodes
            .iter()
            .map(|n| {
                format!(
                    "{}: {}",
                    n.counted.pod,
                    identities_in_words(&n.certificates)
                )
            })
            .collect();
        Check::answered(
            Standing::Truth,
            format!("each node's proxy holds the identity {expected} and no other"),
            self.nodes.iter().all(|node| exact(&node.certificates)),
            lines.join("; "),
            self.nodes
                .iter()
                .map(|node| node.certificates_page.clone())
                .collect(),
        )
    }

    fn every_peer_had_a_certificate(&self) -> Check {
        let statement = "every inbound TLS handshake of a node was made with a client certificate, \
                         in TLS 1.2 or 1.3";
        let (mut kept, mut holds) = (true, true);
        let (mut lines, mut evidence) = (vec![], vec![]);
        for node in &self.nodes {
            let (counted, inbound) = (&node.counted, node.counted.inbound());
            let versions: Vec<&str> = inbound.versions.iter().map(|(v, _)| v.as_str()).collect();
            kept &= inbound.without_certificate.is_some();
            holds &= some(inbound.handshakes)
                && inbound.without_certificate.unwrap_or(0) == 0
                && !versions.is_empty()
                && versions.iter().all(|v| matches!(*v, "TLSv1.2" | "TLSv1.3"));
            let line = format!(
                "{}: {} of {} without a client certificate, {}",
                counted.pod,
                told(inbound.without_certificate),
                told(inbound.handshakes),
                if versions.is_empty() {
                    "no TLS version".into()
                } else {
                    versions.join(" and ")
                },
            );
            evidence.push(counted.inbound_evidence(line.clone()));
            lines.push(line);
        }
        if holds && !kept {
            let because = "a proxy does not count handshakes without a client certificate";
            return Check::unproven(Standing::Truth, statement, because, evidence);
        }
        let seen = format!("inbound handshakes, {}", lines.join("; "));
        Check::answered(Standing::Truth, statement, holds, seen, evidence)
    }

    fn outbound(&self, port: u16) -> Vec<(&str, Option<u64>)> {
        let host = self.host();
        let count = |node: &Reading| node.outbound_handshakes(port, &host);
        self.nodes
            .iter()
            .map(|n| (n.counted.pod.as_str(), count(&n.counted)))
            .collect()
    }

    fn outbound_evidence(&self, port: u16) -> Vec<Evidence> {
        let host = self.host();
        let evidence = |node: &Reading| {
            let fact = in_words(&[(node.pod.as_str(), node.outbound_handshakes(port, &host))]);
            node.outbound_evidence(port, &host, fact)
        };
        self.nodes
            .iter()
            .map(|node| evidence(&node.counted))
            .collect()
    }
}

/// Whether it was counted at all: what is not kept shows no presence.
fn some(count: Option<u64>) -> bool {
    count.is_some_and(|count| count > 0)
}

fn told(count: Option<u64>) -> String {
    count.map_or_else(|| "an unknown number".into(), |n| n.to_string())
}

fn in_words(counted: &[(&str, Option<u64>)]) -> String {
    let words: Vec<String> = counted
        .iter()
        .map(|(pod, count)| format!("{pod} {}", told(*count)))
        .collect();
    format!("handshakes: {}", words.join(", "))
}

fn ports_in_words(ports: &[u16]) -> String {
    if ports.is_empty() {
        return "to no port".into();
    }
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    format!("to {}", ports.join(" and "))
}

/// The identities that certificates carry.
pub(super) fn identities_in_words(certificates: &[Certificate]) -> String {
    let identities: Vec<&str> = proxy_tls::identities(certificates).into_iter().collect();
    if identities.is_empty() {
        "no identity".into()
    } else {
        identities.join(" and ")
    }
}

#[cfg(test)]
mod tests;
