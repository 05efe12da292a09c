//! The lab's images: what they are, where they come from, and which of them the engine has.
//!
//! `wish` says what is asked for, `source` where it comes from: `build` makes what is missing by
//! `recipes` of the versions in `pins`, `pulled` takes from a registry what `released` names, `archive`
//! brings both from elsewhere, and `given` is what somebody puts in place of a part. How images reach
//! a cluster's nodes is `store`'s business, one level up.

pub mod archive;
mod bring;
mod build;
mod built;
mod cache;
mod choice;
mod debian;
mod digests;
mod given;
mod go;
mod go_words;
mod hub;
mod image;
mod inner;
mod istio_version;
mod key;
mod kind_program;
mod maven;
mod missing;
mod part;
pub mod pins;
pub(super) mod preflight;
mod probe;
mod programs;
pub(super) mod published;
pub(super) mod pulled;
pub(super) mod pulled_labs;
mod recipes;
mod reference;
mod registry;
pub mod released;
mod room;
mod source;
pub(super) mod wanted;
mod wheel;
mod whole;
pub mod wish;
mod wish_error;

use std::path::PathBuf;

pub use cache::Cache;
pub(crate) use cache::remove_folder;
pub use key::Key;
pub use part::Part;
pub use pins::IstioBuild;
pub use probe::ProbeBinary;
pub use reference::{Mirror, canonical};
pub use source::{Chosen, Source};
pub use wish::{ImagesWish, IstioWish, WishError};

use choice::Choice;
use given::Given;

use super::{Engine, LabError};
use crate::outcome::ImageFact;
use crate::progress::Progress;

/// What may be done to have images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// Nothing: what is not here is missing.
    ToLook,
    /// Images may be pulled, which takes a minute or so.
    ToPull,
    /// Images may be pulled or built, which may take half an hour.
    ToBuild,
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

/// The Istio that images carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Istio {
    /// Its id: a build's, or a release's version. Where somebody brings an istiod and names no Istio, it
    /// is the version that this istiod tells.
    pub id: String,
    /// Whether its proxy carries Istio's own filters (`istio.stats` and its kin); decides whether it
    /// may be installed without the *offline* overlay. What runs is asked of the live proxy.
    pub filters: bool,
}

/// All images of a lab, present in the engine, and the programs that run beside them.
#[derive(Debug, Clone)]
pub struct Images {
    /// The node image.
    pub node: Present,
    /// The version of Kubernetes in it, `v` in front.
    pub kubernetes: String,
    /// What runs inside the nodes, beside what the node image holds.
    pub inside: Vec<Present>,
    /// The Istio that they carry.
    pub istio: Istio,
    /// The `kind` program.
    pub kind: PathBuf,
    /// The `istioctl` program of the same Istio.
    pub istioctl: PathBuf,
    /// Where they come from, and why from there.
    pub source: Chosen,
}

impl Images {
    /// Finds the images of one Istio build in the engine, making none.
    ///
    /// # Errors
    /// [`LabError::ImagesMissing`] with the names of those that are not there, or
    /// [`LabError::ProbeMissing`].
    pub async fn find(
        engine: &Engine,
        cache: &Cache,
        istio: &IstioBuild,
    ) -> Result<Self, LabError> {
        let chosen = Chosen {
            source: Source::Build,
            why: "made from package registries".into(),
        };
        let found = built::Found::look(engine, cache, istio).await?;
        found.with(engine, cache, &Given::default(), chosen).await
    }

    /// Finds the images that are wished for, and makes or brings what is missing as far as that is
    /// allowed. Where all is allowed, a program that was changed in the cache is made anew.
    ///
    /// # Errors
    /// What is missing, or cannot be had, with the cure.
    pub async fn obtain(
        engine: &Engine,
        cache: &Cache,
        wish: &ImagesWish,
        allowed: Allowed,
        progress: &Progress,
    ) -> Result<Self, LabError> {
        let obtained = async || {
            let images = Self::obtain_as_they_are(engine, cache, wish, allowed, progress).await?;
            if allowed == Allowed::ToBuild {
                images.compare_programs(cache).await?;
            }
            Ok(images)
        };
        loop {
            match obtained().await {
                Err(LabError::ProgramChanged { path, folder, .. })
                    if allowed == Allowed::ToBuild =>
                {
                    progress.line(format!(
                        "{} is not the program that was put there, and is made anew",
                        path.display()
                    ));
                    let _lock = cache.lock(progress).await?;
                    // Whoever held the lock may have made it anew.
                    if cache.compare(&path).await.is_err() {
                        cache.discard(&folder)?;
                    }
                }
                other => return other,
            }
        }
    }

    /// Compares the programs that run beside the images with what was put into the cache.
    ///
    /// # Errors
    /// [`LabError::ProgramChanged`], or a file error.
    pub async fn compare_programs(&self, cache: &Cache) -> Result<(), LabError> {
        cache.compare(&self.kind).await?;
        cache.compare(&self.istioctl).await
    }

    async fn obtain_as_they_are(
        engine: &Engine,
        cache: &Cache,
        wish: &ImagesWish,
        allowed: Allowed,
        progress: &Progress,
    ) -> Result<Self, LabError> {
        let wish = &published::resolved(cache, wish, allowed, progress).await?;
        let ask = allowed != Allowed::ToLook;
        let mut choice = Choice::of(engine, cache, wish, ask, progress).await?;
        if allowed != Allowed::ToLook {
            missing::bring_missing(engine, cache, wish, &mut choice, allowed, progress).await?;
        }
        let given = Given::obtain(engine, cache, wish, allowed, progress).await?;
        let mut images = match choice.chosen.source {
            Source::Pull => {
                pulled::obtain(engine, cache, wish, &given, choice, allowed, progress).await?
            }
            Source::Build | Source::Archive => {
                built::obtain(engine, cache, wish, &given, choice, allowed, progress).await?
            }
        };
        if let Some(pilot) = given
            .images
            .get(&Part::Pilot)
            .filter(|_| wish.leaves_istio_to_pilot())
        {
            images.istio.id = istio_version::of_istiod(engine, cache, pilot).await?;
        }
        if let (Source::Pull, Some(mirror)) = (images.source.source, &wish.mirror) {
            images.source.why.push_str(&format!("; mirror {mirror}"));
        }
        if let Some(told) = given.told() {
            images.source.why.push_str(&told);
        }
        Ok(images)
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

/// Chooses the source for what is wished for; a registry is asked only if `ask` allows it.
///
/// # Errors
/// When the engine fails, or a file error of the cache.
pub async fn choose(
    engine: &Engine,
    cache: &Cache,
    wish: &ImagesWish,
    ask: bool,
    progress: &Progress,
) -> Result<Chosen, LabError> {
    let choice = Choice::of(engine, cache, wish, ask, progress).await?;
    Ok(choice.chosen)
}
