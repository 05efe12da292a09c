//! What the engine and the cache have of each Istio build's lab, and where it came from.
//!
//! It only looks. What a lab asks for is said by `images::wanted`.

use std::path::PathBuf;

use serde::Serialize;

use super::images::archive::{Imported, Known, told};
use super::images::published::known as published;
use super::images::wanted::{Wanted, WantedImage};
use super::images::{Cache, Images, ProbeBinary, pins};
use super::{Delivery, Engine, IstioBuild, LabError, Paths};

/// What there is for one Istio build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inventory {
    /// The build's id.
    pub istio: String,
    /// Whether a lab could be had from it without making or bringing anything.
    pub whole: bool,
    /// Where its images came from; none if there are none.
    pub source: Option<String>,
    /// Its images, the node image first.
    pub images: Vec<ListedImage>,
    /// The programs beside them.
    pub programs: Vec<ListedProgram>,
    /// How the images reach nodes, once that is prepared.
    pub delivery: Option<String>,
}

/// One image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedImage {
    /// Its short name.
    pub name: &'static str,
    /// Its name in the engine; none where it is named after a probe that is not there.
    pub reference: Option<String>,
    /// Its id there, if it is there.
    pub id: Option<String>,
    /// Its size in bytes, if it is there; layers that several share count in each.
    pub bytes: Option<u64>,
    /// By which source it came, if it is there: `build` or `archive`.
    pub source: Option<&'static str>,
    /// What it is made of.
    pub origin: String,
}

/// One program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedProgram {
    /// Its name.
    pub name: &'static str,
    /// Where it lies, or would lie.
    pub path: PathBuf,
    /// Its size in bytes, if it is there.
    pub bytes: Option<u64>,
}

/// What there is for every Istio build that is known.
///
/// # Errors
/// When the engine does not answer.
pub async fn inventory(paths: &Paths) -> Result<Vec<Inventory>, LabError> {
    let engine = Engine::connect().await?;
    let cache = Cache::at(&paths.cache);
    let probe = ProbeBinary::find().await;
    let mut all = vec![];
    for istio in pins::ISTIO_BUILDS.iter().cloned().chain(published(&cache)) {
        let mut one = of(&engine, &cache, &istio, probe.as_ref()).await?;
        if let Ok(images) = Images::find(&engine, &cache, &istio).await {
            let delivery = Delivery::find(&engine, &cache, &images).await?;
            one.delivery = delivery.map(|delivery| delivery.explained());
        }
        one.whole &= one.delivery.is_some();
        all.push(one);
    }
    Ok(all)
}

/// What there is for one build, without how it reaches nodes.
async fn of(
    engine: &Engine,
    cache: &Cache,
    istio: &IstioBuild,
    probe: Option<&ProbeBinary>,
) -> Result<Inventory, LabError> {
    let wanted = Wanted::of_any(istio, probe);
    let names: Vec<&str> = wanted.images.iter().map(|i| i.reference.as_str()).collect();
    let ids = engine.image_ids(&names).await?;
    let there = names.iter().zip(&ids).filter(|(_, id)| id.is_some());
    let there: Vec<&str> = there.map(|(name, _)| *name).collect();
    let mut sizes = engine.image_sizes(&there).await?.into_iter();
    let imported = Imported::all(cache);
    let there = wanted.images.iter().zip(&ids);
    let there = there.filter_map(|(image, id)| known(image, id));
    let source = told(&imported, there, "build (made from package registries)");
    let image = |(image, id): (WantedImage, Option<String>)| {
        let its_source =
            known(&image, &id).map(|known| match Imported::that_brought(&imported, known) {
                Some(_) => "archive",
                None => "build",
            });
        let named = probe.is_some() || !image.is_the_probes();
        ListedImage {
            source: its_source,
            bytes: id.as_ref().and_then(|_| sizes.next()),
            id,
            name: image.name,
            reference: named.then_some(image.reference),
            origin: image.origin,
        }
    };
    let images: Vec<ListedImage> = wanted.images.into_iter().zip(ids).map(image).collect();
    let programs = wanted.programs.iter().map(|program| {
        let path = cache
            .place(&program.artifact, &program.key)
            .join(program.program);
        ListedProgram {
            name: program.program,
            bytes: path.metadata().ok().map(|data| data.len()),
            path,
        }
    });
    let programs: Vec<ListedProgram> = programs.collect();
    Ok(Inventory {
        istio: istio.id.to_string(),
        whole: images.iter().all(|image| image.id.is_some())
            && programs.iter().all(|program| program.bytes.is_some()),
        source,
        images,
        programs,
        delivery: None,
    })
}

/// An image that is there, as its origin is asked for.
fn known<'a>(image: &'a WantedImage, id: &'a Option<String>) -> Option<Known<'a>> {
    Some(Known {
        name: image.name,
        reference: &image.reference,
        id: id.as_ref()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::fake_client::FakeClient;

    const ISTIO: IstioBuild = pins::ISTIO_AUGUST_2026;

    fn probe() -> ProbeBinary {
        ProbeBinary {
            path: "/nowhere".into(),
            version: "1".into(),
        }
    }

    async fn listed(there: &[&str], imported: &[&str]) -> Inventory {
        let wanted = Wanted::of(&ISTIO, &probe()).images;
        let of = |names: &[&str]| {
            let its = wanted.iter().filter(|i| names.contains(&i.name));
            its.map(|i| i.reference.clone()).collect::<Vec<_>>()
        };
        let lines: String = of(there)
            .iter()
            .map(|name| format!("{name} sha256:1\n"))
            .collect();
        let client = FakeClient::new("docker")
            .answers("version*", "20.10.24 linux/amd64\n")
            .answers("images*", &lines)
            .answers("image inspect*", "100\n200\n");
        let cache = Cache::at(client.folder().join("cache"));
        let record = Imported {
            archive: "/media/lab.zip".into(),
            exported: "2026-11-25T12:00:00Z".parse().unwrap(),
            meshproof: "0.1.0".into(),
            images: of(imported)
                .into_iter()
                .map(|name| (name, "sha256:1".into()))
                .collect(),
            before: Default::default(),
        };
        // Images that two Istio builds share may have come with the other one's.
        record.write(&cache, &pins::ISTIO_APRIL_2026.id).unwrap();
        of_engine(&client.engine().await, &cache).await
    }

    async fn of_engine(engine: &Engine, cache: &Cache) -> Inventory {
        of(engine, cache, &ISTIO, Some(&probe())).await.unwrap()
    }

    #[tokio::test]
    async fn sizes_and_sources_go_with_their_images() {
        let listed = listed(&["node", "etcd"], &["etcd"]).await;
        let image = |name: &str| listed.images.iter().find(|i| i.name == name).unwrap();
        assert_eq!(
            (image("node").bytes, image("node").source),
            (Some(100), Some("build"))
        );
        assert_eq!(
            (image("etcd").bytes, image("etcd").source),
            (Some(200), Some("archive"))
        );
        assert_eq!((image("pause").bytes, image("pause").source), (None, None));
        assert!(!listed.whole);
        let source = listed.source.unwrap();
        let expected = "archive /media/lab.zip, exported 2026-11-25T12:00:00Z; node by build (";
        assert!(source.starts_with(expected), "{source}");
    }

    #[tokio::test]
    async fn without_a_probe_its_image_has_no_name() {
        let client = FakeClient::new("docker").answers("version*", "20.10.24 linux/amd64\n");
        let cache = Cache::at(client.folder().join("cache"));
        let listed = of(&client.engine().await, &cache, &ISTIO, None)
            .await
            .unwrap();
        let nameless = listed
            .images
            .iter()
            .filter(|image| image.reference.is_none());
        assert_eq!(nameless.map(|i| i.name).collect::<Vec<_>>(), ["probe"]);
    }
}
