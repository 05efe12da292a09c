//! What one node's log says.
//!
//! [`NodeLog::read`] turns the text of one container's log, from its start, into typed events; the
//! questions below are answered from them, and the latest events count. What the logs of several
//! nodes mean together is left to [`super::state`].

mod event;
mod joining;
mod parse;

pub use joining::looks_in_vain;

pub use event::{
    ConnectFailure, Counts, Event, EventKind, Remote, RemoteNode, Snapshot, StallSign,
    TopologyVersion,
};

/// The line that stands for those which a reader of a long log left out of its middle.
pub const LEFT_OUT: &str = "(lines left out)";

/// The events of one node's log, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeLog {
    /// Every line that says something the reader knows.
    pub events: Vec<Event>,
    lines: usize,
}

impl NodeLog {
    /// Reads a log. Lines that say nothing known are passed over, so any text can be read.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut log = Self::default();
        for line in text.lines() {
            log.push(line);
        }
        log
    }

    /// Reads the next line; returns whether it told something.
    pub fn push(&mut self, line: &str) -> bool {
        self.lines += 1;
        let Some(kind) = parse::line(line) else {
            return false;
        };
        self.events.push(Event {
            line: self.lines,
            kind,
            text: line.to_owned(),
        });
        true
    }

    /// The node's own id and order; `None` until it has started.
    #[must_use]
    pub fn local_node(&self) -> Option<(&str, u64)> {
        self.latest(|kind| match kind {
            EventKind::LocalNode { id, order, .. } => Some((id.as_str(), *order)),
            _ => None,
        })
    }

    /// Whether the node says that it is a client, which holds no data.
    #[must_use]
    pub fn is_client_node(&self) -> bool {
        self.kinds()
            .any(|kind| matches!(kind, EventKind::LocalNode { client: true, .. }))
    }

    /// The node's id once it has started: the whole of it, or its first eight digits where the log is
    /// quiet or no longer has the start.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        let short = || {
            self.latest(|kind| match kind {
                EventKind::NodeMetrics(id) | EventKind::StartedQuietly(id) => Some(id.as_str()),
                _ => None,
            })
        };
        self.local_node().map(|(id, _)| id).or_else(short)
    }

    /// Whether the log is one that leaves most out.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.kinds()
            .any(|kind| matches!(kind, EventKind::StartedQuietly(_)))
    }

    /// Whether the log says that the node has joined a cluster, if only its own. A stalled joiner, and
    /// one that finds nobody and waits, say so in no way.
    #[must_use]
    pub fn has_joined(&self) -> bool {
        self.snapshot().is_some() || self.id().is_some()
    }

    /// Whether the log has the node's first words.
    #[must_use]
    pub fn has_its_beginning(&self) -> bool {
        self.kinds().any(|kind| *kind == EventKind::Begins)
    }

    /// Whether the node's start is gone from the log, as after Kubernetes began a new file: it has
    /// started, and the line that says so is not there.
    #[must_use]
    pub fn lacks_its_start(&self) -> bool {
        self.local_node().is_none() && !self.is_quiet() && self.id().is_some()
    }

    /// The port that it listens on for what should be on `port`: this one, or the next that was free
    /// of a hundred, which is what Ignite takes. `None` until it listens, which is before it joins.
    #[must_use]
    pub fn bound_for(&self, port: u16) -> Option<u16> {
        let tried = port..port.saturating_add(100);
        self.latest(|kind| match kind {
            EventKind::Bound(bound) if tried.contains(bound) => Some(*bound),
            EventKind::NetworkMetrics(ports) => {
                ports.iter().copied().find(|bound| tried.contains(bound))
            }
            _ => None,
        })
    }

    /// The port that it listens on in place of one that was in use.
    #[must_use]
    pub fn bound_in_place_of(&self, port: u16) -> Option<u16> {
        self.bound_for(port).filter(|bound| *bound != port)
    }

    /// Whether it says that it listens on this port: for discovery and communication before it joins,
    /// for all else once it has started.
    #[must_use]
    pub fn listens_on(&self, port: u16) -> bool {
        self.kinds().any(|kind| match kind {
            EventKind::Bound(bound) => *bound == port,
            EventKind::Listening(ports) => ports.contains(&port),
            EventKind::NetworkMetrics(ports) => ports.contains(&port),
            _ => false,
        })
    }

    /// The topology as the node last printed it. A stalled joiner has printed none.
    #[must_use]
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.latest(|kind| match kind {
            EventKind::Snapshot(snapshot) => Some(snapshot),
            _ => None,
        })
    }

    /// The nodes of the cluster as the node last counted them, in a snapshot or in its metrics.
    #[must_use]
    pub fn counts(&self) -> Option<Counts> {
        self.latest(|kind| match kind {
            EventKind::Snapshot(snapshot) => Some(Counts {
                version: snapshot.version,
                servers: snapshot.servers,
                clients: snapshot.clients,
            }),
            EventKind::ClusterMetrics(counts) => Some(*counts),
            _ => None,
        })
    }

    /// The number of server nodes as last counted, as long as that is of the newest topology.
    ///
    /// A node that another joins while it is itself still starting prints but one snapshot, of the
    /// version at which it joined, after the newer exchange (measured on a busy machine): its log
    /// then counts no servers, and only REST does.
    #[must_use]
    pub fn servers(&self) -> Option<u32> {
        let newest = self.newest_version();
        self.counts()
            .filter(|counts| Some(counts.version) == newest)
            .map(|counts| counts.servers)
    }

    /// The newest topology version the node knows of, from snapshots, metrics and exchanges begun: a
    /// joiner begins its exchange long before its first snapshot.
    #[must_use]
    pub fn newest_version(&self) -> Option<u64> {
        self.kinds()
            .filter_map(|kind| match kind {
                EventKind::Snapshot(snapshot) => Some(snapshot.version),
                EventKind::ExchangeStarted(version) => Some(version.major),
                EventKind::ClusterMetrics(counts) => Some(counts.version),
                _ => None,
            })
            .max()
    }

    /// Whether the exchange of a topology version is one of those that the log no longer has, or never had.
    #[must_use]
    pub fn lacks_exchange(&self, version: u64) -> bool {
        let tells = |kind: &EventKind| match kind {
            EventKind::Snapshot(snapshot) => snapshot.version >= version,
            EventKind::ExchangeStarted(at) | EventKind::ExchangeCompleted(at) => {
                at.major >= version
            }
            _ => false,
        };
        let left_out = |kind: &&EventKind| **kind == EventKind::LeftOut;
        let since = || self.kinds().rev().take_while(|kind| !left_out(kind));
        let incomplete = self.lacks_its_start() || self.kinds().any(|kind| left_out(&kind));
        self.is_quiet() || incomplete && !since().any(tells)
    }

    /// Whether a partition map exchange ended well at this topology version.
    #[must_use]
    pub fn exchange_completed(&self, version: u64) -> bool {
        let mut completed = false;
        for kind in self.kinds() {
            match kind {
                EventKind::ExchangeCompleted(at) if at.major == version => completed = true,
                EventKind::ExchangeFailed(at) if at.major == version => return false,
                _ => {}
            }
        }
        completed
    }

    /// The first sign that the partition map exchange under way does not end; `None` when an
    /// exchange has been completed since, or may have been in lines that are left out.
    #[must_use]
    pub fn stalled(&self) -> Option<&Event> {
        let mut first = None;
        for event in &self.events {
            match event.kind {
                EventKind::Stalled(_) if first.is_none() => first = Some(event),
                EventKind::ExchangeCompleted(_) | EventKind::LeftOut => first = None,
                _ => {}
            }
        }
        first
    }

    /// Whether a node in an exchange that does not end has an attempt to connect before it: a joiner
    /// makes three, 11 s each, and has given up after the third (measured: 3 of 3 in every recorded
    /// stall that lasted).
    #[must_use]
    pub fn will_connect_again(&self) -> bool {
        let since_it_began = |event: &&Event| {
            !matches!(
                event.kind,
                EventKind::ExchangeStarted(_) | EventKind::ExchangeCompleted(_)
            )
        };
        let failed = |event: &&Event| matches!(event.kind, EventKind::ConnectFailed(_));
        let failures = self
            .events
            .iter()
            .rev()
            .take_while(since_it_began)
            .filter(failed);
        failures.count() < 2
    }

    /// The nodes it saw fail, in order.
    #[must_use]
    pub fn failed_nodes(&self) -> Vec<&RemoteNode> {
        self.all(|kind| match kind {
            EventKind::NodeFailed(node) => Some(node),
            _ => None,
        })
    }

    /// The nodes it saw leave in good order.
    #[must_use]
    pub fn left_nodes(&self) -> Vec<&RemoteNode> {
        self.all(|kind| match kind {
            EventKind::NodeLeft(node) => Some(node),
            _ => None,
        })
    }

    /// What it says of connections from this address. Behind a sidecar the node may see another
    /// address than the client's own.
    #[must_use]
    pub fn connections_from(&self, address: &str) -> Vec<&Event> {
        self.connections()
            .into_iter()
            .filter(|(remote, _)| remote.address == address)
            .map(|(_, event)| event)
            .collect()
    }

    /// Every connection it accepted or did not understand, with its far end.
    #[must_use]
    pub fn connections(&self) -> Vec<(&Remote, &Event)> {
        self.events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::UnknownConnection(remote)
                | EventKind::DiscoveryAccepted(remote)
                | EventKind::CommunicationAccepted(remote) => Some((remote, event)),
                _ => None,
            })
            .collect()
    }

    fn kinds(&self) -> impl DoubleEndedIterator<Item = &EventKind> {
        self.events.iter().map(|event| &event.kind)
    }

    fn latest<'a, T>(&'a self, pick: impl Fn(&'a EventKind) -> Option<T>) -> Option<T> {
        self.kinds().rev().find_map(pick)
    }

    fn all<'a, T>(&'a self, pick: impl Fn(&'a EventKind) -> Option<T>) -> Vec<T> {
        self.kinds().filter_map(pick).collect()
    }
}

#[cfg(test)]
mod tests;
