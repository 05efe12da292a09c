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
///   these nodes and no server besides.
/// - **Undecided**: anything else, with what is missing.
#[must_use]
pub fn cluster_state(nodes: &[NodeView<'_>]) -> ClusterState {
    told(nodes, Rest::Needed)
}

/// Tells the state as [`cluster_state`] does, and is content with the log of a node whose REST
/// interface does not answer: it is off unless somebody turns it on, and a person who looks at the
/// logs has no more. It is no proof.
#[must_use]
pub fn likely_state(nodes: &[NodeView<'_>]) -> ClusterState {
    told(nodes, Rest::WhereItAnswers)
}

/// What is asked of REST.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// It has to answer on every node, and agree.
    Needed,
    /// It has to agree where it answers.
    WhereItAnswers,
}

fn told(nodes: &[NodeView<'_>], rest: Rest) -> ClusterState {
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
    let settled: Result<Vec<Settled<'_>>, String> =
        nodes.iter().map(|node| settled(node, rest)).collect();
    let settled = match settled {
        Ok(settled) => settled,
        Err(missing) => return ClusterState::new(Symptom::Undecided, missing),
    };
    let own_ids: BTreeSet<&str> = settled.iter().map(|node| node.id).collect();
    if own_ids.len() < nodes.len() {
        return ClusterState::new(Symptom::Undecided, "two of the logs are of the same node");
    }
    healthy(&settled)
        .or_else(|| split(&settled, &elsewhere(nodes)))
        .unwrap_or_else(|| disagree(&settled))
}

/// A node that has started, finished its newest exchange and agrees with its own REST answer.
struct Settled<'a> {
    name: &'a str,
    /// Whole where REST lists it, else as the log has it.
    id: &'a str,
    version: u64,
    servers: usize,
    clients: usize,
    /// What REST lists, servers and clients; none where it gives no answer.
    members: Option<BTreeSet<&'a str>>,
}

/// The node's settled view, or what is missing from it.
fn settled<'a>(node: &NodeView<'a>, rest: Rest) -> Result<Settled<'a>, String> {
    let name = node.name;
    let log = node.log;
    let (Some(counts), Some(newest)) = (log.counts(), log.newest_version()) else {
        return Err(format!("{name} has printed no topology snapshot"));
    };
    if !log.exchange_completed(newest) && !log.lacks_exchange(newest) {
        return Err(format!(
            "{name} has not completed the exchange at topology version {newest}"
        ));
    }
    let Some(id) = log.id() else {
        return Err(format!("{name} has not printed its node id"));
    };
    let Some(top) = node.top else {
        return match (rest, log.servers()) {
            (Rest::WhereItAnswers, Some(servers)) => Ok(Settled {
                name,
                id,
                version: newest,
                servers: servers as usize,
                clients: counts.clients as usize,
                members: None,
            }),
            _ => Err(format!("{name} gave no answer to REST top")),
        };
    };
    let members: BTreeSet<&str> = top.iter().map(|node| node.node_id.as_str()).collect();
    // Where the log counts none at this version, REST does, which tells no server from a client; the
    // cluster then has none of the latter.
    let (servers, clients) = match log.servers() {
        Some(servers) => (servers as usize, counts.clients as usize),
        None => (members.len(), 0),
    };
    let own = members
        .iter()
        .copied()
        .find(|member| member.starts_with(id));
    match own {
        Some(id) if members.len() == servers + clients => Ok(Settled {
            name,
            id,
            version: newest,
            servers,
            clients,
            members: Some(members),
        }),
        _ => Err(format!(
            "{name} logs {servers} server(s) and {clients} client(s), and its REST top lists {} \
             node(s){}",
            members.len(),
            match own {
                Some(_) => "",
                None => ", itself not among them",
            }
        )),
    }
}

/// Members of the one cluster that are none of `nodes` are its clients, since no server is left over.
fn healthy(nodes: &[Settled<'_>]) -> Option<ClusterState> {
    let version = nodes[0].version;
    let count = nodes.len();
    let agreed = nodes
        .iter()
        .all(|node| node.servers == count && node.version == version);
    let lists_all = |members: &BTreeSet<&str>| {
        nodes
            .iter()
            .all(|node| members.iter().any(|member| member.starts_with(node.id)))
    };
    let listed: Vec<&BTreeSet<&str>> = nodes.iter().filter_map(|n| n.members.as_ref()).collect();
    let listed_alike = listed
        .iter()
        .copied()
        .all(|m| m == listed[0] && lists_all(m));
    (agreed && listed_alike).then(|| {
        let rest = match listed.len() {
            0 => "by the logs alone, since REST top gives no answer".to_owned(),
            all if all == count => "REST top agrees".to_owned(),
            some => format!("REST top agrees on {some} of them and gives no answer on the others"),
        };
        let servers = format!("servers={count} and a completed exchange at topology version");
        ClusterState::new(
            Symptom::Healthy,
            format!("{servers} {version} on every node, {rest}"),
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
    let apart = match nodes.iter().all(|node| node.members.is_some()) {
        true => nodes
            .iter()
            .any(|a| nodes.iter().any(|b| lists_none_of(a, b))),
        // A pod whose log no longer says so may hold a client.
        false => nodes.iter().all(|node| node.clients == 0) && add_up(nodes),
    };
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

fn lists_none_of(a: &Settled<'_>, b: &Settled<'_>) -> bool {
    match (&a.members, &b.members) {
        (Some(a), Some(b)) => a.is_disjoint(b),
        _ => false,
    }
}

/// Whether the nodes can be divided into clusters of the sizes that they see: of those that see two
/// servers there is an even number, and so on.
fn add_up(nodes: &[Settled<'_>]) -> bool {
    nodes.iter().all(|node| {
        let alike = nodes.iter().filter(|other| other.servers == node.servers);
        node.servers > 0 && alike.count() % node.servers == 0
    })
}

fn disagree(nodes: &[Settled<'_>]) -> ClusterState {
    let versions: Vec<String> = nodes
        .iter()
        .map(|node| format!("{} at version {}", node.name, node.version))
        .collect();
    let counts = counts(nodes);
    let reason = if nodes.iter().all(|node| node.servers > nodes.len()) {
        format!("{counts}, and {} of them are known", nodes.len())
    } else {
        format!(
            "the nodes do not agree yet: {counts}; {}",
            versions.join(", ")
        )
    };
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
