//! One run: what stood under it, what it found, how it ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ScenarioOutcome;

/// The version of `report.json`. Raised when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// One image that the lab runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageFact {
    /// The name it carries inside the lab.
    pub name: String,
    /// Its content digest (`sha256:...`).
    pub digest: String,
    /// Where it came from: `build`, and of which package versions.
    pub origin: String,
}

/// The lab under a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabFacts {
    /// The kind cluster's name.
    pub cluster: String,
    /// Whether it stood before this run.
    pub reused: bool,
    /// Its nodes, and why so many.
    pub topology: String,
    /// Kubernetes' version as the API server tells it.
    pub kubernetes: String,
    /// The container engine and its version.
    pub engine: String,
    /// Where images came from, and why.
    pub image_source: String,
    /// Every image, with digest and origin.
    pub images: Vec<ImageFact>,
    /// How images reached the nodes: by linked stores, or by loading an archive.
    pub image_delivery: String,
}

/// One overlay on Istio's default profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlay {
    /// Its name: `instrumentation`, `offline`.
    pub name: String,
    /// Its YAML as istioctl was given it.
    pub yaml: String,
}

/// The mesh under a run, as probed from the live cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeshFacts {
    /// Istio's build id: `1.31.0-dev.20260827`.
    pub build: String,
    /// Envoy's version as a running proxy tells it.
    pub envoy: String,
    /// `native` or `classic`.
    pub sidecar_mode: String,
    /// Whether the proxies carry Istio's own filters (`istio.stats` and its kin).
    pub istio_filters: bool,
    /// Whether an ingress gateway runs.
    pub ingress_gateway: bool,
    /// Istio's API versions that the cluster serves.
    pub api_versions: Vec<String>,
    /// Overlays on the default profile.
    pub overlays: Vec<Overlay>,
}

impl MeshFacts {
    /// Whether this Istio was built by Meshproof's user and not released by the Istio project.
    ///
    /// A build of one's own always carries the day of its source: `1.31.0-dev.20260827`.
    pub fn self_built(&self) -> bool {
        self.build.contains("-dev.")
    }
}

/// The product under a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductFacts {
    /// `Apache Ignite` or `GridGain`.
    pub name: String,
    /// The version that a running node tells.
    pub version: String,
}

/// What Meshproof's own process used, its children excluded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ProcessFacts {
    /// CPU seconds, user and system.
    pub cpu_seconds: f64,
    /// The most memory it had resident, in MiB.
    pub peak_memory_mib: f64,
}

/// One run, whole: this is what `report.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// [`SCHEMA_VERSION`] at the time of writing.
    pub schema_version: u32,
    /// The run's id; its folder is named after it.
    pub id: String,
    /// The command line as typed.
    pub command: String,
    /// Meshproof's own version.
    pub meshproof: String,
    /// When it began.
    pub started: Timestamp,
    /// Wall-clock seconds from start to the table.
    pub seconds: f64,
    /// Stages before the first scenario, with their seconds.
    pub stages: Vec<super::PhaseTime>,
    /// The lab, if one came up.
    pub lab: Option<LabFacts>,
    /// The mesh, if one came up.
    pub mesh: Option<MeshFacts>,
    /// The product, once a node told its version.
    pub product: Option<ProductFacts>,
    /// One entry for each scenario of the plan.
    pub outcomes: Vec<ScenarioOutcome>,
    /// What this process used, where the system tells.
    pub process: Option<ProcessFacts>,
    /// What cleaning up left behind, with the reason; empty when all is gone.
    pub left_behind: Vec<String>,
}

impl Run {
    /// Whether every outcome is on record and nothing was left behind.
    pub fn is_green(&self) -> bool {
        self.left_behind.is_empty() && self.outcomes.iter().all(|o| o.expectation.green)
    }
}
