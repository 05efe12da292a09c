//! `run --failed`: which scenarios the last run had news of, by its report.
//!
//! The last run is the one that `runs/latest` names: any command's, also `cargo test`'s. It is only
//! asked for scenarios; what it ran on is asked for anew.

use std::path::{Path, PathBuf};

use meshproof_harness::outcome::Run;
use meshproof_harness::report::folder::{FolderError, read_report};
use meshproof_harness::scenario::Scenario;

use crate::{catalogue, selection};

/// What is to be run again.
pub struct Again {
    /// The scenarios, with the earlier steps that they build on; none where nothing was news.
    pub scenarios: Vec<Scenario>,
    /// One sentence of it, for a person.
    pub told: String,
}

/// Why nothing can be run again.
#[derive(Debug, thiserror::Error)]
pub enum AgainError {
    /// There is no last run.
    #[error("--failed runs again what was news in the last run, and {0} names none; run all first")]
    NoLastRun(PathBuf),
    /// Its report cannot be read.
    #[error(transparent)]
    Report(#[from] FolderError),
    /// The catalogue is another one by now.
    #[error("{ids}: news of {run}, and not in the catalogue any more; name what to run instead")]
    Gone {
        /// The scenarios.
        ids: String,
        /// The run.
        run: String,
    },
}

impl Again {
    /// What the last run of a state folder had news of.
    ///
    /// # Errors
    /// When there is no last run, its report cannot be read, or a scenario is not there any more.
    pub fn of_the_last(state: &Path) -> Result<Self, AgainError> {
        let latest = state.join("runs/latest");
        // A link to a run that was deleted names none either.
        if !latest.exists() {
            return Err(AgainError::NoLastRun(latest));
        }
        Self::of(&read_report(&latest.join("report.json"))?)
    }

    fn of(run: &Run) -> Result<Self, AgainError> {
        let mut ids: Vec<&str> = vec![];
        for outcome in &run.outcomes {
            if !outcome.expectation.green && !ids.contains(&outcome.id.as_str()) {
                ids.push(&outcome.id);
            }
        }
        let all = catalogue::all();
        let there = |id: &str| all.iter().any(|scenario| scenario.about.id == id);
        let gone: Vec<&str> = ids.iter().copied().filter(|id| !there(id)).collect();
        if !gone.is_empty() {
            return Err(AgainError::Gone {
                ids: gone.join(", "),
                run: run.id.clone(),
            });
        }
        let told = match ids.as_slice() {
            [] => format!("nothing was news in the last run ({})", run.id),
            ids => format!("again, as news of {}: {}", run.id, ids.join(", ")),
        };
        Ok(Self {
            scenarios: selection::with_earlier_steps(all, |about| ids.contains(&about.id)),
            told,
        })
    }
}

#[cfg(test)]
mod tests {
    use meshproof_harness::outcome::{ExpectationResult, ScenarioOutcome, Verdict};
    use meshproof_harness::report::folder::RunFolder;

    use super::*;
    use crate::sample;

    fn outcome(id: &str, green: bool) -> ScenarioOutcome {
        ScenarioOutcome {
            expectation: ExpectationResult {
                green,
                ..Default::default()
            },
            // As claimed or not is not the question: what is not on record is news.
            ..sample::outcome(id, Verdict::Confirmed)
        }
    }

    fn again(outcomes: Vec<ScenarioOutcome>) -> Result<(Vec<&'static str>, String), AgainError> {
        let again = Again::of(&sample::run("r9", outcomes))?;
        let ids = again.scenarios.iter().map(|s| s.about.id).collect();
        Ok((ids, again.told))
    }

    #[test]
    fn what_was_news_is_run_again_once_with_the_steps_before_it() {
        let outcomes = vec![
            outcome("C1", true),
            outcome("C2", false),
            outcome("T2b", false),
            outcome("T3", true),
            // A second round.
            outcome("T2b", false),
        ];
        let (ids, told) = again(outcomes).unwrap();
        assert_eq!(ids, ["C1", "C1b", "C2", "T2b"]);
        assert_eq!(told, "again, as news of r9: C2, T2b");
    }

    #[test]
    fn where_nothing_was_news_nothing_is_run() {
        let (ids, told) = again(vec![outcome("C1", true)]).unwrap();
        assert_eq!(ids, [""; 0]);
        assert_eq!(told, "nothing was news in the last run (r9)");
    }

    #[test]
    fn what_left_the_catalogue_is_named() {
        let outcomes = vec![outcome("T99", false), outcome("T2b", false)];
        let error = again(outcomes).unwrap_err().to_string();
        assert!(error.starts_with("T99: news of r9, and not"), "{error}");
    }

    #[test]
    fn the_last_run_is_the_one_that_was_written_last() {
        let state = tempfile::tempdir().unwrap();
        let error = Again::of_the_last(state.path()).err().unwrap().to_string();
        assert!(
            error.contains("runs/latest names none; run all first"),
            "{error}"
        );
        for (run, news) in [("r1", "T2a"), ("r2", "T2b")] {
            let folder = RunFolder::create(state.path(), run).unwrap();
            let run = sample::run(run, vec![outcome(news, false)]);
            folder.write(&run).unwrap();
        }
        let again = Again::of_the_last(state.path()).unwrap();
        assert_eq!(again.told, "again, as news of r2: T2b");
    }
}
