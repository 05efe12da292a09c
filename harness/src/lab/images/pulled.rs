//! The source `pull`: a lab of released images, and `istioctl` out of one of them.
//!
//! Kubernetes' own images are inside the node image; the probe's is made here, on the libraries of the
//! proxy's image, since no registry serves it.

use super::bring::{Bringing, ask};
use super::build::assemble;
use super::cache::Cache;
use super::choice::Choice;
use super::given::Given;
use super::kind_program;
use super::part::Part;
use super::pulled_labs::PulledLab;
use super::reference::{Mirror, canonical};
use super::released::{self, Released};
use super::source::Chosen;
use super::wish::{ImagesWish, IstioWish};
use super::{Allowed, Images, Istio, Present, ProbeBinary, hub, inner, istio_version, recipes};
use crate::lab::{Engine, LabError};
use crate::progress::Progress;

/// The released images that are asked for, but those that are given.
pub fn wanted(wish: &ImagesWish) -> Vec<Released> {
    let version = |part| match part {
        Part::Node => wish.kubernetes.clone(),
        Part::Ignite => wish.ignite.clone(),
        Part::Pilot | Part::Proxyv2 | Part::Istioctl => Some(wish.istio_tag()),
    };
    let parts = Part::ALL.into_iter().filter(|part| !wish.gives(*part));
    let released = parts.map(|part| {
        let version = version(part);
        released::image(
            part,
            version
                .as_deref()
                .unwrap_or(released::default_version(part)),
        )
    });
    released.collect()
}

/// What the engine has of the released images that are asked for: each with its id there.
#[derive(Debug)]
pub struct Found(Vec<(Released, Option<String>)>);

impl Found {
    /// Looks for them. One that is here by another digest than is pinned is not the one.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn look(engine: &Engine, wish: &ImagesWish) -> Result<Self, LabError> {
        let mut found = Self::by_name(engine, wish).await?;
        for (image, id) in &mut found.0 {
            if id.is_some() && is_another(engine, image).await? {
                *id = None;
            }
        }
        Ok(found)
    }

    /// As [`Found::look`], whatever their digests: they were pulled by these just now.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn by_name(engine: &Engine, wish: &ImagesWish) -> Result<Self, LabError> {
        let wanted = wanted(wish);
        let names: Vec<&str> = wanted.iter().map(|image| image.name.as_str()).collect();
        let ids = engine.image_ids(&names).await?;
        Ok(Self(wanted.into_iter().zip(ids).collect()))
    }

    /// What has to be brought that all are here.
    pub fn to_bring(&self, mirror: Option<&Mirror>) -> Vec<Bringing> {
        let missing = self.missing().into_iter();
        missing
            .map(|image| Bringing::released(image, mirror))
            .collect()
    }

    /// Those that are not here.
    pub fn missing(&self) -> Vec<&Released> {
        let missing = self.0.iter().filter(|(_, id)| id.is_none());
        missing.map(|(image, _)| image).collect()
    }

    /// The name and the id of a part's image, if it is here.
    pub fn named(&self, part: Part) -> Option<(&str, &str)> {
        let mut all = self.0.iter();
        let (image, id) = all.find(|(image, _)| image.part == part)?;
        Some((&image.name, id.as_deref()?))
    }

    /// The image of a part, with who served it.
    async fn present(&self, engine: &Engine, part: Part) -> Result<Present, LabError> {
        let found = self.named(part);
        let (name, id) = found.ok_or_else(|| LabError::ImagesMissing(vec![part.to_string()]))?;
        let served = engine.served_as(name).await?;
        let origin = match served.is_empty() {
            true => format!("{name}, which no registry served"),
            false => format!("{name}, served as {}", served.join(" and ")),
        };
        Ok(Present {
            reference: name.to_owned(),
            lab_name: canonical(name),
            origin,
            id: id.to_owned(),
        })
    }
}

/// Asks the registry for all released images that are asked for; brings none.
///
/// # Errors
/// The first that it does not serve.
pub async fn are_served(engine: &Engine, wish: &ImagesWish) -> Result<(), LabError> {
    let mirror = wish.mirror.as_ref();
    let wanted = wanted(wish);
    let all = wanted.iter().map(|image| Bringing::released(image, mirror));
    ask(engine, &all.collect::<Vec<_>>()).await
}

/// Takes the lab's images as they were found when their source was chosen or they were brought, else
/// finds them, and makes the probe's if that is allowed.
///
/// # Errors
/// What is missing, or a program that fails.
pub async fn obtain(
    engine: &Engine,
    cache: &Cache,
    wish: &ImagesWish,
    given: &Given,
    choice: Choice,
    allowed: Allowed,
    progress: &Progress,
) -> Result<Images, LabError> {
    let probe = ProbeBinary::find_or_tell().await?;
    let chosen = choice.chosen;
    let found = match choice.here.pulled {
        Some(found) => found,
        None => Found::look(engine, wish).await?,
    };
    let missing = found.missing();
    if !missing.is_empty() {
        let names = missing.iter().map(|image| image.name.clone());
        return Err(LabError::ImagesMissing(names.collect()));
    }
    let kind = kind_program::find(cache).await;
    let kind = kind.ok_or_else(|| LabError::ImagesMissing(vec!["kind (the program)".into()]))?;
    // Before anything is made of them, which pruning would take for nobody's.
    if allowed != Allowed::ToLook {
        PulledLab::of(wish).write(cache)?;
    }
    let part = async |part: Part| match given.images.get(&part) {
        Some(image) => Ok(image.clone()),
        None => found.present(engine, part).await,
    };
    let node = part(Part::Node).await?;
    let (pilot, proxyv2) = (part(Part::Pilot).await?, part(Part::Proxyv2).await?);
    let (istioctl, identity) = match &given.istioctl {
        Some(given) => given.clone(),
        None => {
            let image = part(Part::Istioctl).await?;
            (
                inner::istioctl_of(engine, cache, &image.id).await?,
                image.id,
            )
        }
    };
    let names = hub::names(cache, &istioctl, &identity).await?;
    let probe = probe_image(engine, cache, &probe, &proxyv2, allowed, progress).await?;
    let ignite = Present {
        lab_name: recipes::ignite_lab_name(),
        ..part(Part::Ignite).await?
    };
    let id = match &wish.istio {
        IstioWish::Folder(_) => istio_version::of_istioctl(&istioctl).await?,
        _ => wish.istio_tag(),
    };
    Ok(Images {
        kubernetes: inner::kubernetes_of(engine, cache, &node.id).await?,
        istio: Istio {
            id,
            filters: inner::has_istio_filters(engine, cache, &proxyv2.id).await?,
        },
        inside: vec![
            Present {
                lab_name: names.pilot,
                ..pilot
            },
            Present {
                lab_name: names.proxyv2,
                ..proxyv2
            },
            ignite,
            probe,
        ],
        node,
        kind: kind.path,
        istioctl,
        source: Chosen {
            why: format!("{}; kind {}", chosen.why, kind.from),
            ..chosen
        },
    })
}

/// Whether what bears a pinned image's name was served by another digest. What no registry served has
/// none to be known by, and is taken as it is.
async fn is_another(engine: &Engine, image: &Released) -> Result<bool, LabError> {
    let Some(digest) = image.digest else {
        return Ok(false);
    };
    let served = engine.served_as(&image.name).await?;
    let its = |name: &String| name.rsplit_once('@').is_some_and(|(_, of)| of == digest);
    Ok(!served.is_empty() && !served.iter().any(its))
}

/// The probe's image, made on the libraries of a pulled one.
async fn probe_image(
    engine: &Engine,
    cache: &Cache,
    probe: &ProbeBinary,
    libraries: &Present,
    allowed: Allowed,
    progress: &Progress,
) -> Result<Present, LabError> {
    let image = recipes::probe(probe, libraries.reference.clone());
    let reference = image.reference();
    let mut id = engine.image_id(&reference).await?;
    if id.is_none() && allowed != Allowed::ToLook {
        assemble(engine, cache, &image, progress).await?;
        // A probe that wants a newer C library would only fail later, inside a pod.
        let arguments = ["--rm", "--network", "none", &reference, "--version"];
        engine
            .run("trying the probe on the proxy's libraries", &arguments)
            .await?;
        id = engine.image_id(&reference).await?;
    }
    let id = id.ok_or_else(|| LabError::ImagesMissing(vec![image.name.to_owned()]))?;
    Ok(Present {
        lab_name: image.lab_name.unwrap_or_else(|| reference.clone()),
        reference,
        origin: image.origin,
        id,
    })
}

#[cfg(test)]
#[path = "pulled_tests.rs"]
mod tests;
