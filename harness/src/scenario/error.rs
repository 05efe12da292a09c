//! What can keep a step from being carried through.

use std::time::Duration;

use crate::kube::KubeError;
use crate::lab::LabError;
use crate::mesh::MeshError;
use crate::product::manifest::ManifestError;

/// Why a step could not be carried through. What was observed to be otherwise than claimed is no
/// error but a check that fails.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The lab.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// The mesh.
    #[error(transparent)]
    Mesh(#[from] MeshError),
    /// The Kubernetes API.
    #[error(transparent)]
    Kube(#[from] KubeError),
    /// A manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A phase took longer than it may.
    #[error(
        "the phase {phase} was not done within its limit of {limit:?}; {waits}; if this machine is \
         only slow, --timeout-scale 2 doubles every limit"
    )]
    PhaseOverLimit {
        /// Which.
        phase: &'static str,
        /// Its limit, scaled.
        limit: Duration,
        /// What it was waiting for, how long, and the last state seen.
        waits: String,
    },
    /// The whole run took longer than it may.
    #[error(
        "the limit of the whole run, {limit:?}, was over during {what}; {waits}; --limit gives it \
         more time"
    )]
    RunOverLimit {
        /// What was being done.
        what: String,
        /// The limit.
        limit: Duration,
        /// What was waited for, how long, and the last state seen.
        waits: String,
    },
    /// Anything else, told in one sentence with its cure.
    #[error("{what}: {why}")]
    Other {
        /// What was tried.
        what: String,
        /// Why it failed.
        why: String,
    },
}

impl StepError {
    /// Wraps an error of another layer with what was tried.
    pub fn other<E: std::fmt::Display>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |error| Self::Other {
            what,
            why: error.to_string(),
        }
    }
}
