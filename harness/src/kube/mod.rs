//! Kubernetes, thin over kube-rs: apply, wait, exec, forward, logs.
//!
//! What the objects mean is for the layers above.

mod cluster;
mod error;
mod exec;
mod forward;
mod logs;
#[cfg(test)]
mod mocked;
mod objects;
pub mod pods;
mod polled;
mod wait;

pub use cluster::Kube;
pub use error::KubeError;
pub use forward::Forward;
pub use objects::FIELD_MANAGER;
pub use polled::{asked_until, read_until};
/// The namespace of what Kubernetes itself runs.
pub const SYSTEM_NAMESPACE: &str = "kube-system";

pub use wait::{Objects, Seen, holds, until};

/// Which objects a watch covers, as the API's selectors say it.
pub use kube::runtime::watcher::Config as Watch;
