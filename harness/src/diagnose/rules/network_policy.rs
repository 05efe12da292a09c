//! MP035: a NetworkPolicy keeps nodes from each other, or everybody from a declared port.

use meshproof_protocol::ports::ProductPort;
use serde_json::Value;

use super::{Answer, Rule, Said, advice, listed, put_under};
use crate::diagnose::selectors::{in_range, label_selector};
use crate::diagnose::view::{NODE_PORTS, ProductPod, Served, View, object};
use crate::outcome::{Finding, Remedy, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP035",
    title: "a NetworkPolicy closes a port of the nodes",
    apply,
};

/// Which of a policy's lists is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    In,
    Out,
}

impl Direction {
    fn policy_type(self) -> &'static str {
        match self {
            Self::In => "Ingress",
            Self::Out => "Egress",
        }
    }

    fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::In => ("ingress", "from"),
            Self::Out => ("egress", "to"),
        }
    }
}

fn apply(view: &View<'_>) -> Answer {
    if let Some(because) = view.unread(view.namespace(), "NetworkPolicy") {
        return Answer::unknown(because);
    }
    let mut found = vec![];
    for to in &view.product {
        for from in view.product.iter().filter(|from| from.name != to.name) {
            for port in NODE_PORTS.map(|port| to.served(port)) {
                let ways = [(Direction::In, to, from), (Direction::Out, from, to)];
                for (direction, pod, peer) in ways {
                    let policies = isolating(view, pod, direction);
                    let open = policies
                        .iter()
                        .any(|policy| admits(view, policy, direction, peer, to, port));
                    if policies.is_empty() || open {
                        continue;
                    }
                    let policies = listed(policies.iter().map(|policy| object(policy)));
                    put_under(&mut found, (direction, policies), port);
                }
            }
        }
    }
    let closed = closed(view);
    // One manifest for all of them, or the next would take the place of the one before.
    let mut all: Vec<Served> = closed.iter().flat_map(|(_, ports)| ports.clone()).collect();
    all.sort();
    all.dedup();
    let closed: Vec<Finding> = closed
        .into_iter()
        .map(|(policies, ports)| closed_finding(view, policies, &ports, &all))
        .collect();
    let between = found.into_iter().map(|((direction, policies), ports)| {
        RULE.finding(Said {
            weight: Weight::Cause,
            object: policies,
            seen: format!(
                "It governs {} of the nodes' pods and does not admit {} between them.",
                direction.policy_type(),
                listed(&ports)
            ),
            why:
                "Where the cluster's network enforces such policies, packets between the nodes are \
                  dropped before any proxy sees them."
                    .into(),
            remedies: vec![
                Remedy::Command {
                    command: admit_yaml(view, direction),
                },
                advice("policies add up, so no other one has to change"),
            ],
        })
    });
    Answer::found(between.chain(closed))
}

/// The policies that let nobody in on client ports, with the ports.
fn closed(view: &View<'_>) -> Vec<(String, Vec<Served>)> {
    let mut found = vec![];
    for to in &view.product {
        let policies = isolating(view, to, Direction::In);
        if policies.is_empty() {
            continue;
        }
        let entries = || {
            policies
                .iter()
                .flat_map(|policy| rules(policy, Direction::In))
        };
        for (port, _) in view.declared_client_ports(to) {
            let mut entries = entries();
            if entries.any(|rule| open_or(&rule["ports"], |entry| admits_port(entry, to, port))) {
                continue;
            }
            let policies = listed(policies.iter().map(|policy| object(policy)));
            put_under(&mut found, policies, port);
        }
    }
    found
}

fn closed_finding(
    view: &View<'_>,
    policies: String,
    ports: &[Served],
    all_closed: &[Served],
) -> Finding {
    RULE.finding(Said {
        weight: Weight::Risk,
        object: policies,
        seen: format!(
            "It governs Ingress of the nodes' pods and admits nobody on {}, to which a Service leads.",
            listed(ports)
        ),
        why: "Where the cluster's network enforces such policies, a client's packets are dropped before \
              any proxy sees them, and it waits until it gives up."
            .into(),
        remedies: vec![
            Remedy::Command {
                command: admit_clients_yaml(view, all_closed),
            },
            advice(
                "it admits the pods of this namespace; or take the port out of the Service if nobody is \
                 to use it",
            ),
        ],
    })
}

fn rules(policy: &Value, direction: Direction) -> impl Iterator<Item = &Value> {
    let (list, _) = direction.keys();
    policy["spec"][list].as_array().into_iter().flatten()
}

/// The policies that make a pod take, or send, only what is listed.
fn isolating<'a>(view: &View<'a>, pod: &ProductPod<'_>, direction: Direction) -> Vec<&'a Value> {
    let labels = &pod.pod["metadata"]["labels"];
    view.objects("NetworkPolicy")
        .filter(|policy| label_selector(&policy["spec"]["podSelector"], labels))
        .filter(|policy| {
            let (list, _) = direction.keys();
            match policy["spec"]["policyTypes"].as_array() {
                Some(types) => types.iter().any(|t| t == direction.policy_type()),
                None => direction == Direction::In || policy["spec"][list].is_array(),
            }
        })
        .collect()
}

fn admits(
    view: &View<'_>,
    policy: &Value,
    direction: Direction,
    peer: &ProductPod<'_>,
    listening: &ProductPod<'_>,
    port: Served,
) -> bool {
    let (_, peers) = direction.keys();
    rules(policy, direction).any(|rule| {
        let peer_admitted = open_or(&rule[peers], |entry| admits_peer(view, entry, peer));
        peer_admitted && open_or(&rule["ports"], |entry| admits_port(entry, listening, port))
    })
}

/// A list that is absent or empty admits everything.
fn open_or(list: &Value, admits: impl Fn(&Value) -> bool) -> bool {
    match list.as_array() {
        Some(list) if !list.is_empty() => list.iter().any(admits),
        _ => true,
    }
}

fn admits_peer(view: &View<'_>, entry: &Value, peer: &ProductPod<'_>) -> bool {
    if let Some(range) = entry["ipBlock"]["cidr"].as_str() {
        let except = entry["ipBlock"]["except"].as_array();
        let excepted = |address: &str| {
            let mut ranges = except.into_iter().flatten().filter_map(Value::as_str);
            ranges.any(|range| in_range(range, address) == Some(true))
        };
        return peer
            .addresses()
            .iter()
            .any(|address| in_range(range, address) == Some(true) && !excepted(address));
    }
    let namespaces = &entry["namespaceSelector"];
    let in_namespace = !namespaces.is_object()
        || label_selector(namespaces, &view.snapshot.namespace["metadata"]["labels"]);
    let pods = &entry["podSelector"];
    let is_pod = !pods.is_object() || label_selector(pods, &peer.pod["metadata"]["labels"]);
    in_namespace && is_pod
}

fn admits_port(entry: &Value, listening: &ProductPod<'_>, port: Served) -> bool {
    if entry["protocol"].as_str().is_some_and(|p| p != "TCP") {
        return false;
    }
    let number = u64::from(port.number());
    match &entry["port"] {
        Value::Null => true,
        Value::String(name) => {
            let ports = listening.container["ports"].as_array();
            let mut named = ports.into_iter().flatten().filter(|p| p["name"] == **name);
            named.any(|p| p["containerPort"] == number)
        }
        first => {
            let first = first.as_u64().unwrap_or_default();
            let last = entry["endPort"].as_u64().unwrap_or(first);
            (first..=last).contains(&number)
        }
    }
}

/// A policy beside those there are. It is of their direction only: one more direction would keep
/// out what is let through now.
fn admit_yaml(view: &View<'_>, direction: Direction) -> String {
    let ports = port_lines(NODE_PORTS.into_iter().map(ProductPort::number));
    let (list, peers) = direction.keys();
    format!(
        "kubectl apply -f - <<'EOF'\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
         metadata:\n  name: nodes-{list}\n  namespace: {}\nspec:\n  podSelector:\n    \
         matchLabels:\n{}  policyTypes: [{}]\n  {list}:\n  - {peers}:\n    - podSelector:\n        \
         matchLabels:\n{}    ports:\n{ports}EOF",
        view.namespace(),
        node_labels(view, "      "),
        direction.policy_type(),
        node_labels(view, "          "),
    )
}

/// As [`admit_yaml`], for all pods of the namespace on these ports.
fn admit_clients_yaml(view: &View<'_>, ports: &[Served]) -> String {
    format!(
        "kubectl apply -f - <<'EOF'\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
         metadata:\n  name: clients-ingress\n  namespace: {}\nspec:\n  podSelector:\n    \
         matchLabels:\n{}  policyTypes: [Ingress]\n  ingress:\n  - from:\n    - podSelector: {{}}\n    \
         ports:\n{}EOF",
        view.namespace(),
        node_labels(view, "      "),
        port_lines(ports.iter().map(|port| port.number())),
    )
}

/// The labels by which a Service selects the nodes' pods, a line each.
fn node_labels(view: &View<'_>, indent: &str) -> String {
    let services = view.product_services();
    let selector = services
        .first()
        .and_then(|service| service["spec"]["selector"].as_object());
    let labels = selector.into_iter().flatten();
    labels
        .map(|(key, value)| format!("{indent}{key}: {}\n", value.as_str().unwrap_or_default()))
        .collect()
}

fn port_lines(ports: impl Iterator<Item = u16>) -> String {
    ports.map(|port| format!("    - port: {port}\n")).collect()
}
