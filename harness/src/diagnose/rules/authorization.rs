//! MP034: an AuthorizationPolicy keeps nodes from each other, or everybody from a declared port.

use meshproof_protocol::ports::ProductPort;
use serde_json::Value;

use super::{Answer, Rule, Said, advice, command, listed, put_under};
use crate::diagnose::authorization::{
    Connection, Holds, allows_somebody, denies_everybody, matches,
};
use crate::diagnose::redirection::Redirection;
use crate::diagnose::services::{Declared, declared};
use crate::diagnose::sparing::without_nodes;
use crate::diagnose::view::{NODE_PORTS, ProductPod, Served, View, name, object, selects};
use crate::mesh::{ISTIO_NAMESPACE, Injection};
use crate::outcome::{Finding, Remedy, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP034",
    title: "an AuthorizationPolicy closes a port of the nodes",
    apply,
};

/// The annotation by which a policy is tried without being in force (Istio's documentation).
const DRY_RUN: &str = "istio.io/dry-run";

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
    let mut found: Vec<KeptOut<'_>> = vec![];
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
                    Judged::KeptOut { policy, deny } => {
                        let known = found
                            .iter_mut()
                            .find(|k| k.policy == policy && k.deny.is_some() == deny.is_some());
                        match known {
                            Some(kept_out) => kept_out.connections.push(connection),
                            None => found.push(KeptOut {
                                policy,
                                deny,
                                connections: vec![connection],
                            }),
                        }
                    }
                }
            }
        }
    }
    let findings = found.into_iter().map(|kept_out| finding(view, kept_out));
    let mut findings: Vec<Finding> = findings.collect();
    for ((policy, deny), ports) in closed(view) {
        // What lets nodes in again lets clients in as well; a DENY is only changed for the nodes.
        if deny || findings.iter().all(|finding| finding.object != policy) {
            findings.push(closed_finding(view, policy, deny, &ports));
        }
    }
    answer.findings.extend(findings);
    answer
}

/// The policies that let nobody in on client ports, whether one of them denies, and the ports.
fn closed(view: &View<'_>) -> Vec<((String, bool), Vec<Served>)> {
    let mut found = vec![];
    for to in view.in_mesh() {
        let in_force = in_force(view, to);
        let redirection = Redirection::of(to.pod);
        for (port, entries) in view.declared_client_ports(to) {
            // What never reaches the proxy is not refused by it.
            if redirection.inbound(port.number()).is_some() {
                continue;
            }
            let may_be_http = entries.iter().any(|entry| declared(entry) != Declared::Tcp);
            let mut all = in_force.iter().copied();
            let denying = all
                .find(|policy| does(policy, "DENY") && denies_everybody(policy, port, may_be_http));
            let all = in_force.iter().copied();
            let allowing: Vec<&Value> = all.filter(|policy| does(policy, "ALLOW")).collect();
            let (policy, deny) = match denying {
                Some(denying) => (object(denying), true),
                None if allowing.is_empty() => continue,
                None if allowing
                    .iter()
                    .any(|policy| allows_somebody(policy, port, may_be_http)) =>
                {
                    continue;
                }
                None => (listed(allowing.into_iter().map(object)), false),
            };
            put_under(&mut found, (policy, deny), port);
        }
    }
    found
}

fn closed_finding(view: &View<'_>, policy: String, deny: bool, ports: &[Served]) -> Finding {
    let named = listed(ports);
    RULE.finding(Said {
        weight: Weight::Risk,
        object: policy,
        seen: match deny {
            true => format!("It denies everybody {named}, to which a Service leads."),
            false => format!("With it nobody is let in on {named}, to which a Service leads."),
        },
        why: "The node's proxy closes a client's connection as soon as it is made, or, where the port is \
              declared as HTTP, answers with 403; the node never sees it."
            .into(),
        remedies: match deny {
            true => vec![advice(
                "take the port out of the DENY, or the port out of the Service if nobody is to use it",
            )],
            false => vec![
                Remedy::Command {
                    command: allow_yaml(view, "allow-clients", ports.iter().map(|p| p.number())),
                },
                advice(
                    "it admits the pods of this namespace that have a sidecar; or take the port out of the \
                     Service if nobody is to use it",
                ),
            ],
        },
    })
}

/// Connections that are not let in because of the same policies.
struct KeptOut<'a> {
    policy: String,
    /// The policy, if it is one that denies.
    deny: Option<&'a Value>,
    connections: Vec<Connection<'a>>,
}

enum Judged<'a> {
    LetIn,
    Unknown(String),
    KeptOut {
        policy: String,
        deny: Option<&'a Value>,
    },
}

/// Istio's order: what a DENY matches is refused; where any ALLOW is in force, only what one of
/// them matches is let in.
fn judged<'a>(view: &View<'a>, to: &ProductPod<'_>, connection: &Connection<'_>) -> Judged<'a> {
    let in_force = in_force(view, to);
    let mut unknown = None;
    let denying = in_force.iter().copied();
    for policy in denying.filter(|policy| does(policy, "DENY")) {
        match matches(policy, connection, true) {
            Holds::Yes => {
                return Judged::KeptOut {
                    policy: object(policy),
                    deny: Some(policy),
                };
            }
            Holds::Maybe => unknown = Some(object(policy)),
            Holds::No => {}
        }
    }
    for policy in in_force.iter().filter(|policy| does(policy, "CUSTOM")) {
        if matches(policy, connection, false) != Holds::No {
            unknown = Some(object(policy));
        }
    }
    let allowing: Vec<&&Value> = in_force
        .iter()
        .filter(|policy| does(policy, "ALLOW"))
        .collect();
    let best = allowing
        .iter()
        .map(|policy| matches(policy, connection, false))
        .max();
    match best {
        Some(Holds::No) => Judged::KeptOut {
            policy: listed(allowing.iter().map(|policy| object(policy))),
            deny: None,
        },
        Some(Holds::Maybe) => Judged::Unknown(object(allowing[0])),
        Some(Holds::Yes) | None => unknown.map_or(Judged::LetIn, Judged::Unknown),
    }
}

/// The policies that a pod's proxy holds to.
fn in_force<'a>(view: &View<'a>, to: &ProductPod<'_>) -> Vec<&'a Value> {
    view.objects("AuthorizationPolicy")
        .chain(
            view.mesh_objects("AuthorizationPolicy")
                .filter(|policy| policy["metadata"]["namespace"] == ISTIO_NAMESPACE),
        )
        .filter(|policy| selects_pod(policy, to.pod))
        // One that is only tried refuses nothing.
        .filter(|policy| policy["metadata"]["annotations"][DRY_RUN] != "true")
        .collect()
}

fn does(policy: &Value, action: &str) -> bool {
    policy["spec"]["action"].as_str().unwrap_or("ALLOW") == action
}

fn selects_pod(policy: &Value, pod: &Value) -> bool {
    if policy["spec"]["targetRefs"].is_array() || policy["spec"]["targetRef"].is_object() {
        return false;
    }
    let labels = &policy["spec"]["selector"]["matchLabels"];
    labels.as_object().is_none_or(|labels| labels.is_empty()) || selects(labels, pod)
}

fn finding(view: &View<'_>, kept_out: KeptOut<'_>) -> Finding {
    let mut ports: Vec<Served> = kept_out.connections.iter().map(|c| c.port).collect();
    ports.sort();
    ports.dedup();
    let ports = listed(&ports);
    let policy = kept_out.policy;
    let (seen, remedies) = match kept_out.deny {
        Some(deny) => (
            format!("It denies connections of the nodes to each other on {ports}."),
            spare(deny, &kept_out.connections),
        ),
        None => (
            format!("With it only what is listed is let in, and nodes on {ports} are not."),
            vec![Remedy::Command {
                command: allow_yaml(
                    view,
                    "allow-nodes",
                    ProductPort::ALL.map(ProductPort::number),
                ),
            }],
        ),
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

/// A DENY is looked at before every ALLOW, so that only a change of its own helps.
fn spare(deny: &Value, connections: &[Connection<'_>]) -> Vec<Remedy> {
    let patch = without_nodes(deny, connections)
        .and_then(|spared| serde_saphyr::to_string(&spared).ok())
        .map(|yaml| Remedy::Patch {
            object: object(deny),
            yaml,
        });
    match patch {
        Some(patch) => vec![
            patch,
            advice(
                "it goes on denying what comes from other namespaces or has no identity; to keep another \
                 pod of this namespace out, deny its service account",
            ),
        ],
        None => {
            let namespace = deny["metadata"]["namespace"].as_str().unwrap_or_default();
            vec![
                advice(
                    "leave the nodes out of its rules: a DENY is looked at before every ALLOW, and a \
                     node without a sidecar has no identity by which it could be let in",
                ),
                command(format!(
                    "kubectl edit authorizationpolicy {} -n {namespace}",
                    name(deny)
                )),
            ]
        }
    }
}

fn allow_yaml(view: &View<'_>, name: &str, ports: impl IntoIterator<Item = u16>) -> String {
    let namespace = view.namespace();
    let labels = view
        .product_services()
        .first()
        .and_then(|service| service["spec"]["selector"].as_object())
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("      {key}: {}\n", value.as_str().unwrap_or_default()))
        .collect::<String>();
    let ports: Vec<String> = ports
        .into_iter()
        .map(|port| format!("\"{port}\""))
        .collect();
    let ports = ports.join(", ");
    format!(
        "kubectl apply -f - <<'EOF'\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n\
         metadata:\n  name: {name}\n  namespace: {namespace}\nspec:\n  selector:\n    \
         matchLabels:\n{labels}  action: ALLOW\n  rules:\n  - from:\n    - source:\n        \
         namespaces: [\"{namespace}\"]\n    to:\n    - operation:\n        ports: [{ports}]\nEOF"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::faults::edits::authorization;
    use crate::diagnose::written::healthy;
    use serde_json::json;

    #[test]
    fn a_deny_is_patched_to_leave_the_nodes_out() {
        let mut snapshot = healthy();
        let deny = authorization(json!({ "action": "DENY",
            "rules": [{ "to": [{ "operation": { "ports": ["47100", "47500"] } }] }] }));
        snapshot.objects.push(deny);
        let answer = apply(&View::of(&snapshot));
        let [finding] = answer.findings.as_slice() else {
            panic!("{answer:#?}");
        };
        let Remedy::Patch { object, yaml } = &finding.remedies[0] else {
            panic!("{finding:#?}");
        };
        assert_eq!(object, "AuthorizationPolicy ignite/some-policy");
        let mut patched: Value = serde_saphyr::from_str(yaml).expect("YAML");
        assert_eq!(
            patched["spec"]["rules"][0]["to"][0]["operation"]["ports"],
            json!(["47100", "47500"]),
            "{yaml}"
        );
        patched["spec"]["action"] = json!("DENY");
        let last = snapshot.objects.last_mut().expect("the policy");
        last["spec"] = patched["spec"].take();
        assert_eq!(apply(&View::of(&snapshot)), Answer::nothing());
    }

    #[test]
    fn a_deny_of_nodes_without_identity_is_for_an_editor() {
        let connection = Connection {
            namespace: "ignite",
            account: "default",
            address: "10.244.0.8",
            identified: false,
            port: Served::on_its_own(ProductPort::Discovery),
        };
        let deny = authorization(json!({ "action": "DENY", "rules": [{}] }));
        assert_eq!(matches(&deny, &connection, true), Holds::Yes);
        let told = spare(&deny, &[connection]);
        let edit = command("kubectl edit authorizationpolicy some-policy -n ignite");
        assert_eq!(told.last(), Some(&edit));
    }
}
