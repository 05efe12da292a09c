//! The lab's images: what they are, where they come from, and which of them the engine has.
//!
//! `recipes` says what an image is made of, `pins` of which versions; `build` makes what is
//! missing. How images reach a cluster's nodes is `store`'s business, one level up.

pub mod archive;
mod build;
mod cache;
mod debian;
mod go;
mod image;
mod key;
mod maven;
pub mod pins;
pub(super) mod preflight;
mod probe;
mod programs;
mod recipes;
pub(super) mod wanted;
mod wheel;
mod whole;

use std::path::PathBuf;

pub use cache::Cache;
pub(crate) use cache::remove_folder;
pub use key::Key;
pub use pins::IstioBuild;
pub use probe::ProbeBinary;

use super::{Engine, LabError};
use crate::outcome::ImageFact;
use crate::progress::Progress;

/// Where images come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Made on this machine from package registries.
    Build,
}

impl Source {
    /// The source's name and why it was taken.
    pub fn explained(self) -> &'static str {
        match self {
            Self::Build => "build (made from package registries; no other source is offered yet)",
        }
    }
}

/// One image that is in the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// Its name in the engine.
    pub reference: String,
    /// Its id there.
    pub id: String,
    /// The name it carries inside the nodes.
    pub lab_name: String,
    /// What it was made of.
    pub origin: String,
}

/// All images of a lab, present in the engine, and the programs that run beside them.
#[derive(Debug, Clone)]
pub struct Images {
    /// The node image.
    pub node: Present,
    /// What runs inside the nodes.
    pub inside: Vec<Present>,
    /// The Istio that they carry.
    pub istio: IstioBuild,
    /// The `kind` program.
    pub kind: PathBuf,
    /// The `istioctl` program of the same Istio build.
    pub istioctl: PathBuf,
}

impl Images {
    /// Finds the images in the engine, making none.
    ///
    /// # Errors
    /// [`LabError::ImagesMissing`] with the names of those that are not there, or
    /// [`LabError::ProbeMissing`].
    pub async fn find(
        engine: &Engine,
        cache: &Cache,
        istio: &IstioBuild,
    ) -> Result<Self, LabError> {
        let probe = ProbeBinary::find().await.ok_or(LabError::ProbeMissing)?;
        let wanted: Vec<_> = std::iter::once(recipes::node())
            .chain(recipes::images(istio, &probe))
            .collect();
        let references: Vec<String> = wanted.iter().map(image::Image::reference).collect();
        let names: Vec<&str> = references.iter().map(String::as_str).collect();
        let ids = engine.image_ids(&names).await?;
        let program =
            |build: &go::GoBuild, name: &str| cache.place(&build.name, &build.key()).join(name);
        let kind = program(&programs::kind(), "kind");
        let istioctl = program(&programs::istio(istio), "istioctl");
        let mut missing: Vec<String> = [&kind, &istioctl]
            .iter()
            .filter(|p| !whole::is_program(p))
            .map(|p| p.display().to_string())
            .collect();
        let mut present = vec![];
        for ((image, reference), id) in wanted.iter().zip(&references).zip(ids) {
            match id {
                None => missing.push(image.name.to_owned()),
                Some(id) => present.push(Present {
                    reference: reference.clone(),
                    id,
                    lab_name: image.lab_name.clone().unwrap_or_else(|| reference.clone()),
                    origin: image.origin.clone(),
                }),
            }
        }
        if !missing.is_empty() {
            return Err(LabError::ImagesMissing(missing));
        }
        let node = present.remove(0);
        Ok(Self {
            node,
            inside: present,
            istio: *istio,
            kind,
            istioctl,
        })
    }

    /// Makes what is missing, then finds them all.
    ///
    /// # Errors
    /// The first step of the build that failed.
    pub async fn ensure(
        engine: &Engine,
        cache: &Cache,
        istio: &IstioBuild,
        progress: &Progress,
    ) -> Result<Self, LabError> {
        let probe = ProbeBinary::find().await.ok_or(LabError::ToolMissing {
            tool: "meshproof-probe",
            cure: "run ci/setup, which makes it, or name it in MESHPROOF_PROBE",
        })?;
        build::build(engine, cache, istio, &probe, progress).await?;
        Self::find(engine, cache, istio).await
    }

    /// Every image as a report tells it.
    pub fn facts(&self) -> Vec<ImageFact> {
        std::iter::once(&self.node)
            .chain(&self.inside)
            .map(|image| ImageFact {
                name: image.lab_name.clone(),
                digest: image.id.clone(),
                origin: image.origin.clone(),
            })
            .collect()
    }

    /// The id in the engine of the image that carries this name inside the nodes.
    pub fn id_of(&self, lab_name: &str) -> Option<&str> {
        self.inside
            .iter()
            .find(|i| i.lab_name == lab_name)
            .map(|i| i.id.as_str())
    }
}

/// The name in the engine of the Ignite image that a lab would run; whether it is there is for
/// the caller to find out.
pub fn ignite_reference() -> String {
    recipes::ignite().reference()
}
