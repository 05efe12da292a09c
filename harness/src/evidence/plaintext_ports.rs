//! On which ports connections left a pod in plaintext, and on which its proxy refused them.
//!
//! Counters of the PassthroughCluster and of refused connections are totals. The access log that the
//! instrumentation overlay sets has an entry with address and port for each TCP connection, written
//! when it has ended; `/clusters` has those that are open. Together they miss none but what was open
//! and has ended within the last second.

use std::collections::{BTreeMap, BTreeSet};

use super::access_log::Entry;
use crate::kube::{Kube, KubeError};
use crate::mesh::{OpenConnections, PASSTHROUGH, PROXY_CONTAINER, Proxy};
use crate::outcome::Evidence;

/// How many lines of a log the evidence shows.
const SHOWN_LINES: usize = 12;
/// Envoy's flag of a connection for which no filter chain is there: plaintext, where only mutual TLS
/// is taken.
const NO_ROUTE: &str = "NR";

/// What one pod's proxy shows, by port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaintextPorts {
    /// The pod.
    pub pod: String,
    /// Whether its log has any entry: with none, nothing is known of what it did not log.
    pub logs: bool,
    left: BTreeMap<u16, usize>,
    refused: BTreeMap<u16, usize>,
    open: BTreeSet<u16>,
    lines: Vec<String>,
    command: String,
}

impl PlaintextPorts {
    /// Reads a proxy, with the connections that it has open.
    ///
    /// # Errors
    /// When its log cannot be read.
    pub async fn of(
        kube: &Kube,
        proxy: &Proxy<'_>,
        open: &OpenConnections,
        nodes: &[String],
    ) -> Result<Self, KubeError> {
        let log = kube
            .log(&proxy.namespace, &proxy.pod, PROXY_CONTAINER)
            .await?;
        let command = format!(
            "kubectl logs {} -n {} -c {PROXY_CONTAINER}",
            proxy.pod, proxy.namespace
        );
        Ok(Self::read(&proxy.pod, command, &log, nodes).with_open(open))
    }

    /// The same with the connections that are open.
    #[must_use]
    pub fn with_open(mut self, open: &OpenConnections) -> Self {
        self.open.extend(open.passing_by());
        self
    }

    /// Reads a log that was fetched, of connections between nodes with these addresses.
    pub fn read(pod: &str, command: String, log: &str, nodes: &[String]) -> Self {
        let mut read = Self {
            pod: pod.to_owned(),
            logs: false,
            left: BTreeMap::new(),
            refused: BTreeMap::new(),
            open: BTreeSet::new(),
            lines: vec![],
            command,
        };
        for entry in log.lines().filter_map(Entry::read) {
            read.logs = true;
            let to = |field: &str| {
                let (address, port) = entry.text(field)?.rsplit_once(':')?;
                let address = address.trim_start_matches('[').trim_end_matches(']');
                let of_a_node = nodes.iter().any(|node| node == address);
                of_a_node.then(|| port.parse().ok()).flatten()
            };
            let counted = if entry.text("upstream_cluster") == Some(PASSTHROUGH) {
                to("upstream_host").map(|port| (&mut read.left, port))
            } else if entry.text("flags") == Some(NO_ROUTE) {
                to("downstream_local").map(|port| (&mut read.refused, port))
            } else {
                None
            };
            let Some((count, port)) = counted else {
                continue;
            };
            *count.entry(port).or_default() += 1;
            if read.lines.len() < SHOWN_LINES {
                read.lines.push(entry.line.clone());
            }
        }
        read
    }

    /// How many connections to this port of a node's left in plaintext and have ended.
    pub fn left(&self, port: u16) -> usize {
        self.left.get(&port).copied().unwrap_or_default()
    }

    /// Whether one to this port is open.
    pub fn is_open(&self, port: u16) -> bool {
        self.open.contains(&port)
    }

    /// How many connections to this port of its own it refused.
    pub fn refused(&self, port: u16) -> usize {
        self.refused.get(&port).copied().unwrap_or_default()
    }

    /// Evidence made of the entries that were counted.
    pub fn evidence(&self, fact: impl Into<String>) -> Evidence {
        let raw = match self.lines.is_empty() {
            true => {
                "no entry of the PassthroughCluster to a node, and none that was refused".into()
            }
            false => self.lines.join("\n"),
        };
        Evidence::now(self.command.clone(), raw, fact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &str = include_str!("../../fixtures/proxies/refused.log");
    const OWN: &str = "10.244.1.3";

    fn read(log: &str, nodes: &[&str]) -> PlaintextPorts {
        let nodes: Vec<String> = nodes.iter().map(|node| (*node).to_owned()).collect();
        PlaintextPorts::read("ignite-0", "kubectl logs".into(), log, &nodes)
    }

    #[test]
    fn what_a_recorded_proxy_refused_is_told_by_port() {
        let read = read(RECORDED, &[OWN]);
        assert!(read.logs);
        let refused = [8080, 10800, 47100, 47500].map(|port| read.refused(port));
        assert_eq!(refused, [2, 0, 0, 0]);
        // What came in by its InboundPassthroughCluster did not leave.
        assert_eq!(read.left(11211), 0);
        assert_eq!(read.evidence("fact").raw.lines().count(), 2);
    }

    #[test]
    fn what_left_a_recorded_proxy_is_told_by_port_and_only_to_nodes() {
        let recorded = include_str!("../../fixtures/proxies/passing-by.log");
        let to_nodes = read(recorded, &["10.244.1.35", "10.244.0.33"]);
        let left = [47101, 47100, 47500].map(|port| to_nodes.left(port));
        assert_eq!(left, [4, 0, 0]);
        assert_eq!(to_nodes.refused(47101), 0);
        let elsewhere = read(recorded, &["10.244.9.9"]);
        assert!(elsewhere.logs && elsewhere.left(47101) == 0);
    }

    #[test]
    fn a_connection_that_is_open_is_told_by_port() {
        let page = "PassthroughCluster::10.244.1.35:47500::cx_active::1\n";
        let open = OpenConnections::read("ignite-0", "curl".into(), page.into());
        let read = read("", &[]).with_open(&open);
        assert!(read.is_open(47500) && !read.is_open(47100));
    }

    #[test]
    fn a_log_without_entries_says_so() {
        let bare = read("2026-11-26T13:49:22Z\tinfo\tEnvoy proxy is ready\n", &[OWN]);
        assert!(!bare.logs);
        assert!(bare.evidence("fact").raw.starts_with("no entry"));
    }
}
