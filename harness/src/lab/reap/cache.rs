//! Reaps what was being made in the cache when its maker was killed.

use std::path::PathBuf;

use super::{Kind, Reaper};
use crate::lab::LabError;
use crate::lab::mounts::unmount_below;

impl Reaper<'_> {
    pub(super) async fn half_made(&mut self) -> Result<(), LabError> {
        let found = self.half_made_folders();
        if found.is_empty() || !self.may_clear_the_cache()? {
            return Ok(());
        }
        // Whoever held the lock until now may have finished some.
        for folder in self.half_made_folders() {
            if !self.reaping.dry_run
                && let Err(error) = unmount_below(&folder).await
            {
                self.reaped.failed.push(error.to_string());
                continue;
            }
            self.folder(Kind::HalfMade, &folder, "its making was broken off");
        }
        Ok(())
    }

    /// Artifacts in the making, and the build contexts of images.
    fn half_made_folders(&self) -> Vec<PathBuf> {
        let cache = &self.paths.cache;
        let entries = |folder: PathBuf| {
            let read = std::fs::read_dir(folder).into_iter().flatten().flatten();
            read.map(|entry| entry.path()).filter(|path| path.is_dir())
        };
        let contexts = entries(cache.clone()).filter(|path| {
            let name = path.file_name().unwrap_or_default();
            name.to_string_lossy().starts_with("context-")
        });
        let mut found: Vec<_> = entries(cache.join("partial")).chain(contexts).collect();
        found.sort();
        found
    }
}
