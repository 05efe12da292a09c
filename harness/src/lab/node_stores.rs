//! The folders below the cache that hold nodes' image stores, each signed with its cluster's record.
//!
//! The cache may serve labs of several state folders; the signature tells whose a folder is.

use std::path::{Path, PathBuf};

use super::{LabError, Paths};

/// The file that names the folder of the cluster's record.
const SIGNATURE: &str = ".cluster";

/// Signs the folder of a cluster's node stores with the folder of its record.
///
/// # Errors
/// A file error.
pub(super) fn sign(stores: &Path, record: &Path) -> Result<(), LabError> {
    let path = stores.join(SIGNATURE);
    std::fs::write(&path, record.as_os_str().as_encoded_bytes())
        .map_err(LabError::file("writing", &path))
}

/// Every folder of node stores with the folder of its cluster's record. One without a signature
/// counts as this state folder's.
///
/// # Errors
/// A file error.
pub(super) fn all(paths: &Paths) -> Result<Vec<(PathBuf, PathBuf)>, LabError> {
    let folder = paths.cache.join("nodes");
    let entries = match std::fs::read_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
        other => other.map_err(LabError::file("reading", &folder))?,
    };
    let owner = |stores: &Path, name: &str| match std::fs::read_to_string(stores.join(SIGNATURE)) {
        Ok(record) => PathBuf::from(record),
        Err(_) => paths.cluster(name),
    };
    let mut found: Vec<_> = entries
        .flatten()
        .map(|entry| {
            let record = owner(&entry.path(), &entry.file_name().to_string_lossy());
            (entry.path(), record)
        })
        .collect();
    found.sort();
    Ok(found)
}
