//! `tally`: whether a run did all that was expected of it.

use std::path::Path;
use std::process::ExitCode;

use meshproof_harness::outcome::{Run, Verdict};
use meshproof_harness::report::folder::read_report;

use super::Outcome;
use crate::catalogue;
use crate::trials::rotation_of;

/// What came of the scenarios that were expected.
#[derive(Debug, PartialEq, Eq)]
struct Tally<'a> {
    /// How many asked a live cluster.
    on_cluster: usize,
    /// Those that could not be asked here, for a reason on record.
    blocked: Vec<&'a str>,
    /// Those that did neither.
    missing: Vec<&'a str>,
}

impl<'a> Tally<'a> {
    fn of(run: &Run, expected: &[&'a str]) -> Self {
        let mut tally = Self {
            on_cluster: 0,
            blocked: vec![],
            missing: vec![],
        };
        for &id in expected {
            let mut outcomes = run.outcomes.iter().filter(|outcome| outcome.id == id);
            let blocked = |o: &meshproof_harness::outcome::ScenarioOutcome| {
                matches!(o.verdict, Verdict::Blocked { .. }) && o.expectation.green
            };
            if outcomes.clone().any(|outcome| outcome.on_cluster) {
                tally.on_cluster += 1;
            } else if outcomes.any(blocked) {
                tally.blocked.push(id);
            } else {
                tally.missing.push(id);
            }
        }
        tally
    }
}

/// Counts the trials of a run that asked a live cluster, and fails if any that was expected did not
/// and has no reason for it on record. `commit` is the one whose turn of cases was run.
pub fn run(report: &Path, commit: Option<&str>) -> Outcome {
    let run = read_report(report)?;
    let rotation = rotation_of(commit);
    let all = catalogue::all();
    let ids = all.iter().map(|scenario| scenario.about.id);
    let expected: Vec<&str> = ids.filter(|id| !rotation.leaves_out(id)).collect();
    let tally = Tally::of(&run, &expected);
    print_line!(
        "{} of {} trials of the catalogue ran on a cluster ({})",
        tally.on_cluster,
        expected.len(),
        run.id
    );
    if !tally.blocked.is_empty() {
        let ids = tally.blocked.join(", ");
        print_line!("{ids}: could not be asked here, for a reason on record");
    }
    if !tally.missing.is_empty() {
        let ids = tally.missing.join(", ");
        print_line!("{ids}: expected, and did not run on a cluster");
    }
    if let Some(left_out) = rotation.left_out_told() {
        print_line!("{}: {left_out}", rotation.left_out.join(", "));
    }
    Ok(if tally.missing.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use meshproof_harness::outcome::{ExpectationResult, ScenarioOutcome};

    use super::*;
    use crate::sample;

    fn outcome(id: &str, verdict: Verdict, green: bool, on_cluster: bool) -> ScenarioOutcome {
        ScenarioOutcome {
            expectation: ExpectationResult {
                green,
                ..Default::default()
            },
            on_cluster,
            ..sample::outcome(id, verdict)
        }
    }

    #[test]
    fn each_scenario_is_asked_or_blocked_on_record_or_missing() {
        let blocked = || Verdict::Blocked {
            reason: "no license".into(),
        };
        let outcomes = vec![
            outcome("C1", Verdict::Confirmed, true, true),
            // A second round of the same scenario is no second scenario.
            outcome("C1", Verdict::Differs, false, true),
            outcome("T4a", blocked(), true, false),
            outcome("C2", blocked(), false, false),
            outcome("T9", Verdict::Confirmed, true, true),
        ];
        let run = sample::run("r", outcomes);
        let tally = Tally::of(&run, &["C1", "C2", "C3", "T4a"]);
        let expected = Tally {
            on_cluster: 1,
            blocked: vec!["T4a"],
            missing: vec!["C2", "C3"],
        };
        assert_eq!(tally, expected);
    }
}
