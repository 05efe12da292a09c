//! What is being made in the cache, or was when its maker ended: artifacts without their final name,
//! and the build contexts of images.

use std::path::{Path, PathBuf};

use super::images::remove_folder;
use super::lease::{self, Attempt};
use super::mounts::unmount_below;
use super::{LabError, Paths};

/// What holds the cache's lock meanwhile.
const CLEARING: &str = "meshproof (cleaning up)";

/// The file whose lock whoever makes something in the cache holds.
pub(super) fn lock(cache: &Path) -> PathBuf {
    cache.join("build.lock")
}

/// The folders of what is not whole, by name.
pub(super) fn folders(cache: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| {
        let read = std::fs::read_dir(folder).into_iter().flatten().flatten();
        read.map(|entry| entry.path()).filter(|path| path.is_dir())
    };
    let contexts = entries(cache).filter(|path| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().starts_with("context-")
    });
    let mut found: Vec<_> = entries(&cache.join("partial")).chain(contexts).collect();
    found.sort();
    found
}

/// Removes what was being made by work that was broken off. Where somebody makes something by now,
/// nothing is touched: they remove what is in their way, and reaping the rest.
///
/// # Errors
/// A file error, or a mount that stays.
pub async fn remove_half_made(paths: &Paths) -> Result<(), LabError> {
    if folders(&paths.cache).is_empty() {
        return Ok(());
    }
    let Attempt::Taken(_lock) = lease::try_file(&lock(&paths.cache), CLEARING)? else {
        return Ok(());
    };
    for folder in folders(&paths.cache) {
        unmount_below(&folder).await?;
        remove_folder(&folder)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_half_made_goes_unless_somebody_makes_something() {
        let cache = tempfile::tempdir().unwrap();
        let paths = Paths {
            cache: cache.path().to_owned(),
            state: cache.path().to_owned(),
        };
        let half = ["partial/store-1", "context-x"].map(|name| cache.path().join(name));
        let whole = cache.path().join("artifacts/kind-1");
        for folder in half.iter().chain([&whole]) {
            std::fs::create_dir_all(folder).unwrap();
        }
        let maker = lease::try_file(&lock(cache.path()), "meshproof images build").unwrap();
        remove_half_made(&paths).await.unwrap();
        assert!(half.iter().all(|folder| folder.exists()));
        drop(maker);
        remove_half_made(&paths).await.unwrap();
        assert!(!half.iter().any(|folder| folder.exists()) && whole.exists());
    }
}
