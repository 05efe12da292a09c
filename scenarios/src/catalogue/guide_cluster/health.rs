//! Whether the nodes are one cluster, stay so, and are so again after a remedy.

use jiff::Timestamp;
use meshproof_harness::evidence::{log_gate, nodes};
use meshproof_harness::kube::KubeError;
use meshproof_harness::outcome::{Check, Cure, Standing, Symptom};
use meshproof_harness::scenario::{Remedied, Stand, StepError};

use super::HOLD;
use crate::catalogue::c3;

/// Whether the nodes are one cluster with data flowing from one to the other.
pub async fn healthy(stand: &Stand, keys: &str) -> Result<Vec<Check>, StepError> {
    Ok(one_cluster(stand, keys).await?.0)
}

/// From when on no log may have an unexpected error line after a remedy.
#[derive(Debug, Clone, Copy)]
pub struct Since {
    /// Those of the proxies and of istiod: from the remedy on.
    pub remedy: Timestamp,
    /// The nodes' own: from their restart on, or, where there was none, once they have healed. Until
    /// then they go on writing of the fault.
    pub healed: Timestamp,
    /// Whether the ingress gateway's log counts, from the remedy on: where it is what the case is about.
    pub gateway: bool,
}

impl From<Timestamp> for Since {
    fn from(both: Timestamp) -> Self {
        Self {
            remedy: both,
            healed: both,
            gateway: false,
        }
    }
}

/// Whether they are, stay so, and no log has an unexpected error line since a moment.
pub async fn recovered(stand: &Stand, since: impl Into<Since>) -> Result<Vec<Check>, StepError> {
    let since = since.into();
    let (mut checks, readings) = one_cluster(stand, "recovered").await?;
    if checks.iter().all(Check::holds) {
        checks.push(stays(stand, &readings, Symptom::Healthy, HOLD).await?);
        let logs = log_gate::Logs::of_nodes(&stand.product, &stand.namespace, since.remedy);
        let logs = logs.nodes_since(since.healed);
        let logs = if since.gateway {
            logs.and_gateway()
        } else {
            logs
        };
        checks.push(logs.check(&stand.kube, &[]).await?);
    }
    Ok(checks)
}

async fn one_cluster(
    stand: &Stand,
    keys: &str,
) -> Result<(Vec<Check>, Vec<nodes::NodeReading>), StepError> {
    let (kube, namespace) = (&stand.kube, &stand.namespace);
    let (state, readings) =
        nodes::becomes(kube, namespace, Symptom::Healthy, c3::BECOME_ONE).await?;
    let evidence = readings.iter().flat_map(|r| r.evidence(&stand.namespace));
    let mut checks = vec![Check::answered(
        Standing::Truth,
        "both nodes see servers=2, finished the exchange, REST agrees",
        state.symptom == Symptom::Healthy,
        format!("{}: {}", state.symptom, state.reason),
        evidence.collect(),
    )];
    if state.symptom == Symptom::Healthy {
        checks.push(c3::data_flows(stand, nodes::PODS[0], nodes::PODS[1], keys).await);
    }
    Ok((checks, readings))
}

/// A check that the nodes stay in the state in which they were read.
pub async fn stays(
    stand: &Stand,
    readings: &[nodes::NodeReading],
    symptom: Symptom,
    seconds: u64,
) -> Result<Check, StepError> {
    let held = nodes::stays(&stand.kube, &stand.namespace, readings, symptom, seconds).await;
    let statement = format!("it stays {symptom} for {seconds} s");
    Ok(held_check(
        statement,
        format!("{symptom} for {seconds} s"),
        held,
    )?)
}

/// A check that something held; an error that is not about that is handed on.
pub fn held_check(
    statement: String,
    seen_if_so: String,
    held: Result<(), KubeError>,
) -> Result<Check, KubeError> {
    let (holds, seen) = match held {
        Ok(()) => (true, seen_if_so),
        Err(error @ KubeError::DidNotHold { .. }) => (false, error.to_string()),
        Err(error) => return Err(error),
    };
    let whose = Standing::Truth;
    Ok(Check::answered(whose, statement, holds, seen, vec![]))
}

/// What a remedy came to: a cluster that does not stay healthy with data flowing is not cured, nor is
/// one whose logs have unexpected error lines since a moment.
pub async fn remedied(
    stand: &Stand,
    done: &[String],
    cure: Cure,
    since: impl Into<Since>,
) -> Result<Remedied, StepError> {
    let recovery = match cure {
        Cure::None => vec![],
        _ => recovered(stand, since).await?,
    };
    let holds = recovery.iter().all(Check::holds);
    Ok(Remedied {
        done: done.join("; "),
        cure: if holds { cure } else { Cure::None },
        recovery,
        consequences: vec![],
    })
}
