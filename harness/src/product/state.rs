//! What the nodes of a cluster are together: healthy, split, stalled, or not yet to be told.
//!
//! One pure function over what each node says in its log and over REST. Reading those, and waiting
//! until they say enough, is left to the callers. Pod readiness is no input: it is the same in all
//! cases.

use std::collections::BTreeSet;

use super::logs::NodeLog;
use super::reserved_ports::IN_EPHEMERAL_RANGE;
use super::rest::TopNode;
use crate::outcome::Symptom;

/// What is known of one node.
#[derive(Debug, Clone, Copy)]
pub struct NodeView<'a> {
    /// How the reason names it, such as `ignite-0`.
    pub name: &'a str,
    /// The log of its running container, from that container's start.
    pub log: &'a NodeLog,
    /// What its REST `top` lists; `None` when it gave no answer, as a stalled joiner does.
    pub top: Option<&'a [TopNode]>,
}

/// The state of a cluster with the fact that decided it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterState {
    /// The state.
    pub symptom: Symptom,
    /// The deciding fact, in one line.
    pub reason: String,
}

impl ClusterState {
    fn new(symptom: Symptom, reason: impl Into<String>) -> Self {
        Self {
            symptom,
            reason: reason.into(),
        }
    }
}

/// Tells the state of the cluster that `nodes` are meant to form, all of them being servers.
///
/// - **Stall**: some node says that the exchange under way does not end.
/// - **Split**: every node has completed its exchange, and every node's log and REST answer list
///   fewer servers than there are, in clusters that have no node in common.
/// - **Healthy**: the exchange at the same newest version is completed on every node, the snapshot
///   of that version, where the node printed one, counts all nodes, and every REST answer lists
///   exactly these nodes.
/// - **Undecided**: anything else, with what is missing.
#[must_use]
pub fn cluster_state(nodes: &[NodeView<'_>]) -> ClusterState {
    if nodes.is_empty() {
        return ClusterState::new(Symptom::Undecided, "no node is known");
    }
    for node in nodes {
        if let Some(sign) = node.log.stalled() {
            let reason = format!(
                "{} line {}: {}{}",
                node.name,
                sign.line,
                shortened(&sign.text),
                elsewhere(nodes)
            );
            return ClusterState::new(Symptom::Stall, reason);
        }
    }
    let settled: Result<Vec<Settled<'_>>, String> = nodes.iter().map(settled).collect();
    let settled = match settled {
        Ok(settled) => settled,
        Err(missing) => return ClusterState::new(Symptom::Undecided, missing),
    };
    let own_ids: BTreeSet<&str> = settled.iter().map(|node| node.id).collect();
    if own_ids.len() < nodes.len() {
        return ClusterState::new(Symptom::Undecided, "two of the logs are of the same node");
    }
    healthy(&settled, &own_ids)
        .or_else(|| split(&settled, &elsewhere(nodes)))
        .unwrap_or_else(|| disagree(&settled))
}

/// A node that has started, finished its newest exchange and agrees with its own REST answer.
struct Settled<'a> {
    name: &'a str,
    id: &'a str,
    version: u64,
    servers: usize,
    members: BTreeSet<&'a str>,
}

/// The node's settled view, or what is missing from it.
fn settled<'a>(node: &NodeView<'a>) -> Result<Settled<'a>, String> {
    let name = node.name;
    let log = node.log;
    let (Some(snapshot), Some(newest)) = (log.snapshot(), log.newest_version()) else {
        return Err(format!("{name} has printed no topology snapshot"));
    };
    if !log.exchange_completed(newest) {
        return Err(format!(
            "{name} has not completed the exchange at topology version {newest}"
        ));
    }
    let Some((id, _)) = log.local_node() else {
        return Err(format!("{name} has not printed its node id"));
    };
    let Some(top) = node.top else {
        return Err(format!("{name} gave no answer to REST top"));
    };
    let members: BTreeSet<&str> = top.iter().map(|node| node.node_id.as_str()).collect();
    // Where the log counts none at this version, REST does, which tells no server from a client; the
    // cluster has none of the latter.
    let (servers, clients) = match log.servers() {
        Some(servers) => (servers as usize, snapshot.clients as usize),
        None => (members.len(), 0),
    };
    if members.len() != servers + clients || !members.contains(id) {
        return Err(format!(
            "{name} logs {servers} server(s) and its REST top lists {} node(s){}",
            members.len(),
            if members.contains(id) {
                ""
            } else {
                ", itself not among them"
            }
        ));
    }
    Ok(Settled {
        name,
        id,
        version: newest,
        servers,
        members,
    })
}

fn healthy(nodes: &[Settled<'_>], own_ids: &BTreeSet<&str>) -> Option<ClusterState> {
    let version = nodes[0].version;
    let agreed = nodes.iter().all(|node| {
        node.servers == nodes.len() && node.version == version && node.members == *own_ids
    });
    agreed.then(|| {
        ClusterState::new(
            Symptom::Healthy,
            format!(
                "servers={} and a completed exchange at topology version {version} on every node, REST top agrees",
                nodes.len()
            ),
        )
    })
}

/// The nodes that listen on another port than the product's. One that finds its port taken binds the
/// next without complaint, which no Service declares, so that no proxy expects it; and with another
/// discovery port it looks for the others there too. Outgoing connections in the pod may have taken
/// it, the proxy's among them: both ports lie in the range from which the kernel gives out theirs (4
/// of 1082 recorded starts, all with classic sidecars, the guide's manifests unchanged).
fn elsewhere(nodes: &[NodeView<'_>]) -> String {
    let told = |node: &NodeView<'_>, port: u16| {
        let other = node.log.bound_in_place_of(port)?;
        Some(format!("; {} bound {other} in place of {port}", node.name))
    };
    IN_EPHEMERAL_RANGE
        .into_iter()
        .flat_map(|port| {
            nodes
                .iter()
                .filter_map(move |node| told(node, port.number()))
        })
        .collect()
}

fn split(nodes: &[Settled<'_>], elsewhere: &str) -> Option<ClusterState> {
    let too_few = nodes.iter().all(|node| node.servers < nodes.len());
    let apart = nodes
        .iter()
        .any(|a| nodes.iter().any(|b| a.members.is_disjoint(&b.members)));
    (too_few && apart).then(|| {
        ClusterState::new(
            Symptom::Split,
            format!(
                "{} of {} nodes, each with a completed exchange{elsewhere}",
                counts(nodes),
                nodes.len()
            ),
        )
    })
}

fn disagree(nodes: &[Settled<'_>]) -> ClusterState {
    let versions: Vec<String> = nodes
        .iter()
        .map(|node| format!("{} at version {}", node.name, node.version))
        .collect();
    let reason = format!(
        "the nodes do not agree yet: {}; {}",
        counts(nodes),
        versions.join(", ")
    );
    ClusterState::new(Symptom::Undecided, reason)
}

fn counts(nodes: &[Settled<'_>]) -> String {
    let counts: Vec<String> = nodes
        .iter()
        .map(|node| format!("{} sees servers={}", node.name, node.servers))
        .collect();
    counts.join(", ")
}

/// A log line up to its details: the stall records go on for thousands of characters.
fn shortened(text: &str) -> String {
    const LIMIT: usize = 200;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
