//! What has to be undone when a run ends before its own end: by a signal or a panic.
//!
//! A run registers here what it is about to leave behind; whoever sees it end badly calls
//! [`Cleanup::run`]. Child processes need none of this: they die with the future that runs them.

use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use meshproof_harness::evidence::intruder;
use meshproof_harness::kube::{Kube, KubeError};
use meshproof_harness::lab::{self, Paths};
use meshproof_harness::mesh::ISTIO_NAMESPACE;
use meshproof_harness::product::manifest::GUIDE_NAMESPACE;
use meshproof_harness::progress::Progress;
use meshproof_harness::scenario::{CASE_NAMESPACES, StepError, namespaces};

/// The Secret that C5 puts into Istio's namespace, for the gateway to find.
pub const GATEWAY_SECRET: &str = "ignite-client-tls";

/// What a run would leave behind. Clones share it.
#[derive(Clone, Default)]
pub struct Cleanup(Arc<Mutex<Option<Kube>>>);

impl Cleanup {
    /// From here on namespaces of ours are made on this cluster.
    pub fn scenarios_begin(&self, kube: &Kube) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(kube.clone());
    }

    /// Undoes it: namespaces of ours, and clusters that were never completed.
    ///
    /// # Errors
    /// One sentence for each thing that is left.
    pub async fn run(&self, paths: &Paths, progress: &Progress) -> Result<(), Vec<String>> {
        let stage = progress.stage("Cleaning up");
        let mut left = vec![];
        let kube = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(kube) = kube {
            left.extend(everything(&kube).await.err().map(|e| e.to_string()));
        }
        if let Err(error) = lab::remove_incomplete(paths, progress).await {
            left.push(error.to_string());
        }
        stage.done();
        if left.is_empty() { Ok(()) } else { Err(left) }
    }
}

/// Deletes everything that scenarios make on a cluster of ours, and waits until it is gone.
///
/// # Errors
/// What could not be deleted, or was not gone in time.
pub async fn everything(kube: &Kube) -> Result<(), StepError> {
    gateway_secret(kube).await?;
    namespaces::clear(kube, &ours(kube).await?).await
}

/// Deletes the gateway's Secret.
///
/// # Errors
/// When the API server refuses.
pub async fn gateway_secret(kube: &Kube) -> Result<(), StepError> {
    let secret = serde_json::json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": GATEWAY_SECRET, "namespace": ISTIO_NAMESPACE },
    });
    Ok(kube.delete(&[secret]).await?)
}

/// The namespaces that scenarios made and that are there now. The lab's cluster is ours as a whole,
/// so their names tell.
///
/// # Errors
/// When they cannot be listed.
pub async fn ours(kube: &Kube) -> Result<Vec<String>, StepError> {
    let api: Api<Namespace> = Api::all(kube.client());
    let all = api
        .list(&ListParams::default())
        .await
        .map_err(KubeError::api("listing the namespaces"))?;
    let names = all.items.iter().map(ResourceExt::name_any);
    Ok(names
        .filter(|name| {
            [GUIDE_NAMESPACE, intruder::NAMESPACE].contains(&name.as_str())
                || name.starts_with(CASE_NAMESPACES)
        })
        .collect())
}
