//! Reaps the folders of runs that never came to a report.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::{Kind, Reaper};
use crate::lab::LabError;

impl Reaper<'_> {
    pub(super) fn runs(&mut self) -> Result<(), LabError> {
        let folder = self.paths.state.join("runs");
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(LabError::file("reading", &folder))?,
        };
        let mut runs: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        runs.sort();
        for run in runs {
            let unfinished = !run.is_symlink() && run.is_dir() && !run.join("report.json").exists();
            if !unfinished {
                continue;
            }
            // A live run holds the lock of its folder.
            let Ok(opened) = File::open(&run) else {
                continue;
            };
            let name = run.display().to_string();
            match opened.try_lock() {
                Err(TryLockError::WouldBlock) => self.keep(Kind::Run, &name, "the run goes on"),
                Ok(()) if holds_files(&run) => {
                    let because = "it did not end, but holds captures; delete it after a look";
                    self.keep(Kind::Run, &name, because);
                }
                Ok(()) => self.folder(Kind::Run, &run, "it did not end and holds nothing"),
                Err(TryLockError::Error(error)) => {
                    let error = LabError::file("locking", &run)(error);
                    self.reaped.failed.push(error.to_string());
                }
            }
        }
        Ok(())
    }
}

fn holds_files(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths = entries.map(|entry| entry.path());
    paths.any(|path| match path.is_dir() && !path.is_symlink() {
        true => holds_files(&path),
        false => true,
    })
}
