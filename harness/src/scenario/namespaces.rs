//! Clearing away the namespaces that scenarios fill.

use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::Api;
use kube::api::{DeleteParams, ListParams};

use super::StepError;
use crate::kube::{Kube, KubeError, Seen, Watch, pods, until};

/// Deletes namespaces and waits until they are gone.
///
/// # Errors
/// What could not be deleted, or was not gone in time.
pub async fn clear(kube: &Kube, namespaces: &[String]) -> Result<(), StepError> {
    delete(kube, namespaces).await?;
    let api: Api<Namespace> = Api::all(kube.client());
    until(
        &api,
        Watch::default(),
        "the namespaces to be gone",
        kube.limit(120),
        |seen| match seen.keys().find(|name| namespaces.contains(name)) {
            None => Seen::Met(()),
            Some(left) => Seen::NotYet(format!("{left} is still there")),
        },
    )
    .await?;
    Ok(())
}

/// Deletes namespaces and waits until no pod of them is left. The namespaces themselves are on
/// their way then: the API server has them down as ending, and what fills them next waits for that.
///
/// # Errors
/// What could not be deleted, or was not gone in time.
pub async fn clear_pods(kube: &Kube, namespaces: &[String]) -> Result<(), StepError> {
    delete(kube, namespaces).await?;
    for namespace in namespaces {
        let api: Api<Pod> = Api::namespaced(kube.client(), namespace);
        let name = format!("the pods of {namespace} to be gone");
        let gone = until(
            &api,
            Watch::default(),
            name,
            kube.limit(120),
            |seen| match seen.values().next() {
                None => Seen::Met(()),
                Some(left) => Seen::NotYet(pods::line(left)),
            },
        );
        gone.await?;
    }
    Ok(())
}

async fn delete(kube: &Kube, namespaces: &[String]) -> Result<(), StepError> {
    let api: Api<Namespace> = Api::all(kube.client());
    for namespace in namespaces {
        match api.delete(namespace, &DeleteParams::default()).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => continue,
            Err(error) => return Err(KubeError::api(format!("deleting {namespace}"))(error).into()),
        }
        // Nothing is lost with a scenario's pods, so they need not be given the guide's 60 s to end.
        let pods: Api<Pod> = Api::namespaced(kube.client(), namespace);
        pods.delete_collection(
            &DeleteParams::default().grace_period(1),
            &ListParams::default(),
        )
        .await
        .map_err(KubeError::api(format!("deleting the pods of {namespace}")))?;
    }
    Ok(())
}
