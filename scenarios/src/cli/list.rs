//! `list` and `tally`: the catalogue, and whether a run did all of it.

use std::path::Path;
use std::process::ExitCode;

use meshproof_harness::product::Product;
use meshproof_harness::report::folder::read_report;
use meshproof_harness::scenario::Scenario;
use serde_json::json;

use super::Outcome;
use crate::catalogue;

/// Prints the catalogue.
pub fn run(as_json: bool) -> Outcome {
    let scenarios = catalogue::all();
    if as_json {
        let all: Vec<_> = scenarios
            .iter()
            .map(|scenario| {
                let about = scenario.about;
                json!({
                    "id": about.id, "title": about.title, "section": about.section,
                    "claim": about.claim, "scope": about.scope.name(), "remarks": about.remarks,
                })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(ExitCode::SUCCESS);
    }
    let width = |of: fn(&meshproof_harness::scenario::About) -> &'static str| {
        scenarios
            .iter()
            .map(|s| of(&s.about).len())
            .max()
            .unwrap_or(0)
    };
    let (id, title) = (width(|a| a.id), width(|a| a.title));
    for scenario in &scenarios {
        let about = scenario.about;
        println!(
            "{:id$}  {:title$}  {}",
            about.id, about.title, about.section
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Counts the trials of a run that asked a live cluster: all must have that a run of Ignite can
/// ask, since GridGain is not everybody's.
pub fn tally(report: &Path) -> Outcome {
    let run = read_report(report)?;
    let can_be_asked = |scenario: &&Scenario| scenario.blocked(&Product::Ignite).is_none();
    let expected = catalogue::all().iter().filter(can_be_asked).count();
    let on_cluster = run
        .outcomes
        .iter()
        .filter(|outcome| outcome.on_cluster)
        .count();
    println!(
        "{on_cluster} of {expected} trials of the catalogue ran on a cluster ({})",
        run.id
    );
    Ok(if on_cluster < expected {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
