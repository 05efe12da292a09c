//! Outcomes and runs for tests that care for a few of their fields.

use jiff::Timestamp;
use meshproof_harness::outcome::{Run, SCHEMA_VERSION, ScenarioOutcome, Verdict};

/// An outcome that asked a cluster and of which nothing is on record.
pub fn outcome(id: &str, verdict: Verdict) -> ScenarioOutcome {
    ScenarioOutcome {
        id: id.into(),
        title: "t".into(),
        section: "s".into(),
        claim: "c".into(),
        verdict,
        decided_by: "d".into(),
        checks: vec![],
        case: None,
        phases: vec![],
        expectation: Default::default(),
        remarks: vec![],
        on_cluster: true,
    }
}

/// A run that came to these.
pub fn run(id: &str, outcomes: Vec<ScenarioOutcome>) -> Run {
    Run {
        schema_version: SCHEMA_VERSION,
        id: id.into(),
        command: "meshproof run".into(),
        meshproof: "0".into(),
        started: Timestamp::UNIX_EPOCH,
        seconds: 1.0,
        stages: vec![],
        lab: None,
        mesh: None,
        product: None,
        outcomes,
        process: None,
        left_behind: vec![],
    }
}
