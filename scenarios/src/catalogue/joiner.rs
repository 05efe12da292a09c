//! The node that joined last, and whether it still tries to connect.
//!
//! A stall ends by itself if its cause goes while the joiner tries; once that has given up, only a
//! restart helps. A case about the former must not depend on how fast the machine is that day.

use meshproof_harness::evidence::nodes::{self, NodeReading};
use meshproof_harness::outcome::Symptom;
use meshproof_harness::scenario::{Stand, StepError};

use super::guide_cluster::{self as cluster, SETTLE};

/// Its pod: the one that has printed no topology yet.
pub(super) fn of(readings: &[NodeReading]) -> &str {
    let waiting = readings.iter().find(|r| r.log.snapshot().is_none());
    waiting.map_or(nodes::PODS[1], |reading| &reading.pod)
}

/// Starts both nodes anew, with the fault in force, if the joiner of a stall is in its last attempt or
/// has given up, and waits until they stall again. Returns what was done, if anything.
pub(super) async fn made_to_try(
    stand: &Stand,
    ready: (usize, usize),
) -> Result<Option<String>, StepError> {
    let (kube, namespace) = (&stand.kube, &stand.namespace);
    let readings = nodes::read(kube, namespace).await?;
    if tries(&readings) {
        return Ok(None);
    }
    cluster::start_anew(stand, ready).await?;
    let (state, again) = nodes::settled(kube, namespace, SETTLE).await?;
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

fn tries(readings: &[NodeReading]) -> bool {
    let joiner = of(readings);
    let log = readings.iter().find(|r| r.pod == joiner).map(|r| &r.log);
    log.is_some_and(|log| log.will_connect_again())
}
