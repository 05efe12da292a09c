//! Whether the programs of an artifact are all there. A folder alone does not tell: a file in it may
//! have been deleted since, or emptied by a machine that went dark.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::cache::Cache;
use super::go::GoBuild;
use crate::lab::LabError;

/// Whether a program lies at this place, which can be run.
pub fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|data| {
        data.is_file() && data.len() > 0 && data.permissions().mode() & 0o111 != 0
    })
}

/// Discards those artifacts that lack one of their programs, so that they are made anew. The caller
/// holds the cache's lock.
///
/// # Errors
/// A file error.
pub fn discard_damaged(cache: &Cache, builds: &[GoBuild]) -> Result<(), LabError> {
    for build in builds {
        let place = cache.place(&build.name, &build.key());
        let whole = || build.programs().all(|name| is_program(&place.join(name)));
        if place.exists() && !whole() {
            cache.discard(&place)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::images::{pins, programs};

    #[test]
    fn an_artifact_that_lacks_a_program_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let builds = programs::all(&pins::ISTIO_AUGUST_2026);
        let place = |build: &GoBuild| cache.place(&build.name, &build.key());
        for build in &builds {
            std::fs::create_dir_all(place(build)).unwrap();
            for name in build.programs() {
                let program = place(build).join(name);
                std::fs::write(&program, "program").unwrap();
                std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
            }
        }
        discard_damaged(&cache, &builds).unwrap();
        assert!(builds.iter().all(|build| place(build).exists()));
        let named = |name: &str| builds.iter().find(|b| b.name.starts_with(name)).unwrap();
        let (kind, istio) = (place(named("kind")), place(named("istio")));
        std::fs::remove_file(kind.join("kind")).unwrap();
        std::fs::write(istio.join("istioctl"), "").unwrap();
        discard_damaged(&cache, &builds).unwrap();
        let left = builds.iter().filter(|build| place(build).exists());
        assert_eq!(left.count(), builds.len() - 2);
        assert!(!kind.exists() && !istio.exists());
    }
}
