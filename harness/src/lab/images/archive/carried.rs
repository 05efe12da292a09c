//! Of what kind the lab is that an archive carries, with what the other machine has to know of it.
//!
//! Of a built lab an archive holds whole artifacts: half of one would pass for all of it in the other
//! cache. A pulled one has `istioctl` in an image, and needs no more than kind beside its images.

use std::path::{Path, PathBuf};

use super::ArchiveError;
use crate::lab::LabError;
use crate::lab::images::published::Remembered;
use crate::lab::images::pulled_labs::PulledLab;
use crate::lab::images::wish::{ImagesWish, IstioWish};
use crate::lab::images::{Images, Source, digests, kind_program, pins};

/// One kind of lab.
#[derive(Debug, Clone)]
pub enum Carried {
    /// Made by our own recipes; with what it is, where it is pinned nowhere.
    Build(Option<Remembered>),
    /// Of released images.
    Pulled(PulledLab),
}

impl Carried {
    /// The lab that these images are of, which were wished for so.
    ///
    /// # Errors
    /// [`ArchiveError::NotCarried`] where somebody brought a part of it.
    pub fn of(wish: &ImagesWish, images: &Images) -> Result<Self, LabError> {
        let not_carried = |what: String| Err(ArchiveError::NotCarried(what).into());
        if let IstioWish::Folder(folder) = &wish.istio {
            return not_carried(format!("what lies in {}", folder.display()));
        }
        if let Some((part, image)) = wish.images.first_key_value() {
            return not_carried(format!("the image {image} (--image {part}=)"));
        }
        if images.source.source == Source::Pull {
            return Ok(Self::Pulled(PulledLab::of(wish)));
        }
        let build = wish.build(images.source.source)?;
        let remembered = Remembered::of(&build);
        match remembered.is_some() || pins::istio_build(&build.id).as_ref() == Some(&build) {
            true => Ok(Self::Build(remembered)),
            false => {
                let envoy = &build.envoy.version;
                not_carried(format!("Istio {} with the Envoy {envoy}", build.id))
            }
        }
    }

    /// What the manifest says of a build that is pinned nowhere.
    pub fn published(&self) -> Option<Remembered> {
        match self {
            Self::Build(build) => build.clone(),
            Self::Pulled(_) => None,
        }
    }

    /// What the manifest says of a pulled lab.
    pub fn pulled(&self) -> Option<PulledLab> {
        match self {
            Self::Build(_) => None,
            Self::Pulled(lab) => Some(lab.clone()),
        }
    }

    /// The programs that go along: by the names of the artifacts that they are to be in, their files.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn programs(&self, images: &Images) -> Result<Vec<(String, Vec<PathBuf>)>, LabError> {
        match self {
            Self::Build(_) => [&images.kind, &images.istioctl]
                .into_iter()
                .map(|program| artifact(program.parent().unwrap_or(program)))
                .collect(),
            // Wherever it was found, it is the release of that version there.
            Self::Pulled(_) => {
                let (name, key) = kind_program::downloaded();
                Ok(vec![(format!("{name}-{key}"), vec![images.kind.clone()])])
            }
        }
    }
}

/// The name of an artifact, and all its files but the digests, which the other cache takes down itself.
fn artifact(folder: &Path) -> Result<(String, Vec<PathBuf>), LabError> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let entries = std::fs::read_dir(folder).map_err(LabError::file("reading", folder))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.file_name() != Some(digests::FILE.as_ref()));
    files.sort();
    Ok((name.into_owned(), files))
}
