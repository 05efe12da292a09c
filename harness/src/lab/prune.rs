//! Removes images and cached artifacts of ours that no lab asks for any more; what labs ask for, `asked`
//! finds out.
//!
//! Ours are images under our own name, and those with our label that lost theirs; others the engine
//! has are not looked at. What a container is
//! made of, and what a cluster on record runs, stays. What is left of killed runs is for `reap`.

mod asked;

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::cluster::Record;
use super::engine::OWNER_LABEL;
use super::images::pulled_labs::PulledLab;
use super::images::{Cache, ProbeBinary};
use super::size::freed_by_removing;
use super::{Cluster, Engine, LabError, Paths, node_stores};
use crate::progress::Progress;
use asked::Asked;

/// What every image of ours is called, to begin with.
const OURS: &str = "meshproof.local/";

/// What came of pruning.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Whether nothing was removed, and this is only what would be.
    pub dry_run: bool,
    /// The pulled labs that ask for what they need.
    pub pulled: Vec<Asking>,
    /// What is gone.
    pub removed: Vec<Pruning>,
    /// What nobody asks for and stays all the same: its name, and why.
    pub kept: Vec<(String, String)>,
    /// What could not be removed, a sentence each.
    pub failed: Vec<String>,
}

/// One pulled lab that asks for what it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asking {
    /// Its versions.
    pub lab: String,
    /// What has to be done that it asks for nothing any more.
    pub given_up_by: String,
}

impl Asking {
    fn of(lab: &PulledLab) -> Self {
        Self {
            lab: lab.told(),
            given_up_by: lab.given_up_by(),
        }
    }
}

/// One thing that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pruning {
    /// `image`, `artifact` or `record`.
    pub kind: &'static str,
    /// Its name in the engine, its id there if it has none, or its folder.
    pub name: String,
    /// Its size in bytes. Layers of an image that others share stay, and so do files that nodes
    /// link to; those of an artifact are not counted.
    pub bytes: u64,
}

/// Removes what nobody asks for any more.
///
/// # Errors
/// When the engine does not answer or our folders cannot be read. What cannot be removed is told in
/// [`Pruned::failed`].
pub async fn prune(paths: &Paths, dry_run: bool, progress: &Progress) -> Result<Pruned, LabError> {
    let engine = Engine::connect().await?;
    let cache = Cache::at(&paths.cache);
    let probe = ProbeBinary::find().await;
    // Whoever makes images holds it, and would miss what is removed under it.
    let _lock = match dry_run {
        true => None,
        false => Some(cache.lock(progress).await?),
    };
    let asked = Asked::by_labs(&engine, &cache, probe.as_ref()).await?;
    prune_but(&engine, paths, &asked, dry_run).await
}

async fn prune_but(
    engine: &Engine,
    paths: &Paths,
    asked: &Asked,
    dry_run: bool,
) -> Result<Pruned, LabError> {
    let mut pruned = Pruned {
        dry_run,
        ..Pruned::default()
    };
    // All that can fail as a whole comes before anything is removed.
    let (found, used) = (all_artifacts(paths)?, used_programs(paths)?);
    images(engine, asked, &mut pruned).await?;
    labs(paths, asked, &mut pruned);
    artifacts_but(paths, asked, found, &used, &mut pruned);
    Ok(pruned)
}

/// Tells the pulled labs whose things stay, and takes those off the record that ask for nothing.
fn labs(paths: &Paths, asked: &Asked, pruned: &mut Pruned) {
    let cache = Cache::at(&paths.cache);
    pruned.pulled = asked.pulled.iter().map(Asking::of).collect();
    for lab in &asked.given_up {
        let bytes = freed_by_removing([lab.place(&cache).as_path()]);
        let done = match pruned.dry_run {
            true => Ok(()),
            false => lab.forget(&cache),
        };
        match done {
            Ok(()) => pruned.removed.push(Pruning {
                kind: "record",
                name: format!("the pulled lab of {}, whose images are gone", lab.told()),
                bytes,
            }),
            Err(error) => pruned.failed.push(error.to_string()),
        }
    }
}

async fn images(engine: &Engine, asked: &Asked, pruned: &mut Pruned) -> Result<(), LabError> {
    let all = engine.images_by_name().await?.into_iter();
    let nameless = engine.nameless_images().await?.into_iter();
    let all = all
        .filter(|(reference, _)| reference.starts_with(OURS))
        .chain(nameless.map(|id| (id.clone(), id)));
    // Whoever is made of one of our images bears its label.
    let used = engine.inspected(&format!("label={OWNER_LABEL}")).await?;
    for (reference, id) in all {
        if asked.images.contains(&reference) {
            continue;
        }
        let name = reference.trim_start_matches(OURS);
        let name = name.rsplit_once(':').map_or(name, |(name, _)| name);
        if let Some(why) = asked.kept_by_name(name) {
            pruned.kept.push((reference, why.to_owned()));
            continue;
        }
        if let Some(container) = used.iter().find(|container| container.image == id) {
            let why = format!("the container {} is made of it", container.name);
            pruned.kept.push((reference, why));
            continue;
        }
        // An error here must not take away the report of what is gone by now.
        match image(engine, &reference, pruned.dry_run).await {
            Ok(bytes) => pruned.removed.push(Pruning {
                kind: "image",
                name: reference,
                bytes,
            }),
            Err(error) => pruned.failed.push(error.to_string()),
        }
    }
    Ok(())
}

/// Removes one image, if it shall be; tells its size in bytes.
async fn image(engine: &Engine, reference: &str, dry_run: bool) -> Result<u64, LabError> {
    let sizes = engine.image_sizes(&[reference]).await?;
    if !dry_run {
        engine.remove_image(reference).await?;
    }
    Ok(sizes.into_iter().sum())
}

/// Every artifact in the cache.
fn all_artifacts(paths: &Paths) -> Result<Vec<PathBuf>, LabError> {
    let folder = paths.cache.join("artifacts");
    let entries = match std::fs::read_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
        other => other.map_err(LabError::file("reading", &folder))?,
    };
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    found.sort();
    Ok(found)
}

/// Removes those of these artifacts that nobody asks for and no cluster runs.
fn artifacts_but(
    paths: &Paths,
    asked: &Asked,
    found: Vec<PathBuf>,
    used: &[(PathBuf, String)],
    pruned: &mut Pruned,
) {
    let cache = Cache::at(&paths.cache);
    for artifact in found {
        let folder = artifact
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if asked.artifacts.contains(&folder) {
            continue;
        }
        let shown = artifact.display().to_string();
        let name = folder
            .rsplit_once('-')
            .map_or(folder.as_str(), |(name, _)| name);
        if let Some(why) = asked.kept_by_name(name) {
            pruned.kept.push((shown, why.to_owned()));
            continue;
        }
        if let Some((_, cluster)) = used.iter().find(|(path, _)| path.starts_with(&artifact)) {
            let why = format!("the cluster {cluster} was made with it");
            pruned.kept.push((shown, why));
            continue;
        }
        let bytes = freed_by_removing([artifact.as_path()]);
        let done = match pruned.dry_run {
            true => Ok(()),
            false => cache.discard(&artifact),
        };
        match done {
            Ok(()) => pruned.removed.push(Pruning {
                kind: "artifact",
                name: shown,
                bytes,
            }),
            Err(error) => pruned.failed.push(error.to_string()),
        }
    }
}

/// The programs of clusters on record, of other state folders over this cache too, each with its
/// cluster's name.
fn used_programs(paths: &Paths) -> Result<Vec<(PathBuf, String)>, LabError> {
    let others = node_stores::all(paths)?;
    let others = others.iter().filter_map(|(_, record)| record_in(record));
    let own = Cluster::all(paths)?
        .into_iter()
        .map(|cluster| cluster.record);
    let records = own.chain(others);
    let programs = records.flat_map(|record| {
        let name = record.name;
        record
            .programs
            .into_iter()
            .map(move |path| (path, name.clone()))
    });
    Ok(programs.collect())
}

fn record_in(folder: &Path) -> Option<Record> {
    let text = std::fs::read_to_string(folder.join("record.json")).ok()?;
    serde_json::from_str(&text).ok()
}

impl Engine {
    /// The ids of images that bear our label and have lost their name to others: a build or an import
    /// that makes an image anew takes the name from the old one.
    async fn nameless_images(&self) -> Result<Vec<String>, LabError> {
        let label = format!("label={OWNER_LABEL}");
        let output = self
            .docker()
            .args(["images", "--no-trunc", "--filter", "dangling=true"])
            .args(["--filter", &label, "--format", "{{.ID}}"])
            .run()
            .await
            .map_err(LabError::program("listing the images that have no name"))?;
        let mut ids: Vec<String> = output.stdout.lines().map(str::to_owned).collect();
        // One that has lost several names is listed as often.
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    /// Removes an image by its name or id, unless a container is made of it.
    async fn remove_image(&self, reference: &str) -> Result<(), LabError> {
        self.docker()
            .args(["rmi", reference])
            .run()
            .await
            .map_err(LabError::program(format!("removing the image {reference}")))?;
        Ok(())
    }
}

#[cfg(test)]
#[path = "prune_tests.rs"]
mod tests;
