//! `list`: the catalogue.

use std::process::ExitCode;

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
        print_line!("{}", serde_json::to_string_pretty(&all)?);
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
        print_line!(
            "{:id$}  {:title$}  {}",
            about.id,
            about.title,
            about.section
        );
    }
    Ok(ExitCode::SUCCESS)
}
