//! What rules ask of a snapshot: which pods hold the product, which Services lead to them, what
//! the mesh demands of their connections.
//!
//! The product's pods are known by what they are (an Ignite or GridGain image, or the node ports),
//! never by a name, so that a renamed cluster is the same cluster.

use meshproof_protocol::ports::ProductPort;
use serde_json::Value;

use super::{NodeRecord, ProxyRecord, Snapshot, TopRecord};
use crate::mesh::{Injection, OpenConnections, PROXY_CONTAINER, Stats};
use crate::product::logs::NodeLog;
use crate::product::rest::{TopNode, answer};

/// The ports on which nodes speak to each other.
pub const NODE_PORTS: [ProductPort; 2] = [ProductPort::Communication, ProductPort::Discovery];

/// A snapshot with its pods' records brought together.
pub struct View<'a> {
    /// The snapshot itself.
    pub snapshot: &'a Snapshot,
    /// The product's pods, by name.
    pub product: Vec<ProductPod<'a>>,
}

/// One pod that holds a node of the product.
pub struct ProductPod<'a> {
    /// Its name.
    pub name: &'a str,
    /// The Pod object.
    pub pod: &'a Value,
    /// The container that holds the node, as the pod's spec has it.
    pub container: &'a Value,
    /// How it got a sidecar, if it has one.
    pub injection: Injection,
    /// What the node's log says; none where there is no log.
    pub log: Option<NodeLog>,
    /// What its REST `top` lists; none where it gave no answer.
    pub top: Option<Vec<TopNode>>,
    /// The record of the node itself.
    pub node: Option<&'a NodeRecord>,
    /// The pod's sidecar; none where it has none, or it did not answer.
    pub proxy: Option<ProxyView<'a>>,
}

/// A proxy's two samples, read.
pub struct ProxyView<'a> {
    /// The record.
    pub record: &'a ProxyRecord,
    /// Statistics at the first moment.
    pub before: Stats,
    /// Statistics at the second moment.
    pub after: Stats,
    /// Outbound connections that were open at the second moment.
    pub open: OpenConnections,
}

impl ProxyView<'_> {
    /// By how much a counter rose between the two moments.
    pub fn rose(&self, name: &str) -> u64 {
        self.after.get(name).saturating_sub(self.before.get(name))
    }
}

/// What the mesh demands of a connection to a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MtlsMode {
    /// Mutual TLS only.
    Strict,
    /// Mutual TLS or plaintext.
    Permissive,
    /// Plaintext only.
    Disable,
}

impl<'a> View<'a> {
    /// The view of a snapshot.
    pub fn of(snapshot: &'a Snapshot) -> Self {
        let mut product: Vec<ProductPod<'a>> = of_kind(&snapshot.objects, "Pod")
            .filter_map(|pod| ProductPod::of(snapshot, pod))
            .collect();
        product.sort_by_key(|pod| pod.name);
        Self { snapshot, product }
    }

    /// The namespace's name.
    pub fn namespace(&self) -> &'a str {
        name(&self.snapshot.namespace)
    }

    /// The namespace's objects of one kind.
    pub fn objects(&self, kind: &'static str) -> impl Iterator<Item = &'a Value> + use<'a> {
        of_kind(&self.snapshot.objects, kind)
    }

    /// The objects of one kind in Istio's own namespace.
    pub fn mesh_objects(&self, kind: &'static str) -> impl Iterator<Item = &'a Value> + use<'a> {
        of_kind(&self.snapshot.mesh_objects, kind)
    }

    /// The Services of the namespace that lead to at least one of the product's pods.
    pub fn product_services(&self) -> Vec<&'a Value> {
        self.objects("Service")
            .filter(|service| {
                self.product
                    .iter()
                    .any(|pod| selects(&service["spec"]["selector"], pod.pod))
            })
            .collect()
    }

    /// The entries `(Service, port)` that declare a port number to at least one product pod.
    pub fn declarations(&self, port: ProductPort) -> Vec<(&'a Value, &'a Value)> {
        self.product_services()
            .into_iter()
            .flat_map(|service| {
                let ports = service["spec"]["ports"].as_array().into_iter().flatten();
                ports.map(move |entry| (service, entry))
            })
            .filter(|(_, entry)| entry["port"] == port.number())
            .collect()
    }

    /// What the mesh demands of connections to a port of a pod: the narrowest PeerAuthentication
    /// that says something decides (port of the workload, workload, namespace, mesh), and without
    /// any it is permissive.
    pub fn mtls_mode(&self, pod: &Value, port: u16) -> MtlsMode {
        let own = |p: &&Value| {
            let labels = &p["spec"]["selector"]["matchLabels"];
            !is_empty(labels) && selects(labels, pod)
        };
        let whole = |p: &&Value| is_empty(&p["spec"]["selector"]["matchLabels"]);
        let workload = self.objects("PeerAuthentication").find(own);
        let by_port = workload.and_then(|p| mode(&p["spec"]["portLevelMtls"][port.to_string()]));
        by_port
            .or_else(|| workload.and_then(|p| mode(&p["spec"]["mtls"])))
            .or_else(|| {
                let namespace = self.objects("PeerAuthentication").find(whole);
                namespace.and_then(|p| mode(&p["spec"]["mtls"]))
            })
            .or_else(|| {
                let mesh = self.mesh_objects("PeerAuthentication").find(whole);
                mesh.and_then(|p| mode(&p["spec"]["mtls"]))
            })
            .unwrap_or(MtlsMode::Permissive)
    }

    /// The record of a proxy, read.
    pub fn proxy(&self, namespace: &str, pod: &str) -> Option<ProxyView<'a>> {
        proxy_of(self.snapshot, namespace, pod)
    }
}

impl<'a> ProductPod<'a> {
    fn of(snapshot: &'a Snapshot, pod: &'a Value) -> Option<Self> {
        let containers = pod["spec"]["containers"].as_array()?;
        let container = containers.iter().find(|c| holds_a_node(c))?;
        let pod_name = name(pod);
        let node = snapshot.nodes.iter().find(|n| n.pod == pod_name);
        let top = node.and_then(|n| match &n.top {
            TopRecord::Answer(body) => answer::top(body).ok(),
            TopRecord::NoAnswer(_) => None,
        });
        Some(Self {
            name: pod_name,
            pod,
            container,
            injection: Injection::of(pod),
            log: node.and_then(|n| n.log.as_deref()).map(NodeLog::read),
            top,
            node,
            proxy: proxy_of(snapshot, name(&snapshot.namespace), pod_name),
        })
    }

    /// The object's name in findings: `Pod ignite/ignite-0`.
    pub fn object(&self) -> String {
        object(self.pod)
    }
}

/// Whether a container of a pod's spec holds a node of the product: by its image's name, or since
/// it declares both ports on which nodes speak to each other.
pub fn holds_a_node(container: &Value) -> bool {
    let image = container["image"].as_str().unwrap_or_default();
    let repository = image.split('@').next().unwrap_or_default();
    let last = repository.rsplit('/').next().unwrap_or_default();
    let last = last.split(':').next().unwrap_or_default();
    let declares = |port: ProductPort| {
        let ports = container["ports"].as_array().into_iter().flatten();
        ports
            .map(|p| &p["containerPort"])
            .any(|number| *number == port.number())
    };
    container["name"] != PROXY_CONTAINER
        && (last == "ignite" || last.contains("gridgain") || NODE_PORTS.into_iter().all(declares))
}

/// An object's name in findings: `Service ignite/ignite-headless`, `Namespace ignite`.
pub fn object(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap_or("object");
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{kind} {namespace}/{}", name(object)),
        None => format!("{kind} {}", name(object)),
    }
}

/// An object's `metadata.name`.
pub fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// Whether a selector, given as a map of labels, selects a pod. An empty one selects none.
pub fn selects(selector: &Value, pod: &Value) -> bool {
    let Some(wanted) = selector.as_object().filter(|s| !s.is_empty()) else {
        return false;
    };
    let labels = &pod["metadata"]["labels"];
    wanted.iter().all(|(key, value)| labels[key] == *value)
}

fn is_empty(selector: &Value) -> bool {
    selector.as_object().is_none_or(|s| s.is_empty())
}

fn mode(mtls: &Value) -> Option<MtlsMode> {
    match mtls["mode"].as_str()? {
        "STRICT" => Some(MtlsMode::Strict),
        "PERMISSIVE" => Some(MtlsMode::Permissive),
        "DISABLE" => Some(MtlsMode::Disable),
        _ => None,
    }
}

fn of_kind<'a>(objects: &'a [Value], kind: &'static str) -> impl Iterator<Item = &'a Value> {
    objects.iter().filter(move |o| o["kind"] == kind)
}

fn proxy_of<'a>(snapshot: &'a Snapshot, namespace: &str, pod: &str) -> Option<ProxyView<'a>> {
    let record = snapshot
        .proxies
        .iter()
        .find(|p| p.namespace == namespace && p.pod == pod)?;
    let stats = |at: Option<&super::ProxySample>| Some(Stats::parse(&at?.stats));
    Some(ProxyView {
        record,
        before: stats(record.samples.first())?,
        after: stats(record.samples.last())?,
        open: OpenConnections::read(&record.pod, "/clusters".into(), record.clusters.clone()),
    })
}
