//! MP001: no Service declares a port on which nodes speak to each other.

use meshproof_protocol::ports::ProductPort;

use super::{Answer, Rule};
use crate::diagnose::view::{NODE_PORTS, View, object};
use crate::mesh::Injection;
use crate::outcome::{Finding, Remedy, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP001",
    title: "a port between nodes is declared by no Service",
    apply,
};

/// Istio makes an outbound listener with mutual TLS only for a declared port of a known Service.
/// What goes to any other port of a pod's address leaves through the PassthroughCluster as it is
/// (guide, "Deploy the two-node cluster"; measured with Istio builds of April and August 2026).
fn apply(view: &View<'_>) -> Answer {
    let in_mesh = view
        .product
        .iter()
        .any(|pod| pod.injection != Injection::Absent);
    if !in_mesh {
        return Answer::Found(vec![]);
    }
    let missing: Vec<ProductPort> = NODE_PORTS
        .into_iter()
        .filter(|port| view.declarations(*port).is_empty())
        .collect();
    if missing.is_empty() {
        return Answer::Found(vec![]);
    }
    let ports = missing
        .iter()
        .map(|port| format!("{} ({port})", port.number()))
        .collect::<Vec<_>>()
        .join(" and ");
    let services = view.product_services();
    let (found_on, remedies) = match services.first() {
        Some(service) => {
            let entries: String = missing
                .iter()
                .map(|port| format!("  - name: tcp-{port}\n    port: {}\n", port.number()))
                .collect();
            let patch = Remedy::Patch {
                object: object(service),
                yaml: format!("spec:\n  ports:\n{entries}"),
            };
            (object(service), vec![patch, restart(view)])
        }
        None => {
            let text = "create a headless Service that selects the pods and declares 10800, 47100 \
                        and 47500 with names that begin with tcp-";
            let advice = Remedy::Advice { text: text.into() };
            (
                format!("Namespace {}", view.namespace()),
                vec![advice, restart(view)],
            )
        }
    };
    Answer::Found(vec![Finding {
        code: RULE.code.into(),
        title: RULE.title.into(),
        weight: Weight::Cause,
        object: found_on,
        seen: format!("No Service that selects the nodes declares {ports}."),
        why: "For a port that is not declared a sidecar has no listener: the connection leaves in \
              plaintext through the PassthroughCluster, and under STRICT the other side resets it."
            .into(),
        remedies,
    }])
}

/// Nodes that came up apart, or stalled, do not find together by themselves.
fn restart(view: &View<'_>) -> Remedy {
    let pods: Vec<&str> = view.product.iter().map(|pod| pod.name).collect();
    Remedy::Command {
        command: format!(
            "kubectl delete pod {} -n {}",
            pods.join(" "),
            view.namespace()
        ),
    }
}
