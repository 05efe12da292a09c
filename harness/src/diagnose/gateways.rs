//! The gateways that the namespace's own objects ask for, and what serves them.

use serde_json::Value;

use super::pods::ready;
use super::view::{View, name, selects};
use crate::mesh::ISTIO_NAMESPACE;

/// What kind of thing a VirtualService's reference to a Gateway leads to.
pub enum Reference<'a> {
    /// The Gateway.
    Found(&'a Value),
    /// There is none of that name.
    Absent,
    /// Its namespace was not read.
    Unread(String),
}

impl<'a> View<'a> {
    /// The Gateways that matter to the namespace: its own, and those of the mesh that its
    /// VirtualServices name.
    pub fn needed_gateways(&self) -> Vec<&'a Value> {
        let mut needed: Vec<&Value> = self.objects("Gateway").filter(is_istios).collect();
        for (_, reference) in self.gateway_references() {
            if let Reference::Found(gateway) = self.gateway(reference)
                && !needed.iter().any(|known| std::ptr::eq(*known, gateway))
            {
                needed.push(gateway);
            }
        }
        needed
    }

    /// The references `(VirtualService, name)` to Gateways; `mesh` is none, it means sidecars.
    pub fn gateway_references(&self) -> Vec<(&'a Value, &'a str)> {
        self.objects("VirtualService")
            .flat_map(|service| {
                let gateways = service["spec"]["gateways"].as_array();
                gateways.into_iter().flatten().map(move |g| (service, g))
            })
            .filter_map(|(service, gateway)| Some((service, gateway.as_str()?)))
            .filter(|(_, gateway)| *gateway != "mesh")
            .collect()
    }

    /// The Gateway to which a reference of a VirtualService leads: `name`, or `namespace/name`.
    pub fn gateway(&self, reference: &str) -> Reference<'a> {
        let (namespace, wanted) = match reference.split_once('/') {
            Some((".", wanted)) => (self.namespace(), wanted),
            Some((namespace, wanted)) => (namespace, wanted),
            None => (self.namespace(), reference),
        };
        let unread = |kind: &str| self.unread(namespace, kind);
        let found = if namespace == self.namespace() {
            self.objects("Gateway")
                .filter(is_istios)
                .find(|g| name(g) == wanted)
        } else if namespace == ISTIO_NAMESPACE {
            self.mesh_objects("Gateway")
                .filter(is_istios)
                .find(|g| name(g) == wanted)
        } else {
            return Reference::Unread(format!("the namespace {namespace} was not read"));
        };
        match (found, unread("Gateway")) {
            (Some(gateway), _) => Reference::Found(gateway),
            (None, Some(because)) => Reference::Unread(because),
            (None, None) => Reference::Absent,
        }
    }

    /// The pods that a Gateway selects, in the namespaces that were read. Istio looks for them in
    /// every namespace.
    pub fn gateway_pods(&self, gateway: &Value) -> Vec<&'a Value> {
        let selector = &gateway["spec"]["selector"];
        self.mesh_objects("Pod")
            .chain(self.objects("Pod"))
            .filter(|pod| selects(selector, pod))
            .collect()
    }

    /// The Deployments whose pods a Gateway selects.
    pub fn gateway_deployments(&self, gateway: &Value) -> Vec<&'a Value> {
        let selector = &gateway["spec"]["selector"];
        self.mesh_objects("Deployment")
            .chain(self.objects("Deployment"))
            .filter(|deployment| selects(selector, &deployment["spec"]["template"]))
            .collect()
    }

    /// The Services that lead to pods which a Gateway selects, whether or not there is one now.
    pub fn gateway_services(&self, gateway: &Value) -> Vec<&'a Value> {
        let pods = self.gateway_pods(gateway);
        let templates = self.gateway_deployments(gateway);
        let templates = templates.iter().map(|d| &d["spec"]["template"]);
        let serving: Vec<&Value> = pods.iter().copied().chain(templates).collect();
        self.mesh_objects("Service")
            .chain(self.objects("Service"))
            .filter(|service| {
                let selector = &service["spec"]["selector"];
                serving.iter().any(|pod| selects(selector, pod))
            })
            .collect()
    }
}

/// The selector of a Gateway as `kubectl -l` takes it.
pub fn selector_text(gateway: &Value) -> String {
    let labels = gateway["spec"]["selector"]
        .as_object()
        .into_iter()
        .flatten();
    let labels: Vec<String> = labels
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    labels.join(",")
}

/// Whether a pod is Ready.
pub fn is_ready(pod: &Value) -> bool {
    ready(pod).is_some()
}

/// The namespace of an object.
pub fn namespace_of(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or_default()
}

/// A Gateway of Istio's own API; the Kubernetes Gateway API has a kind of the same name.
fn is_istios(gateway: &&Value) -> bool {
    gateway["apiVersion"]
        .as_str()
        .is_none_or(|version| version.starts_with("networking.istio.io/"))
}
