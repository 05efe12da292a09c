//! What one scenario came to.

use serde::{Deserialize, Serialize};

use super::{CaseRecord, Check, Cure, Symptom, Verdict};

/// How long one phase took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseTime {
    /// The phase's name, as design words have it: `arrange`, `check`.
    pub phase: String,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// How the outcome stands against the expectations on record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectationResult {
    /// Whether the outcome is in the set on record.
    pub green: bool,
    /// The outcomes on record, as `Confirmed (7)`; more than one means flaky.
    pub on_record: Vec<String>,
    /// Which build's record was the yardstick, and why where it is not this build's own.
    pub yardstick: String,
}

impl ExpectationResult {
    /// Whether more than one outcome is on record, so that the same scenario may end either way.
    pub fn flaky(&self) -> bool {
        self.on_record.len() > 1
    }
}

/// One scenario's outcome, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScenarioOutcome {
    /// Its id: `C1`, `C6a`.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The guide's section it comes from.
    pub section: String,
    /// What the guide claims there, in our words.
    pub claim: String,
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The one fact that decided it.
    pub decided_by: String,
    /// Every question a checkpoint asked, with its answer.
    pub checks: Vec<Check>,
    /// The phases of a troubleshooting case; none for a checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<Box<CaseRecord>>,
    /// Seconds per phase.
    pub phases: Vec<PhaseTime>,
    /// How it stands against what is on record.
    pub expectation: ExpectationResult,
    /// What a reader should know beside the verdict: deviations, limits of the guide's own check.
    pub remarks: Vec<String>,
    /// Whether a live cluster was asked (a blocked step never was).
    pub on_cluster: bool,
}

impl ScenarioOutcome {
    /// The symptom that a case showed, where it came to that.
    pub fn symptom(&self) -> Option<Symptom> {
        Some(self.case.as_ref()?.observed.as_ref()?.symptom)
    }

    /// How a case was cured, where it came to that and as far as it counts.
    pub fn cure(&self) -> Option<Cure> {
        self.case.as_ref()?.cure_that_counts()
    }

    /// Seconds of all phases together.
    pub fn seconds(&self) -> f64 {
        // Not `sum`, whose sum of nothing is -0.0 and is printed so.
        self.phases
            .iter()
            .fold(0.0, |sum, phase| sum + phase.seconds)
    }
}
