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

/// What came of making a node anew.
pub(super) struct Helped {
    pub(super) state: ClusterState,
    pub(super) readings: Vec<NodeReading>,
    made_anew: u32,
}

impl Helped {
    /// That the nodes joined.
    pub(super) fn check(&self) -> Check {
        let Self {
            state, made_anew, ..
        } = self;
        Check::answered(
            Standing::Truth,
            format!("once {MADE_ANEW} is made anew, {TIMES} times at most, the nodes join"),
            state.symptom == Symptom::Healthy,
            format!(
                "made anew {made_anew} times; {}: {}",
                state.symptom, state.reason
            ),
            vec![],
        )
    }
}

/// Makes one node anew, a few times if need be: as soon as one finds its own address in the Service, it
/// takes itself for one of those listed, and the other finds it.
pub(super) async fn made_to(stand: &Stand) -> Result<Helped, StepError> {
    let (kube, namespace) = (&stand.kube, &stand.namespace);
    let mut made_anew = 0;
    loop {
        made_anew += 1;
        cluster::make_anew(stand, MADE_ANEW, WITHOUT).await?;
        let (state, readings) =
            nodes::becomes(kube, namespace, Symptom::Healthy, JOIN_HELPED).await?;
        if state.symptom == Symptom::Healthy || made_anew == TIMES {
            return Ok(Helped {
                state,
                readings,
                made_anew,
            });
        }
    }
}

/// The node that is made anew: the StatefulSet makes it without waiting for another.
const MADE_ANEW: &str = nodes::PODS[1];
/// Seconds for the start of a node and for the other's next attempts.
const JOIN_HELPED: u64 = 30;
/// How often a node is made anew: half of them, on a busy machine, are without their address once more.
const TIMES: u32 = 6;

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
