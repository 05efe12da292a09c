//! MP031: a node speaks plaintext to another, now.

use meshproof_protocol::ports::ProductPort;

use super::{Answer, Rule, Said, advice, listed};
use crate::diagnose::proxy::ProxyView;
use crate::diagnose::view::{MtlsMode, ProductPod, View, name};
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
fn passing(view: &View<'_>, proxy: &ProxyView<'_>) -> Option<Vec<ProductPort>> {
    let hosts = proxy.passing_by()?;
    let of_product = hosts.iter().filter(|host| {
        let mut pods = view.product.iter();
        pods.any(|pod| pod.addresses().contains(&host.address))
    });
    let mut ports: Vec<ProductPort> = of_product
        .filter_map(|host| ProductPort::from_number(host.port))
        .collect();
    ports.sort();
    ports.dedup();
    Some(ports)
}

/// Ports with open connections through a Service of the product, whose cluster has no TLS.
fn without_tls(view: &View<'_>, proxy: &ProxyView<'_>) -> Vec<ProductPort> {
    let mut ports = vec![];
    for service in view.product_services() {
        let host = format!("{}.{}.svc.", name(service), view.namespace());
        for found in proxy.hosts().filter(|found| found.active > 0) {
            let Some(port) = port_of(found.cluster, &host) else {
                continue;
            };
            let tls = format!("cluster.{};.ssl.handshake", found.cluster);
            let named_plainly = format!("cluster.{}.ssl.handshake", found.cluster);
            let has_tls = proxy.counter(&tls).or(proxy.counter(&named_plainly));
            if has_tls.is_none() && !ports.contains(&port) {
                ports.push(port);
            }
        }
    }
    ports.sort();
    ports
}

/// The product's port in a name like `outbound|47500||host.namespace.svc.cluster.local`.
fn port_of(cluster: &str, host: &str) -> Option<ProductPort> {
    let (port, rest) = cluster.strip_prefix("outbound|")?.split_once('|')?;
    let (_, of) = rest.split_once('|')?;
    if !of.starts_with(host) {
        return None;
    }
    ProductPort::from_number(port.parse().ok()?)
}

/// Whether plaintext to these ports does no harm but that anybody can read it: every node takes it, and
/// the nodes are one cluster.
fn harms_not(view: &View<'_>, ports: &[ProductPort]) -> bool {
    let policies = [view.namespace(), ISTIO_NAMESPACE];
    let unread = |namespace| view.unread(namespace, "PeerAuthentication").is_some();
    let takes = |pod: &ProductPod<'_>| {
        let mut modes = ports.iter().map(|p| view.mtls_mode(pod.pod, p.number()));
        modes.all(|mode| mode != MtlsMode::Strict)
    };
    view.is_in(Symptom::Healthy) && !policies.into_iter().any(unread) && view.in_mesh().all(takes)
}

fn finding(
    view: &View<'_>,
    pod: &ProductPod<'_>,
    ports: &[ProductPort],
    how: &str,
) -> Option<Finding> {
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
