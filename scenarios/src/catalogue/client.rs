//! The client application in front of which the guide's gateway stands: deployed, and its pod.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use meshproof_harness::kube::{KubeError, Objects, Seen, Watch, pods, until};
use meshproof_harness::product::client;
use meshproof_harness::product::manifest::Manifest;
use meshproof_harness::scenario::{Stand, StepError};

/// The name that the guide's text gives to the application and its Service.
pub(super) const NAME: &str = "ignite-client";
/// The container port behind the Service's port 80.
pub(super) const PORT: u16 = 8080;
/// The path that the guide asks for.
pub(super) const PATH: &str = "/person/";

/// The application in a namespace.
pub(super) fn manifest(namespace: &str) -> Result<Manifest, StepError> {
    Ok(client::application()?.in_namespace(namespace))
}

/// Applies the application, which changes nothing where it stands already, and waits for its pod.
pub(super) async fn ready(stand: &Stand) -> Result<Pod, StepError> {
    let application = manifest(&stand.namespace)?;
    stand.kube.apply(&application.objects).await?;
    let api: Api<Pod> = Api::namespaced(stand.kube.client(), &stand.namespace);
    let which = Watch::default().labels(&format!("app={NAME}"));
    let limit = stand.kube.limit(90);
    Ok(until(&api, which, "the client's pod to be 2/2", limit, both_ready).await?)
}

/// Asks the application at its pod's loopback, past the mesh, so that it asks the cluster.
pub(super) async fn asks_the_cluster(stand: &Stand, pod: &str) -> Result<(), StepError> {
    let (status, body) = stand.kube.get(&stand.namespace, pod, PORT, PATH).await?;
    if status == 200 {
        return Ok(());
    }
    Err(KubeError::Object {
        what: format!("the client application in {pod}"),
        reason: format!("it answers {status} to GET {PATH}: {}", body.trim()),
    }
    .into())
}

fn both_ready(seen: &Objects<Pod>) -> Seen<Pod> {
    let ready = seen.values().find(|pod| {
        pods::readiness(pod) == (2, 2)
            && pods::is_ready(pod)
            && pod.metadata.deletion_timestamp.is_none()
    });
    match ready {
        Some(pod) => Seen::Met(pod.clone()),
        None if seen.is_empty() => Seen::NotYet("no pod yet".into()),
        None => Seen::NotYet(seen.values().map(pods::line).collect::<Vec<_>>().join(", ")),
    }
}
