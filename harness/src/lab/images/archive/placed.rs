//! Whether a cache has the files of an archive as the archive has them: an artifact that is there may
//! have been damaged since it was made.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::blocking::Alive;
use crate::lab::LabError;
use crate::lab::images::key::hex;

/// Whether all of these files are there with these SHA-256 digests.
///
/// # Errors
/// A file that is there and cannot be read.
pub fn are(files: &[(PathBuf, String)], alive: &Alive) -> Result<bool, LabError> {
    for (path, expected) in files {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other.map_err(LabError::file("reading", path))?,
        };
        let mut digest = Sha256::new();
        let read = alive.read_all(file, |piece| {
            digest.update(piece);
            Ok(())
        });
        read.map_err(LabError::file("reading", path))?;
        if hex(&digest.finalize()) != *expected {
            return Ok(false);
        }
    }
    Ok(true)
}
