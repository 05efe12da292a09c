//! Takes an archive: checks all of it, then loads its images and places its programs.
//!
//! Until the last check has passed nothing is changed: neither engine nor cache.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::blocking::blocking;
use super::container::{Archive, IMAGES, PROGRAMS};
use super::manifest::Manifest;
use super::{ArchiveError, Imported, placed};
use crate::lab::images::published::Remembered;
use crate::lab::images::pulled_labs::PulledLab;
use crate::lab::images::wanted::{PROBE, Wanted, WantedProgram};
use crate::lab::images::{Cache, ImagesWish, IstioBuild, ProbeBinary, digests, pins, room};
use crate::lab::{Engine, LabError};
use crate::progress::Progress;

/// Loads an archive's images into the engine and places its programs in the cache; tells what they are
/// asked for with.
///
/// # Errors
/// What is wrong with the archive, before anything is changed; or an engine or file system that
/// fails.
pub async fn import(
    engine: &Engine,
    cache: &Cache,
    path: &Path,
    probe: Option<&ProbeBinary>,
    progress: &Progress,
) -> Result<ImagesWish, LabError> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let named = path.clone();
    let archive = blocking(move |_| Archive::open(&named)).await?;
    let manifest = archive.manifest.clone();
    let lab = lab_of(&path, &manifest)?;
    let wanted = fits(&path, &manifest, lab.wanted(probe), probe)?;
    let images = manifest.file(IMAGES).map_or(0, |file| file.bytes);
    room::for_import(engine, cache.root(), images).await?;

    let stage = progress.stage(format!("Checking {}", path.display()));
    let (archive, stage) = blocking(move |alive| {
        let mut archive = archive;
        archive.verify(alive, &stage)?;
        Ok((archive, stage))
    })
    .await?;
    stage.done();

    let _one_builder = cache.lock(progress).await?;
    let archive = place_programs(cache, archive, &wanted.programs).await?;
    let (names, before) = (names(&manifest), ids(engine, &manifest).await?);
    let archived: Vec<_> = manifest.images.iter().map(|i| i.id.clone()).collect();
    // Loading what is there would only leave the name of its like without an image.
    let after = match before.iter().flatten().eq(&archived) {
        true => archived,
        false => load_images(engine, archive, progress).await?,
    };
    let (mut brought, mut known) = (vec![], vec![]);
    for ((name, before), after) in names.into_iter().zip(before).zip(after) {
        let of_it = match before.as_ref() == Some(&after) {
            true => &mut known,
            false => &mut brought,
        };
        of_it.push((name.to_owned(), after));
    }
    Imported::of(path, &manifest, brought, known).write(cache, &manifest.istio)?;
    lab.put_on_record(cache)
}

/// The lab that an archive is of.
enum Lab {
    /// Of this build; with what is to be remembered of it, where it is pinned nowhere.
    Build(IstioBuild, Option<Remembered>),
    /// Of released images.
    Pulled(PulledLab),
}

impl Lab {
    /// What it asks for, by name.
    fn wanted(&self, probe: Option<&ProbeBinary>) -> Wanted {
        match self {
            Self::Build(istio, _) => Wanted::of_any(istio, probe),
            Self::Pulled(lab) => lab.wanted(probe),
        }
    }

    /// Has it known here by what it is asked for with, and kept as long as it is.
    fn put_on_record(&self, cache: &Cache) -> Result<ImagesWish, LabError> {
        match self {
            Self::Build(istio, remembered) => {
                if let Some(remembered) = remembered {
                    remembered.write(cache)?;
                }
                Ok(ImagesWish::of_build(istio))
            }
            Self::Pulled(lab) => {
                lab.write(cache)?;
                Ok(lab.wish())
            }
        }
    }
}

/// The names of an archive's images in the engine.
fn names(manifest: &Manifest) -> Vec<&str> {
    let images = manifest.images.iter();
    images.map(|image| image.reference.as_str()).collect()
}

/// The ids that the engine has for an archive's images, in its order.
async fn ids(engine: &Engine, manifest: &Manifest) -> Result<Vec<Option<String>>, LabError> {
    engine.image_ids(&names(manifest)).await
}

/// The lab that the manifest tells of, as far as this program knows such a one. A name in it goes into
/// those of files, so it has to be one.
fn lab_of(path: &Path, manifest: &Manifest) -> Result<Lab, ArchiveError> {
    let build = match &manifest.published {
        Some(published) => published.build(),
        None => pins::istio_build(&manifest.istio),
    };
    let build = build.filter(|build| build.id == manifest.istio);
    let release = |lab: &&PulledLab| lab.release() == Some(&manifest.istio);
    match (manifest.pulled.as_ref().filter(release), build) {
        (Some(lab), _) => Ok(Lab::Pulled(lab.clone())),
        (None, Some(build)) => Ok(Lab::Build(build, manifest.published.clone())),
        (None, None) => Err(ArchiveError::UnknownIstio {
            path: path.to_owned(),
            istio: manifest.istio.clone(),
            meshproof: manifest.meshproof.clone(),
        }),
    }
}

/// What the archive's lab asks for here, if the archive has all of it.
fn fits(
    path: &Path,
    manifest: &Manifest,
    wanted: Wanted,
    probe: Option<&ProbeBinary>,
) -> Result<Wanted, ArchiveError> {
    let holds = |reference: &str| manifest.images.iter().any(|i| i.reference == reference);
    let lacks = |program: &&WantedProgram| {
        let file = format!("{PROGRAMS}/{}/{}", program.folder(), program.program);
        manifest.file(&file).is_none()
    };
    let images = wanted
        .images
        .iter()
        .filter(|image| !holds(&image.reference));
    let programs = wanted.programs.iter().filter(lacks);
    let mut lacking: Vec<&str> = images.map(|image| image.name).collect();
    lacking.extend(programs.map(|program| program.program));
    if lacking.is_empty() {
        // Loading it would move a name that the engine has already, and nobody asked for that.
        let asked = |reference: &str| wanted.images.iter().any(|i| i.reference == reference);
        let mut all = manifest.images.iter().map(|image| &image.reference);
        return match all.find(|reference| !asked(reference)) {
            None => Ok(wanted),
            Some(more) => Err(ArchiveError::MoreThanAsked {
                path: path.to_owned(),
                meshproof: manifest.meshproof.clone(),
                more: more.clone(),
            }),
        };
    }
    // With another version of everything the probe is the least of it.
    if lacking != [PROBE] {
        return Err(ArchiveError::OtherRecipes {
            path: path.to_owned(),
            meshproof: manifest.meshproof.clone(),
            lacking: lacking.join(", "),
        });
    }
    let its = manifest.images.iter().find(|image| {
        let repository = image
            .reference
            .rsplit_once(':')
            .map_or("", |(name, _)| name);
        repository.ends_with(&format!("/{PROBE}"))
    });
    Err(ArchiveError::OtherProbe {
        path: path.to_owned(),
        archive: its.map_or("of none", |image| &image.origin).to_owned(),
        here: probe.map_or("missing", |probe| &probe.version).to_owned(),
    })
}

/// Places the programs as whole artifacts, as their builds would have.
async fn place_programs(
    cache: &Cache,
    archive: Archive,
    programs: &[WantedProgram],
) -> Result<Archive, LabError> {
    // An artifact that is there already gives the archive back unread.
    let mut archive = Some(archive);
    for program in programs {
        let prefix = format!("{PROGRAMS}/{}/", program.folder());
        let place = cache.place(&program.artifact, &program.key);
        if let Some(held) = &archive {
            let of_it = held.manifest.files.iter();
            let of_it = of_it.filter_map(|file| {
                let name = file.path.strip_prefix(&prefix).and_then(plain)?;
                Some((place.join(name), file.sha256.clone()))
            });
            let of_it: Vec<_> = of_it.collect();
            match blocking(move |alive| placed::are(&of_it, alive)).await? {
                // What is on record of it may be what was damaged.
                true => digests::take_down(&place).await?,
                false => cache.discard(&place)?,
            }
        }
        let held = &mut archive;
        cache
            .artifact(&program.artifact, &program.key, async |at: PathBuf| {
                let mut archive = held.take().expect("it is put back below");
                *held = Some(
                    blocking(move |alive| {
                        let files = archive.manifest.files.clone();
                        for file in files {
                            let Some(name) = file.path.strip_prefix(&prefix).and_then(plain) else {
                                continue;
                            };
                            let to = at.join(name);
                            let writing = LabError::file("writing", &to);
                            let made = std::fs::File::create(&to);
                            let mut made = made.map_err(writing)?;
                            archive.read(&file.path, alive, |piece| made.write_all(piece))?;
                            made.set_permissions(std::fs::Permissions::from_mode(0o755))
                                .map_err(LabError::file("making executable", &to))?;
                        }
                        Ok(archive)
                    })
                    .await?,
                );
                Ok(())
            })
            .await?;
    }
    Ok(archive.expect("it is put back above"))
}

/// A name without any folder in it.
fn plain(name: &str) -> Option<&str> {
    let mut parts = Path::new(name).components();
    let one = matches!(parts.next(), Some(std::path::Component::Normal(_)));
    (one && parts.next().is_none()).then_some(name)
}

/// Loads the images; tells their ids in the engine, in the manifest's order.
async fn load_images(
    engine: &Engine,
    archive: Archive,
    progress: &Progress,
) -> Result<Vec<String>, LabError> {
    let stage = progress.stage("Loading the images");
    let manifest = archive.manifest.clone();
    let bytes = archive.manifest.file(IMAGES).map_or(0, |file| file.bytes);
    stage.set_total_bytes(bytes);
    let pipe = std::io::pipe().map_err(LabError::file("making a pipe for", IMAGES))?;
    let (reader, mut writer) = pipe;
    let feeding = blocking(move |alive| {
        let mut archive = archive;
        let mut ended_early = false;
        let fed = archive.read(IMAGES, alive, |piece| {
            stage.advance(piece.len() as u64);
            let written = writer.write_all(piece);
            ended_early = written.is_err();
            written
        });
        // An engine that ends early says why itself.
        match ended_early {
            true => Ok(stage),
            false => fed.map(|()| stage),
        }
    });
    let (loaded, fed) = tokio::join!(engine.load_from(reader), feeding);
    let stage = fed?;
    loaded?;
    let found: Vec<String> = ids(engine, &manifest)
        .await?
        .into_iter()
        .flatten()
        .collect();
    if found.len() != manifest.images.len() {
        return Err(LabError::Unexpected {
            what: "the engine after loading".into(),
            found: format!(
                "it has {} of the archive's {} images",
                found.len(),
                manifest.images.len()
            ),
            cure: "see what `docker load` says of the archive's images.tar (unzip it)".into(),
        });
    }
    stage.done();
    Ok(found)
}

#[cfg(test)]
#[path = "import_tests.rs"]
mod tests;
