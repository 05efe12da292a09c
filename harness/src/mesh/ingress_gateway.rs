//! The default profile's ingress gateway as a workload: how many pods it has, and that it is gone.
//!
//! What its proxy serves is `evidence`'s to ask.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;

use super::ISTIO_NAMESPACE;
use crate::kube::{Kube, KubeError, Seen, Watch, pods, until};

/// Its Service and Deployment.
pub const INGRESS_GATEWAY: &str = "istio-ingressgateway";
/// The label of its pods, as a selector.
pub const PODS: &str = "istio=ingressgateway";

/// Scales it and waits until its pods are as many.
///
/// # Errors
/// When there is no such Deployment, or its pods do not come or go in time.
pub async fn scale(kube: &Kube, replicas: i32) -> Result<(), KubeError> {
    let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
    deployments(kube)
        .patch_scale(INGRESS_GATEWAY, &PatchParams::default(), &patch)
        .await
        .map_err(KubeError::api("scaling the ingress gateway"))?;
    pods_are(kube, usize::try_from(replicas).unwrap_or(0)).await
}

/// Scales it up if it was scaled to 0; what has pods, or is not there, is left as it is.
///
/// # Errors
/// As [`scale`].
pub(super) async fn scale_up_from_none(kube: &Kube) -> Result<(), KubeError> {
    let reading = KubeError::api("reading the ingress gateway's Deployment");
    let found = deployments(kube).get_opt(INGRESS_GATEWAY).await;
    let replicas = found.map_err(reading)?.and_then(|d| d.spec?.replicas);
    match replicas {
        Some(0) => scale(kube, 1).await,
        _ => Ok(()),
    }
}

/// Waits until its Deployment and all its pods are gone.
///
/// # Errors
/// When they are not gone in time.
pub async fn gone(kube: &Kube) -> Result<(), KubeError> {
    pods_are(kube, 0).await?;
    let name = "the ingress gateway's Deployment to be gone";
    let limit = kube.limit(60);
    until(
        &deployments(kube),
        Watch::default(),
        name,
        limit,
        |seen| match seen.get(INGRESS_GATEWAY) {
            None => Seen::Met(()),
            Some(_) => Seen::NotYet("it is still there".into()),
        },
    )
    .await
}

/// Its pods, whatever their state.
///
/// # Errors
/// When they cannot be listed.
pub async fn listed(kube: &Kube) -> Result<Vec<Pod>, KubeError> {
    let api: Api<Pod> = Api::namespaced(kube.client(), ISTIO_NAMESPACE);
    let listing = KubeError::api("listing the ingress gateway's pods");
    let pods = api.list(&ListParams::default().labels(PODS)).await;
    Ok(pods.map_err(listing)?.items)
}

/// Waits until so many of its pods are Ready, and for 0 until none is left.
async fn pods_are(kube: &Kube, wanted: usize) -> Result<(), KubeError> {
    let api: Api<Pod> = Api::namespaced(kube.client(), ISTIO_NAMESPACE);
    let watch = Watch::default().labels(PODS);
    let name = format!("the ingress gateway to have {wanted} pods");
    until(&api, watch, name, kube.limit(120), |seen| {
        let ready = seen.values().filter(|pod| pods::is_ready(pod)).count();
        if ready >= wanted && (wanted > 0 || seen.is_empty()) {
            Seen::Met(())
        } else {
            Seen::NotYet(seen.values().map(pods::line).collect::<Vec<_>>().join(", "))
        }
    })
    .await
}

fn deployments(kube: &Kube) -> Api<Deployment> {
    Api::namespaced(kube.client(), ISTIO_NAMESPACE)
}
