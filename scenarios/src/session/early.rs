//! What the steps let start before the mesh is wholly installed, to save the time it takes to come up.
//!
//! It counts only if it came out as it would have afterwards. At its end `istioctl install` takes the
//! rules from one injecting webhook and gives them to another, that of the default revision's tag;
//! a pod that comes between the two has no sidecar (seen on a loaded machine: ignite-1 with 1/1).
//! Nobody who deploys after the install meets that, so it is taken back here.

use meshproof_harness::kube::Kube;
use meshproof_harness::lab::Lab;
use meshproof_harness::mesh::{Injection, Install};
use meshproof_harness::product::Product;
use meshproof_harness::product::manifest::GUIDE_NAMESPACE;
use meshproof_harness::progress::Progress;
use meshproof_harness::scenario::{Scenario, StepError};

use crate::cleanup;

/// Starts what may start, as soon as the mesh injects and pods find each other.
///
/// What could not be started is met again by its own step, which tells.
pub(super) async fn start(lab: &Lab, product: &Product, scenarios: &[Scenario]) {
    let started = async {
        let injecting = async { Ok::<_, StepError>(Install::injecting(&lab.kube).await?) };
        let network = async { Ok::<_, StepError>(lab.pods_find_each_other().await?) };
        tokio::try_join!(injecting, network)?;
        for scenario in scenarios {
            scenario
                .start_early(&lab.kube, GUIDE_NAMESPACE, product)
                .await?;
        }
        Ok::<_, StepError>(())
    };
    if let Err(error) = started.await {
        tracing::info!(%error, "a step could not be started early");
    }
}

/// Deletes all that was started if one of its pods came without a sidecar; to be called once the mesh
/// is installed, after which no more of them come so.
///
/// # Errors
/// When the pods cannot be listed or deleted.
pub(super) async fn take_back_if_spoilt(kube: &Kube, progress: &Progress) -> Result<(), StepError> {
    let pods = format!("/api/v1/namespaces/{GUIDE_NAMESPACE}/pods");
    let pods = kube.raw(&pods).await?;
    let pods = pods["items"].as_array().into_iter().flatten();
    let without: Vec<&str> = pods
        .filter(|pod| Injection::of(pod) == Injection::Absent)
        .map(|pod| pod["metadata"]["name"].as_str().unwrap_or_default())
        .collect();
    if without.is_empty() {
        return Ok(());
    }
    progress.line(format!(
        "Started before the install was done, {} came while istioctl changed the injecting webhook and \
         has no sidecar: all of it is started anew",
        without.join(", ")
    ));
    cleanup::everything(kube).await
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fake_api::FakeApi;

    /// What is asked of a cluster on which these pods were started early.
    async fn asked_with(pods: Value) -> Vec<String> {
        let (kube, api) = FakeApi::new();
        let items = |path: &str| match path.ends_with("/pods") {
            true => pods.clone(),
            false => json!([]),
        };
        let looking = async {
            take_back_if_spoilt(&kube, &Progress::silent())
                .await
                .unwrap();
            drop(kube);
        };
        tokio::join!(looking, api.asked(items, |question| question)).1
    }

    #[tokio::test]
    async fn what_was_started_early_is_taken_back_once_a_pod_of_it_has_no_sidecar() {
        let with = json!({ "metadata": { "name": "ignite-0" }, "spec": {
            "initContainers": [{ "name": "istio-proxy" }], "containers": [{ "name": "ignite-node" }] } });
        let without = json!({ "metadata": { "name": "ignite-1" }, "spec": {
            "containers": [{ "name": "ignite-node" }] } });
        let listing = "GET /api/v1/namespaces/ignite/pods";
        assert_eq!(asked_with(json!([])).await, [listing]);
        assert_eq!(asked_with(json!([with])).await, [listing]);
        let asked = asked_with(json!([with, without])).await;
        // Clearing begins with the gateway's Secret and goes on with our namespaces.
        assert_eq!(asked[0], listing);
        assert!(asked[1].starts_with("DELETE "), "{asked:?}");
        assert!(
            asked.contains(&"GET /api/v1/namespaces".to_owned()),
            "{asked:?}"
        );
    }
}
