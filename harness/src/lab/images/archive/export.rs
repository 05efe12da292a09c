//! Writes an archive of the images and programs that a lab has, built or pulled.
//!
//! It appears under its name when it is whole; what is broken off leaves nothing, and what is killed
//! leaves what the next one to the same place takes over.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::ArchiveError;
use super::blocking::{Alive, blocking};
use super::carried::Carried;
use super::container::{IMAGES, PROGRAMS};
use super::manifest::{ARCHITECTURE, ArchivedImage, FORMAT, MESHPROOF, Manifest};
use super::partial::Partial;
use super::tar::TarWatch;
use super::writer::Writer;
use crate::lab::images::{Cache, Images, Present, room};
use crate::lab::{Engine, LabError};
use crate::progress::Progress;

/// What is tried on the file, for errors.
const WRITING: &str = "writing the archive";
/// A watching person is told again after so many bytes.
const TOLD_EVERY: u64 = 50_000_000;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The Istio.
    pub istio: String,
    /// The archive.
    pub path: PathBuf,
    /// Its size, in bytes.
    pub bytes: u64,
    /// How many images it holds.
    pub images: usize,
    /// How long it took.
    pub took: Duration,
}

/// Writes the archive.
///
/// # Errors
/// When the file is there already, the disk is too small, or the engine fails.
pub async fn export(
    engine: &Engine,
    cache: &Cache,
    images: &Images,
    carried: Carried,
    to: &Path,
    progress: &Progress,
) -> Result<Exported, LabError> {
    let to = std::path::absolute(to).unwrap_or_else(|_| to.to_owned());
    can_be_written(&to)?;
    let beside = match &carried {
        Carried::Build(_) => None,
        Carried::Pulled(lab) => Some(lab.istioctl(engine).await?),
    };
    let all: Vec<&Present> = std::iter::once(&images.node)
        .chain(&images.inside)
        .chain(&beside)
        .collect();
    let references: Vec<&str> = all.iter().map(|image| image.reference.as_str()).collect();
    let sizes = engine.image_sizes(&references).await?;
    room::for_export(engine, &to, sizes.iter().sum()).await?;
    // Nobody shall remove a program meanwhile.
    let _lock = cache.lock(progress).await?;
    let stage = progress.stage(format!("Writing {}", to.display()));
    let partial = Partial::begin(&to)?;
    let file = partial.file()?;

    let (reader, writer) = std::io::pipe().map_err(LabError::file("making a pipe for", &to))?;
    let path = to.clone();
    let packing = blocking(move |alive| {
        let (mut archive, mut watch) = (Writer::begin(file), TarWatch::default());
        let mut said = Said::default();
        let added = archive.add(IMAGES, reader, alive, |piece| {
            if let Some(text) = said.more(piece.len() as u64) {
                stage.message(text);
            }
            watch.see(piece)
        });
        added.map_err(ArchiveError::file(WRITING, path))?;
        Ok((archive, watch, stage))
    });
    let (saved, packed) = tokio::join!(engine.save_into(&references, writer), packing);
    // A full disk ends the engine's part too, so the packing is asked first.
    let (archive, watch, stage) = packed?;
    saved?;
    let mut found = watch.images().unwrap_or_default();
    let mut named: Vec<String> = references.iter().map(|name| (*name).to_owned()).collect();
    found.sort();
    named.sort();
    if found != named {
        return Err(LabError::Unexpected {
            what: "what the engine saved".into(),
            found: format!("it holds the images {}", found.join(", ")),
            cure: "see what `docker save` writes".into(),
        });
    }

    let manifest = Manifest {
        format: FORMAT,
        meshproof: MESHPROOF.into(),
        architecture: ARCHITECTURE.into(),
        exported: Timestamp::now()
            .round(jiff::Unit::Second)
            .unwrap_or_default(),
        istio: images.istio.id.clone(),
        published: carried.published(),
        pulled: carried.pulled(),
        images: all.into_iter().map(archived).collect(),
        files: vec![],
    };
    let count = manifest.images.len();
    let programs = carried.programs(images)?;
    let path = to.clone();
    let bytes = blocking(move |alive| {
        let mut archive = archive;
        for (folder, files) in &programs {
            for file in files {
                add_program(&mut archive, folder, file, alive)?;
            }
        }
        let finished = archive.finish(|files| Manifest { files, ..manifest });
        finished.map_err(ArchiveError::file(WRITING, path))
    })
    .await?;
    partial.complete(&to)?;
    Ok(Exported {
        istio: images.istio.id.clone(),
        path: to,
        bytes,
        images: count,
        took: stage.done(),
    })
}

/// Whether there is a folder for a new file of this name.
fn can_be_written(to: &Path) -> Result<(), ArchiveError> {
    let folder = to.parent().unwrap_or(to);
    if to.is_dir() {
        Err(ArchiveError::IsFolder(to.to_owned()))
    } else if to.exists() {
        Err(ArchiveError::Exists(to.to_owned()))
    } else if !folder.is_dir() {
        Err(ArchiveError::NoFolder(folder.to_owned()))
    } else {
        Ok(())
    }
}

fn archived(image: &Present) -> ArchivedImage {
    ArchivedImage {
        reference: image.reference.clone(),
        lab_name: image.lab_name.clone(),
        id: image.id.clone(),
        origin: image.origin.clone(),
    }
}

/// Adds a program of an artifact.
fn add_program(
    archive: &mut Writer,
    folder: &str,
    path: &Path,
    alive: &Alive,
) -> Result<(), LabError> {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let from = File::open(path).map_err(LabError::file("reading", path))?;
    let part = format!("{PROGRAMS}/{folder}/{file}");
    let added = archive.add(&part, from, alive, |_| Ok(()));
    added.map_err(LabError::file("archiving", path))
}

/// How much went by, said now and then.
#[derive(Default)]
struct Said {
    bytes: u64,
    said: u64,
}

impl Said {
    fn more(&mut self, bytes: u64) -> Option<String> {
        self.bytes += bytes;
        let due = self.bytes >= self.said + TOLD_EVERY;
        due.then(|| {
            self.said = self.bytes;
            format!("{} MB of images", self.bytes / 1_000_000)
        })
    }
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
