//! Nodes without a sidecar that joined: what the policy does there, and the keys that they take.
//!
//! Whether they join at all is a race of each node with its own address in the Service. What the guide
//! leaves open is asked either way: nodes that wait for each other are helped over it.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use meshproof_harness::evidence::{intruder, nodes};
use meshproof_harness::kube::{Objects, Seen, pods, until};
use meshproof_harness::outcome::{Check, Standing, Symptom};
use meshproof_harness::scenario::{Stand, StepError};
use meshproof_protocol::ports::ProductPort;

use super::{KEYS, c3, cluster};

/// That data flows between them, and that STRICT refuses nothing there.
pub(super) async fn asked(stand: &Stand) -> Result<Vec<Check>, StepError> {
    Ok(vec![
        c3::data_flows(stand, nodes::PODS[0], nodes::PODS[1], KEYS).await,
        strict_refuses_nothing(stand).await?,
    ])
}

/// Ends the process of one node, whose container then starts anew in its pod: its address is in the
/// Service by now, so that it takes itself for one of those listed, and the other finds it. Tells
/// whether they join.
pub(super) async fn made_to(stand: &Stand) -> Result<Check, StepError> {
    let (kube, namespace, pod) = (&stand.kube, &stand.namespace, nodes::PODS[1]);
    let before = cluster::listed(stand).await?;
    let before = before.iter().find_map(|listed| started(listed, pod));
    // A node whose start does not end does not stop when it is asked to, and has nothing to lose.
    let end = ["sh", "-c", "kill -KILL -1"];
    kube.exec(namespace, pod, nodes::NODE_CONTAINER, &end)
        .await?;
    let again = |seen: &Objects<Pod>| {
        let now = seen.get(pod).and_then(|listed| started(listed, pod));
        match now {
            Some(now) if Some(now) != before => Seen::Met(()),
            Some(_) => Seen::NotYet("its container as it was".into()),
            None => Seen::NotYet("its container does not run".into()),
        }
    };
    let api: Api<Pod> = Api::namespaced(kube.client(), namespace);
    let name = format!("the node's container in {pod} to start anew");
    until(&api, c3::ignite_pods(), name, kube.limit(60), again).await?;
    let (state, _) = nodes::becomes(kube, namespace, Symptom::Healthy, JOIN_HELPED).await?;
    Ok(Check::answered(
        Standing::Truth,
        format!("once the node of {pod} is started anew in its pod, the nodes join"),
        state.symptom == Symptom::Healthy,
        format!("{}: {}", state.symptom, state.reason),
        vec![],
    ))
}

/// Seconds for the start of a node and for the other's next attempts.
const JOIN_HELPED: u64 = 60;

fn started(listed: &Pod, pod: &str) -> Option<Timestamp> {
    (listed.metadata.name.as_deref() == Some(pod))
        .then(|| pods::running_since(listed, nodes::NODE_CONTAINER))
        .flatten()
}

/// What the policy does where there is no proxy: nothing. A plaintext client is answered.
async fn strict_refuses_nothing(stand: &Stand) -> Result<Check, StepError> {
    intruder::ready(&stand.kube).await?;
    let addresses: Vec<String> = cluster::listed(stand)
        .await?
        .iter()
        .filter_map(pods::ip)
        .collect();
    let tried = intruder::intrude(&stand.kube, &addresses, &ProductPort::ALL).await?;
    let answered = tried.attempts.iter().filter(|a| a.was_answered()).count();
    Ok(Check::answered(
        Standing::Truth,
        "under STRICT a plaintext client outside the mesh is answered on every port",
        answered == tried.attempts.len() && answered > 0,
        format!("{answered} of {} attempts answered", tried.attempts.len()),
        vec![tried.evidence],
    ))
}
