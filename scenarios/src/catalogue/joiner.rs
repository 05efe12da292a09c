//! The node that joined last, and whether it still tries to connect.
//!
//! A stall ends by itself if its cause goes while the joiner tries; once that has given up, only a
//! restart helps. A case about the former must not depend on how fast the machine is that day.

use meshproof_harness::evidence::nodes::{self, NodeReading};
use meshproof_harness::outcome::Symptom;
use meshproof_harness::product::logs::NodeLog;
use meshproof_harness::scenario::{Stand, StepError};

use super::guide_cluster::{self as cluster, SETTLE};

/// Its pod: the one that has printed no topology yet.
pub(super) fn of(readings: &[NodeReading]) -> &str {
    nodes::PODS[place(readings.iter().map(|reading| &reading.log))]
}

fn place<'log>(mut logs: impl Iterator<Item = &'log NodeLog>) -> usize {
    logs.position(|log| log.snapshot().is_none()).unwrap_or(1)
}

/// Starts both nodes anew, with the fault in force, if the joiner of a stall is in its last attempt or
/// has given up, and waits until they stall again. Returns what was done, if anything.
pub(super) async fn made_to_try(
    stand: &Stand,
    ready: (usize, usize),
) -> Result<Option<String>, StepError> {
    let (kube, namespace) = (&stand.kube, &stand.namespace);
    if tries(&nodes::logs(kube, namespace).await?) {
        return Ok(None);
    }
    cluster::start_anew(stand, ready).await?;
    let (state, again) = nodes::settled(kube, namespace, SETTLE).await?;
    let again: Vec<NodeLog> = again.into_iter().map(|reading| reading.log).collect();
    if state.symptom != Symptom::Stall || !tries(&again) {
        return Err(StepError::Other {
            what: "having the nodes stall anew before the remedy, since the joiner was about to give up"
                .into(),
            why: format!("they are {}: {}", state.symptom, state.reason),
        });
    }
    Ok(Some(
        "the joiner was about to give up, so both nodes were started anew with the fault first"
            .into(),
    ))
}

fn tries(logs: &[NodeLog]) -> bool {
    logs.get(place(logs.iter()))
        .is_some_and(NodeLog::will_connect_again)
}
