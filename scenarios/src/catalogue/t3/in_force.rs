//! Whether T3's fault is in force: the namespace injects nothing, and the pods are without a sidecar.

use meshproof_harness::kube::pods;
use meshproof_harness::mesh::{Injection, injection_trial};
use meshproof_harness::outcome::{Check, Standing};
use meshproof_harness::scenario::edit::sidecar::INJECTION_LABEL;
use meshproof_harness::scenario::{Stand, StepError};

use super::{WITHOUT, cluster};

/// That the namespace carries no label and injects nothing, by the API server's own word.
pub(super) async fn checks(stand: &Stand) -> Result<Vec<Check>, StepError> {
    let name = &stand.namespace;
    let namespace = stand
        .kube
        .raw(&format!("/api/v1/namespaces/{name}"))
        .await?;
    let label = &namespace["metadata"]["labels"][INJECTION_LABEL];
    let policies = format!("/apis/security.istio.io/v1/namespaces/{name}/peerauthentications");
    let policies = stand.kube.raw(&policies).await?;
    let modes: Vec<&str> = policies["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|policy| policy["spec"]["mtls"]["mode"].as_str().unwrap_or("none"))
        .collect();
    let returned = stand.kube.dry_run(&injection_trial(name)).await?;
    let injection = Injection::of(&returned);
    let listed = cluster::listed(stand).await?;
    let lines = listed.iter().map(pods::line).collect::<Vec<_>>().join(", ");
    Ok(vec![
        Check::answered(
            Standing::Truth,
            "the namespace carries no istio-injection label",
            label.is_null(),
            format!("labels: {}", namespace["metadata"]["labels"]),
            vec![],
        ),
        Check::answered(
            Standing::Truth,
            "a pod made in the namespace gets no sidecar",
            injection == Injection::Absent,
            format!("sidecar: {}", injection.name()),
            vec![],
        ),
        Check::answered(
            Standing::Truth,
            "the namespace's policy is STRICT all the same",
            modes == ["STRICT"],
            format!("modes of its PeerAuthentications: {modes:?}"),
            vec![],
        ),
        Check::answered(
            Standing::Guide,
            "the pods are at 1/1",
            listed.iter().all(|pod| pods::readiness(pod) == WITHOUT),
            lines,
            vec![],
        ),
    ])
}
