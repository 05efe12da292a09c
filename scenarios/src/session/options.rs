//! What a session is asked to do, whoever asks: the command line or the trials.

use std::time::Duration;

use meshproof_harness::lab::{Allowed, ImagesWish};
use meshproof_harness::mesh::{MeshValues, SidecarMode};
use meshproof_harness::product::Product;

/// What a session is asked to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// The product to prove it with.
    pub product: Product,
    /// What its images are to be, the Istio to prove it on among them.
    pub images: ImagesWish,
    /// What may be done to have the images.
    pub allowed: Allowed,
    /// Install values of somebody's own.
    pub mesh_values: Option<MeshValues>,
    /// How pods get their sidecar.
    pub sidecar: SidecarMode,
    /// Delete a cluster that stands, and make a new one.
    pub fresh: bool,
    /// The factor on every limit.
    pub timeout_scale: f64,
    /// How long the whole run may take.
    pub limit: Option<Duration>,
    /// The local port for the gateway; 0 takes any.
    pub gateway_port: u16,
    /// Leave standing what scenarios make.
    pub keep: bool,
    /// The text of the expectations that outcomes are measured by.
    pub expectations: String,
    /// The command line, for reports and for whoever waits.
    pub command: String,
}
