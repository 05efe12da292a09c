//! The file that an archive is before it is whole: beside its place, and locked while it is written.
//!
//! The kernel ends the lock with the process. So what an export left that was killed is told from
//! what another one writes, and from a file of somebody's that only has the name.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::ArchiveError;
use super::container::begins_as_ours;
use crate::lab::LabError;

/// What is tried on the file, for errors.
const BEGINNING: &str = "beginning the archive";

/// An archive that is not whole yet; it goes when it is dropped.
pub struct Partial {
    path: TempPath,
    /// Locked as long as any clone of it is open.
    held: File,
}

impl Partial {
    /// An empty file for the archive that is to be at this place.
    ///
    /// # Errors
    /// When a file is there that another export writes or that is none of ours, or a file error.
    pub fn begin(to: &Path) -> Result<Self, LabError> {
        let path = beside(to);
        let failed = || ArchiveError::file(BEGINNING, to);
        let held = match File::create_new(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => left(&path)?,
            other => other.map_err(failed())?,
        };
        // Between making and locking it another one may have taken it, still empty; between opening
        // and locking what is there another one may have completed it.
        if held.try_lock().is_err() || !is_at(&held, &path) {
            return Err(ArchiveError::PartialExists(path).into());
        }
        held.set_len(0).map_err(failed())?;
        let path = TempPath::try_from_path(path).map_err(failed())?;
        Ok(Self { path, held })
    }

    /// The file, to be written.
    ///
    /// # Errors
    /// A file error.
    pub fn file(&self) -> Result<File, LabError> {
        let cloned = self.held.try_clone();
        cloned.map_err(ArchiveError::file(BEGINNING, &self.path))
    }

    /// Puts it in its place, where nothing may be by now.
    ///
    /// # Errors
    /// A file error; then it goes.
    pub fn complete(self, to: &Path) -> Result<(), LabError> {
        let placed = self.path.persist_noclobber(to);
        placed.map_err(|error| ArchiveError::file("completing the archive", to)(error.error))
    }
}

/// A file that is there already, if it is what an export left before it came to its end.
fn left(path: &Path) -> Result<File, LabError> {
    let exists = || ArchiveError::PartialExists(path.to_owned());
    let opened = OpenOptions::new().read(true).write(true).open(path);
    let mut file = opened.map_err(|_| exists())?;
    let is_empty = file.metadata().is_ok_and(|about| about.len() == 0);
    match is_empty || begins_as_ours(&mut file) {
        true => {
            file.rewind().map_err(ArchiveError::file(BEGINNING, path))?;
            Ok(file)
        }
        false => Err(exists().into()),
    }
}

/// Whether the file that is open is the one that lies there.
fn is_at(open: &File, path: &Path) -> bool {
    let place = |about: Metadata| (about.dev(), about.ino());
    let open = open.metadata().map(place).ok();
    open.is_some() && open == path.metadata().map(place).ok()
}

/// Its name.
fn beside(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_that_was_put_elsewhere_meanwhile_is_not_at_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let (path, done) = (folder.path().join("a"), folder.path().join("b"));
        let open = File::create_new(&path).unwrap();
        assert!(is_at(&open, &path));
        std::fs::rename(&path, &done).unwrap();
        assert!(!is_at(&open, &path));
        std::fs::write(&path, "another").unwrap();
        assert!(!is_at(&open, &path));
    }

    #[test]
    fn what_a_killed_export_left_is_taken_over_and_what_one_writes_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("lab.zip");
        let begun = [&b"PK\x03\x04"[..], &[0; 26], b"images.tar", &[7; 9000]].concat();
        for left in [&begun[..], b""] {
            std::fs::write(beside(&to), left).unwrap();
            let partial = Partial::begin(&to).unwrap();
            let mut file = partial.file().unwrap();
            file.write_all(b"whole").unwrap();
            drop(file);
            let second = Partial::begin(&to).map(drop).unwrap_err();
            let second = second.to_string();
            assert!(second.contains("another export writes it"), "{second}");
            partial.complete(&to).unwrap();
            assert_eq!(std::fs::read(&to).unwrap(), b"whole");
            assert!(!beside(&to).exists());
            std::fs::remove_file(&to).unwrap();
        }
    }
}
