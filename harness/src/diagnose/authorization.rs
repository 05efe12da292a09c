//! Whether a rule of an AuthorizationPolicy matches a connection to a node, as far as a snapshot tells.

use serde_json::Value;

use super::selectors::in_range;
use super::view::Served;

/// Whether something holds, as far as a snapshot tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holds {
    /// It does not.
    No,
    /// That depends on what a snapshot does not hold.
    Maybe,
    /// It does.
    Yes,
}

/// A connection between two nodes.
#[derive(Debug, Clone, Copy)]
pub struct Connection<'a> {
    /// The namespace of the node that connects.
    pub namespace: &'a str,
    /// Its service account.
    pub account: &'a str,
    /// Its address.
    pub address: &'a str,
    /// Whether it has a sidecar, and so an identity.
    pub identified: bool,
    /// The port to which it connects.
    pub port: Served,
}

/// Whether one of a policy's rules matches. Parts that only HTTP has never match a TCP connection
/// in an ALLOW, and are left out of a DENY (Istio's documentation of the two).
pub fn matches(policy: &Value, connection: &Connection<'_>, deny: bool) -> Holds {
    let rules = policy["spec"]["rules"].as_array().into_iter().flatten();
    rules
        .map(|rule| {
            let from = any_of(&rule["from"], |from| {
                source(&from["source"], connection, deny)
            });
            let to = leads_to(rule, connection.port, http_only(deny));
            let when = rule["when"].as_array().into_iter().flatten();
            let when = when.map(|condition| condition_holds(condition, connection, deny));
            from.min(to).min(when.min().unwrap_or(Holds::Yes))
        })
        .max()
        .unwrap_or(Holds::No)
}

/// Whether an ALLOW has a rule for a port, whoever connects to it and whatever it asks for. A port that
/// may be HTTP has requests that can be told apart; on another one such a rule never matches.
pub fn allows_somebody(policy: &Value, port: Served, may_be_http: bool) -> bool {
    let of_http = of_http(may_be_http, false);
    let mut rules = policy["spec"]["rules"].as_array().into_iter().flatten();
    rules.any(|rule| leads_to(rule, port, of_http) != Holds::No)
}

/// Whether a DENY keeps everybody from a port, with an identity or without and whatever is asked for.
pub fn denies_everybody(policy: &Value, port: Served, may_be_http: bool) -> bool {
    let of_http = of_http(may_be_http, true);
    let none = |list: &Value| list.as_array().is_none_or(Vec::is_empty);
    let mut rules = policy["spec"]["rules"].as_array().into_iter().flatten();
    rules.any(|rule| {
        none(&rule["from"]) && none(&rule["when"]) && leads_to(rule, port, of_http) == Holds::Yes
    })
}

fn of_http(may_be_http: bool, deny: bool) -> Holds {
    match may_be_http {
        true => Holds::Maybe,
        false => http_only(deny),
    }
}

/// Whether a rule is for a port; of the parts that only HTTP has, this holds.
fn leads_to(rule: &Value, port: Served, of_http: Holds) -> Holds {
    any_of(&rule["to"], |to| operation(&to["operation"], port, of_http))
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

fn operation(operation: &Value, port: Served, of_http: Holds) -> Holds {
    each(operation, |field, values| match field {
        "ports" => one(values, |v| yes(v == port.number().to_string())),
        "hosts" | "methods" | "paths" => of_http,
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
    match in_range(&range, connection.address) {
        Some(holds) => yes(holds),
        None => Holds::Maybe,
    }
}

/// Istio's patterns: `*` alone is anything, at one end it is a prefix or a suffix.
fn glob(pattern: &str, text: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(""), _) => !text.is_empty(),
        (Some(end), _) => text.ends_with(end),
        (_, Some(start)) => text.starts_with(start),
        _ => pattern == text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshproof_protocol::ports::ProductPort;
    use serde_json::json;

    fn connection() -> Connection<'static> {
        Connection {
            namespace: "ignite",
            account: "default",
            address: "10.244.0.15",
            identified: true,
            port: Served::on_its_own(ProductPort::Communication),
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
