//! The run folder: where a run's reports lie (`report.html`, `report.md`, `report.json`,
//! `junit.xml`), and the link to the latest.
//!
//! It lies under the state folder: `$MESHPROOF_STATE_DIR`, else `$XDG_STATE_HOME/meshproof`, else
//! `~/.local/state/meshproof`. Other files of a run (captures) may be laid beside them.

use std::ffi::OsString;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::{html, json, junit, markdown};
use crate::outcome::Run;

/// Why a run could not be written down or read back.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// No variable says where state belongs.
    #[error("no place to keep runs: set MESHPROOF_STATE_DIR (or HOME) to an absolute path")]
    NoHome,
    /// A folder could not be made.
    #[error("{path} cannot be made ({source}); free the path or set MESHPROOF_STATE_DIR")]
    Make {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("{path} cannot be written ({source}); check the disk and the folder's owner")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The link to the latest run could not be set.
    #[error("{path} cannot be linked to this run ({source}); remove what stands there")]
    Link {
        /// The link.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A report could not be read.
    #[error("{path} cannot be read ({source}); name a run folder that holds one")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is no report of this version.
    #[error("{path}: {source}")]
    NoReport {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: json::ReadError,
    },
    /// The run cannot be put into words of a format. A defect of Meshproof's own.
    #[error("{path} cannot be made from this run ({why}); please report this as a defect")]
    Format {
        /// The file.
        path: PathBuf,
        /// What the format's writer said.
        why: String,
    },
}

/// The folder of all that Meshproof keeps between runs.
///
/// # Errors
/// When none of the variables holds an absolute path.
pub fn state_dir() -> Result<PathBuf, FolderError> {
    state_dir_from(|name| std::env::var_os(name))
}

fn state_dir_from(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, FolderError> {
    // The XDG rules: a relative path counts as not set.
    let absolute = |name| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("MESHPROOF_STATE_DIR")
        .or_else(|| Some(absolute("XDG_STATE_HOME")?.join("meshproof")))
        .or_else(|| Some(absolute("HOME")?.join(".local/state/meshproof")))
        .ok_or(FolderError::NoHome)
}

/// A run's id: when it began (UTC), what was run, and four random digits.
///
/// `what` is a command or filter; what is no letter or digit in it becomes a dash.
pub fn run_id(started: Timestamp, what: &str) -> String {
    // Each state is seeded anew by the system: enough to tell two runs of one second apart.
    let digits = std::hash::RandomState::new().build_hasher().finish() & 0xffff;
    let words = what
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let what = words.collect::<Vec<_>>().join("-").to_lowercase();
    let what = if what.is_empty() { "run" } else { &what };
    format!("{}-{what}-{digits:04x}", started.strftime("%Y%m%dT%H%M%SZ"))
}

/// One run's folder, locked until the last of its clones is gone: nobody takes it for that of a run
/// that was killed. One in which nothing lies by then goes with them: the run was broken off before
/// it had anything to say.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
    _held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    path: PathBuf,
    _lock: File,
}

impl Drop for Held {
    fn drop(&mut self) {
        // The system refuses where anything lies in it.
        let _ = std::fs::remove_dir(&self.path);
    }
}

/// The folder, in a run's own, of what is kept of scenarios whose outcomes are news.
pub const CAPTURES: &str = "captures";

impl RunFolder {
    /// Makes the folder of a run under a state folder.
    ///
    /// # Errors
    /// When it cannot be made, also because it is there already: no run overwrites another.
    pub fn create(state_dir: &Path, run_id: &str) -> Result<Self, FolderError> {
        let runs = state_dir.join("runs");
        let path = runs.join(run_id);
        let make = || -> io::Result<File> {
            std::fs::create_dir_all(&runs)?;
            // Who removes the empty folders of killed runs holds this lock too.
            let making = File::open(&runs)?;
            making.lock()?;
            std::fs::create_dir(&path)?;
            let folder = File::open(&path)?;
            folder.lock()?;
            Ok(folder)
        };
        let lock = make().map_err(|source| FolderError::Make {
            path: path.clone(),
            source,
        })?;
        let held = Held {
            path: path.clone(),
            _lock: lock,
        };
        Ok(Self {
            path,
            _held: Arc::new(held),
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the run's `report.html` lies.
    pub fn report_html(&self) -> PathBuf {
        self.path.join("report.html")
    }

    /// Where the run's `report.md` lies.
    pub fn report_md(&self) -> PathBuf {
        self.path.join("report.md")
    }

    /// Where the run's `report.json` lies.
    pub fn report_json(&self) -> PathBuf {
        self.path.join("report.json")
    }

    /// Where the run's `junit.xml` lies.
    pub fn junit_xml(&self) -> PathBuf {
        self.path.join("junit.xml")
    }

    /// Writes every report and points `latest` at this run.
    ///
    /// Each file appears whole or not at all, and `latest` only ever names a run with all of them.
    ///
    /// # Errors
    /// A file that cannot be written, a link that cannot be set.
    pub fn write(&self, run: &Run) -> Result<(), FolderError> {
        let path = self.report_json();
        let text = json::render(run).map_err(|e| FolderError::Format {
            path: path.clone(),
            why: e.to_string(),
        })?;
        write_whole(&path, &text)?;
        let path = self.junit_xml();
        let text = junit::render(run).map_err(|e| FolderError::Format {
            path: path.clone(),
            why: e.to_string(),
        })?;
        write_whole(&path, &text)?;
        write_whole(&self.report_md(), &markdown::render(run))?;
        write_whole(&self.report_html(), &html::render(run))?;
        self.link_latest()
    }

    /// Lays a file beside them, in a folder of its own where the name has one.
    ///
    /// # Errors
    /// A folder that cannot be made, a file that cannot be written.
    pub fn add(&self, name: &str, text: &str) -> Result<(), FolderError> {
        let path = self.path.join(name);
        let parent = path.parent().unwrap_or(&self.path);
        std::fs::create_dir_all(parent).map_err(|source| FolderError::Make {
            path: parent.to_owned(),
            source,
        })?;
        write_whole(&path, text)
    }

    /// Sets the link under another name first, so that there is no moment without a `latest`.
    fn link_latest(&self) -> Result<(), FolderError> {
        let latest = self.path.with_file_name("latest");
        let id = self.path.file_name().unwrap_or_default();
        let mut staged = OsString::from(".latest-");
        staged.push(id);
        let staged = self.path.with_file_name(staged);
        let link = || -> io::Result<()> {
            symlink(id, &staged)?;
            std::fs::rename(&staged, &latest).inspect_err(|_| {
                // The error that matters is the rename's.
                let _ = std::fs::remove_file(&staged);
            })
        };
        link().map_err(|source| FolderError::Link {
            path: latest.clone(),
            source,
        })
    }
}

/// Writes a file so that it appears whole or not at all.
///
/// # Errors
/// A file that cannot be written; what stood there stands as it was.
pub fn write_whole(path: &Path, text: &str) -> Result<(), FolderError> {
    let write = || -> io::Result<()> {
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        // Not a temporary file's own mode: a report is for everyone whom the folder admits.
        let mut file = tempfile::Builder::new().make_in(parent, |p| {
            std::fs::File::options()
                .write(true)
                .create_new(true)
                .open(p)
        })?;
        file.write_all(text.as_bytes())?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|source| FolderError::Write {
        path: path.to_owned(),
        source,
    })
}

/// Reads a `report.json`.
///
/// # Errors
/// When it cannot be read, or is no report of this version.
pub fn read_report(path: &Path) -> Result<Run, FolderError> {
    let text = std::fs::read_to_string(path).map_err(|source| FolderError::Read {
        path: path.to_owned(),
        source,
    })?;
    json::parse(&text).map_err(|source| FolderError::NoReport {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
