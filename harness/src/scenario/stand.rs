//! What a scenario stands on while it runs: the cluster, its mesh, its namespace.

use jiff::Timestamp;

use super::RunLimit;
use crate::expectation::{BuildId, Ground, ProxyKind, SidecarMode};
use crate::kube::Kube;
use crate::mesh::{Capabilities, Install};
use crate::outcome::ImageFact;
use crate::product::Product;
use crate::progress::Progress;

/// Everything a step is given.
#[derive(Clone)]
pub struct Stand {
    /// The cluster's API.
    pub kube: Kube,
    /// The product that the run is of.
    pub product: Product,
    /// The namespace that the scenario works in.
    pub namespace: String,
    /// The Istio build that was asked for.
    pub istio_build: BuildId,
    /// The sidecar mode that the live mesh injects.
    pub sidecar_mode: SidecarMode,
    /// The images that the lab runs, with the digests that they must have.
    pub images: Vec<ImageFact>,
    /// What the live mesh was found to be.
    pub mesh: Capabilities,
    /// How the mesh was installed, for scenarios that change it and put it back.
    pub install: Install,
    /// The local port for the gateway's port-forward; 0 takes any that is free.
    pub gateway_port: u16,
    /// Whether what scenarios make is to be left standing.
    pub keep: bool,
    /// When the whole run has to be over.
    pub limit: RunLimit,
    /// When the run began, or the round of a run that does everything several times: what the
    /// control plane logged before is not of it.
    pub since: Timestamp,
    /// Where long steps tell how far they are.
    pub progress: Progress,
}

impl Stand {
    /// What outcomes on it are kept under.
    pub fn ground(&self) -> Ground {
        Ground {
            build: self.istio_build.clone(),
            sidecar: self.sidecar_mode,
            proxy: ProxyKind::of(self.mesh.istio_filters.unwrap_or(false)),
        }
    }
}
