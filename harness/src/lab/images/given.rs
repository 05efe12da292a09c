//! Images and programs that somebody brings in place of a source's own: by `--image NAME=REF`, or in a
//! folder with an Istio of their own.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::bring::Bringing;
use super::cache::Cache;
use super::inner;
use super::key::Key;
use super::part::Part;
use super::wish::{ImagesWish, IstioWish};
use super::{Allowed, Present};
use crate::lab::{Engine, LabError};
use crate::progress::Progress;

/// The name that a given image gets in the engine, beside its own: one with a tag, by which it can be
/// saved.
const NAMED: &str = "meshproof.local/given";

/// What is given.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Images, by what they stand for.
    pub images: BTreeMap<Part, Present>,
    /// The `istioctl` program, with what names its content.
    pub istioctl: Option<(PathBuf, String)>,
}

impl Given {
    /// Whether this part is given.
    pub fn has(&self, part: Part) -> bool {
        match part {
            Part::Istioctl => self.istioctl.is_some(),
            part => self.images.contains_key(&part),
        }
    }

    /// What is given, in words; none if nothing is.
    pub fn told(&self) -> Option<String> {
        let program = self
            .istioctl
            .as_ref()
            .map(|(program, _)| format!("istioctl {}", program.display()));
        let images = self.images.values().map(|image| image.origin.clone());
        let all: Vec<String> = images.chain(program).collect();
        (!all.is_empty()).then(|| format!("; given: {}", all.join(", ")))
    }

    /// Finds what is given, and loads what the engine lacks of a folder's if that is allowed. What has
    /// to be pulled is [`missing`].
    ///
    /// # Errors
    /// What is missing, of an image or in the folder.
    pub async fn obtain(
        engine: &Engine,
        cache: &Cache,
        wish: &ImagesWish,
        allowed: Allowed,
        progress: &Progress,
    ) -> Result<Self, LabError> {
        let mut given = Self::default();
        if let IstioWish::Folder(folder) = &wish.istio {
            given.istioctl = Some(istioctl(folder)?);
            for part in [Part::Pilot, Part::Proxyv2] {
                let image = loaded(engine, folder, part, allowed, progress).await?;
                given.images.insert(part, image);
            }
        }
        for (part, reference) in &wish.images {
            let image = named(engine, *part, reference).await?;
            if *part == Part::Istioctl {
                let program = inner::istioctl_of(engine, cache, &image.id).await?;
                given.istioctl = Some((program, image.id));
            } else {
                given.images.insert(*part, image);
            }
        }
        Ok(given)
    }
}

/// What of the images that are given by their names the engine lacks.
///
/// # Errors
/// When the client cannot be run.
pub async fn missing(engine: &Engine, wish: &ImagesWish) -> Result<Vec<Bringing>, LabError> {
    let mut missing = vec![];
    for (part, reference) in &wish.images {
        if engine.id_by_any_name(reference).await?.is_none() {
            missing.push(Bringing {
                part: *part,
                name: format!("{NAMED}/{part}:pulled"),
                from: reference.clone(),
                option: "--image",
                lenient: true,
            });
        }
    }
    Ok(missing)
}

/// Whether a folder with an Istio holds all that it has to; another wish lacks nothing.
///
/// # Errors
/// What is missing in it.
pub fn folder_is_whole(istio: &IstioWish) -> Result<(), LabError> {
    let IstioWish::Folder(folder) = istio else {
        return Ok(());
    };
    istioctl(folder)?;
    let mut images = [Part::Pilot, Part::Proxyv2].into_iter();
    images.try_for_each(|part| identity(&folder.join(format!("{part}.tar"))).map(drop))
}

/// An image by its name.
async fn named(engine: &Engine, part: Part, reference: &str) -> Result<Present, LabError> {
    let id = engine.id_by_any_name(reference).await?;
    let id = id.ok_or_else(|| LabError::ImagesMissing(vec![reference.to_owned()]))?;
    let name = format!("{NAMED}/{part}:{}", Key::over("given").add(&id).finish());
    engine.tag(&id, &name).await?;
    Ok(Present {
        reference: name,
        lab_name: String::new(),
        origin: format!("{reference} (--image {part}=)"),
        id,
    })
}

/// An image from a folder, loaded once for as long as the file stays as it is.
async fn loaded(
    engine: &Engine,
    folder: &Path,
    part: Part,
    allowed: Allowed,
    progress: &Progress,
) -> Result<Present, LabError> {
    let file = folder.join(format!("{part}.tar"));
    let identity = identity(&file)?;
    let name = format!(
        "{NAMED}/{part}:{}",
        Key::over("given").add(&identity).finish()
    );
    let present = |id| Present {
        reference: name.clone(),
        lab_name: String::new(),
        origin: format!("{} (--istio)", file.display()),
        id,
    };
    if let Some(id) = engine.image_id(&name).await? {
        return Ok(present(id));
    }
    if allowed == Allowed::ToLook {
        return Err(LabError::ImagesMissing(vec![file.display().to_string()]));
    }
    let stage = progress.stage(format!("Loading {}", file.display()));
    let said = engine.load_file(&file).await?;
    let image = said.lines().find_map(|line| {
        let of_id = line.strip_prefix("Loaded image ID: ");
        of_id.or_else(|| line.strip_prefix("Loaded image: "))
    });
    let image = image.ok_or_else(|| LabError::Unexpected {
        what: file.display().to_string(),
        found: "no image".into(),
        cure: "write it with: docker save IMAGE".into(),
    })?;
    engine.tag(image.trim(), &name).await?;
    stage.done();
    let id = engine.image_id(&name).await?;
    id.map(present)
        .ok_or_else(|| LabError::ImagesMissing(vec![file.display().to_string()]))
}

/// The folder's program, and what names its content.
fn istioctl(folder: &Path) -> Result<(PathBuf, String), LabError> {
    let program = folder.join("istioctl");
    let identity = identity(&program)?;
    let mode = std::fs::metadata(&program).map_or(0, |data| data.permissions().mode());
    if mode & 0o111 == 0 {
        return Err(LabError::Unexpected {
            what: program.display().to_string(),
            found: "no program".into(),
            cure: format!("make it executable: chmod +x {}", program.display()),
        });
    }
    let program = std::path::absolute(&program).unwrap_or(program);
    Ok((program, identity))
}

/// Names a file's content by its place, size and time of change: reading all of it takes seconds.
fn identity(file: &Path) -> Result<String, LabError> {
    let missing = |error: std::io::Error| {
        LabError::Unexpected {
        what: file.display().to_string(),
        found: error.to_string(),
        cure: "a folder of --istio holds pilot.tar and proxyv2.tar, as docker save writes them, and istioctl".into(),
    }
    };
    let data = std::fs::metadata(file).map_err(missing)?;
    let changed = data.modified().map_err(missing)?;
    let changed = changed
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    Ok(format!(
        "{} {} {}",
        path.display(),
        data.len(),
        changed.as_nanos()
    ))
}

impl Engine {
    /// Loads images from a file; returns what the engine said.
    async fn load_file(&self, file: &Path) -> Result<String, LabError> {
        let loaded = self
            .docker()
            .args(["load", "--input"])
            .arg(file)
            .run()
            .await;
        let output = loaded.map_err(LabError::program(format!("loading {}", file.display())))?;
        Ok(output.stdout)
    }
}

#[cfg(test)]
#[path = "given_tests.rs"]
mod tests;
