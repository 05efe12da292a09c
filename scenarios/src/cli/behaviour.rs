//! `behaviour`: the table of what the guide says and what happens, printed or put into a document.

use std::path::Path;
use std::process::ExitCode;

use meshproof_harness::report::folder::write_whole;

use super::Outcome;
use super::record::Record;
use crate::{behaviour, catalogue};

/// Prints the table, or puts it into a document that has a place for it.
pub fn run(expectations: Option<&Path>, into: Option<&Path>) -> Outcome {
    let known = Record::find(expectations)?.expectations()?;
    let scenarios: Vec<_> = catalogue::all().iter().map(|s| s.about).collect();
    let table = behaviour::markdown(&scenarios, &known);
    match into {
        None => print_text!("{table}"),
        Some(path) => {
            let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
            let document = std::fs::read_to_string(path).map_err(|error| told(&error))?;
            let renewed = behaviour::placed(&document, &table).map_err(|error| told(&error))?;
            write_whole(path, &renewed)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
