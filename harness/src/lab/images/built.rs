//! The sources `build` and `archive`: a lab of images that were made by our own recipes, here or on
//! another machine.

use std::path::PathBuf;

use super::archive::Imported;
use super::cache::Cache;
use super::choice::Choice;
use super::given::Given;
use super::go::GoBuild;
use super::image::Image;
use super::part::Part;
use super::pins::{self, IstioBuild};
use super::source::{Chosen, Source};
use super::wish::{ImagesWish, IstioWish};
use super::{Allowed, Images, Istio, Present, ProbeBinary};
use super::{build, hub, inner, istio_version, programs, recipes, whole};
use crate::lab::{Engine, LabError};
use crate::progress::Progress;

/// What of a lab was found here: its images, and the programs beside them.
#[derive(Debug)]
pub struct Found {
    istio: IstioBuild,
    /// Each image by its recipe, with its id in the engine if it is there; the node image first.
    images: Vec<(Image, Option<String>)>,
    kind: PathBuf,
    istioctl: PathBuf,
}

impl Found {
    /// Looks for a lab of one Istio build, making nothing.
    ///
    /// # Errors
    /// [`LabError::ProbeMissing`], or when the engine fails.
    pub async fn look(
        engine: &Engine,
        cache: &Cache,
        istio: &IstioBuild,
    ) -> Result<Self, LabError> {
        let probe = ProbeBinary::find_or_tell().await?;
        let wanted = recipes::all(istio, &probe);
        let references: Vec<String> = wanted.iter().map(Image::reference).collect();
        let names: Vec<&str> = references.iter().map(String::as_str).collect();
        let ids = engine.image_ids(&names).await?;
        let program =
            |build: GoBuild, name: &str| cache.place(&build.name, &build.key()).join(name);
        Ok(Self {
            istio: istio.clone(),
            images: wanted.into_iter().zip(ids).collect(),
            kind: program(programs::kind(), "kind"),
            istioctl: program(programs::istio(istio), "istioctl"),
        })
    }

    /// What is missing, but for the parts that are given.
    pub fn missing(&self, given: impl Fn(Part) -> bool) -> Vec<String> {
        let istioctl = (!given(Part::Istioctl)).then_some(&self.istioctl);
        let programs = std::iter::once(&self.kind)
            .chain(istioctl)
            .filter(|program| !whole::is_program(program))
            .map(|program| program.display().to_string());
        let brought = |image: &Image| Part::of_recipe(image.name).is_some_and(&given);
        let images = self
            .images
            .iter()
            .filter(|(image, id)| id.is_none() && !brought(image))
            .map(|(image, _)| image.name.to_owned());
        programs.chain(images).collect()
    }

    /// The lab's images, with what is given in its place.
    ///
    /// # Errors
    /// [`LabError::ImagesMissing`] with the names of those that are not there, or what is wrong with
    /// what is given.
    pub async fn with(
        self,
        engine: &Engine,
        cache: &Cache,
        given: &Given,
        source: Chosen,
    ) -> Result<Images, LabError> {
        let mut missing = self.missing(|part| given.has(part));
        let given_istioctl = given.istioctl.as_ref().map(|(program, _)| program);
        missing.extend(
            given_istioctl
                .filter(|program| !whole::is_program(program))
                .map(|program| program.display().to_string()),
        );
        if !missing.is_empty() {
            return Err(LabError::ImagesMissing(missing));
        }
        let present = self.images.into_iter().filter_map(|(image, id)| {
            let reference = image.reference();
            let lab_name = image.lab_name.unwrap_or_else(|| reference.clone());
            let given = Part::of_recipe(image.name).and_then(|part| given.images.get(&part));
            match given {
                Some(given) => Some(Present {
                    lab_name,
                    ..given.clone()
                }),
                None => Some(Present {
                    reference,
                    id: id?,
                    lab_name,
                    origin: image.origin,
                }),
            }
        });
        let mut present: Vec<Present> = present.collect();
        let mut images = Images {
            node: present.remove(0),
            kubernetes: pins::KUBERNETES.to_owned(),
            inside: present,
            istio: Istio {
                id: self.istio.id.to_string(),
                filters: self.istio.istio_filters,
            },
            kind: self.kind,
            istioctl: given_istioctl.cloned().unwrap_or(self.istioctl),
            source,
        };
        take_over(engine, cache, &self.istio, given, &mut images).await?;
        Ok(images)
    }
}

/// Takes a lab's images as they were found when their source was chosen, else finds them, and makes
/// what is missing if that is allowed.
///
/// # Errors
/// What is missing or not built here, or the first step of the build that failed.
pub async fn obtain(
    engine: &Engine,
    cache: &Cache,
    wish: &ImagesWish,
    given: &Given,
    choice: Choice,
    allowed: Allowed,
    progress: &Progress,
) -> Result<Images, LabError> {
    let chosen = choice.chosen;
    let istio = wish.build(chosen.source)?;
    let archive = chosen.source == Source::Archive;
    let build = allowed == Allowed::ToBuild && !archive;
    let whole = |found: &Found| found.missing(|part| given.has(part)).is_empty();
    let found = match choice.here.made {
        Some(found) if !build || whole(&found) => found,
        _ => {
            if build {
                let probe = ProbeBinary::find_or_tell().await?;
                build::build(engine, cache, &istio, given, &probe, progress).await?;
            }
            Found::look(engine, cache, &istio).await?
        }
    };
    let mut images = match found.with(engine, cache, given, chosen).await {
        Err(LabError::ImagesMissing(missing)) if archive => {
            return Err(LabError::NotImported(missing));
        }
        images => images?,
    };
    if archive {
        from_archive(cache, &images)?;
    }
    if let IstioWish::Folder(_) = wish.istio {
        images.istio.id = istio_version::of_istioctl(&images.istioctl).await?;
    }
    Ok(images)
}

/// What follows from what is given: another Kubernetes, names that another istioctl asks for, a proxy
/// that may have Istio's filters.
async fn take_over(
    engine: &Engine,
    cache: &Cache,
    istio: &IstioBuild,
    given: &Given,
    images: &mut Images,
) -> Result<(), LabError> {
    if let Some(node) = given.images.get(&Part::Node) {
        images.kubernetes = inner::kubernetes_of(engine, cache, &node.id).await?;
    }
    if let Some(proxy) = given.images.get(&Part::Proxyv2) {
        images.istio.filters = inner::has_istio_filters(engine, cache, &proxy.id).await?;
    }
    if let Some((program, identity)) = &given.istioctl {
        let names = hub::names(cache, program, identity).await?;
        let hub = programs::ISTIO_HUB;
        for (built, asked) in [("pilot", names.pilot), ("proxyv2", names.proxyv2)] {
            let own = format!("{hub}/{built}:{}", istio.id);
            let its = images
                .inside
                .iter_mut()
                .filter(|image| image.lab_name == own);
            its.for_each(|image| image.lab_name.clone_from(&asked));
        }
    }
    Ok(())
}

/// Whether archives that were taken hold all of it.
fn from_archive(cache: &Cache, images: &Images) -> Result<(), LabError> {
    let records = Imported::all(cache);
    let in_none = |image: &&Present| {
        let of = |record: &Imported| record.holds(&image.reference, &image.id);
        !records.iter().any(of)
    };
    let all = std::iter::once(&images.node).chain(&images.inside);
    let others: Vec<String> = all
        .filter(|image| !image.reference.starts_with("meshproof.local/given/"))
        .filter(in_none)
        .map(|image| image.lab_name.clone())
        .collect();
    match others.is_empty() {
        true => Ok(()),
        false => Err(LabError::NotImported(others)),
    }
}
