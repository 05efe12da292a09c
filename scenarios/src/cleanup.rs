//! What has to be undone when a run ends before its own end: by a signal or a panic.
//!
//! A run registers here what it is about to leave behind; whoever sees it end badly calls
//! [`Cleanup::run`]. Child processes need none of this: they die with the future that runs them.
//!
//! The lease of the run's cluster ends with the run, before it is cleaned up here. So it is taken
//! anew; where somebody else has it by then, the cluster is theirs and nothing on it is touched.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use meshproof_harness::evidence::intruder;
use meshproof_harness::kube::{Kube, KubeError};
use meshproof_harness::lab::{self, Lease, Paths};
use meshproof_harness::mesh::ISTIO_NAMESPACE;
use meshproof_harness::product::manifest::GUIDE_NAMESPACE;
use meshproof_harness::progress::Progress;
use meshproof_harness::scenario::{CASE_NAMESPACES, StepError, namespaces};

/// The Secret that C5 puts into Istio's namespace, for the gateway to find.
pub const GATEWAY_SECRET: &str = "ignite-client-tls";

/// What a run would leave behind. Clones share it.
#[derive(Clone, Default)]
pub struct Cleanup(Arc<Mutex<Option<Begun>>>);

/// A cluster on which a run makes namespaces.
struct Begun {
    kube: Kube,
    /// Where its lease lies.
    folder: PathBuf,
}

/// What holds the lease of a cluster that is cleared.
const CLEARING: &str = "meshproof (cleaning up)";

impl Cleanup {
    /// From here on namespaces of ours are made on this cluster, whose lease lies in this folder.
    pub fn scenarios_begin(&self, kube: &Kube, folder: &Path) {
        let begun = Begun {
            kube: kube.clone(),
            folder: folder.to_owned(),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(begun);
    }

    /// Undoes it: namespaces of ours, clusters that were never completed, containers that this process
    /// ran for a while, what it was making in the cache. Empty folders of runs that were killed before go as well.
    ///
    /// # Errors
    /// One sentence for each thing that is left.
    pub async fn run(&self, paths: &Paths, progress: &Progress) -> Result<(), Vec<String>> {
        let stage = progress.stage("Cleaning up");
        let mut left = vec![];
        let begun = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(begun) = begun {
            left.extend(begun.clear(progress).await.err().map(|e| e.to_string()));
        }
        if let Err(error) = lab::remove_incomplete(paths, progress).await {
            left.push(error.to_string());
        }
        if let Err(error) = lab::remove_empty_runs(paths) {
            left.push(error.to_string());
        }
        if let Err(error) = lab::remove_own_helpers().await {
            left.push(error.to_string());
        }
        // Last: what a helper container fills is not whole either.
        if let Err(error) = lab::remove_half_made(paths).await {
            left.push(error.to_string());
        }
        stage.done();
        if left.is_empty() { Ok(()) } else { Err(left) }
    }
}

impl Begun {
    /// Deletes everything on the cluster while its lease is held.
    async fn clear(&self, progress: &Progress) -> Result<(), StepError> {
        if let Some(holder) = Lease::holder(&self.folder)? {
            return Err(StepError::Other {
                what: "what scenarios made on the cluster".into(),
                why: format!("{holder} has it by now; the next run clears it away"),
            });
        }
        let _lease = Lease::exclusive(&self.folder, CLEARING, progress).await?;
        everything(&self.kube).await
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_api::FakeApi;

    /// What a cluster was asked, and who held its lease meanwhile.
    type Asked = Vec<(String, Option<String>)>;

    /// Cleans up behind a run of which the cluster has nothing any more; its lease lies in `state`.
    async fn cleaned(state: &Path) -> (Result<(), Vec<String>>, Asked) {
        let (kube, api) = FakeApi::new();
        let folder = state.join("leased");
        let cleanup = Cleanup::default();
        cleanup.scenarios_begin(&kube, &folder);
        drop(kube);
        let paths = Paths {
            cache: state.to_owned(),
            state: state.to_owned(),
        };
        let with_the_holder = |question| (question, Lease::holder(&folder).unwrap());
        tokio::join!(
            async { cleanup.run(&paths, &Progress::silent()).await },
            api.asked(|_| serde_json::json!([]), with_the_holder)
        )
    }

    #[tokio::test]
    async fn the_cluster_is_cleared_while_its_lease_is_held() {
        let state = tempfile::tempdir().unwrap();
        let (cleaned, asked) = cleaned(state.path()).await;
        cleaned.unwrap();
        let ours = format!("pid {}: {CLEARING}", std::process::id());
        assert_eq!(
            asked[0].0,
            "DELETE /api/v1/namespaces/istio-system/secrets/ignite-client-tls"
        );
        for (line, holder) in &asked {
            assert_eq!(holder.as_ref(), Some(&ours), "{line}");
        }
        assert_eq!(Lease::holder(&state.path().join("leased")).unwrap(), None);
    }

    #[tokio::test]
    async fn a_cluster_that_somebody_else_has_by_now_is_left_to_them() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("leased");
        let progress = Progress::silent();
        let theirs = Lease::exclusive(&folder, "meshproof guide", &progress);
        let theirs = theirs.await.unwrap();
        let (cleaned, asked) = cleaned(state.path()).await;
        let left = cleaned.unwrap_err();
        assert!(
            left[0].contains("meshproof guide has it by now"),
            "{left:?}"
        );
        assert_eq!(asked, []);
        drop(theirs);
    }
}
