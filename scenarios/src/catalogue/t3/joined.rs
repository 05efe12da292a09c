//! Nodes without a sidecar that joined: what the policy does there, and the keys that they take.
//!
//! Whether they join at all is a race of each node with its own address in the Service. What the guide
//! leaves open is asked either way: nodes that wait for each other are helped over it.

use meshproof_harness::evidence::intruder;
use meshproof_harness::evidence::nodes::{self, NodeReading};
use meshproof_harness::kube::pods;
use meshproof_harness::outcome::{Check, Standing, Symptom};
use meshproof_harness::product::state::ClusterState;
use meshproof_harness::scenario::{Stand, StepError};
use meshproof_protocol::ports::ProductPort;

use super::{KEYS, WITHOUT, c3, cluster};

/// That data flows between them, and that STRICT refuses nothing there.
pub(super) async fn asked(stand: &Stand) -> Result<Vec<Check>, StepError> {
    Ok(vec![
        c3::data_flows(stand, nodes::PODS[0], nodes::PODS[1], KEYS).await,
        strict_refuses_nothing(stand).await?,
    ])
}

/// What came of starting a node again.
pub(super) struct Helped {
    pub(super) state: ClusterState,
    pub(super) readings: Vec<NodeReading>,
    started_again: usize,
}

impl Helped {
    /// That the nodes joined.
    pub(super) fn check(&self) -> Check {
        let Self {
            state,
            started_again,
            ..
        } = self;
        Check::answered(
            Standing::Truth,
            format!("once one is started again, {TIMES} times by turns at most, the nodes join"),
            state.symptom == Symptom::Healthy,
            format!(
                "started again {started_again} times; {}: {}",
                state.symptom, state.reason
            ),
            vec![],
        )
    }
}

/// Starts the nodes again by turns, each in its pod: its address is in the Service by now, which that of a
/// pod made anew may not be once more. One of them alone was started again three times in vain, for a node
/// with its address may be made to wait by one without; after two turns both have theirs.
pub(super) async fn made_to(stand: &Stand) -> Result<Helped, StepError> {
    let (kube, namespace) = (&stand.kube, &stand.namespace);
    let mut started_again = 0;
    loop {
        started_again += 1;
        let pod = nodes::PODS[started_again % nodes::PODS.len()];
        cluster::start_again(stand, pod, WITHOUT).await?;
        let (state, readings) =
            nodes::becomes(kube, namespace, Symptom::Healthy, JOIN_HELPED).await?;
        if state.symptom == Symptom::Healthy || started_again == TIMES {
            return Ok(Helped {
                state,
                readings,
                started_again,
            });
        }
    }
}

/// Seconds for the start of a node and for the other's next attempts.
const JOIN_HELPED: u64 = 30;
/// How often: each node once is enough, unless the DNS of a busy machine lags behind.
const TIMES: usize = 4;

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
