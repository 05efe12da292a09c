//! MP031: a node speaks plaintext to another, now.

use super::{Answer, Rule, Said, advice, listed};
use crate::diagnose::proxy::{Host, ProxyView};
use crate::diagnose::view::{MtlsMode, ProductPod, Served, View, name};
use crate::mesh::ISTIO_NAMESPACE;
use crate::outcome::{Finding, Symptom, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP031",
    title: "a node sends plaintext to another",
    apply,
};

/// Two ways out in plaintext can be seen: through the PassthroughCluster, whose hosts Envoy lists
/// only while they are in use and some seconds after, and through a Service's cluster that has no
/// TLS. The second shows only where the proxy keeps TLS counters.
fn apply(view: &View<'_>) -> Answer {
    let mut answer = Answer::nothing();
    for pod in view.in_mesh() {
        let Some(proxy) = &pod.proxy else {
            answer.lacks(format!("the proxy of {} did not answer", pod.name));
            continue;
        };
        match passing(view, proxy) {
            Some(ports) => {
                answer
                    .findings
                    .extend(finding(view, pod, &ports, "through the PassthroughCluster"))
            }
            None => answer.lacks(format!(
                "the proxy of {} did not list its clusters",
                pod.name
            )),
        }
        if proxy.keeps_tls_counters() {
            let ports = without_tls(view, proxy);
            answer.findings.extend(finding(
                view,
                pod,
                &ports,
                "through the Service, without TLS",
            ));
        } else {
            answer.lacks(format!(
                "the proxy of {} keeps no TLS counters, so whether its connections through the \
                 Service use TLS is not to be seen",
                pod.name
            ));
        }
    }
    answer
}

/// Ports of the product's pods to which something passes by.
fn passing(view: &View<'_>, proxy: &ProxyView<'_>) -> Option<Vec<Served>> {
    let hosts = proxy.passing_by()?;
    Some(of_nodes(view, hosts.iter()))
}

/// Ports with open connections through a Service of the product, whose cluster has no TLS.
fn without_tls(view: &View<'_>, proxy: &ProxyView<'_>) -> Vec<Served> {
    let hosts = view.product_services();
    let hosts: Vec<String> = hosts
        .into_iter()
        .map(|service| format!("{}.{}.svc.", name(service), view.namespace()))
        .collect();
    let plain: Vec<Host<'_>> = proxy
        .hosts()
        .filter(|found| found.active > 0)
        .filter(|found| hosts.iter().any(|host| is_of(found.cluster, host)))
        .filter(|found| {
            let tls = format!("cluster.{};.ssl.handshake", found.cluster);
            let named_plainly = format!("cluster.{}.ssl.handshake", found.cluster);
            let has_tls = proxy.counter(&tls).or(proxy.counter(&named_plainly));
            has_tls.is_none()
        })
        .collect();
    of_nodes(view, plain.iter())
}

/// What nodes serve at these hosts, each once.
fn of_nodes<'h>(view: &View<'_>, hosts: impl Iterator<Item = &'h Host<'h>>) -> Vec<Served> {
    let mut ports: Vec<Served> = hosts
        .filter_map(|host| {
            let mut pods = view.product.iter();
            let pod = pods.find(|pod| pod.addresses().contains(&host.address))?;
            pod.serves(host.port)
        })
        .collect();
    ports.sort();
    ports.dedup();
    ports
}

/// Whether a name like `outbound|47500||host.namespace.svc.cluster.local` is of this host.
fn is_of(cluster: &str, host: &str) -> bool {
    let of = cluster
        .strip_prefix("outbound|")
        .and_then(|c| c.split('|').nth(2));
    of.is_some_and(|of| of.starts_with(host))
}

/// Whether plaintext to these ports does no harm but that anybody can read it: every node takes it, and
/// the nodes are one cluster.
fn harms_not(view: &View<'_>, ports: &[Served]) -> bool {
    let policies = [view.namespace(), ISTIO_NAMESPACE];
    let unread = |namespace| view.unread(namespace, "PeerAuthentication").is_some();
    let takes = |pod: &ProductPod<'_>| {
        let mut modes = ports.iter().map(|p| view.mtls_mode(pod.pod, p.number()));
        modes.all(|mode| mode != MtlsMode::Strict)
    };
    view.is_in(Symptom::Healthy) && !policies.into_iter().any(unread) && view.in_mesh().all(takes)
}

fn finding(view: &View<'_>, pod: &ProductPod<'_>, ports: &[Served], how: &str) -> Option<Finding> {
    if ports.is_empty() {
        return None;
    }
    let (weight, why) = if harms_not(view, ports) {
        (
            Weight::Exposure,
            "What goes there is not encrypted. Mutual TLS is not required there, so that it is let \
             in, and a connection that is open stays so until it ends.",
        )
    } else {
        (
            Weight::Cause,
            "What goes there is not encrypted; under STRICT the other side resets it or never \
             answers.",
        )
    };
    Some(RULE.finding(Said {
        weight,
        object: pod.object(),
        seen: format!(
            "Its proxy has, or had within the last seconds, connections to {} of another node {how}.",
            listed(ports)
        ),
        why: why.into(),
        remedies: vec![advice(
            "declare the port in the headless Service with the prefix tcp-, see that every node has \
             a sidecar and that no DestinationRule turns TLS off, then restart the nodes",
        )],
    }))
}
