//! What rules ask of a snapshot: which pods hold the product, which Services lead to them, what
//! the mesh demands of their connections.
//!
//! The product's pods are known by what they are (an Ignite or GridGain image, or the node ports),
//! never by a name, so that a renamed cluster is the same cluster.

use meshproof_protocol::ports::ProductPort;
use serde_json::Value;

pub use super::policies::MtlsMode;
pub use super::ports::Served;
pub use super::proxy::ProxyView;
use super::services::{is_headless, is_tcp, target};
use super::{NodeRecord, Snapshot, TopRecord};
use crate::mesh::{Injection, PROXY_CONTAINER};
use crate::outcome::Symptom;
use crate::product::logs::NodeLog;
use crate::product::rest::{TopNode, answer};
use crate::product::state::{ClusterState, NodeView, likely_state};

/// The ports on which nodes speak to each other.
pub const NODE_PORTS: [ProductPort; 2] = [ProductPort::Communication, ProductPort::Discovery];

/// The ports on which they serve everybody else.
pub const CLIENT_PORTS: [ProductPort; 3] = [
    ProductPort::Rest,
    ProductPort::ThinClient,
    ProductPort::RestTcp,
];

/// A snapshot with its pods' records brought together.
pub struct View<'a> {
    /// The snapshot itself.
    pub snapshot: &'a Snapshot,
    /// The product's pods, by name.
    pub product: Vec<ProductPod<'a>>,
    /// Those of the namespace's other clusters, which are neither these nodes nor their clients.
    pub elsewhere: Vec<ProductPod<'a>>,
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

/// The cluster that the nodes form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It can be told.
    Known(ClusterState),
    /// It cannot, and this is why.
    Unknown(String),
}

impl<'a> View<'a> {
    /// The view of a snapshot.
    pub fn of(snapshot: &'a Snapshot) -> Self {
        let mut product: Vec<ProductPod<'a>> = of_kind(&snapshot.objects, "Pod")
            .filter_map(|pod| ProductPod::of(snapshot, pod))
            .collect();
        product.sort_by_key(|pod| pod.name);
        Self {
            snapshot,
            product,
            elsewhere: vec![],
        }
    }

    fn holds_a_node(&self, pod: &str) -> bool {
        let mut all = self.product.iter().chain(&self.elsewhere);
        all.any(|node| node.name == pod)
    }

    /// The namespace's name.
    pub fn namespace(&self) -> &'a str {
        name(&self.snapshot.namespace)
    }

    /// The namespace's objects of one kind.
    pub fn objects(&self, kind: &'static str) -> impl Iterator<Item = &'a Value> + use<'a> {
        of_kind(&self.snapshot.objects, kind)
    }

    /// The objects of one kind in Istio's own namespace, and of gateways elsewhere.
    pub fn mesh_objects(&self, kind: &'static str) -> impl Iterator<Item = &'a Value> + use<'a> {
        of_kind(&self.snapshot.mesh_objects, kind)
    }

    /// The Services of the namespace that lead to a pod.
    pub fn services_of(&self, pod: &Value) -> impl Iterator<Item = &'a Value> {
        self.objects("Service")
            .filter(|service| selects(&service["spec"]["selector"], pod))
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

    /// The TCP entries `(Service, entry)` of Services that lead to a product pod.
    pub fn entries(&self) -> Vec<(&'a Value, &'a Value)> {
        self.product_services()
            .into_iter()
            .flat_map(|service| {
                let ports = service["spec"]["ports"].as_array().into_iter().flatten();
                ports.map(move |entry| (service, entry))
            })
            .filter(|(_, entry)| is_tcp(entry))
            .collect()
    }

    /// The entries that declare a port number to at least one product pod.
    pub fn declarations(&self, port: ProductPort) -> Vec<(&'a Value, &'a Value)> {
        let mut entries = self.entries();
        entries.retain(|(_, entry)| entry["port"] == port.number());
        entries
    }

    /// The client ports of a node to which Services lead, as it serves them, each with the entries that do:
    /// what is declared is meant to be reached. A client in the topology serves nobody.
    pub fn declared_client_ports(&self, pod: &ProductPod<'a>) -> Vec<(Served, Vec<&'a Value>)> {
        if pod.log.as_ref().is_some_and(NodeLog::is_client_node) {
            return vec![];
        }
        let entries: Vec<&Value> = self
            .services_of(pod.pod)
            .flat_map(|service| service["spec"]["ports"].as_array().into_iter().flatten())
            .filter(|entry| is_tcp(entry))
            .collect();
        let ports = CLIENT_PORTS.into_iter().map(|port| {
            let served = pod.served(port);
            let leads = |entry: &&Value| target(entry, pod.pod) == Some(served.number().into());
            let leading = entries.iter().copied().filter(leads);
            (served, leading.collect::<Vec<_>>())
        });
        ports.filter(|(_, leading)| !leading.is_empty()).collect()
    }

    /// Those declarations by which a sidecar knows a port at the pods' own addresses.
    pub fn headless_declarations(&self, port: ProductPort) -> Vec<(&'a Value, &'a Value)> {
        let mut entries = self.declarations(port);
        entries.retain(|(service, _)| is_headless(service));
        entries
    }

    /// The product's pods that have a sidecar.
    pub fn in_mesh(&self) -> impl Iterator<Item = &ProductPod<'a>> {
        self.product
            .iter()
            .filter(|pod| pod.injection != Injection::Absent)
    }

    /// The namespace's other pods that have a sidecar. Which of them are clients, only their
    /// connections tell.
    pub fn others_in_mesh(&self) -> impl Iterator<Item = &'a Value> {
        self.objects("Pod")
            .filter(|pod| Injection::of(pod) != Injection::Absent)
            .filter(|pod| !self.holds_a_node(name(pod)))
    }

    /// What the sidecars of the namespace's other pods say, where they answered.
    pub fn other_proxies(&self) -> Vec<ProxyView<'a>> {
        self.snapshot
            .proxies
            .iter()
            .filter(|proxy| proxy.namespace == self.namespace() && !self.holds_a_node(&proxy.pod))
            .map(ProxyView::of)
            .collect()
    }

    /// How many sidecars of the product's pods told nothing of their connections.
    pub fn mute_proxies(&self) -> usize {
        let answers = |pod: &ProductPod<'_>| pod.proxy.as_ref().is_some_and(ProxyView::answers);
        self.in_mesh().filter(|pod| !answers(pod)).count()
    }

    /// What the nodes are together, as `product` tells it from their logs and, where it answers, from
    /// REST. Clients are none of them, and what a node said before it ended counts no more.
    pub fn state(&self) -> State {
        if self.product.is_empty() {
            return State::Unknown("no pod of the namespace holds a node".into());
        }
        let silent = NodeLog::default();
        let nodes: Vec<NodeView<'_>> = self
            .product
            .iter()
            .map(|pod| NodeView {
                name: pod.name,
                log: pod.log.as_ref().filter(|_| pod.runs()).unwrap_or(&silent),
                top: pod.top.as_deref(),
            })
            .filter(|node| !node.log.is_client_node())
            .collect();
        let state = likely_state(&nodes);
        match state.symptom {
            Symptom::Undecided => State::Unknown(state.reason),
            // The pods that are there may well have formed a cluster without those that are not.
            Symptom::Healthy => match self.missing_pods() {
                Some(missing) => State::Unknown(missing),
                None => State::Known(state),
            },
            _ => State::Known(state),
        }
    }

    /// Whether the nodes are in this state.
    pub fn is_in(&self, symptom: Symptom) -> bool {
        matches!(self.state(), State::Known(state) if state.symptom == symptom)
    }

    /// Why objects of a kind in a namespace are not known, if they could not be read.
    pub fn unread(&self, namespace: &str, kind: &str) -> Option<String> {
        let unread = self.snapshot.unread.iter();
        let mut unread = unread.filter(|u| u.namespace == namespace && u.kind == kind);
        unread.next().map(|u| {
            format!(
                "the objects of kind {kind} in {namespace} could not be read: {}",
                u.because
            )
        })
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
        if has_ended(pod) {
            return None;
        }
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

/// Whether a pod is one that stays listed after it has done its work, or that its kubelet gave up, as
/// one that is evicted. What took its place is another pod.
fn has_ended(pod: &Value) -> bool {
    let status = &pod["status"];
    status["phase"] == "Succeeded" || status["phase"] == "Failed" && status["reason"].is_string()
}

/// Whether a container of a pod's spec holds a node of the product: by its image's name, or since
/// it declares a port on which nodes speak to each other, as an application that embeds one does.
pub fn holds_a_node(container: &Value) -> bool {
    let last = image_name(container);
    let declares = |port: ProductPort| {
        let ports = container["ports"].as_array().into_iter().flatten();
        ports
            .map(|p| &p["containerPort"])
            .any(|number| *number == port.number())
    };
    container["name"] != PROXY_CONTAINER
        && (last == "ignite" || last.contains("gridgain") || NODE_PORTS.into_iter().any(declares))
}

/// Whether a container's image is Ignite's by its name, which asks for no license.
pub fn is_ignite(container: &Value) -> bool {
    image_name(container) == "ignite"
}

/// What an image is called, without registry, tag and digest.
fn image_name(container: &Value) -> &str {
    let image = container["image"].as_str().unwrap_or_default();
    let repository = image.split('@').next().unwrap_or_default();
    let last = repository.rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default()
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

fn of_kind<'a>(objects: &'a [Value], kind: &'static str) -> impl Iterator<Item = &'a Value> {
    objects.iter().filter(move |o| o["kind"] == kind)
}

fn proxy_of<'a>(snapshot: &'a Snapshot, namespace: &str, pod: &str) -> Option<ProxyView<'a>> {
    let record = snapshot
        .proxies
        .iter()
        .find(|p| p.namespace == namespace && p.pod == pod)?;
    Some(ProxyView::of(record))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_node_is_known_by_its_image_or_by_a_port_that_it_declares() {
        let container = |image: &str, ports: &[u16]| {
            let ports: Vec<Value> = ports
                .iter()
                .map(|port| json!({ "containerPort": port }))
                .collect();
            json!({ "name": "app", "image": image, "ports": ports })
        };
        for (image, ports) in [
            ("apacheignite/ignite:2.16.0", &[][..]),
            ("registry.example:5000/gridgain-enterprise@sha256:00", &[]),
            ("shop/orders:7", &[8080, 47500]),
            ("shop/orders:7", &[47100]),
        ] {
            assert!(holds_a_node(&container(image, ports)), "{image} {ports:?}");
        }
        for (image, ports) in [
            ("shop/orders:7", &[8080, 10800][..]),
            ("shop/ignite-exporter:1", &[]),
        ] {
            assert!(!holds_a_node(&container(image, ports)), "{image} {ports:?}");
        }
        let mut proxy = container("istio/proxyv2", &[47500]);
        proxy["name"] = json!(PROXY_CONTAINER);
        assert!(!holds_a_node(&proxy));
    }
}
