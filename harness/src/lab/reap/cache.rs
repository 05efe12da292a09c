//! Reaps what was being made in the cache when its maker was killed.

use super::{Kind, Reaper};
use crate::lab::mounts::unmount_below;
use crate::lab::{LabError, half_made};

impl Reaper<'_> {
    pub(super) async fn half_made(&mut self) -> Result<(), LabError> {
        let found = half_made::folders(&self.paths.cache);
        if found.is_empty() || !self.may_clear_the_cache()? {
            return Ok(());
        }
        // Whoever held the lock until now may have finished some.
        for folder in half_made::folders(&self.paths.cache) {
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
}
