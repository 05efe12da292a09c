//! A troubleshooting case's phases, and how they are carried through.
//!
//! What each phase does is the catalogue's; that they come in this order, that diagnosis is asked
//! in between, and that nothing later runs where an earlier phase shows nothing, is told here.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;

use super::definition::time;
use super::limits::{alone_in_time, in_time};
use super::{Stand, StepError};
use crate::diagnose::view::View;
use crate::diagnose::{Snapshot, diagnose, table};
use crate::evidence::snapshot;
use crate::outcome::{
    CaseClaim, CaseRecord, Check, Conclusion, Cure, Diagnosis, Finding, Observed, PhaseTime,
    Standing, Symptom, Weight,
};
use crate::product::Product;
use crate::progress::Stage;

/// What a phase comes to.
pub type Phase<'a, T> = BoxFuture<'a, Result<T, StepError>>;

/// The fault, in force or not.
pub struct Fault {
    /// The difference from the guide, as a diff, or the action.
    pub shown: String,
    /// Whether it is in force, read back from the API and from the proxies.
    pub in_force: Vec<Check>,
}

/// What the remedy came to.
pub struct Remedied {
    /// What was done.
    pub done: String,
    /// Whether it cured, and by what.
    pub cure: Cure,
    /// What shows that it is healthy again, and stays so: where one fails, nothing is cured.
    pub recovery: Vec<Check>,
    /// What else came of it, to be told: where one fails, it is not as the guide says.
    pub consequences: Vec<Check>,
}

/// A part of a case that is left out on purpose, to see that the case notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// The fault is not made.
    NoFault,
    /// The remedy is not done.
    NoRemedy,
}

impl Mutation {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoFault => "no-fault",
            Self::NoRemedy => "no-remedy",
        }
    }
}

/// A troubleshooting case of the guide, or one of its variants.
pub trait Case: Send + Sync + 'static {
    /// What the guide says of it.
    fn claim(&self) -> CaseClaim;

    /// What it needs and lacks here, in words that an expectation can list; none if it can be run.
    /// A case needs the run's product, unless it says otherwise.
    fn blocked(&self, product: &Product) -> Option<String> {
        product.lacks().map(str::to_owned)
    }

    /// Brings up what the guide's reader has before it goes wrong, and asks whether it is healthy.
    fn baseline<'a>(&'a self, stand: &'a Stand) -> Phase<'a, Vec<Check>>;

    /// Makes the fault, unless it is to be left out, and asks whether it is in force.
    fn fault<'a>(&'a self, stand: &'a Stand, make: bool) -> Phase<'a, Fault>;

    /// Waits for the symptom and sees that it stays.
    fn observe<'a>(&'a self, stand: &'a Stand) -> Phase<'a, Observed>;

    /// Does what the guide says, unless it is to be left out, and asks whether that cures.
    fn remedy<'a>(&'a self, stand: &'a Stand, make: bool) -> Phase<'a, Remedied>;

    /// Puts back what the case changed outside its namespaces.
    fn put_back<'a>(&'a self, stand: &'a Stand) -> Phase<'a, ()> {
        let _ = stand;
        Box::pin(std::future::ready(Ok(())))
    }
}

/// What came of a case's phases.
pub(super) struct Carried {
    pub(super) record: CaseRecord,
    pub(super) phases: Vec<PhaseTime>,
    /// What kept a phase from being carried through.
    pub(super) error: Option<StepError>,
    /// The snapshots that diagnosis read: of the fault, and of the cured cluster.
    pub(super) snapshots: Vec<(&'static str, Snapshot)>,
}

/// Carries a case through its phases, as far as they show something. Where its fault is known, its
/// diagnosis is held against that. What it changed outside its namespaces stands until [`put_back`].
pub(super) async fn carry(
    case: &dyn Case,
    known: Option<&table::Fault>,
    stand: &Stand,
    mutation: Option<Mutation>,
    stage: &Stage,
) -> Carried {
    let mut carried = Carried {
        record: CaseRecord::new(case.claim()),
        phases: vec![],
        error: None,
        snapshots: vec![],
    };
    let phases = in_order(case, known, stand, mutation, stage, &mut carried).await;
    carried.error = phases.err();
    carried
}

/// Puts back what a case changed outside its namespaces, once all that has to be seen of it is kept.
/// Tells how long that took, if it took any time.
pub(super) async fn put_back(
    case: &dyn Case,
    stand: &Stand,
) -> (Option<PhaseTime>, Result<(), StepError>) {
    let begun = Instant::now();
    let ended = alone_in_time(stand, "put back", case.put_back(stand)).await;
    let took = (begun.elapsed() > Duration::from_millis(50)).then(|| time("put back", begun));
    (took, ended)
}

async fn in_order(
    case: &dyn Case,
    known: Option<&table::Fault>,
    stand: &Stand,
    mutation: Option<Mutation>,
    stage: &Stage,
    carried: &mut Carried,
) -> Result<(), StepError> {
    let Carried {
        record,
        phases,
        snapshots,
        ..
    } = carried;
    let begun = Instant::now();
    stage.message("baseline");
    record.baseline = timed(stand, case.baseline(stand), "baseline", begun, phases).await?;
    if !record.started_healthy() {
        return Ok(());
    }
    let begun = Instant::now();
    stage.message("fault");
    let make = mutation != Some(Mutation::NoFault);
    let fault = timed(stand, case.fault(stand, make), "fault", begun, phases).await?;
    (record.fault, record.in_force) = (fault.shown, fault.in_force);
    if !record.fault_in_force() {
        return Ok(());
    }
    let begun = Instant::now();
    stage.message("symptom");
    let observed = timed(stand, case.observe(stand), "symptom", begun, phases).await?;
    let symptom = observed.symptom;
    record.observed = Some(observed);
    let begun = Instant::now();
    stage.message("diagnosis");
    let (read, said) = timed(
        stand,
        Box::pin(diagnosed(stand, symptom)),
        "diagnosis",
        begun,
        phases,
    )
    .await?;
    let nodes = View::of(&read).product.len();
    snapshots.push(("fault", read));
    record.diagnosed = known
        .map(|fault| no_other(fault, &said))
        .into_iter()
        .chain(tells_the_state(symptom, &said, nodes))
        .collect();
    record.diagnosis = Some(said);
    if matches!(symptom, Symptom::Healthy | Symptom::Undecided) {
        return Ok(());
    }
    let begun = Instant::now();
    stage.message("remedy and recovery");
    let make = mutation != Some(Mutation::NoRemedy);
    let remedied = timed(
        stand,
        case.remedy(stand, make),
        "remedy and recovery",
        begun,
        phases,
    )
    .await?;
    record.remedy = Some(remedied.done);
    record.cure = Some(remedied.cure);
    record.recovery = remedied.recovery;
    record.consequences = remedied.consequences;
    if record.cure != Some(Cure::None) {
        let begun = Instant::now();
        let (read, said) = timed(
            stand,
            Box::pin(diagnosed(stand, Symptom::Healthy)),
            "diagnosis again",
            begun,
            phases,
        )
        .await?;
        let told = told_enough(&read, &said);
        snapshots.push(("recovered", read));
        told?;
        record.recovery.push(silent(known, &said));
        record.cure = record.cure_that_counts();
    }
    Ok(())
}

/// That diagnosis finds what its fault has and no other: a false finding sends a reader astray, and a
/// right one says that more is wrong than the case is about.
fn no_other(fault: &table::Fault, said: &Diagnosis) -> Check {
    let besides: Vec<String> = fault
        .besides(said)
        .iter()
        .map(|f| format!("{} on {}", f.code, f.object))
        .collect();
    let seen = match (besides.as_slice(), said.codes().as_slice()) {
        ([], []) => "nothing".to_owned(),
        ([], found) => found.join(", "),
        (more, _) => more.join(", "),
    };
    let statement = format!("diagnosis finds nothing but what belongs to {}", fault.id);
    Check::answered(Standing::Truth, statement, besides.is_empty(), seen, vec![])
}

/// That diagnosis tells the state in which the nodes were seen, which `kubectl get pods` does not;
/// none where it was none of those that nodes are in together.
fn tells_the_state(seen: Symptom, said: &Diagnosis, nodes: usize) -> Option<Check> {
    let wanted = match seen {
        Symptom::Split => "split",
        Symptom::Stall => "a stall",
        Symptom::Healthy => "one cluster",
        _ => return None,
    };
    // What the nodes are together does not hang on what their proxies tell.
    let told = match said.conclusion(nodes, 0) {
        Conclusion::Split => "split",
        Conclusion::Stall => "a stall",
        Conclusion::NotJoined => "a node that is not part of the cluster",
        Conclusion::NotKnown | Conclusion::NoProduct => "no state",
        Conclusion::Healthy | Conclusion::OneCluster => "one cluster",
    };
    let statement = format!("diagnosis tells {wanted}, as the nodes were seen");
    Some(Check::answered(
        Standing::Truth,
        statement,
        told == wanted,
        told,
        vec![],
    ))
}

/// That diagnosis finds nothing wrong with the cured cluster, and nothing exposed but what the case has
/// from the first, as without STRICT. What may do harm another time it may find.
fn silent(known: Option<&table::Fault>, said: &Diagnosis) -> Check {
    let of_the_case = |finding: &Finding| known.is_some_and(|fault| fault.has(&finding.code));
    let wrong = said.findings.iter().filter(|f| match f.weight {
        Weight::Cause | Weight::Symptom => true,
        Weight::Exposure => !of_the_case(f),
        Weight::Risk => false,
    });
    let wrong: Vec<String> = wrong
        .map(|f| format!("{} on {}", f.code, f.object))
        .collect();
    let (holds, seen) = match wrong.as_slice() {
        [] => (
            true,
            "nothing that keeps the cluster from working".to_owned(),
        ),
        found => (false, found.join(", ")),
    };
    let statement = "diagnosis finds nothing wrong any more";
    Check::answered(Standing::Truth, statement, holds, seen, vec![])
}

/// Whether the cured cluster was read at all: where nodes or proxies told nothing, nothing was found, and
/// neither a cure nor the lack of one is shown by that.
fn told_enough(read: &Snapshot, said: &Diagnosis) -> Result<(), StepError> {
    let view = View::of(read);
    let mute = view.mute_proxies();
    if said.conclusion(view.product.len(), mute) != Conclusion::NotKnown {
        return Ok(());
    }
    let lacking = match said.state_unknown() {
        Some(because) => because.to_owned(),
        None => format!("{mute} of the nodes' proxies did not answer"),
    };
    Err(StepError::Other {
        what: format!("the cured cluster was read {READINGS} times to be diagnosed"),
        why: format!(
            "{lacking}; if this machine is only slow, --timeout-scale 2 doubles every limit"
        ),
    })
}

/// How often a namespace is read where nodes or proxies tell nothing. The first time they are given about a
/// second, as by `meshproof diagnose`, and then twice as long each time: a proxy that shared two CPUs with
/// other cases let four times a second pass (in 2 of 5 whole runs).
const READINGS: u32 = 4;

/// Reads the namespace and diagnoses it; where nodes were seen in a state that they tell, until they do.
async fn diagnosed(stand: &Stand, seen: Symptom) -> Result<(Snapshot, Diagnosis), StepError> {
    let command = format!(
        "meshproof record -n {}, within a run of its scenario",
        stand.namespace
    );
    let namespace = &stand.namespace;
    let secrets = stand.product.secrets();
    let tells = matches!(seen, Symptom::Healthy | Symptom::Split | Symptom::Stall);
    let mut reading = 1;
    loop {
        let kube = stand.kube.patient(f64::from(1 << (reading - 1)));
        let taken = snapshot::take(&kube, namespace, &command, &secrets).await?;
        let said = diagnose(&taken);
        let silent = said.state_unknown().is_some() || View::of(&taken).mute_proxies() > 0;
        if !(tells && silent) || reading == READINGS {
            return Ok((taken, said));
        }
        reading += 1;
    }
}

/// Waits for a phase, no longer than it may take, and notes how long it took, whatever came of it.
async fn timed<T>(
    stand: &Stand,
    phase: Phase<'_, T>,
    name: &'static str,
    begun: Instant,
    phases: &mut Vec<PhaseTime>,
) -> Result<T, StepError> {
    let ended = in_time(stand, name, phase).await;
    phases.push(time(name, begun));
    ended
}

#[cfg(test)]
#[path = "case_tests.rs"]
mod tests;
