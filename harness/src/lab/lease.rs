//! The lease on a cluster: a kernel file lock beside its record, with its holder written in it.
//!
//! The kernel lets go of it when the holder ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use super::LabError;
use crate::progress::Progress;

/// A held lease; it ends with this value.
#[derive(Debug)]
pub struct Lease {
    _file: File,
}

impl Lease {
    /// Takes the cluster for this process alone, waiting for whoever has it and saying who that is.
    ///
    /// # Errors
    /// A file error.
    pub async fn exclusive(
        folder: &Path,
        command: &str,
        progress: &Progress,
    ) -> Result<Self, LabError> {
        let path = folder.join("lease");
        let mut file = open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let stage = progress.stage("Waiting for the cluster");
                stage.message(format!("held by {}", holder.trim()));
                let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file))
                    .await
                    .expect("taking a lock does not panic");
                file = locked.map_err(LabError::file("locking", &path))?;
                stage.done();
            }
            Err(TryLockError::Error(error)) => return Err(LabError::file("locking", &path)(error)),
        }
        let holder = format!("pid {}: {command}\n", std::process::id());
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(holder.as_bytes()))
            .map_err(LabError::file("writing", &path))?;
        Ok(Self { _file: file })
    }

    /// Who holds the lease of a cluster, if anybody does.
    ///
    /// # Errors
    /// A file error.
    pub fn holder(folder: &Path) -> Result<Option<String>, LabError> {
        let path = folder.join("lease");
        let mut file = open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder)
                    .map_err(LabError::file("reading", &path))?;
                Ok(Some(holder.trim().to_owned()))
            }
            Err(TryLockError::Error(error)) => Err(LabError::file("locking", &path)(error)),
        }
    }
}

fn open(path: &Path) -> Result<File, LabError> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder).map_err(LabError::file("making the folder", folder))?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(LabError::file("opening the lease", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_holder_is_named_and_gone_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let lease = Lease::exclusive(folder.path(), "meshproof guide", &Progress::silent())
            .await
            .unwrap();
        let holder = Lease::holder(folder.path())
            .unwrap()
            .expect("somebody holds it");
        assert_eq!(
            holder,
            format!("pid {}: meshproof guide", std::process::id())
        );
        drop(lease);
        assert_eq!(Lease::holder(folder.path()).unwrap(), None);
    }
}
