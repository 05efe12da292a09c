//! MP034: an AuthorizationPolicy keeps nodes from each other.

use meshproof_protocol::ports::ProductPort;
use serde_json::Value;

use super::{Answer, Rule, Said, advice, listed};
use crate::diagnose::view::{NODE_PORTS, ProductPod, View, object, selects};
use crate::mesh::{ISTIO_NAMESPACE, Injection};
use crate::outcome::{Finding, Remedy, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP034",
    title: "an AuthorizationPolicy does not let nodes in",
    apply,
};

/// Whether something holds, as far as a snapshot tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Holds {
    No,
    Maybe,
    Yes,
}

/// A connection between two nodes.
struct Connection<'a> {
    namespace: &'a str,
    account: &'a str,
    address: &'a str,
    identified: bool,
    port: ProductPort,
}

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
    let mut found: Vec<(String, Vec<ProductPort>, bool)> = vec![];
    for to in view.in_mesh() {
        for from in view.product.iter().filter(|from| from.name != to.name) {
            for port in NODE_PORTS {
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

/// Whether one of a policy's rules matches. Parts that only HTTP has never match a TCP connection
/// in an ALLOW, and are left out of a DENY (Istio's documentation of the two).
fn matches(policy: &Value, connection: &Connection<'_>, deny: bool) -> Holds {
    let rules = policy["spec"]["rules"].as_array().into_iter().flatten();
    rules
        .map(|rule| {
            let from = any_of(&rule["from"], |from| {
                source(&from["source"], connection, deny)
            });
            let to = any_of(&rule["to"], |to| {
                operation(&to["operation"], connection, deny)
            });
            let when = rule["when"].as_array().into_iter().flatten();
            let when = when.map(|condition| condition_holds(condition, connection, deny));
            from.min(to).min(when.min().unwrap_or(Holds::Yes))
        })
        .max()
        .unwrap_or(Holds::No)
}

fn any_of(list: &Value, holds: impl Fn(&Value) -> Holds) -> Holds {
    match list.as_array() {
        Some(list) if !list.is_empty() => list.iter().map(holds).max().unwrap_or(Holds::No),
        _ => Holds::Yes,
    }
}

fn http_only(deny: bool) -> Holds {
    if deny { Holds::Yes } else { Holds::No }
}

fn source(source: &Value, connection: &Connection<'_>, deny: bool) -> Holds {
    each(source, |field, values| match field {
        "principals" => one(values, |v| principal(v, connection)),
        "namespaces" => one(values, |v| {
            identity(glob(v, connection.namespace), connection)
        }),
        "serviceAccounts" => one(values, |v| account(v, connection)),
        "ipBlocks" | "remoteIpBlocks" => one(values, |v| address(v, connection)),
        "requestPrincipals" => http_only(deny),
        _ => Holds::Maybe,
    })
}

fn operation(operation: &Value, connection: &Connection<'_>, deny: bool) -> Holds {
    each(operation, |field, values| match field {
        "ports" => one(values, |v| yes(v == connection.port.number().to_string())),
        "hosts" | "methods" | "paths" => http_only(deny),
        _ => Holds::Maybe,
    })
}

fn condition_holds(condition: &Value, connection: &Connection<'_>, deny: bool) -> Holds {
    let key = condition["key"].as_str().unwrap_or_default();
    let holds = |values: &Value| match key {
        "destination.port" => one(values, |v| yes(v == connection.port.number().to_string())),
        "source.namespace" => one(values, |v| {
            identity(glob(v, connection.namespace), connection)
        }),
        "source.principal" => one(values, |v| principal(v, connection)),
        "source.ip" => one(values, |v| address(v, connection)),
        _ if key.starts_with("request.") => http_only(deny),
        _ => Holds::Maybe,
    };
    let wanted = &condition["values"];
    let unwanted = &condition["notValues"];
    let first = if wanted.is_array() {
        holds(wanted)
    } else {
        Holds::Yes
    };
    let second = if unwanted.is_array() {
        not(holds(unwanted))
    } else {
        Holds::Yes
    };
    first.min(second)
}

/// All fields of a source or an operation must hold; `notX` holds when `x` does not.
fn each(fields: &Value, holds: impl Fn(&str, &Value) -> Holds) -> Holds {
    let fields = fields.as_object().into_iter().flatten();
    fields
        .map(|(field, values)| match negated(field) {
            Some(positive) => not(holds(&positive, values)),
            None => holds(field, values),
        })
        .min()
        .unwrap_or(Holds::Yes)
}

/// `notPorts` negates `ports`.
fn negated(field: &str) -> Option<String> {
    let rest = field.strip_prefix("not")?;
    let mut letters = rest.chars();
    let first = letters.next().filter(char::is_ascii_uppercase)?;
    Some(first.to_ascii_lowercase().to_string() + letters.as_str())
}

fn one(values: &Value, holds: impl Fn(&str) -> Holds) -> Holds {
    let values = values.as_array().into_iter().flatten();
    values
        .filter_map(Value::as_str)
        .map(holds)
        .max()
        .unwrap_or(Holds::No)
}

fn yes(holds: bool) -> Holds {
    if holds { Holds::Yes } else { Holds::No }
}

fn not(holds: Holds) -> Holds {
    match holds {
        Holds::Yes => Holds::No,
        Holds::No => Holds::Yes,
        Holds::Maybe => Holds::Maybe,
    }
}

/// What names an identity matches only a peer that has one: a node with a sidecar.
fn identity(matches: bool, connection: &Connection<'_>) -> Holds {
    yes(matches && connection.identified)
}

/// A principal is `trust-domain/ns/namespace/sa/account`; the trust domain is not in a snapshot.
fn principal(pattern: &str, connection: &Connection<'_>) -> Holds {
    let own = format!(
        "cluster.local/ns/{}/sa/{}",
        connection.namespace, connection.account
    );
    if glob(pattern, &own) {
        return identity(true, connection);
    }
    let of = |text: &str| text.split_once("/ns/").map(|(_, rest)| rest.to_owned());
    if of(pattern).is_some() && of(pattern) == of(&own) {
        Holds::Maybe
    } else {
        Holds::No
    }
}

fn account(pattern: &str, connection: &Connection<'_>) -> Holds {
    let full = format!("{}/{}", connection.namespace, connection.account);
    let matches = if pattern.contains('/') {
        glob(pattern, &full)
    } else {
        pattern == connection.account
    };
    identity(matches, connection)
}

fn address(range: &str, connection: &Connection<'_>) -> Holds {
    let range = if range.contains('/') {
        range.to_owned()
    } else {
        let width = if range.contains(':') { 128 } else { 32 };
        format!("{range}/{width}")
    };
    match crate::diagnose::selectors::in_range(&range, connection.address) {
        Some(holds) => yes(holds),
        None => Holds::Maybe,
    }
}

/// Istio's patterns: `*` alone is anything, at one end it is a prefix or a suffix.
fn glob(pattern: &str, text: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) if end.is_empty() => !text.is_empty(),
        (Some(end), _) => text.ends_with(end),
        (_, Some(start)) => text.starts_with(start),
        _ => pattern == text,
    }
}

fn finding(view: &View<'_>, policy: String, ports: &[ProductPort], denied: bool) -> Finding {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn connection() -> Connection<'static> {
        Connection {
            namespace: "ignite",
            account: "default",
            address: "10.244.0.15",
            identified: true,
            port: ProductPort::Communication,
        }
    }

    fn rule(rule: Value, deny: bool) -> Holds {
        matches(&json!({ "spec": { "rules": [rule] } }), &connection(), deny)
    }

    #[test]
    fn a_rule_holds_when_source_operation_and_conditions_hold() {
        for holds in [
            json!({}),
            json!({ "from": [{ "source": { "namespaces": ["other", "ignite"] } }] }),
            json!({ "from": [{ "source": { "principals": ["cluster.local/ns/ignite/sa/*"] } }] }),
            json!({ "from": [{ "source": { "principals": ["*/sa/default"] } }] }),
            json!({ "from": [{ "source": { "serviceAccounts": ["ignite/default"] } }] }),
            json!({ "from": [{ "source": { "ipBlocks": ["10.244.0.0/16"] } }] }),
            json!({ "from": [{ "source": { "notNamespaces": ["other"] } }] }),
            json!({ "to": [{ "operation": { "ports": ["47100", "47500"] } }] }),
            json!({ "when": [{ "key": "destination.port", "values": ["47100"] }] }),
        ] {
            assert_eq!(rule(holds.clone(), false), Holds::Yes, "{holds}");
        }
        for not in [
            json!({ "from": [{ "source": { "namespaces": ["other"] } }] }),
            json!({ "from": [{ "source": { "principals": ["cluster.local/ns/other/sa/default"] } }] }),
            json!({ "from": [{ "source": { "ipBlocks": ["10.0.0.1"] } }] }),
            json!({ "to": [{ "operation": { "ports": ["10800"] } }] }),
            json!({ "to": [{ "operation": { "notPorts": ["47100"] } }] }),
            json!({ "from": [{ "source": { "namespaces": ["ignite"] } }],
                    "to": [{ "operation": { "ports": ["10800"] } }] }),
            json!({ "when": [{ "key": "destination.port", "notValues": ["47100"] }] }),
        ] {
            assert_eq!(rule(not.clone(), false), Holds::No, "{not}");
        }
    }

    #[test]
    fn what_only_http_has_matches_no_allow_and_every_deny() {
        let http = json!({ "to": [{ "operation": { "methods": ["GET"] } }] });
        assert_eq!(rule(http.clone(), false), Holds::No);
        assert_eq!(rule(http, true), Holds::Yes);
    }

    #[test]
    fn what_a_snapshot_does_not_tell_is_a_maybe() {
        let other_trust = json!({ "from": [{ "source": {
            "principals": ["example.org/ns/ignite/sa/default"] } }] });
        let unheard = json!({ "when": [{ "key": "experimental.x", "values": ["1"] }] });
        assert_eq!(rule(other_trust, false), Holds::Maybe);
        assert_eq!(rule(unheard, false), Holds::Maybe);
    }

    #[test]
    fn a_policy_without_rules_matches_nothing() {
        assert_eq!(
            matches(&json!({ "spec": {} }), &connection(), false),
            Holds::No
        );
    }
}
