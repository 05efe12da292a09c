//! What is read of a namespace for diagnosis, as it was read: the file that `meshproof record`
//! writes and `meshproof diagnose --from` reads.
//!
//! It holds texts and API objects, and of a listener's dump what it demands; no conclusions. What must
//! not be in a file that people send around (the data of Secrets and ConfigMaps, values of environment
//! variables) is never put in, and what of it stands in logs and objects is taken out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::mesh::Demand;

/// The version of the snapshot's form. Raised when a field changes its meaning or goes away.
pub const SNAPSHOT_VERSION: u32 = 1;

/// One namespace, and what of the mesh bears on it, at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// [`SNAPSHOT_VERSION`] at the time of writing.
    pub schema_version: u32,
    /// How it came about.
    pub recorded: Recorded,
    /// The Namespace object.
    pub namespace: Value,
    /// The namespace's objects: Pod, Service, StatefulSet, Deployment, Event, PeerAuthentication,
    /// DestinationRule, AuthorizationPolicy, NetworkPolicy, Gateway, VirtualService, Sidecar.
    pub objects: Vec<Value>,
    /// The objects of Istio's own namespace: Pod, Service, Deployment, PeerAuthentication,
    /// DestinationRule, AuthorizationPolicy, Gateway, Sidecar; and the Pods, Services and Deployments of
    /// gateways in other namespaces.
    pub mesh_objects: Vec<Value>,
    /// What could not be read: where nothing is listed because of it, that is no absence.
    #[serde(default)]
    pub unread: Vec<Unread>,
    /// The names of the namespace's Secrets; none where they may not be listed.
    pub secrets: Option<Vec<String>>,
    /// The names of the Secrets in Istio's namespace; none where they may not be listed.
    pub mesh_secrets: Option<Vec<String>>,
    /// What the product's nodes say, by pod.
    pub nodes: Vec<NodeRecord>,
    /// What the proxies say: the sidecars of the namespace and the gateways of the mesh.
    pub proxies: Vec<ProxyRecord>,
}

/// How a snapshot came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// The command that made it.
    pub command: String,
    /// The Istio build that ran, as the image of istiod or, without one, of a proxy tells it; none where
    /// neither does.
    pub istio: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A kind of object that could not be read in a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// The namespace.
    pub namespace: String,
    /// The kind.
    pub kind: String,
    /// Why not.
    pub because: String,
}

/// One node of the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// Its pod.
    pub pod: String,
    /// Its container there.
    pub container: String,
    /// The log of the container that runs, or ran last; none where no container ever started.
    pub log: Option<String>,
    /// The log of the container before that, if there was one.
    pub previous_log: Option<String>,
    /// What its REST interface answers to `top`.
    pub top: TopRecord,
    /// Values of the `licenseUrl` property in the configuration that the pod mounts.
    pub license_urls: Vec<String>,
}

/// An answer of a node's REST interface, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TopRecord {
    /// It answered with this body.
    Answer(String),
    /// It did not answer, and this is why.
    NoAnswer(String),
}

/// One proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyRecord {
    /// Its pod's namespace.
    pub namespace: String,
    /// Its pod.
    pub pod: String,
    /// Its statistics at two moments: counters are history, only their difference is now. Fewer
    /// where it stopped answering.
    pub samples: Vec<ProxySample>,
    /// Its `/clusters` page, at the second moment; empty where it did not answer with one.
    pub clusters: String,
    /// Its `/listeners` page: `name::address`, a line each; empty where it did not answer with one.
    pub listeners: String,
    /// What a sidecar's listener demands of connections to the product's own ports; none of a gateway,
    /// where its dump was not read, and in files that are older than this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demands: Option<BTreeMap<u16, Demand>>,
    /// Whether the dump that tells its listeners was asked for and not read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dump_unread: bool,
}

/// A proxy's statistics at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxySample {
    /// When.
    pub at: Timestamp,
    /// What the admin port's `/stats` printed, `name: value` a line.
    pub stats: String,
}
