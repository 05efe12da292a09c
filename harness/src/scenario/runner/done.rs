//! What has come of a plan so far, for whoever asks while it goes on.

use std::sync::PoisonError;

use super::Runner;
use crate::diagnose::Snapshot;
use crate::outcome::ScenarioOutcome;
use crate::scenario::StepError;

/// What has come of a plan so far.
#[derive(Default)]
pub(super) struct Done {
    outcomes: Vec<ScenarioOutcome>,
    pub(super) snapshots: Vec<(String, Snapshot)>,
    left_behind: Vec<String>,
    pub(super) product_version: Option<String>,
}

impl Runner {
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

    /// A scenario is done.
    pub(super) fn note(&self, outcome: ScenarioOutcome) {
        self.with_done(|done| done.outcomes.push(outcome));
        self.count.send_modify(|count| *count += 1);
    }

    /// Something was cleared away, or was not.
    pub(super) fn note_left(&self, gone: Result<(), StepError>) {
        if let Err(error) = gone {
            self.with_done(|done| done.left_behind.push(error.to_string()));
        }
    }

    /// What has come so far, for a look or an addition, by one at a time.
    pub(super) fn with_done<T>(&self, with: impl FnOnce(&mut Done) -> T) -> T {
        with(&mut self.done.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
