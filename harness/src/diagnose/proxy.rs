//! What a proxy's pages say, so that what they do not list is not taken for a zero.
//!
//! Istio keeps few of Envoy's counters unless it is told to, and Envoy lists some only once they
//! have counted: a counter that is not listed says nothing. Hosts of `/clusters` need no setting.

use super::{ProxyRecord, ProxySample};
use crate::mesh::{OpenConnections, PASSTHROUGH, Stats};

/// Where a sidecar takes what leaves its pod (Istio's `proxyListenPort`).
const OUTBOUND: u16 = 15001;

/// A proxy's two samples, read.
pub struct ProxyView<'a> {
    /// The record.
    pub record: &'a ProxyRecord,
    /// Statistics at the first moment; none where it did not answer.
    pub before: Option<Stats>,
    /// Statistics at the second moment; none where it did not answer twice.
    pub after: Option<Stats>,
    /// Outbound connections that were open at the second moment.
    pub open: OpenConnections,
}

/// A host of one cluster, with the connections to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host<'a> {
    /// The cluster.
    pub cluster: &'a str,
    /// The host's address.
    pub address: &'a str,
    /// The host's port.
    pub port: u16,
    /// Connections that are open.
    pub active: u64,
}

impl<'a> ProxyView<'a> {
    /// Reads a record.
    pub(super) fn of(record: &'a ProxyRecord) -> Self {
        let stats = |at: &ProxySample| Stats::parse(&at.stats);
        Self {
            record,
            before: record.samples.first().map(stats),
            after: record.samples.get(1).map(stats),
            open: OpenConnections::read(&record.pod, "/clusters".into(), record.clusters.clone()),
        }
    }

    /// Whether it told its statistics, whatever it keeps of them, and its hosts.
    pub fn answers(&self) -> bool {
        self.before.is_some() && self.passing_by().is_some()
    }

    /// A counter at the second moment; none where it is not listed.
    pub fn counter(&self, name: &str) -> Option<u64> {
        self.after.as_ref()?.get(name)
    }

    /// By how much a counter rose between the two moments; none where it cannot be told. One that
    /// is listed only the second time came into being between them.
    pub fn rose(&self, name: &str) -> Option<u64> {
        let after = self.counter(name)?;
        let before = self.before.as_ref()?;
        if before.raw.trim().is_empty() {
            return None;
        }
        Some(after.saturating_sub(before.get(name).unwrap_or(0)))
    }

    /// Every counter whose name ends so, with its value at the second moment; none where none is
    /// listed.
    pub fn ending(&self, end: &str) -> Option<Vec<(String, u64)>> {
        let after = self.after.as_ref()?;
        let found: Vec<(String, u64)> = after
            .between("", end)
            .map(|(name, value)| (format!("{name}{end}"), value))
            .collect();
        (!found.is_empty()).then_some(found)
    }

    /// Whether the proxy keeps TLS counters of outbound clusters at all.
    pub fn keeps_tls_counters(&self) -> bool {
        let Some(after) = &self.after else {
            return false;
        };
        after.between("cluster.outbound|", ".ssl.handshake").count() > 0
    }

    /// The hosts to which something is connected, or was within the last seconds, through the
    /// PassthroughCluster: Envoy forgets a host there within seconds of its last connection. None
    /// where the page was not read.
    pub fn passing_by(&self) -> Option<Vec<Host<'a>>> {
        if !self.open.lists_passthrough() {
            return None;
        }
        Some(
            self.hosts()
                .filter(|host| host.cluster == PASSTHROUGH)
                .collect(),
        )
    }

    /// Every host with its open connections.
    pub fn hosts(&self) -> impl Iterator<Item = Host<'a>> {
        self.record.clusters.lines().filter_map(host)
    }

    /// Whether its page of listeners was read.
    pub fn has_told_listeners(&self) -> bool {
        !self.record.listeners.trim().is_empty()
    }

    /// Whether it has listeners of the control plane's, with which every configuration begins.
    pub fn is_configured(&self) -> bool {
        self.listens_at("0.0.0.0", OUTBOUND) || self.listens_at("::", OUTBOUND)
    }

    /// Whether it listens on a port of an address, or on that port of every address.
    pub fn listens_at(&self, address: &str, port: u16) -> bool {
        let ends = [
            format!("::{address}:{port}"),
            format!("::[{address}]:{port}"),
            format!("::0.0.0.0:{port}"),
            format!("::[::]:{port}"),
        ];
        let mut lines = self.record.listeners.lines();
        lines.any(|line| ends.iter().any(|end| line.trim_end().ends_with(end)))
    }

    /// Whether it listens on a port; none where its page was not read.
    pub fn listens_on(&self, port: u16) -> Option<bool> {
        let page = &self.record.listeners;
        if page.trim().is_empty() {
            return None;
        }
        let end = format!(":{port}");
        Some(page.lines().any(|line| line.trim_end().ends_with(&end)))
    }
}

/// Reads a line `cluster::address:port::cx_active::count`.
fn host(line: &str) -> Option<Host<'_>> {
    let (host, count) = line.rsplit_once("::cx_active::")?;
    let (cluster, address) = host.split_once("::")?;
    let (address, port) = address.rsplit_once(':')?;
    Some(Host {
        cluster,
        address: address.trim_start_matches('[').trim_end_matches(']'),
        port: port.parse().ok()?,
        active: count.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(samples: &[&str]) -> ProxyRecord {
        ProxyRecord {
            namespace: "ignite".into(),
            pod: "ignite-0".into(),
            samples: samples
                .iter()
                .map(|stats| ProxySample {
                    at: jiff::Timestamp::UNIX_EPOCH,
                    stats: (*stats).to_owned(),
                })
                .collect(),
            clusters: include_str!("../../fixtures/proxies/ignite-0.clusters").into(),
            listeners: include_str!("../../fixtures/proxies/gateway.listeners").into(),
            dump_unread: false,
            demands: None,
        }
    }

    const REFUSED: &str = "listener.0.0.0.0_15006.no_filter_chain_match";
    const RECORDED: &str = include_str!("../../fixtures/proxies/ignite-0.stats");

    #[test]
    fn a_counter_that_is_not_listed_is_not_zero() {
        let bare = "server.live: 1\n";
        let (kept, not) = (record(&[RECORDED, RECORDED]), record(&[bare, bare]));
        let (kept, not) = (ProxyView::of(&kept), ProxyView::of(&not));
        assert_eq!(
            (kept.counter(REFUSED), kept.rose(REFUSED)),
            (Some(6), Some(0))
        );
        assert_eq!((not.counter(REFUSED), not.rose(REFUSED)), (None, None));
        assert!(kept.keeps_tls_counters() && !not.keeps_tls_counters());
        assert_eq!(not.ending(".update_rejected"), None);
    }

    #[test]
    fn one_sample_tells_no_difference() {
        let once = record(&[RECORDED]);
        assert_eq!(ProxyView::of(&once).rose(REFUSED), None);
        let later = RECORDED.replace("no_filter_chain_match: 6", "no_filter_chain_match: 9");
        let twice = record(&[RECORDED, &later]);
        assert_eq!(ProxyView::of(&twice).rose(REFUSED), Some(3));
    }

    #[test]
    fn a_page_that_was_not_read_tells_of_no_host_and_no_listener() {
        let mut read = record(&[]);
        assert_eq!(ProxyView::of(&read).passing_by(), Some(vec![]));
        assert_eq!(ProxyView::of(&read).listens_on(8443), Some(true));
        assert_eq!(ProxyView::of(&read).listens_on(443), Some(false));
        (read.clusters, read.listeners) = (String::new(), String::new());
        assert_eq!(ProxyView::of(&read).passing_by(), None);
        assert_eq!(ProxyView::of(&read).listens_on(8443), None);
    }

    #[test]
    fn a_listener_is_at_an_address_or_at_all() {
        let mut record = record(&[]);
        record.listeners = "a::10.0.0.7:47100\nb::[fd00::7]:47500\nc::0.0.0.0:80\n".into();
        let proxy = ProxyView::of(&record);
        assert!(proxy.listens_at("10.0.0.7", 47100) && proxy.listens_at("fd00::7", 47500));
        assert!(proxy.listens_at("10.0.0.7", 80));
        assert!(!proxy.listens_at("10.0.0.7", 47500) && !proxy.listens_at("0.0.0.7", 47100));
        assert!(!proxy.is_configured() && proxy.has_told_listeners());
        record.listeners = "virtualOutbound::0.0.0.0:15001\n".into();
        assert!(ProxyView::of(&record).is_configured());
        record.listeners.clear();
        assert!(!ProxyView::of(&record).has_told_listeners());
    }

    #[test]
    fn a_host_is_read_with_its_address_family() {
        let line = "PassthroughCluster::[fd00::7]:47100::cx_active::1";
        let v6 = host(line).unwrap();
        assert_eq!((v6.address, v6.port, v6.active), ("fd00::7", 47100, 1));
        assert_eq!(host(&line.replace("cx_active", "cx_total")), None);
    }
}
