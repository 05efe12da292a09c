//! The sources `build` and `archive`: a lab of images that were made by our own recipes, here or on
//! another machine.

use super::archive::Imported;
use super::cache::Cache;
use super::given::Given;
use super::part::Part;
use super::pins::{self, IstioBuild};
use super::source::{Chosen, Source};
use super::wish::{ImagesWish, IstioWish};
use super::{Allowed, Images, Istio, Present, ProbeBinary};
use super::{build, go, hub, image, inner, programs, pulled, recipes, whole};
use crate::lab::{Engine, LabError};
use crate::progress::Progress;

/// Whether every image and program of a lab is here.
///
/// # Errors
/// When the engine fails.
pub async fn are_there(
    engine: &Engine,
    cache: &Cache,
    istio: &IstioBuild,
) -> Result<bool, LabError> {
    match Images::find(engine, cache, istio).await {
        Ok(_) => Ok(true),
        Err(LabError::ImagesMissing(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Finds a lab's images, and makes what is missing if that is allowed.
///
/// # Errors
/// What is missing or not built here, or the first step of the build that failed.
pub async fn obtain(
    engine: &Engine,
    cache: &Cache,
    wish: &ImagesWish,
    given: &Given,
    chosen: Chosen,
    allowed: Allowed,
    progress: &Progress,
) -> Result<Images, LabError> {
    let istio = wish.build(chosen.source)?;
    let archive = chosen.source == Source::Archive;
    if allowed == Allowed::ToBuild && !archive {
        let probe = ProbeBinary::find_or_tell().await?;
        build::build(engine, cache, &istio, given, &probe, progress).await?;
    }
    let found = find(engine, cache, &istio, given, chosen).await;
    let mut images = match found {
        Err(LabError::ImagesMissing(missing)) if archive => {
            return Err(LabError::NotImported(missing));
        }
        found => found?,
    };
    if archive {
        from_archive(cache, &images)?;
    }
    if let IstioWish::Folder(_) = wish.istio {
        images.istio.id = pulled::version_of(&images.istioctl).await?;
    }
    Ok(images)
}

/// Finds a lab's images in the engine, making none.
///
/// # Errors
/// [`LabError::ImagesMissing`] with the names of those that are not there.
pub async fn find(
    engine: &Engine,
    cache: &Cache,
    istio: &IstioBuild,
    given: &Given,
    source: Chosen,
) -> Result<Images, LabError> {
    let probe = ProbeBinary::find().await.ok_or(LabError::ProbeMissing)?;
    let wanted = recipes::all(istio, &probe);
    let references: Vec<String> = wanted.iter().map(image::Image::reference).collect();
    let names: Vec<&str> = references.iter().map(String::as_str).collect();
    let ids = engine.image_ids(&names).await?;
    let program =
        |build: &go::GoBuild, name: &str| cache.place(&build.name, &build.key()).join(name);
    let kind = program(&programs::kind(), "kind");
    let istioctl = match &given.istioctl {
        Some((path, _)) => path.clone(),
        None => program(&programs::istio(istio), "istioctl"),
    };
    let mut missing: Vec<String> = [&kind, &istioctl]
        .iter()
        .filter(|p| !whole::is_program(p))
        .map(|p| p.display().to_string())
        .collect();
    let mut present = vec![];
    for ((image, reference), id) in wanted.iter().zip(&references).zip(ids) {
        let lab_name = image.lab_name.clone().unwrap_or_else(|| reference.clone());
        let brought = Part::of_recipe(image.name).and_then(|part| given.images.get(&part));
        match (brought, id) {
            (Some(brought), _) => present.push(Present {
                lab_name,
                ..brought.clone()
            }),
            (None, None) => missing.push(image.name.to_owned()),
            (None, Some(id)) => present.push(Present {
                reference: reference.clone(),
                id,
                lab_name,
                origin: image.origin.clone(),
            }),
        }
    }
    if !missing.is_empty() {
        return Err(LabError::ImagesMissing(missing));
    }
    let node = present.remove(0);
    let mut images = Images {
        node,
        kubernetes: pins::KUBERNETES.to_owned(),
        inside: present,
        istio: Istio {
            id: istio.id.to_string(),
            filters: istio.istio_filters,
        },
        kind,
        istioctl,
        source,
    };
    take_over(engine, cache, istio, given, &mut images).await?;
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
