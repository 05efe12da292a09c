//! A case in a namespace of its own: from clearing that to clearing it away.
//!
//! What happens within a case, phase by phase, is `scenario::case`'s.

use super::{Runner, failed, outcome_of};
use crate::diagnose::table;
use crate::outcome::{ScenarioOutcome, judge_case};
use crate::scenario::definition::{Phases, Scenario, Scope};
use crate::scenario::{Stand, case, namespaces};

/// How the name of every case's namespace begins.
pub const CASE_NAMESPACES: &str = "meshproof-";

impl Runner {
    /// Does cases that must not run beside each other.
    pub(super) async fn one_by_one(&self, cases: &[&Scenario], round: u32) {
        for scenario in cases {
            self.case(scenario, round).await;
        }
    }

    /// Does one case.
    pub(super) async fn case(&self, scenario: &Scenario, round: u32) {
        let about = scenario.about;
        let stand = Stand {
            namespace: namespace_of(about.id, round),
            ..self.stand.clone()
        };
        let Phases::Case(case) = &scenario.phases else {
            unreachable!("a step is not run as a case");
        };
        if let Some(reason) = case.blocked(&stand.product) {
            return self.note(self.blocked(scenario, reason));
        }
        if let Some(reason) = stand.limit.is_over() {
            return self.note(self.blocked(scenario, reason));
        }
        let stage = stand
            .progress
            .stage(format!("{} {}", about.id, about.title));
        let filled = [stand.namespace.clone()];
        let (mut begun, mut broken) = (false, false);
        let mut outcome = match stand
            .limit
            .within("clearing", namespaces::clear(&stand.kube, &filled))
            .await
        {
            Err(error) => {
                let (verdict, fact) = failed(&error);
                outcome_of(scenario, verdict, fact)
            }
            Ok(()) => {
                let carried = case::carry(
                    case.as_ref(),
                    table::of(about.id),
                    &stand,
                    self.plan.mutation,
                    &stage,
                )
                .await;
                (begun, broken) = (true, carried.error.is_some());
                let (verdict, fact) = match &carried.error {
                    Some(error) => failed(error),
                    None => judge_case(&carried.record),
                };
                let named = carried.snapshots.into_iter();
                let named = named.map(|(of, s)| (format!("{}-{of}", stand.namespace), s));
                self.with_done(|done| done.snapshots.extend(named));
                ScenarioOutcome {
                    case: Some(Box::new(carried.record)),
                    phases: carried.phases,
                    on_cluster: true,
                    ..outcome_of(scenario, verdict, fact)
                }
            }
        };
        if let Some(mutation) = self.plan.mutation {
            let told = format!("Run with --mutate {}.", mutation.name());
            outcome.remarks.push(told);
        }
        let mut outcome = self.judged(outcome);
        stage.message(outcome.verdict.name());
        self.ask_version(&stand).await;
        self.keep(&stand, &mut outcome, &filled).await;
        if begun {
            // Only now: on a mesh that is mended already, nothing would show what was wrong.
            let (took, put_back) = case::put_back(case.as_ref(), &stand).await;
            outcome.phases.extend(took);
            if let (Err(error), false) = (put_back, broken) {
                (outcome.verdict, outcome.decided_by) = failed(&error);
                outcome = self.judged(outcome);
                self.keep(&stand, &mut outcome, &filled).await;
            }
        }
        stage.done();
        if !stand.keep {
            // What must not run beside its like may reach beyond its namespace as long as any object
            // of it is there.
            let gone = if about.alone.is_some() || about.scope == Scope::Gateway {
                namespaces::clear(&stand.kube, &filled).await
            } else {
                namespaces::clear_pods(&stand.kube, &filled).await
            };
            self.note_left(gone);
        }
        self.note(outcome);
    }
}

/// The namespace of a case: its id, in the form of a name; a number of its own in later rounds, so
/// that none waits for the last one's to be gone.
pub fn namespace_of(id: &str, round: u32) -> String {
    let id = id.to_lowercase();
    match round {
        0 => format!("{CASE_NAMESPACES}{id}"),
        n => format!("{CASE_NAMESPACES}{id}-{}", n + 1),
    }
}
