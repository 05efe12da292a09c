//! MP031: a proxy of the namespace sends plaintext to a node, now.

use super::{
    Answer, Rule, Said, advice, another_port, command, destination_rule, listed, no_listener,
    no_sidecar, other_target_port, parsed_port, restart, undeclared_port,
};
use crate::diagnose::proxy::{Host, ProxyView};
use crate::diagnose::view::{MtlsMode, ProductPod, Served, View, name};
use crate::mesh::ISTIO_NAMESPACE;
use crate::outcome::{Finding, Remedy, Symptom, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP031",
    title: "plaintext is sent to a node",
    apply,
};

/// What of it can explain that nodes do not find together: what a client sends cannot.
pub(super) const BETWEEN_NODES: Rule = Rule {
    apply: between_nodes,
    ..RULE
};

/// Rules that name what makes a proxy send plaintext.
const CAUSES: &[Rule] = &[
    undeclared_port::RULE,
    parsed_port::RULE,
    other_target_port::RULE,
    no_sidecar::RULE,
    no_listener::RULE,
    another_port::RULE,
    destination_rule::RULE,
];

/// Who sends.
#[derive(Clone, Copy)]
struct Sender<'v> {
    pod: &'v str,
    client: bool,
}

/// How plaintext leaves a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Past every Service.
    Passthrough,
    /// Through a Service's cluster that has no TLS.
    Service,
}

fn apply(view: &View<'_>) -> Answer {
    let mut answer = between_nodes(view);
    for proxy in view.other_proxies() {
        let sender = Sender {
            pod: &proxy.record.pod,
            client: true,
        };
        look(view, sender, &proxy, &mut answer);
    }
    answer
}

fn between_nodes(view: &View<'_>) -> Answer {
    let mut answer = Answer::nothing();
    for pod in view.in_mesh() {
        let Some(proxy) = &pod.proxy else {
            answer.lacks(format!("the proxy of {} did not answer", pod.name));
            continue;
        };
        let sender = Sender {
            pod: pod.name,
            client: false,
        };
        look(view, sender, proxy, &mut answer);
    }
    answer
}

/// Two ways out in plaintext can be seen: through the PassthroughCluster, whose hosts Envoy lists
/// only while they are in use and some seconds after, and through a Service's cluster that has no
/// TLS. The second shows only where the proxy keeps TLS counters.
fn look(view: &View<'_>, sender: Sender<'_>, proxy: &ProxyView<'_>, answer: &mut Answer) {
    let of = sender.pod;
    match passing(view, proxy) {
        Some(ports) => answer
            .findings
            .extend(finding(view, sender, &ports, Way::Passthrough)),
        None => answer.lacks(format!("the proxy of {of} did not list its clusters")),
    }
    if proxy.keeps_tls_counters() {
        let ports = without_tls(view, proxy);
        answer
            .findings
            .extend(finding(view, sender, &ports, Way::Service));
    } else {
        answer.lacks(format!(
            "the proxy of {of} keeps no TLS counters, so whether its connections through the Service \
             use TLS is not to be seen"
        ));
    }
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

/// Whether every node takes plaintext on these ports.
fn is_let_in(view: &View<'_>, ports: &[Served]) -> bool {
    let policies = [view.namespace(), ISTIO_NAMESPACE];
    let unread = |namespace| view.unread(namespace, "PeerAuthentication").is_some();
    let takes = |pod: &ProductPod<'_>| {
        let mut modes = ports.iter().map(|p| view.mtls_mode(pod.pod, p.number()));
        modes.all(|mode| mode != MtlsMode::Strict)
    };
    !policies.into_iter().any(unread) && view.in_mesh().all(takes)
}

fn finding(view: &View<'_>, sender: Sender<'_>, ports: &[Served], way: Way) -> Option<Finding> {
    if ports.is_empty() {
        return None;
    }
    // Between nodes that are no cluster plaintext that is let in may be what keeps them apart.
    let harms_not = is_let_in(view, ports) && (sender.client || view.is_in(Symptom::Healthy));
    let (weight, why) = if harms_not {
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
    let how = match way {
        Way::Passthrough => "through the PassthroughCluster",
        Way::Service => "through the Service, without TLS",
    };
    let (who, node) = if sender.client {
        ("It is a client's: its", "a node")
    } else {
        ("Its", "another node")
    };
    Some(RULE.finding(Said {
        weight,
        object: format!("Pod {}/{}", view.namespace(), sender.pod),
        seen: format!(
            "{who} proxy has, or had within the last seconds, connections to {} of {node} {how}.",
            listed(ports)
        ),
        why: why.into(),
        remedies: remedies(view, sender, ports, way),
    }))
}

/// The cause is a rule's own to mend, and what is open ends only with who opened it. Where no rule
/// names one there is still the proxy's configuration to look at.
fn remedies(view: &View<'_>, sender: Sender<'_>, ports: &[Served], way: Way) -> Vec<Remedy> {
    let (pod, namespace) = (sender.pod, view.namespace());
    let mut causes: Vec<String> = CAUSES
        .iter()
        .flat_map(|rule| (rule.apply)(view).findings)
        .filter(|cause| is_about(cause, ports, way))
        .map(|cause| cause.code)
        .collect();
    causes.dedup();
    let mut remedies = vec![];
    if causes.is_empty() {
        remedies.push(advice(
            "nothing that was read makes it so by now: what was opened before a cause was removed \
             stays as it is, and ends with the pod that opened it; should it come again, see whether \
             its proxy has a listener for the port",
        ));
        remedies.extend(ports.iter().map(|port| {
            command(format!(
                "istioctl proxy-config listeners {pod} -n {namespace} --port {}",
                port.number()
            ))
        }));
    } else {
        remedies.push(advice(format!(
            "do first what {} says, which is what makes the proxy send plaintext",
            listed(causes)
        )));
    }
    if sender.client {
        remedies.push(command(format!("kubectl delete pod {pod} -n {namespace}")));
    } else {
        remedies.extend(restart(view));
    }
    remedies
}

/// Whether a cause is one of these ports'. One pod without a sidecar takes TLS from every port of its
/// Service; any other cause is told with the number.
fn is_about(cause: &Finding, ports: &[Served], way: Way) -> bool {
    if cause.code == no_sidecar::RULE.code {
        return way == Way::Service;
    }
    let mut numbers = ports.iter().map(|port| port.number().to_string());
    numbers.any(|number| cause.seen.contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::Snapshot;
    use crate::diagnose::diagnose;
    use crate::diagnose::faults::edits::{client_passes_by, drop_port, passes_by, without_lines};
    use crate::diagnose::written::{healthy, pods, without_sidecar};

    fn found(snapshot: &Snapshot) -> Finding {
        let said = diagnose(snapshot);
        let mut of_rule = said.findings.into_iter().filter(|f| f.code == RULE.code);
        of_rule.next().expect("it is found")
    }

    fn told(finding: &Finding) -> String {
        serde_json::to_string(&finding.remedies).expect("plain data")
    }

    #[test]
    fn the_rule_that_names_the_ports_cause_is_told() {
        let mut snapshot = healthy();
        passes_by(&mut snapshot);
        drop_port(&mut snapshot, 47100);
        let undeclared = told(&found(&snapshot));
        assert!(undeclared.contains("do first what MP001 says"));
        assert!(undeclared.contains("kubectl delete pod ignite-0 ignite-1 -n ignite"));
        assert!(!undeclared.contains("istioctl"), "{undeclared}");
        let mut other = healthy();
        passes_by(&mut other);
        drop_port(&mut other, 10800);
        assert!(!told(&found(&other)).contains("MP001"));
        let mut bare = healthy();
        passes_by(&mut bare);
        pods(&mut bare).skip(1).for_each(without_sidecar);
        assert!(!told(&found(&bare)).contains("MP010"));
        bare.proxies[0].clusters =
            without_lines(&bare.proxies[0].clusters, "PassthroughCluster::10");
        for sample in &mut bare.proxies[0].samples {
            sample.stats = without_lines(&sample.stats, "|47500||");
        }
        assert!(told(&found(&bare)).contains("MP010"));
    }

    #[test]
    fn without_a_known_cause_there_are_still_commands() {
        let mut snapshot = healthy();
        passes_by(&mut snapshot);
        let told = told(&found(&snapshot));
        assert!(
            told.contains("istioctl proxy-config listeners ignite-0 -n ignite --port 47100"),
            "{told}"
        );
        assert!(told.contains("kubectl delete pod"), "{told}");
    }

    #[test]
    fn a_client_is_told_as_one_and_explains_nothing_between_nodes() {
        let mut snapshot = healthy();
        client_passes_by(&mut snapshot);
        let finding = found(&snapshot);
        assert_eq!(finding.object, "Pod ignite/ignite-client-0");
        assert_eq!(finding.weight, Weight::Cause);
        assert!(finding.seen.contains("client's"), "{}", finding.seen);
        assert!(finding.seen.contains("10800"), "{}", finding.seen);
        assert!(told(&finding).contains("kubectl delete pod ignite-client-0 -n ignite"));
        let view = View::of(&snapshot);
        assert_eq!((BETWEEN_NODES.apply)(&view), Answer::nothing());
    }
}
