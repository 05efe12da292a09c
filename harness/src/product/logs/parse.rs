//! Recognising one line of the log.
//!
//! By what the line contains, not by where it starts: with Ignite's own logging configuration a
//! record is one line (`[time][LEVEL][thread][logger] message`), with the JVM's it is two, a date
//! and then `LEVEL: message`. The texts are those of Ignite 2.16.0; GridGain 8.9.33 has the same
//! for snapshots, exchanges and handshakes.

use super::event::{
    ConnectFailure, Counts, EventKind, Remote, RemoteNode, Snapshot, StallSign, TopologyVersion,
};

/// What the line says, if it is one of those that the reader knows.
pub(super) fn line(text: &str) -> Option<EventKind> {
    known(text).or_else(|| is_severe(text).then_some(EventKind::Severe))
}

fn known(text: &str) -> Option<EventKind> {
    if let Some(rest) = after(text, "Topology snapshot [") {
        return snapshot(rest).map(EventKind::Snapshot);
    }
    if let Some(rest) = after(text, "Started exchange init [") {
        return first_version(rest).map(EventKind::ExchangeStarted);
    }
    if let Some(rest) = after(text, "Completed partition exchange [") {
        // The first version in it is the one the exchange began with, the last the one it reached:
        // exchanges of several joins may be merged into one.
        return last_version(rest).map(EventKind::ExchangeCompleted);
    }
    if let Some(rest) = after(text, "Finish exchange future [") {
        let failed = after(rest, ", err=").is_some_and(|error| !error.starts_with("null"));
        return if failed {
            first_version(rest).map(EventKind::ExchangeFailed)
        } else {
            None
        };
    }
    for (anchor, sign) in [
        (
            "Failed to wait for partition map exchange [",
            StallSign::ExchangeWait,
        ),
        (
            "Failed to wait for initial partition map exchange.",
            StallSign::InitialExchangeWait,
        ),
        (
            "Failed to send local partitions to coordinator [",
            StallSign::PartitionsNotSent,
        ),
        (
            "Still waiting for initial partition map exchange [",
            StallSign::StillWaiting,
        ),
    ] {
        if text.contains(anchor) {
            return Some(EventKind::Stalled(sign));
        }
    }
    if text.contains("Handshake timed out (will stop attempts") {
        return Some(EventKind::ConnectFailed(ConnectFailure::Handshake));
    }
    if text.contains("Connection timed out (will stop attempts") {
        return Some(EventKind::ConnectFailed(ConnectFailure::Connection));
    }
    if let Some(rest) = after(text, "Node FAILED: ") {
        return remote_node(rest).map(EventKind::NodeFailed);
    }
    if let Some(rest) = after(text, "Node left topology: ") {
        return remote_node(rest).map(EventKind::NodeLeft);
    }
    if let Some(rest) = after(text, "Unknown connection detected (") {
        return remote(rest).map(EventKind::UnknownConnection);
    }
    if let Some(rest) = after(text, "TCP discovery accepted incoming connection [") {
        return remote(rest).map(EventKind::DiscoveryAccepted);
    }
    if let Some(rest) = after(text, "Accepted incoming communication connection [") {
        return remote(rest).map(EventKind::CommunicationAccepted);
    }
    if text == super::LEFT_OUT {
        return Some(EventKind::LeftOut);
    }
    if text.contains("ver. ") && text.contains("-sha1:") {
        return Some(EventKind::Begins);
    }
    if let Some(rest) = after(text, ">>> Local node [ID=") {
        let id = rest.split([',', ']']).next()?.to_ascii_lowercase();
        return Some(EventKind::LocalNode {
            id,
            order: field(rest, "order=")?.parse().ok()?,
            client: field(rest, "clientMode=") == Some("true"),
        });
    }
    if let Some(rest) = after(text, " node started OK (id=") {
        let id = rest.split([',', ')']).next()?.to_ascii_lowercase();
        return Some(EventKind::StartedQuietly(id));
    }
    if let Some(rest) = after(text, "^-- Node [id=") {
        let id = rest.split([',', ']']).next()?.to_ascii_lowercase();
        return Some(EventKind::NodeMetrics(id));
    }
    if let Some(rest) = after(text, "^-- Cluster [") {
        return counts(rest).map(EventKind::ClusterMetrics);
    }
    if let Some(rest) = after(text, "^-- Network [") {
        let port = |name: &str| field(rest, name)?.parse().ok();
        return Some(EventKind::NetworkMetrics([
            port("discoPort=")?,
            port("commPort=")?,
        ]));
    }
    if let Some(rest) = after(text, ">>> Local ports: ") {
        let ports = rest
            .split_whitespace()
            .filter_map(|p| p.strip_prefix("TCP:"));
        return Some(EventKind::Listening(
            ports.filter_map(|port| port.parse().ok()).collect(),
        ));
    }
    if text.contains("uccessfully bound ") {
        let port = field(text, "to TCP port [port=")?;
        return port.parse().ok().map(EventKind::Bound);
    }
    None
}

fn is_severe(text: &str) -> bool {
    text.contains("][SEVERE][") || text.starts_with("SEVERE: ")
}

fn after<'a>(text: &'a str, anchor: &str) -> Option<&'a str> {
    text.find(anchor).map(|at| &text[at + anchor.len()..])
}

/// The value after `name`, up to the next separator of Ignite's `toString`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    after(text, name)?.split([',', ']']).next().map(str::trim)
}

fn snapshot(text: &str) -> Option<Snapshot> {
    Some(Snapshot {
        version: field(text, "ver=")?.parse().ok()?,
        local_node: field(text, "locNode=")?.to_owned(),
        servers: field(text, "servers=")?.parse().ok()?,
        clients: field(text, "clients=")?.parse().ok()?,
        state: field(text, "state=")?.to_owned(),
    })
}

fn counts(text: &str) -> Option<Counts> {
    Some(Counts {
        version: field(text, "topVer=")?.parse().ok()?,
        servers: field(text, "servers=")?.parse().ok()?,
        clients: field(text, "clients=")?.parse().ok()?,
    })
}

fn version(text: &str) -> Option<TopologyVersion> {
    Some(TopologyVersion {
        major: field(text, "topVer=")?.parse().ok()?,
        minor: field(text, "minorTopVer=")?.parse().ok()?,
    })
}

fn first_version(text: &str) -> Option<TopologyVersion> {
    version(after(text, "AffinityTopologyVersion [")?)
}

fn last_version(text: &str) -> Option<TopologyVersion> {
    version(text.rsplit_once("AffinityTopologyVersion [")?.1)
}

fn remote_node(text: &str) -> Option<RemoteNode> {
    // A consistent id holds commas of its own, so it ends where the next field starts.
    let consistent_id = after(text, "consistentId=")?
        .split(", addrs=")
        .next()?
        .to_owned();
    Some(RemoteNode {
        id: field(text, "[id=")?.to_owned(),
        consistent_id,
    })
}

/// Both forms in use: `rmtAddr=/10.0.0.1, rmtPort=1` and `rmtAddr=/10.0.0.1:1`. A host name may
/// stand before the slash.
fn remote(text: &str) -> Option<Remote> {
    let value = field(text, "rmtAddr=")?;
    let value = value.rsplit_once('/').map_or(value, |(_, address)| address);
    let (address, port) = match value.rsplit_once(':') {
        Some((address, port)) if !address.contains(':') => (address, port.parse().ok()),
        _ => (value, None),
    };
    let port = port.or_else(|| field(text, "rmtPort=").and_then(|port| port.parse().ok()));
    Some(Remote {
        address: address.to_owned(),
        port,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_remote_end_are_read() {
        let read = |text| remote(text).unwrap();
        assert_eq!(
            read("rmtAddr=/10.244.0.99, rmtPort=55744]"),
            Remote {
                address: "10.244.0.99".into(),
                port: Some(55744)
            }
        );
        assert_eq!(
            read("locAddr=/10.244.0.15:47100, rmtAddr=/10.244.0.99:39886]"),
            Remote {
                address: "10.244.0.99".into(),
                port: Some(39886)
            }
        );
        assert_eq!(
            read("rmtAddr=host.name/10.244.0.99]"),
            Remote {
                address: "10.244.0.99".into(),
                port: None
            }
        );
    }

    #[test]
    fn an_exchange_that_was_merged_counts_for_the_version_it_reached() {
        let text = "Completed partition exchange [localNode=a, exchange=GridDhtPartitionsExchangeFuture \
                    [topVer=AffinityTopologyVersion [topVer=2, minorTopVer=0], evt=NODE_JOINED], \
                    topVer=AffinityTopologyVersion [topVer=3, minorTopVer=0]]";
        assert_eq!(
            line(text),
            Some(EventKind::ExchangeCompleted(TopologyVersion {
                major: 3,
                minor: 0
            }))
        );
    }

    #[test]
    fn an_exchange_that_ended_with_an_error_is_not_completed() {
        let text = "Finish exchange future [startVer=AffinityTopologyVersion [topVer=2, minorTopVer=0], \
                    resVer=null, err=class o.a.i.IgniteCheckedException: x, rebalanced=false]";
        assert_eq!(
            line(text),
            Some(EventKind::ExchangeFailed(TopologyVersion {
                major: 2,
                minor: 0
            }))
        );
        assert_eq!(
            line(&text.replace("class o.a.i.IgniteCheckedException: x", "null")),
            None
        );
    }

    #[test]
    fn a_line_cut_off_in_the_middle_says_nothing() {
        for text in [
            "Topology snapshot [ver=2, locNo",
            "Node FAILED: TcpDiscoveryNode [id=a",
            "",
        ] {
            assert_eq!(line(text), None, "{text}");
        }
    }
}
