//! MP001: no Service declares a port of the nodes.

use meshproof_protocol::ports::ProductPort;

use super::{Answer, Rule, Said, advice, listed, other_target_port, restart};
use crate::diagnose::services::entries_yaml;
use crate::diagnose::view::{NODE_PORTS, View, name, object};
use crate::outcome::{Finding, Remedy, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP001",
    title: "a port of the nodes is declared by no Service",
    apply,
};

/// Istio makes an outbound listener with mutual TLS at pods' addresses only for a declared port of
/// a headless Service. What goes to any other port of a pod's address leaves through the
/// PassthroughCluster as it is (guide, "Deploy the two-node cluster"; measured with Istio builds of
/// April and August 2026).
fn apply(view: &View<'_>) -> Answer {
    if view.in_mesh().next().is_none() {
        return Answer::nothing();
    }
    if let Some(because) = view.unread(view.namespace(), "Service") {
        return Answer::unknown(because);
    }
    let between: Vec<ProductPort> = NODE_PORTS
        .into_iter()
        .filter(|port| view.headless_declarations(*port).is_empty())
        .filter(|port| !other_target_port::leads_elsewhere(view, *port))
        .collect();
    let clients = ProductPort::ThinClient;
    let no_clients =
        view.declarations(clients).is_empty() && !other_target_port::leads_elsewhere(view, clients);
    let mut found = vec![];
    if !between.is_empty() {
        found.push(finding(view, Weight::Cause, &between));
    }
    if no_clients {
        found.push(finding(view, Weight::Risk, &[clients]));
    }
    Answer::found(found)
}

fn finding(view: &View<'_>, weight: Weight, missing: &[ProductPort]) -> Finding {
    let ports = listed(
        missing
            .iter()
            .map(|port| format!("{} ({})", port.number(), port.name())),
    );
    let with_address: Vec<&str> = missing
        .iter()
        .flat_map(|port| view.declarations(*port))
        .map(|(service, _)| name(service))
        .collect();
    let but = match with_address.first() {
        Some(service) => format!(
            " The Service {service} does, and has an address of its own, while nodes dial each \
             other's."
        ),
        None => String::new(),
    };
    let services = view.product_services();
    let headless = services
        .iter()
        .find(|service| crate::diagnose::services::is_headless(service));
    let (found_on, mut remedies) = match headless {
        Some(service) => {
            let patch = Remedy::Patch {
                object: object(service),
                yaml: entries_yaml(missing.iter().copied()),
            };
            (object(service), vec![patch])
        }
        None => {
            let text = "create a headless Service that selects the pods and declares 10800, 47100 \
                        and 47500 with names that begin with tcp-";
            (
                format!("Namespace {}", view.namespace()),
                vec![advice(text)],
            )
        }
    };
    if weight == Weight::Cause {
        remedies.extend(restart(view));
    }
    let why = if weight == Weight::Cause {
        "For a port that is not declared a sidecar has no listener: the connection leaves in \
         plaintext through the PassthroughCluster. Under STRICT the other side resets it on 47500 \
         and 10800, and holds it without an answer on 47100. In a mesh whose outboundTrafficPolicy \
         is REGISTRY_ONLY it does not leave at all."
    } else {
        "Nodes do not need it, but a thin client in the mesh that dials a node by its pod's \
         address is not encrypted, and under STRICT the node's side resets it."
    };
    RULE.finding(Said {
        weight,
        object: found_on,
        seen: format!("No headless Service that selects the nodes declares {ports}.{but}"),
        why: why.into(),
        remedies,
    })
}
