//! What the mesh demands of a connection to a pod, and which policy says so.

use serde_json::Value;

use super::view::{View, name, selects};
use crate::mesh::ISTIO_NAMESPACE;

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

impl MtlsMode {
    /// The word in a PeerAuthentication.
    pub fn name(self) -> &'static str {
        match self {
            Self::Strict => "STRICT",
            Self::Permissive => "PERMISSIVE",
            Self::Disable => "DISABLE",
        }
    }
}

impl<'a> View<'a> {
    /// What the mesh demands of connections to a port of a pod, and the PeerAuthentication that
    /// says so: the narrowest that says something decides (port of the workload, workload,
    /// namespace, mesh), of several the oldest, and without any it is permissive.
    pub fn mtls(&self, pod: &Value, port: u16) -> (MtlsMode, Option<&'a Value>) {
        let own = |p: &&Value| {
            let labels = &p["spec"]["selector"]["matchLabels"];
            !is_empty(labels) && selects(labels, pod)
        };
        let whole = |p: &&Value| is_empty(&p["spec"]["selector"]["matchLabels"]);
        let workload = oldest(self.objects("PeerAuthentication").filter(own));
        let namespace = oldest(self.objects("PeerAuthentication").filter(whole));
        // Only Istio's own namespace's policy without a selector is the mesh's.
        let of_istio =
            |p: &&Value| whole(p) && p["metadata"]["namespace"].as_str() == Some(ISTIO_NAMESPACE);
        let mesh = oldest(self.mesh_objects("PeerAuthentication").filter(of_istio));
        let by_port = workload.and_then(|p| {
            Some((
                mode(&p["spec"]["portLevelMtls"][port.to_string()])?,
                Some(p),
            ))
        });
        let by = |policy: Option<&'a Value>| {
            policy.and_then(|p| Some((mode(&p["spec"]["mtls"])?, Some(p))))
        };
        by_port
            .or_else(|| by(workload))
            .or_else(|| by(namespace))
            .or_else(|| by(mesh))
            .unwrap_or((MtlsMode::Permissive, None))
    }

    /// What the mesh demands of connections to a port of a pod.
    pub fn mtls_mode(&self, pod: &Value, port: u16) -> MtlsMode {
        self.mtls(pod, port).0
    }
}

pub(super) fn oldest<'a>(policies: impl Iterator<Item = &'a Value>) -> Option<&'a Value> {
    policies.min_by_key(|p| {
        let made = p["metadata"]["creationTimestamp"].as_str();
        (made.unwrap_or_default(), name(p))
    })
}

pub(super) fn is_empty(selector: &Value) -> bool {
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
