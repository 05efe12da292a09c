//! C4's cluster lives on under STRICT: a node whose pod is deleted joins again, and no key is lost.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::DeleteParams;
use meshproof_harness::evidence::nodes;
use meshproof_harness::kube::{KubeError, Seen, pods, until};
use meshproof_harness::outcome::{Check, Standing, Symptom};
use meshproof_harness::scenario::{Stand, StepError};

use super::{c3, cluster};

/// Deletes a node's pod: it joins again under STRICT, and no key is lost.
///
/// Returns since when no log may have an unexpected error for a node that was made anew for its ports.
pub(super) async fn rejoins(
    stand: &Stand,
    pod: &str,
) -> Result<(Vec<Check>, Option<Timestamp>), StepError> {
    let (kube, namespace) = (&stand.kube, &stand.namespace);
    replace(stand, pod).await?;
    let again = async |came_to| {
        // Whoever leaves a ring that it is about to join leaves a gap in it, at which the next one's
        // join ends with its id being known already (seen).
        if came_to != Symptom::Split {
            nodes::becomes(kube, namespace, Symptom::Healthy, c3::BECOME_ONE).await?;
        }
        replace(stand, pod).await
    };
    let ports = cluster::on_own_ports(stand, again).await?;
    let (state, readings) =
        nodes::becomes(kube, namespace, Symptom::Healthy, c3::BECOME_ONE).await?;
    let mut checks = vec![Check::answered(
        Standing::Truth,
        format!("{pod} is deleted and rejoins under STRICT: servers=2 on both nodes"),
        state.symptom == Symptom::Healthy,
        format!("{}: {}", state.symptom, state.reason),
        readings
            .iter()
            .flat_map(|r| r.evidence(&stand.namespace))
            .collect(),
    )];
    checks.extend(ports.check);
    for through in nodes::PODS {
        let statement = format!("no key is lost, read through {through}");
        let told = |found| {
            let of = c3::KEY_COUNT;
            format!("{found} of {of} keys read through {through} after the rejoin")
        };
        checks.push(c3::no_key_lacks(stand, through, c3::KEYS, statement, told).await);
    }
    Ok((checks, ports.made_anew))
}

/// Deletes a pod as the guide's reader would, and waits until both are 2/2 again.
async fn replace(stand: &Stand, pod: &str) -> Result<(), StepError> {
    let api: Api<Pod> = Api::namespaced(stand.kube.client(), &stand.namespace);
    let action = || format!("deleting {}/{pod}", stand.namespace);
    let old = api.get(pod).await.map_err(KubeError::api(action()))?;
    api.delete(pod, &DeleteParams::default())
        .await
        .map_err(KubeError::api(action()))?;
    let limit = stand.kube.limit(120);
    let name = format!("a new {pod} to be 2/2");
    until(&api, c3::ignite_pods(), name, limit, |seen| {
        match seen.get(pod) {
            Some(new) if pods::uid(new) == pods::uid(&old) => {
                Seen::NotYet(format!("the old {}", pods::line(new)))
            }
            _ => c3::both_ready(seen),
        }
    })
    .await?;
    Ok(())
}
