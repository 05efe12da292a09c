//! What can go wrong with the mesh, each with the cure in the same sentence.

use crate::kube::KubeError;
use crate::process::ProcessError;

/// An error of the mesh.
#[derive(Debug, thiserror::Error)]
pub enum MeshError {
    /// istioctl failed.
    #[error(
        "installing Istio failed ({0}); `istioctl analyze` and istiod's log say more, and `meshproof up --fresh` starts over"
    )]
    Install(ProcessError),
    /// The overlay files could not be written for istioctl.
    #[error("writing Istio's overlays for istioctl: {0}")]
    Overlay(std::io::Error),
    /// A proxy or istiod answered something that cannot be read.
    #[error("{what} cannot be read: {reason}")]
    Unreadable {
        /// Whose answer.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The Kubernetes API gave an error.
    #[error(transparent)]
    Kube(#[from] KubeError),
}
