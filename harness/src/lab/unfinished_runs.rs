//! Folders of runs without a report: which of them are of runs that go on, and those of killed runs
//! in which nothing lies. What does lie in one is for a person to look at.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::{LabError, Paths};

/// The folder of a run that has no report.
pub(super) struct UnfinishedRun {
    pub path: PathBuf,
    pub state: State,
}

/// How far a run without a report has come.
pub(super) enum State {
    /// Its process holds the folder's lock.
    GoesOn,
    /// It was killed and left captures.
    Captured,
    /// It was killed before it wrote anything.
    Empty,
    /// The lock could not be asked for.
    Unknown(LabError),
}

/// The unfinished runs of a state folder, by name.
///
/// While they are held no folder is made or locked, so one whose run is only about to lock it is not
/// taken for a killed run's.
pub(super) struct UnfinishedRuns {
    pub runs: Vec<UnfinishedRun>,
    _folder: Option<File>,
}

impl UnfinishedRuns {
    /// # Errors
    /// When the runs' folder cannot be read or locked.
    pub(super) fn of(paths: &Paths) -> Result<Self, LabError> {
        let folder = paths.state.join("runs");
        let opened = match File::open(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self {
                    runs: vec![],
                    _folder: None,
                });
            }
            other => other.map_err(LabError::file("opening", &folder))?,
        };
        opened.lock().map_err(LabError::file("locking", &folder))?;
        let entries = std::fs::read_dir(&folder).map_err(LabError::file("reading", &folder))?;
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        let unfinished = paths.into_iter().filter_map(UnfinishedRun::of);
        Ok(Self {
            runs: unfinished.collect(),
            _folder: Some(opened),
        })
    }
}

impl UnfinishedRun {
    fn of(path: PathBuf) -> Option<Self> {
        let unfinished = !path.is_symlink() && path.is_dir() && !path.join("report.json").exists();
        if !unfinished {
            return None;
        }
        // One that goes at this moment is a run's that just ended.
        let opened = File::open(&path).ok()?;
        let state = match opened.try_lock() {
            Err(TryLockError::WouldBlock) => State::GoesOn,
            Err(TryLockError::Error(error)) => {
                State::Unknown(LabError::file("locking", &path)(error))
            }
            Ok(()) if holds_files(&path) => State::Captured,
            Ok(()) => State::Empty,
        };
        Some(Self { path, state })
    }
}

/// Removes the folders of killed runs in which nothing lies.
///
/// # Errors
/// When the runs' folder cannot be read or locked, or one of them cannot be removed.
pub fn remove_empty_runs(paths: &Paths) -> Result<(), LabError> {
    for run in &UnfinishedRuns::of(paths)?.runs {
        if matches!(run.state, State::Empty) {
            std::fs::remove_dir_all(&run.path).map_err(LabError::file("removing", &run.path))?;
        }
    }
    Ok(())
}

fn holds_files(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths = entries.map(|entry| entry.path());
    paths.any(|path| match path.is_dir() && !path.is_symlink() {
        true => holds_files(&path),
        false => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(place: &tempfile::TempDir) -> Paths {
        Paths {
            cache: place.path().join("cache"),
            state: place.path().join("state"),
        }
    }

    fn run(paths: &Paths, inside: &str) -> PathBuf {
        let run = paths.state.join("runs").join(inside);
        std::fs::create_dir_all(&run).unwrap();
        run
    }

    #[test]
    fn only_a_killed_runs_empty_folder_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let paths = within(&place);
        remove_empty_runs(&paths).unwrap();
        let killed = run(&paths, "killed");
        let killed_later = run(&paths, "killed-later/captures");
        let captured = run(&paths, "captured/captures/T1a");
        std::fs::write(captured.join("index.txt"), "").unwrap();
        let goes_on = run(&paths, "goes-on");
        let running = File::open(&goes_on).unwrap();
        running.lock().unwrap();
        let ended = run(&paths, "ended");
        std::fs::write(ended.join("report.json"), "{}").unwrap();
        std::os::unix::fs::symlink("ended", paths.state.join("runs/latest")).unwrap();
        remove_empty_runs(&paths).unwrap();
        assert!(!killed.exists());
        assert!(!killed_later.parent().unwrap().exists());
        for there in [captured, goes_on, ended, paths.state.join("runs/latest")] {
            assert!(there.exists(), "{}", there.display());
        }
    }

    #[test]
    fn no_folder_is_made_or_locked_while_they_are_told() {
        let place = tempfile::tempdir().unwrap();
        let paths = within(&place);
        let runs = run(&paths, "");
        let told = UnfinishedRuns::of(&paths).unwrap();
        let making = File::open(runs).unwrap();
        assert!(making.try_lock().is_err());
        drop(told);
        assert!(making.try_lock().is_ok());
    }
}
