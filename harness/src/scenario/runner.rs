//! Runs a plan: the steps of the walk, which build on each other, and the cases, which do not.
//!
//! Each is an outcome of its own. After a step that did not come out as claimed the later steps are
//! `Blocked`, naming it: what they would show could not be told from what broke it. A case has a
//! namespace of its own, and what the walk filled is cleared away before the first of them: the
//! guide's own requests leave no room for two clusters on two CPUs.
//!
//! Whoever shows outcomes one by one waits for each with [`Runner::outcome`] while
//! [`Runner::run`] goes on.

mod cases;
mod done;
mod walk;

use std::sync::Mutex;

use futures::StreamExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

use super::definition::Scenario;
use super::plan::Plan;
use super::{Keeping, Stand, StepError, namespaces};
use crate::evidence::nodes;
use crate::expectation::{Expectations, Outcome};
use crate::outcome::{ScenarioOutcome, Verdict};
pub use cases::{CASE_NAMESPACES, namespace_of};
use done::Done;
pub use walk::NOT_AS_CLAIMED;

/// A plan on its way.
pub struct Runner {
    plan: Plan,
    stand: Stand,
    expectations: Expectations,
    keeping: Option<Keeping>,
    done: Mutex<Done>,
    count: watch::Sender<usize>,
}

impl Runner {
    /// A run of which nothing is done. `stand` is the walk's own.
    pub fn new(
        plan: Plan,
        stand: Stand,
        expectations: Expectations,
        keeping: Option<Keeping>,
    ) -> Self {
        Self {
            plan,
            stand,
            expectations,
            keeping,
            done: Mutex::default(),
            count: watch::Sender::new(0),
        }
    }

    /// What the walk stands on.
    pub fn stand(&self) -> &Stand {
        &self.stand
    }

    /// Does the whole plan.
    pub async fn run(&self) {
        let order = self.plan.order();
        for round in 0..self.plan.repeat {
            if round > 0 && !order.steps.is_empty() {
                let gone = namespaces::clear(&self.stand.kube, &self.plan.walked).await;
                self.note_left(gone);
            }
            let stand = match round {
                0 => self.stand.clone(),
                _ => Stand {
                    since: Timestamp::now(),
                    ..self.stand.clone()
                },
            };
            self.walk(&order.steps, &stand).await;
            if !order.steps.is_empty() {
                self.ask_version(&self.stand).await;
            }
            let cases = order.together.len() + order.gateway.len() + order.alone.len();
            if cases == 0 {
                continue;
            }
            let gone = namespaces::clear_pods(&self.stand.kube, &self.plan.walked).await;
            self.note_left(gone);
            let mut together: Vec<BoxFuture<'_, ()>> = vec![];
            if !order.gateway.is_empty() {
                // First, since it is the longest of them.
                together.push(Box::pin(self.one_by_one(&order.gateway, round)));
            }
            for scenario in &order.together {
                together.push(Box::pin(self.case(scenario, round)));
            }
            let mut together = futures::stream::iter(together).buffer_unordered(self.plan.jobs);
            while together.next().await.is_some() {}
            self.one_by_one(&order.alone, round).await;
        }
    }

    /// Captures what there is of a scenario whose outcome is news, while it is there.
    async fn keep(&self, stand: &Stand, outcome: &mut ScenarioOutcome, namespaces: &[String]) {
        let Some(keeping) = &self.keeping else {
            return;
        };
        if !outcome.expectation.green && outcome.on_cluster {
            // A later round has its own; the walk's namespace tells no rounds apart.
            let folder = match stand.namespace.strip_prefix(CASE_NAMESPACES) {
                Some(case) => case.to_uppercase(),
                None => outcome.id.clone(),
            };
            let told = keeping.capture(stand, &folder, namespaces).await;
            outcome.remarks.push(told);
        }
    }

    /// Asks a node for the product's version, while it runs, unless one has told it.
    async fn ask_version(&self, stand: &Stand) {
        if self.product_version().is_none() {
            let told = nodes::version(&stand.kube, &stand.namespace).await;
            self.with_done(|done| done.product_version = done.product_version.take().or(told));
        }
    }

    /// What comes of a scenario that cannot be asked: the cluster is not touched for it.
    fn blocked(&self, scenario: &Scenario, reason: String) -> ScenarioOutcome {
        let verdict = Verdict::Blocked {
            reason: reason.clone(),
        };
        self.judged(outcome_of(scenario, verdict, reason))
    }

    /// The outcome held against what is on record.
    fn judged(&self, outcome: ScenarioOutcome) -> ScenarioOutcome {
        let scenario = self.stand.product.on_record_as(&outcome.id);
        let seen = Outcome {
            verdict: &outcome.verdict,
            symptom: outcome.symptom(),
            cure: outcome.cure(),
        };
        let key = self.stand.ground().key(&scenario);
        ScenarioOutcome {
            expectation: self.expectations.judge(&key, &seen),
            ..outcome
        }
    }
}

/// An outcome that nobody has held against the record yet.
fn outcome_of(scenario: &Scenario, verdict: Verdict, decided_by: String) -> ScenarioOutcome {
    let about = scenario.about;
    ScenarioOutcome {
        id: about.id.to_owned(),
        title: about.title.to_owned(),
        section: about.section.to_owned(),
        claim: about.claim.to_owned(),
        verdict,
        decided_by,
        checks: vec![],
        case: None,
        phases: vec![],
        expectation: Default::default(),
        remarks: about.remarks.iter().map(|r| (*r).to_owned()).collect(),
        on_cluster: false,
    }
}

fn failed(error: &StepError) -> (Verdict, String) {
    let error = error.to_string();
    (
        Verdict::Failed {
            error: error.clone(),
        },
        error,
    )
}

#[cfg(test)]
#[path = "runner_tests.rs"]
mod tests;
