//! The rules of a DENY, changed so that the nodes' own namespace is left out of them: they go on
//! holding for everybody else.

use serde_json::{Value, json};

use super::authorization::{Connection, Holds, matches};

/// A policy's rules, in which those that match any of these connections no longer do; none where they
/// still would, since a node without a sidecar has no identity by which it could be left out.
pub fn without_nodes(policy: &Value, connections: &[Connection<'_>]) -> Option<Value> {
    let of = |rules: Value| json!({ "spec": { "rules": rules } });
    let holds = |policy: &Value| {
        let mut all = connections.iter();
        all.any(|connection| matches(policy, connection, true) != Holds::No)
    };
    let mut rules = policy["spec"]["rules"].clone();
    for rule in rules.as_array_mut()? {
        if holds(&of(json!([rule]))) {
            for connection in connections {
                leave_out(rule, connection.namespace);
            }
        }
    }
    let spared = of(rules);
    (!holds(&spared)).then_some(spared)
}

/// Every source of a rule leaves the namespace out; a rule without one gets one that does.
fn leave_out(rule: &mut Value, namespace: &str) {
    if rule["from"].as_array().is_none_or(Vec::is_empty) {
        rule["from"] = json!([{ "source": {} }]);
    }
    for source in rule["from"].as_array_mut().into_iter().flatten() {
        let out = &mut source["source"]["notNamespaces"];
        if !out.is_array() {
            *out = json!([]);
        }
        if let Some(out) = out.as_array_mut()
            && !out.iter().any(|known| known == namespace)
        {
            out.push(json!(namespace));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::view::Served;
    use meshproof_protocol::ports::ProductPort;

    fn spared(rules: Value, identified: bool) -> Option<Value> {
        let connection = Connection {
            namespace: "ignite",
            account: "default",
            address: "10.244.0.15",
            identified,
            port: Served::on_its_own(ProductPort::Communication),
        };
        let policy = json!({ "spec": { "action": "DENY", "rules": rules } });
        let spared = without_nodes(&policy, &[connection, connection]);
        spared.map(|mut policy| policy["spec"]["rules"].take())
    }

    #[test]
    fn only_rules_that_match_nodes_leave_their_namespace_out() {
        let other = json!({ "to": [{ "operation": { "ports": ["10800"] } }] });
        let ports = json!([{ "operation": { "ports": ["47100", "47500"] } }]);
        assert_eq!(
            spared(json!([{ "to": ports }, other]), true),
            Some(json!([
                { "to": ports, "from": [{ "source": { "notNamespaces": ["ignite"] } }] },
                other
            ]))
        );
    }

    #[test]
    fn a_source_keeps_what_it_has() {
        let rules = json!([{ "from": [
            { "source": { "ipBlocks": ["10.244.0.0/16"], "notNamespaces": ["a"] } },
            { "source": { "namespaces": ["ignite", "b"] } }
        ] }]);
        assert_eq!(
            spared(rules, true),
            Some(json!([{ "from": [
                { "source": { "ipBlocks": ["10.244.0.0/16"], "notNamespaces": ["a", "ignite"] } },
                { "source": { "namespaces": ["ignite", "b"], "notNamespaces": ["ignite"] } }
            ] }]))
        );
    }

    #[test]
    fn a_node_without_identity_cannot_be_left_out() {
        assert_eq!(spared(json!([{}]), false), None);
    }
}
