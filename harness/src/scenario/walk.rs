//! The walk: scenarios that build on each other, done once and in order.
//!
//! Each step is an outcome of its own. After a step that did not come out as claimed the rest are
//! `Blocked`, naming it: what they would show could not be told from what broke it.

use super::definition::Scenario;
use super::{Stand, StepError};
use crate::expectation::{Expectations, Key, ProxyKind};
use crate::outcome::{ScenarioOutcome, Verdict, judge_checkpoint};

/// A walk on its way.
pub struct Walk {
    scenarios: Vec<Scenario>,
    stand: Stand,
    expectations: Expectations,
    outcomes: Vec<ScenarioOutcome>,
    stopped_by: Option<String>,
}

impl Walk {
    /// A walk over these scenarios, none of which has been done.
    pub fn new(scenarios: Vec<Scenario>, stand: Stand, expectations: Expectations) -> Self {
        Self {
            scenarios,
            stand,
            expectations,
            outcomes: vec![],
            stopped_by: None,
        }
    }

    /// What came of the steps that were done.
    pub fn outcomes(&self) -> &[ScenarioOutcome] {
        &self.outcomes
    }

    /// What the walk stands on.
    pub fn stand(&self) -> &Stand {
        &self.stand
    }

    /// Does every step up to this one that was not done yet, and returns its outcome; none if the
    /// walk has no such step.
    pub async fn advance_to(&mut self, id: &str) -> Option<&ScenarioOutcome> {
        let wanted = self.scenarios.iter().position(|s| s.about.id == id)?;
        while self.outcomes.len() <= wanted {
            self.step().await;
        }
        self.outcomes.get(wanted)
    }

    /// Does the next step; none if all are done.
    pub async fn step(&mut self) -> Option<&ScenarioOutcome> {
        let scenario = self.scenarios.get(self.outcomes.len())?;
        let about = scenario.about;
        let outcome = match &self.stopped_by {
            Some(step) => {
                let reason = format!("{step} did not come out as claimed");
                self.outcome(
                    scenario,
                    Verdict::Blocked {
                        reason: reason.clone(),
                    },
                    reason,
                )
            }
            None => {
                let stage = self
                    .stand
                    .progress
                    .stage(format!("{} {}", about.id, about.title));
                let carried = scenario.carry(&self.stand).await;
                let (verdict, decided_by, checks) = match carried.checks {
                    Ok(checks) => {
                        let (verdict, fact) = judge_checkpoint(&checks);
                        (verdict, fact, checks)
                    }
                    Err(error) => failed(&error),
                };
                stage.message(verdict.name());
                stage.done();
                ScenarioOutcome {
                    checks,
                    phases: carried.phases,
                    on_cluster: true,
                    ..self.outcome(scenario, verdict, decided_by)
                }
            }
        };
        // A step that could not be asked for want of something leaves the ground as it was.
        let carries_on = matches!(
            outcome.verdict,
            Verdict::Confirmed | Verdict::Blocked { .. }
        );
        if !carries_on {
            self.stopped_by = Some(about.id.to_owned());
        }
        self.outcomes.push(outcome);
        self.outcomes.last()
    }

    fn outcome(
        &self,
        scenario: &Scenario,
        verdict: Verdict,
        decided_by: String,
    ) -> ScenarioOutcome {
        let about = scenario.about;
        let key = Key {
            scenario: about.id.to_owned(),
            build: self.stand.istio_build.clone(),
            sidecar: self.stand.sidecar_mode,
            proxy: ProxyKind::of(self.stand.mesh.istio_filters.unwrap_or(false)),
        };
        ScenarioOutcome {
            id: about.id.to_owned(),
            title: about.title.to_owned(),
            section: about.section.to_owned(),
            claim: about.claim.to_owned(),
            expectation: self.expectations.judge(&key, &verdict),
            verdict,
            decided_by,
            checks: vec![],
            phases: vec![],
            remarks: about.remarks.iter().map(|r| (*r).to_owned()).collect(),
            on_cluster: false,
        }
    }
}

fn failed(error: &StepError) -> (Verdict, String, Vec<crate::outcome::Check>) {
    let error = error.to_string();
    (
        Verdict::Failed {
            error: error.clone(),
        },
        error,
        vec![],
    )
}
