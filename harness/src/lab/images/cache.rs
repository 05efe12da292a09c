//! The cache folder: artifacts that appear whole or not at all.
//!
//! An artifact is made in a folder of its own beside its place and renamed there when it is
//! complete, so that a kill at any point leaves nothing that looks finished. What an artifact
//! holds is its maker's business.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::digests;
use super::key::Key;
use crate::lab::mounts::unmount_below;
use crate::lab::{LabError, Lease, begun_clients, half_made, lease};
use crate::progress::Progress;

/// What names an artifact: its name, and the key of all that goes into it.
pub type Artifact = (&'static str, Key);

/// All records in a folder, each a file of JSON, in the order of their names. What cannot be read is
/// none.
pub fn records<T: DeserializeOwned>(folder: &Path) -> Vec<T> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().filter_map(|path| record(path)).collect()
}

/// The record in a file; none where it cannot be read.
pub fn record<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
}

/// The cache folder.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The cache below a folder, which is made when something is first put there.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The cache's own folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where an artifact lies, or would lie.
    pub fn place(&self, name: &str, key: &Key) -> PathBuf {
        self.root.join("artifacts").join(format!("{name}-{key}"))
    }

    /// The artifact's folder, made by `make` in an empty folder if it is not there yet, with the digests
    /// of its programs.
    ///
    /// # Errors
    /// What `make` gives, or a file error.
    pub async fn artifact<Make, Making>(
        &self,
        name: &str,
        key: &Key,
        make: Make,
    ) -> Result<PathBuf, LabError>
    where
        Make: FnOnce(PathBuf) -> Making,
        Making: Future<Output = Result<(), LabError>>,
    {
        let with_digests = |at: PathBuf| async move {
            make(at.clone()).await?;
            digests::take_down(&at).await
        };
        self.artifact_without_digests(name, key, with_digests).await
    }

    /// The same of an artifact that tells by itself whether it is whole.
    ///
    /// # Errors
    /// What `make` gives, or a file error.
    pub async fn artifact_without_digests<Make, Making>(
        &self,
        name: &str,
        key: &Key,
        make: Make,
    ) -> Result<PathBuf, LabError>
    where
        Make: FnOnce(PathBuf) -> Making,
        Making: Future<Output = Result<(), LabError>>,
    {
        let place = self.place(name, key);
        if place.exists() {
            return Ok(place);
        }
        let partial = self.root.join("partial").join(format!("{name}-{key}"));
        remove_folder(&partial)?;
        std::fs::create_dir_all(&partial).map_err(LabError::file("making the folder", &partial))?;
        make(partial.clone()).await?;
        flush(&partial)?;
        let parent = self.root.join("artifacts");
        std::fs::create_dir_all(&parent).map_err(LabError::file("making the folder", &parent))?;
        std::fs::rename(&partial, &place).map_err(LabError::file("completing", &place))?;
        Ok(place)
    }

    /// Compares a program with what was put into its artifact; one that lies elsewhere is not ours.
    ///
    /// # Errors
    /// [`LabError::ProgramChanged`], or a file error.
    pub async fn compare(&self, program: &Path) -> Result<(), LabError> {
        let artifacts = self.root.join("artifacts");
        let below = program.strip_prefix(&artifacts).ok();
        match below.and_then(|below| below.components().next()) {
            Some(artifact) => digests::compare(&artifacts.join(artifact), program).await,
            None => Ok(()),
        }
    }

    /// Removes an artifact, if it is there. It is moved to where half of one passes for no whole
    /// before anything in it is removed. The caller holds the lock.
    ///
    /// # Errors
    /// A file error; the artifact is whole or gone then.
    pub fn discard(&self, artifact: &Path) -> Result<(), LabError> {
        let aside = self.root.join("partial");
        std::fs::create_dir_all(&aside).map_err(LabError::file("making the folder", &aside))?;
        let aside = aside.join(artifact.file_name().unwrap_or_default());
        remove_folder(&aside)?;
        match std::fs::rename(artifact, &aside) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(LabError::file("moving aside", artifact)(error)),
            Ok(()) => remove_folder(&aside),
        }
    }

    /// Removes all but the newest artifacts of a name: those that are made anew whenever anything
    /// in them changes, and that nobody asks for under an old key again.
    ///
    /// # Errors
    /// A file error.
    pub fn keep_newest(&self, name: &str, keep: usize) -> Result<(), LabError> {
        let folder = self.root.join("artifacts");
        let entries = std::fs::read_dir(&folder).map_err(LabError::file("reading", &folder))?;
        let prefix = format!("{name}-");
        let mut found: Vec<_> = entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        found.sort();
        let old = found.len().saturating_sub(keep);
        found[..old]
            .iter()
            .try_for_each(|(_, path)| self.discard(path))
    }

    /// Takes the lock under which one process at a time builds, waiting for whoever has it and
    /// saying who that is; it ends with the value. What a killed builder left running or mounted
    /// is ended first.
    ///
    /// # Errors
    /// A file error, a mount that stays, or an engine that goes on making what a killed builder asked for.
    pub async fn lock(&self, progress: &Progress) -> Result<Lease, LabError> {
        let path = half_made::lock(&self.root);
        let command: Vec<String> = std::env::args().collect();
        let lease = lease::wait(&path, "the cache", &command.join(" "), progress).await?;
        begun_clients::no_orphan_is_left().await?;
        unmount_below(&self.root.join("partial")).await?;
        Ok(lease)
    }
}

/// Has the files that lie in a folder itself, as programs do, written to the disk before the folder
/// takes its place: a machine that goes dark would leave empty ones under their names.
fn flush(folder: &Path) -> Result<(), LabError> {
    let written = |path: &Path| std::fs::File::open(path).and_then(|file| file.sync_all());
    let entries = std::fs::read_dir(folder).map_err(LabError::file("reading", folder))?;
    for entry in entries {
        let entry = entry.map_err(LabError::file("reading", folder))?;
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file {
            written(&entry.path()).map_err(LabError::file("writing out", entry.path()))?;
        }
    }
    written(folder).map_err(LabError::file("writing out", folder))
}

/// Removes a folder with all that is in it, if it is there.
pub(crate) fn remove_folder(path: &Path) -> Result<(), LabError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(LabError::file("removing", path)(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::over("test").finish()
    }

    #[tokio::test]
    async fn only_an_artifact_that_cannot_tell_by_itself_has_digests_laid_into_it() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let program = async |at: PathBuf| {
            std::fs::write(at.join("program"), "1").unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(at.join("program"), mode).unwrap();
            Ok(())
        };
        let with = cache.artifact("thing", &key(), program).await.unwrap();
        assert!(with.join(digests::FILE).exists());
        let key = key();
        let store = cache.artifact_without_digests("store", &key, program);
        assert!(!store.await.unwrap().join(digests::FILE).exists());
    }

    #[tokio::test]
    async fn an_artifact_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        for content in ["first", "second"] {
            cache
                .artifact("thing", &key(), async |at: PathBuf| {
                    std::fs::write(at.join("file"), content).unwrap();
                    Ok(())
                })
                .await
                .unwrap();
        }
        let kept = std::fs::read_to_string(cache.place("thing", &key()).join("file")).unwrap();
        assert_eq!(kept, "first");
    }

    #[tokio::test]
    async fn only_the_newest_of_a_name_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let keys = ["1", "2", "3"].map(|n| Key::over("store").add(n).finish());
        for (age, key) in keys.iter().enumerate() {
            let made = cache
                .artifact("store", key, async |_| Ok(()))
                .await
                .unwrap();
            let time =
                std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(age as u64);
            std::fs::File::open(made)
                .unwrap()
                .set_modified(time)
                .unwrap();
        }
        cache
            .artifact("other", &keys[0], async |_| Ok(()))
            .await
            .unwrap();
        cache.keep_newest("store", 2).unwrap();
        let there = keys.map(|key| cache.place("store", &key).exists());
        assert_eq!(there, [false, true, true]);
        assert!(
            cache
                .place("other", &Key::over("store").add("1").finish())
                .exists()
        );
    }

    #[tokio::test]
    async fn what_cannot_be_moved_away_whole_stays_whole() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let key = key();
        let made = cache.artifact("store", &key, async |at: PathBuf| {
            std::fs::write(at.join("file"), "content").unwrap();
            Ok(())
        });
        let place = made.await.unwrap();
        std::fs::remove_dir(folder.path().join("partial")).unwrap();
        std::fs::write(folder.path().join("partial"), "in the way").unwrap();
        assert!(cache.keep_newest("store", 0).is_err());
        assert!(
            place.join("file").exists(),
            "it is not removed in its place"
        );
    }

    #[tokio::test]
    async fn a_broken_off_artifact_leaves_nothing_that_looks_finished() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let broken = cache
            .artifact("thing", &key(), async |at: PathBuf| {
                std::fs::write(at.join("half"), "half").unwrap();
                Err(LabError::NoHome)
            })
            .await;
        assert!(broken.is_err());
        assert!(!cache.place("thing", &key()).exists());
        let again = cache
            .artifact("thing", &key(), async |at: PathBuf| {
                assert!(!at.join("half").exists(), "what was left is cleared first");
                Ok(())
            })
            .await;
        assert!(again.is_ok());
    }
}
