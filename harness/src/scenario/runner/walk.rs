//! The steps of the walk, in their order, until one does not come out as claimed.

use super::{Runner, failed, outcome_of};
use crate::outcome::{ScenarioOutcome, Verdict, judge_checkpoint};
use crate::scenario::{Scenario, Stand};

/// How the reason ends for which a step is blocked by an earlier one.
pub const NOT_AS_CLAIMED: &str = "did not come out as claimed";

impl Runner {
    /// Does the steps, each on what the ones before it left.
    pub(super) async fn walk(&self, steps: &[&Scenario], stand: &Stand) {
        let mut stopped_by = None;
        for scenario in steps {
            let outcome = self.step(scenario, stand, stopped_by).await;
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

    async fn step(
        &self,
        scenario: &Scenario,
        stand: &Stand,
        stopped_by: Option<&str>,
    ) -> ScenarioOutcome {
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
        let carried = scenario.carry_step(stand).await;
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
}
