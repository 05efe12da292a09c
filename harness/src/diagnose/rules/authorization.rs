//! MP034: an AuthorizationPolicy keeps nodes from each other.

use meshproof_protocol::ports::ProductPort;
use serde_json::Value;

use super::{Answer, Rule, Said, advice, listed};
use crate::diagnose::authorization::{Connection, Holds, matches};
use crate::diagnose::view::{NODE_PORTS, ProductPod, Served, View, object, selects};
use crate::mesh::{ISTIO_NAMESPACE, Injection};
use crate::outcome::{Finding, Remedy, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP034",
    title: "an AuthorizationPolicy does not let nodes in",
    apply,
};

fn apply(view: &View<'_>) -> Answer {
    if view.in_mesh().next().is_none() {
        return Answer::nothing();
    }
    let mut answer = Answer::nothing();
    for namespace in [view.namespace(), ISTIO_NAMESPACE] {
        if let Some(because) = view.unread(namespace, "AuthorizationPolicy") {
            answer.lacks(because);
        }
    }
    // Of the same finding for each pair of nodes, one is enough.
    let mut found: Vec<(String, Vec<Served>, bool)> = vec![];
    for to in view.in_mesh() {
        for from in view.product.iter().filter(|from| from.name != to.name) {
            for port in NODE_PORTS.map(|port| to.served(port)) {
                let connection = Connection {
                    namespace: view.namespace(),
                    account: from.pod["spec"]["serviceAccountName"]
                        .as_str()
                        .unwrap_or("default"),
                    address: from.addresses().first().copied().unwrap_or_default(),
                    identified: from.injection != Injection::Absent,
                    port,
                };
                match judged(view, to, &connection) {
                    Judged::LetIn => {}
                    Judged::Unknown(policy) => answer.lacks(format!(
                        "whether {policy} lets nodes in depends on what a snapshot does not hold"
                    )),
                    Judged::KeptOut { policy, denied } => {
                        match found
                            .iter_mut()
                            .find(|(p, _, d)| *p == policy && *d == denied)
                        {
                            Some((_, ports, _)) if ports.contains(&port) => {}
                            Some((_, ports, _)) => ports.push(port),
                            None => found.push((policy, vec![port], denied)),
                        }
                    }
                }
            }
        }
    }
    answer.findings.extend(
        found
            .into_iter()
            .map(|(policy, ports, denied)| finding(view, policy, &ports, denied)),
    );
    answer
}

enum Judged {
    LetIn,
    Unknown(String),
    KeptOut { policy: String, denied: bool },
}

/// Istio's order: what a DENY matches is refused; where any ALLOW is in force, only what one of
/// them matches is let in.
fn judged(view: &View<'_>, to: &ProductPod<'_>, connection: &Connection<'_>) -> Judged {
    let in_force: Vec<&Value> = view
        .objects("AuthorizationPolicy")
        .chain(
            view.mesh_objects("AuthorizationPolicy")
                .filter(|policy| policy["metadata"]["namespace"] == ISTIO_NAMESPACE),
        )
        .filter(|policy| selects_pod(policy, to.pod))
        .collect();
    let action = |policy: &Value| {
        policy["spec"]["action"]
            .as_str()
            .unwrap_or("ALLOW")
            .to_owned()
    };
    let mut unknown = None;
    for policy in in_force.iter().filter(|policy| action(policy) == "DENY") {
        match matches(policy, connection, true) {
            Holds::Yes => {
                return Judged::KeptOut {
                    policy: object(policy),
                    denied: true,
                };
            }
            Holds::Maybe => unknown = Some(object(policy)),
            Holds::No => {}
        }
    }
    for policy in in_force.iter().filter(|policy| action(policy) == "CUSTOM") {
        if matches(policy, connection, false) != Holds::No {
            unknown = Some(object(policy));
        }
    }
    let allowing: Vec<&&Value> = in_force
        .iter()
        .filter(|policy| action(policy) == "ALLOW")
        .collect();
    let best = allowing
        .iter()
        .map(|policy| matches(policy, connection, false))
        .max();
    match best {
        Some(Holds::No) => Judged::KeptOut {
            policy: listed(allowing.iter().map(|policy| object(policy))),
            denied: false,
        },
        Some(Holds::Maybe) => Judged::Unknown(object(allowing[0])),
        Some(Holds::Yes) | None => unknown.map_or(Judged::LetIn, Judged::Unknown),
    }
}

fn selects_pod(policy: &Value, pod: &Value) -> bool {
    if policy["spec"]["targetRefs"].is_array() || policy["spec"]["targetRef"].is_object() {
        return false;
    }
    let labels = &policy["spec"]["selector"]["matchLabels"];
    labels.as_object().is_none_or(|labels| labels.is_empty()) || selects(labels, pod)
}

fn finding(view: &View<'_>, policy: String, ports: &[Served], denied: bool) -> Finding {
    let ports = listed(ports);
    let namespace = view.namespace();
    let (seen, remedies) = if denied {
        (
            format!("It denies connections of the nodes to each other on {ports}."),
            vec![advice(format!(
                "leave the nodes out of {policy}: a DENY is looked at before every ALLOW"
            ))],
        )
    } else {
        (
            format!("With it only what is listed is let in, and nodes on {ports} are not."),
            vec![Remedy::Command {
                command: allow_yaml(view, namespace),
            }],
        )
    };
    RULE.finding(Said {
        weight: Weight::Cause,
        object: policy,
        seen,
        why:
            "The other node's proxy closes the connection as soon as it is made, so that nodes do \
              not form one cluster."
                .into(),
        remedies,
    })
}

fn allow_yaml(view: &View<'_>, namespace: &str) -> String {
    let labels = view
        .product_services()
        .first()
        .and_then(|service| service["spec"]["selector"].as_object())
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("      {key}: {}\n", value.as_str().unwrap_or_default()))
        .collect::<String>();
    let ports = listed(
        ProductPort::ALL
            .iter()
            .map(|port| format!("\"{}\"", port.number())),
    )
    .replace(" and ", ", ");
    format!(
        "kubectl apply -f - <<'EOF'\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n\
         metadata:\n  name: allow-nodes\n  namespace: {namespace}\nspec:\n  selector:\n    \
         matchLabels:\n{labels}  action: ALLOW\n  rules:\n  - from:\n    - source:\n        \
         namespaces: [\"{namespace}\"]\n    to:\n    - operation:\n        ports: [{ports}]\nEOF"
    )
}
