//! How much disk is free below a folder that need not be there yet.

use std::path::Path;

use super::LabError;

/// The free disk below a folder, in whole GiB, as far as this user may use it.
///
/// # Errors
/// When the file system does not tell.
pub(super) fn free_gib(folder: &Path) -> Result<u64, LabError> {
    Ok(free_bytes(folder)? / (1 << 30))
}

/// As [`free_gib`], in bytes.
///
/// # Errors
/// When the file system does not tell.
pub(super) fn free_bytes(folder: &Path) -> Result<u64, LabError> {
    let there = folder.ancestors().find(|path| path.exists());
    let there = there.unwrap_or(Path::new("/"));
    let disk = nix::sys::statvfs::statvfs(there)
        .map_err(|error| LabError::file("asking for the free disk below", there)(error.into()))?;
    Ok(disk.blocks_available() * disk.fragment_size())
}

/// Whether so much is free.
///
/// # Errors
/// [`LabError::NoRoom`] with the variable that moves the folder.
pub(super) fn check(
    folder: &Path,
    needed_gib: u64,
    variable: &'static str,
) -> Result<(), LabError> {
    let free_gib = free_gib(folder)?;
    if free_gib >= needed_gib {
        return Ok(());
    }
    Err(LabError::NoRoom {
        path: folder.to_owned(),
        needed_gib,
        free_gib,
        variable,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_is_told_with_the_cure_and_makes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("a/b");
        assert!(check(&below, 0, "X").is_ok());
        let error = check(&below, u64::MAX, "MESHPROOF_CACHE_DIR").unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("needs about") && error.contains("MESHPROOF_CACHE_DIR"),
            "{error}"
        );
        assert!(!below.exists());
    }
}
