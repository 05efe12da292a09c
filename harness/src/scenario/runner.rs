//! Runs a plan: the steps of the walk, which build on each other, and the cases, which do not.
//!
//! Each is an outcome of its own. After a step that did not come out as claimed the later steps are
//! `Blocked`, naming it: what they would show could not be told from what broke it. A case has a
//! namespace of its own, and what the walk filled is cleared away before the first of them: the
//! guide's own requests leave no room for two clusters on two CPUs.
//!
//! Whoever shows outcomes one by one waits for each with [`Runner::outcome`] while
//! [`Runner::run`] goes on.

use std::sync::{Mutex, PoisonError};

use futures::StreamExt;
use futures::future::BoxFuture;
use tokio::sync::watch;

use super::case;
use super::definition::{Phases, Scenario, Scope};
use super::plan::Plan;
use super::{Keeping, Stand, StepError, namespaces};
use crate::diagnose::Snapshot;
use crate::evidence::nodes;
use crate::expectation::{Expectations, Outcome};
use crate::outcome::{ScenarioOutcome, Verdict, judge_case, judge_checkpoint};

/// A plan on its way.
pub struct Runner {
    plan: Plan,
    stand: Stand,
    expectations: Expectations,
    keeping: Option<Keeping>,
    done: Mutex<Done>,
    count: watch::Sender<usize>,
}

/// What has come of a plan so far.
#[derive(Default)]
struct Done {
    outcomes: Vec<ScenarioOutcome>,
    snapshots: Vec<(String, Snapshot)>,
    left_behind: Vec<String>,
    product_version: Option<String>,
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

    /// What came of the scenarios that are done, in the order in which they ended.
    pub fn outcomes(&self) -> Vec<ScenarioOutcome> {
        self.with_done(|done| done.outcomes.clone())
    }

    /// Hands over the snapshots that diagnosis read, each with its scenario's namespace and what of
    /// the scenario it shows.
    pub fn take_snapshots(&self) -> Vec<(String, Snapshot)> {
        self.with_done(|done| std::mem::take(&mut done.snapshots))
    }

    /// The product's version as its nodes told it; none where no node was ever asked.
    pub fn product_version(&self) -> Option<String> {
        self.with_done(|done| done.product_version.clone())
    }

    /// What scenarios left behind, with the reason.
    pub fn left_behind(&self) -> Vec<String> {
        self.with_done(|done| done.left_behind.clone())
    }

    /// Waits for the first outcome of a scenario that [`Runner::run`] does meanwhile.
    pub async fn outcome(&self, id: &str) -> ScenarioOutcome {
        let mut count = self.count.subscribe();
        loop {
            count.mark_unchanged();
            let found = self.with_done(|done| done.outcomes.iter().find(|o| o.id == id).cloned());
            match found {
                Some(outcome) => return outcome,
                // The sender lives as long as `self`.
                None => drop(count.changed().await),
            }
        }
    }

    /// Does the whole plan.
    pub async fn run(&self) {
        let order = self.plan.order();
        for round in 0..self.plan.repeat {
            if round > 0 && !order.steps.is_empty() {
                let gone = namespaces::clear(&self.stand.kube, &self.plan.walked).await;
                self.note_left(gone);
            }
            self.walk(&order.steps).await;
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

    async fn one_by_one(&self, cases: &[&Scenario], round: u32) {
        for scenario in cases {
            self.case(scenario, round).await;
        }
    }

    async fn walk(&self, steps: &[&Scenario]) {
        let mut stopped_by = None;
        for scenario in steps {
            let outcome = self.step(scenario, stopped_by).await;
            // A step that could not be asked for want of something leaves the ground as it was.
            let carries_on = matches!(
                outcome.verdict,
                Verdict::Confirmed | Verdict::Blocked { .. }
            );
            if !carries_on {
                stopped_by = Some(scenario.about.id);
            }
            self.note(outcome);
        }
    }

    async fn step(&self, scenario: &Scenario, stopped_by: Option<&str>) -> ScenarioOutcome {
        let about = scenario.about;
        if let Some(step) = stopped_by.filter(|_| self.stand.limit.is_over().is_none()) {
            let reason = format!("{step} {NOT_AS_CLAIMED}");
            return self.blocked(scenario, reason);
        }
        if let Some(reason) = scenario.blocked(&self.stand.product) {
            return self.blocked(scenario, reason);
        }
        if let Some(reason) = self.stand.limit.is_over() {
            return self.blocked(scenario, reason);
        }
        let stage = self
            .stand
            .progress
            .stage(format!("{} {}", about.id, about.title));
        let carried = scenario.carry_step(&self.stand).await;
        let (verdict, decided_by, checks) = match carried.checks {
            Ok(checks) => {
                let (verdict, fact) = judge_checkpoint(&checks);
                (verdict, fact, checks)
            }
            Err(error) => {
                let (verdict, fact) = failed(&error);
                (verdict, fact, vec![])
            }
        };
        let outcome = ScenarioOutcome {
            checks,
            phases: carried.phases,
            on_cluster: true,
            ..outcome_of(scenario, verdict, decided_by)
        };
        let mut outcome = self.judged(outcome);
        stage.message(outcome.verdict.name());
        self.keep(&self.stand, &mut outcome, &self.plan.walked)
            .await;
        stage.done();
        outcome
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

    async fn case(&self, scenario: &Scenario, round: u32) {
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
                let carried = case::carry(case.as_ref(), &stand, self.plan.mutation, &stage).await;
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

    fn note(&self, outcome: ScenarioOutcome) {
        self.with_done(|done| done.outcomes.push(outcome));
        self.count.send_modify(|count| *count += 1);
    }

    fn note_left(&self, gone: Result<(), StepError>) {
        if let Err(error) = gone {
            self.with_done(|done| done.left_behind.push(error.to_string()));
        }
    }

    fn with_done<T>(&self, with: impl FnOnce(&mut Done) -> T) -> T {
        with(&mut self.done.lock().unwrap_or_else(PoisonError::into_inner))
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

/// The namespace of a case: its id, in the form of a name; a number of its own in later rounds, so
/// that none waits for the last one's to be gone.
pub fn namespace_of(id: &str, round: u32) -> String {
    let id = id.to_lowercase();
    match round {
        0 => format!("{CASE_NAMESPACES}{id}"),
        n => format!("{CASE_NAMESPACES}{id}-{}", n + 1),
    }
}

/// How the reason ends for which a step is blocked by an earlier one.
pub const NOT_AS_CLAIMED: &str = "did not come out as claimed";

/// How the name of every case's namespace begins.
pub const CASE_NAMESPACES: &str = "meshproof-";

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
