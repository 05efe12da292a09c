//! The outbound connections that a proxy has open now, each with the port that it leads to.
//!
//! Read from the admin port's `/clusters`: for every cluster it lists the hosts that the proxy
//! knows and the connections to each. A cluster that passes connections on to wherever they were
//! going has as its hosts just those places (original destinations), so that the page tells the
//! ports that the PassthroughCluster's counters do not. Those counters, besides, come into being
//! with the first such connection: a proxy that never made one does not list them (measured with
//! Envoy 1.40.0).

use super::proxy::{ADMIN_PORT, Proxy, excerpt};
use crate::kube::{Kube, KubeError};
use crate::outcome::Evidence;

/// The cluster of connections to what the mesh does not know: they go out as they are.
pub const PASSTHROUGH: &str = "PassthroughCluster";

/// What a proxy has open, with the page it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenConnections {
    /// The pod.
    pub pod: String,
    open: Vec<Open>,
    clusters_listed: bool,
    command: String,
    page: String,
}

/// Connections to one host of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Open {
    cluster: String,
    port: u16,
    count: u64,
}

impl OpenConnections {
    /// Reads a proxy now.
    ///
    /// # Errors
    /// When its admin port does not answer with the page.
    pub async fn of(kube: &Kube, proxy: &Proxy<'_>) -> Result<Self, KubeError> {
        let (status, page) = kube
            .get(&proxy.namespace, &proxy.pod, ADMIN_PORT, "/clusters")
            .await?;
        if status != 200 {
            return Err(KubeError::Object {
                what: format!(
                    "/clusters of the proxy of {}/{}",
                    proxy.namespace, proxy.pod
                ),
                reason: format!("it answers {status}"),
            });
        }
        Ok(Self::read(&proxy.pod, proxy.command("/clusters"), page))
    }

    /// Reads a page that was fetched.
    pub fn read(pod: &str, command: String, page: String) -> Self {
        let open = page
            .lines()
            .filter_map(read_open)
            .filter(|open| open.count > 0)
            .collect();
        let listed = format!("{PASSTHROUGH}::");
        Self {
            pod: pod.to_owned(),
            open,
            clusters_listed: page.lines().any(|line| line.starts_with(&listed)),
            command,
            page,
        }
    }

    /// Whether the page lists the PassthroughCluster at all, with or without connections.
    pub fn lists_passthrough(&self) -> bool {
        self.clusters_listed
    }

    /// Ports to which connections pass through the PassthroughCluster.
    pub fn passing_by(&self) -> Vec<u16> {
        self.ports(|cluster| cluster == PASSTHROUGH)
    }

    /// Ports to which connections lead through the Service of this host name.
    pub fn through_service(&self, host: &str) -> Vec<u16> {
        self.ports(|cluster| is_of_service(cluster, host))
    }

    /// Evidence made of the lines about a Service's connections and about those that pass by.
    pub fn evidence(&self, host: &str, fact: impl Into<String>) -> Evidence {
        let presence = format!("{PASSTHROUGH}::observability_name::");
        let raw = excerpt(&self.page, |line| {
            let bears_on =
                |open: Open| open.cluster == PASSTHROUGH || is_of_service(&open.cluster, host);
            line.starts_with(&presence) || read_open(line).is_some_and(bears_on)
        });
        Evidence::now(self.command.clone(), raw, fact)
    }

    fn ports(&self, wanted: impl Fn(&str) -> bool) -> Vec<u16> {
        let mut ports: Vec<u16> = self
            .open
            .iter()
            .filter(|o| wanted(&o.cluster))
            .map(|o| o.port)
            .collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }
}

fn is_of_service(cluster: &str, host: &str) -> bool {
    cluster.starts_with("outbound|") && cluster.ends_with(&format!("||{host}"))
}

/// Reads a line `cluster::address:port::cx_active::count`.
fn read_open(line: &str) -> Option<Open> {
    let (host, count) = line.rsplit_once("::cx_active::")?;
    let (cluster, address) = host.split_once("::")?;
    Some(Open {
        cluster: cluster.to_owned(),
        port: address.rsplit_once(':')?.1.parse().ok()?,
        count: count.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &str = include_str!("../../fixtures/proxies/ignite-1.clusters");

    const HOST: &str = "ignite-headless.ignite.svc.cluster.local";

    fn read(page: &str) -> OpenConnections {
        OpenConnections::read("ignite-1", "curl".into(), page.into())
    }

    #[test]
    fn a_healthy_nodes_connections_lead_through_the_service() {
        let open = read(RECORDED);
        assert!(open.lists_passthrough());
        assert_eq!(open.through_service(HOST), [47100, 47500]);
        assert_eq!(
            open.through_service("other.ignite.svc.cluster.local"),
            Vec::<u16>::new()
        );
        assert_eq!(open.passing_by(), Vec::<u16>::new());
        assert_eq!(
            open.evidence(HOST, "fact").raw,
            "PassthroughCluster::observability_name::PassthroughCluster;\n\
             outbound|47100||ignite-headless.ignite.svc.cluster.local::10.244.1.4:47100::cx_active::1\n\
             outbound|47500||ignite-headless.ignite.svc.cluster.local::10.244.1.4:47500::cx_active::1\n\
             (3 of 15 lines)"
        );
    }

    #[test]
    fn a_connection_that_passes_by_is_told_with_its_port() {
        let recorded = include_str!("../../fixtures/proxies/passing-by.clusters");
        let open = read(recorded);
        assert_eq!(open.passing_by(), [10250]);
        assert!(
            open.evidence(HOST, "fact")
                .raw
                .contains(":10250::cx_active::1")
        );
        let ended = recorded.replace("cx_active::1", "cx_active::0");
        assert_eq!(read(&ended).passing_by(), Vec::<u16>::new());
        let v6 = recorded.replace("172.18.0.2", "[fd00::7]");
        assert_eq!(read(&v6).passing_by(), [10250]);
    }

    #[test]
    fn a_page_without_the_cluster_says_so() {
        assert!(
            !read("outbound|80||a.b.svc.cluster.local::added_via_api::true\n").lists_passthrough()
        );
    }
}
