//! MP033: a DestinationRule turns the mesh's TLS off for the product.

use meshproof_protocol::ports::ProductPort;
use serde_json::Value;

use super::{Answer, Rule, Said, advice, listed};
use crate::diagnose::view::{MtlsMode, NODE_PORTS, View, name, object, selects};
use crate::mesh::ISTIO_NAMESPACE;
use crate::outcome::{Finding, Remedy, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP033",
    title: "a DestinationRule turns mutual TLS off for the nodes",
    apply,
};

fn apply(view: &View<'_>) -> Answer {
    if view.in_mesh().next().is_none() {
        return Answer::nothing();
    }
    let mut answer = Answer::nothing();
    for namespace in [view.namespace(), ISTIO_NAMESPACE] {
        if let Some(because) = view.unread(namespace, "DestinationRule") {
            answer.lacks(because);
        }
    }
    let rules = view
        .objects("DestinationRule")
        .chain(view.mesh_objects("DestinationRule"));
    answer
        .findings
        .extend(rules.filter_map(|rule| finding(view, rule)));
    answer
}

fn finding(view: &View<'_>, rule: &Value) -> Option<Finding> {
    let selector = &rule["spec"]["workloadSelector"]["matchLabels"];
    if selector.is_object() && !view.in_mesh().any(|pod| selects(selector, pod.pod)) {
        return None;
    }
    let host = rule["spec"]["host"].as_str()?;
    let namespace = rule["metadata"]["namespace"]
        .as_str()
        .unwrap_or(view.namespace());
    let services = view.product_services();
    let service = services
        .iter()
        .find(|service| leads_to(host, namespace, name(service), view.namespace()))?;
    let ports = [NODE_PORTS[0], NODE_PORTS[1], ProductPort::ThinClient];
    let off: Vec<(ProductPort, &str)> = ports
        .into_iter()
        .filter(|port| !view.declarations(*port).is_empty())
        .filter_map(|port| Some((port, tls_off(&rule["spec"], port)?)))
        .collect();
    let (first, mode) = *off.first()?;
    let demanded = view
        .in_mesh()
        .map(|pod| view.mtls_mode(pod.pod, first.number()))
        .find(|mode| *mode == MtlsMode::Strict);
    let effect = match demanded {
        Some(_) => "The nodes' side takes only the mesh's mutual TLS and resets anything else.",
        None => "What goes there is not encrypted by the mesh, and nothing refuses it.",
    };
    let at = object(rule);
    Some(RULE.finding(Said {
        weight: Weight::Cause,
        object: at.clone(),
        seen: format!(
            "It sets TLS mode {mode} for {} of the Service {} (host {host}).",
            listed(off.iter().map(|(port, _)| port)),
            name(service)
        ),
        why: format!("A mode set by hand takes the place of the mesh's own mutual TLS. {effect}"),
        remedies: vec![
            Remedy::Patch {
                object: at,
                yaml: "spec:\n  trafficPolicy:\n    tls:\n      mode: ISTIO_MUTUAL\n".into(),
            },
            advice(
                "do the same in portLevelSettings and subsets, or take the tls part out everywhere: \
                 without it the mesh uses mutual TLS by itself",
            ),
        ],
    }))
}

/// The mode that takes a port's TLS away. A port's own settings replace those of the whole.
fn tls_off(spec: &Value, port: ProductPort) -> Option<&str> {
    let policies = std::iter::once(&spec["trafficPolicy"]).chain(
        spec["subsets"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|subset| &subset["trafficPolicy"]),
    );
    policies
        .filter_map(|policy| {
            let settings = policy["portLevelSettings"].as_array().into_iter().flatten();
            let mut own = settings.filter(|s| s["port"]["number"] == port.number());
            let decides = own.next().unwrap_or(policy);
            decides["tls"]["mode"].as_str()
        })
        .find(|mode| matches!(*mode, "DISABLE" | "SIMPLE"))
}

/// Whether a rule's host, in the rule's namespace, means a Service.
fn leads_to(host: &str, namespace: &str, service: &str, of: &str) -> bool {
    let full = format!("{service}.{of}.svc.cluster.local");
    if let Some(end) = host.strip_prefix('*') {
        return full.ends_with(end);
    }
    if host.contains('.') {
        // A shorter form than the full one is taken literally by Istio, and by people is not meant
        // so; both are looked for.
        return full == host || full.starts_with(&format!("{host}."));
    }
    namespace == of && host == service
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_host_means_a_service_by_its_name_or_a_wildcard() {
        let leads = |host| leads_to(host, "ignite", "ignite-headless", "ignite");
        for host in [
            "ignite-headless",
            "ignite-headless.ignite.svc.cluster.local",
            "*.ignite.svc.cluster.local",
            "*.local",
            "*",
        ] {
            assert!(leads(host), "{host}");
        }
        for host in [
            "ignite",
            "other.ignite.svc.cluster.local",
            "*.other.svc.cluster.local",
        ] {
            assert!(!leads(host), "{host}");
        }
        assert!(!leads_to(
            "ignite-headless",
            "istio-system",
            "ignite-headless",
            "ignite"
        ));
    }

    #[test]
    fn a_ports_own_settings_replace_those_of_the_whole() {
        let spec = json!({ "trafficPolicy": {
            "tls": { "mode": "DISABLE" },
            "portLevelSettings": [{ "port": { "number": 47100 }, "tls": { "mode": "ISTIO_MUTUAL" } }]
        } });
        assert_eq!(tls_off(&spec, ProductPort::Communication), None);
        assert_eq!(tls_off(&spec, ProductPort::Discovery), Some("DISABLE"));
        let subset = json!({ "subsets": [{ "trafficPolicy": { "tls": { "mode": "SIMPLE" } } }] });
        assert_eq!(tls_off(&subset, ProductPort::Discovery), Some("SIMPLE"));
        assert_eq!(
            tls_off(&json!({ "trafficPolicy": {} }), ProductPort::Discovery),
            None
        );
    }
}
