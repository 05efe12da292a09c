//! What one record of a node's log says, typed. How it is recognised is in [`super::parse`].

use serde::{Deserialize, Serialize};

/// A topology version with its minor part, as Ignite's exchanges carry it: the minor part counts
/// changes, such as a new affinity, under the same set of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TopologyVersion {
    /// Raised by one whenever a node joins, leaves or fails.
    pub major: u64,
    /// Raised by one by each other change.
    pub minor: u64,
}

impl std::fmt::Display for TopologyVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The topology as one node sees it (`Topology snapshot [ver=..`).
///
/// A joining node prints its first one only after its partition map exchange, the others at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The topology version, without a minor part.
    pub version: u64,
    /// The first eight hexadecimal digits of the printing node's id.
    pub local_node: String,
    /// The number of server nodes.
    pub servers: u32,
    /// The number of client nodes; thin clients are none.
    pub clients: u32,
    /// The state of the cluster, such as `ACTIVE`.
    pub state: String,
}

/// The nodes of a cluster, as one of them counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// The topology version at which it does, without a minor part.
    pub version: u64,
    /// The number of server nodes.
    pub servers: u32,
    /// The number of client nodes; thin clients are none.
    pub clients: u32,
}

/// Another node, as a `Node FAILED` or `Node left topology` record names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteNode {
    /// The node's id.
    pub id: String,
    /// Its consistent id: without persistence, its addresses and discovery port.
    pub consistent_id: String,
}

/// The far end of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remote {
    /// Its address, as the node sees it.
    pub address: String,
    /// Its port, where the record names it.
    pub port: Option<u16>,
}

/// A sign that a partition map exchange does not end.
///
/// In the order in which a stalled joiner prints them (measured, from its join: 10 s, 20 s, about
/// 32 s, 40 s).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StallSign {
    /// `Failed to wait for partition map exchange`, on either node.
    ExchangeWait,
    /// `Failed to wait for initial partition map exchange`, on the joiner.
    InitialExchangeWait,
    /// `Failed to send local partitions to coordinator`: from here on it does not heal by itself.
    PartitionsNotSent,
    /// `Still waiting for initial partition map exchange`, the guide's own symptom.
    StillWaiting,
}

/// Why a communication connection (port 47100) did not come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectFailure {
    /// `Handshake timed out`: connected, but the other node never spoke.
    Handshake,
    /// `Connection timed out`: no connection at all.
    Connection,
}

/// What one record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// The node begins: the product's version is the first thing that it prints.
    Begins,
    /// Lines are left out here, as [`super::LEFT_OUT`] says.
    LeftOut,
    /// The node has started: its id and the topology version at which it joined.
    LocalNode {
        /// The node's id, in lower case.
        id: String,
        /// Its order.
        order: u64,
        /// Whether it is a client, which holds no data.
        client: bool,
    },
    /// The node has started, in the words of a quiet log (`IGNITE_QUIET`, which is the default): the first
    /// eight hexadecimal digits of its id. Such a log tells of no exchange that ends well and of no port.
    StartedQuietly(String),
    /// The first eight hexadecimal digits of the node's id, in its metrics. A node prints these each
    /// minute once it has started.
    NodeMetrics(String),
    /// What the node counts of the cluster, in its metrics, whether or not an exchange is under way.
    ClusterMetrics(Counts),
    /// The ports on which the node listens for discovery and for communication, in its metrics.
    NetworkMetrics([u16; 2]),
    /// It listens on this port, for discovery or for communication: said before it joins.
    Bound(u16),
    /// It has started, and listens on these ports for all that it does.
    Listening(Vec<u16>),
    /// The topology as it sees it.
    Snapshot(Snapshot),
    /// A partition map exchange began.
    ExchangeStarted(TopologyVersion),
    /// A partition map exchange ended well, at this version.
    ExchangeCompleted(TopologyVersion),
    /// A partition map exchange ended with an error.
    ExchangeFailed(TopologyVersion),
    /// A partition map exchange does not end.
    Stalled(StallSign),
    /// A communication connection did not come about.
    ConnectFailed(ConnectFailure),
    /// A node is gone without a word.
    NodeFailed(RemoteNode),
    /// A node left in good order.
    NodeLeft(RemoteNode),
    /// Something that does not speak Ignite's protocol connected to port 47500 or 47100.
    UnknownConnection(Remote),
    /// Port 47500 accepted a connection.
    DiscoveryAccepted(Remote),
    /// Port 47100 accepted a connection.
    CommunicationAccepted(Remote),
    /// Any other record of level SEVERE.
    Severe,
}

/// One record of the log that says something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its line, from 1.
    pub line: usize,
    /// What it says.
    pub kind: EventKind,
    /// The line as printed.
    pub text: String,
}
