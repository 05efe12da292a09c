//! Reaps the folders of runs that never came to a report.

use super::{Kind, Reaper};
use crate::lab::LabError;
use crate::lab::unfinished_runs::{State, UnfinishedRuns};

impl Reaper<'_> {
    pub(super) fn runs(&mut self) -> Result<(), LabError> {
        let unfinished = UnfinishedRuns::of(self.paths)?;
        for run in &unfinished.runs {
            let name = run.path.display().to_string();
            match &run.state {
                State::GoesOn => self.keep(Kind::Run, &name, "the run goes on"),
                State::Captured => {
                    let because = "it did not end, but holds captures; delete it after a look";
                    self.keep(Kind::Run, &name, because);
                }
                State::Empty => {
                    self.folder(Kind::Run, &run.path, "it did not end and holds nothing");
                }
                State::Unknown(error) => self.reaped.failed.push(error.to_string()),
            }
        }
        Ok(())
    }
}
