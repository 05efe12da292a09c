//! The pulled labs on record: of which versions they are, and what they need that is here.
//!
//! What a lab of a built Istio needs follows from the pins. Of a pulled one nothing but its use tells,
//! so that is written down, for whoever removes what nobody asks for. The released images themselves
//! are the user's to remove, and a lab whose images are gone asks for nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::cache::{Artifact, Cache, records};
use super::given::Given;
use super::key::sha256;
use super::part::Part;
use super::reference::canonical;
use super::wanted::{Wanted, WantedImage, WantedProgram};
use super::wish::{ImagesWish, IstioWish};
use super::{
    Allowed, Present, ProbeBinary, Source, hub, inner, istio_version, kind_program, pulled,
    recipes, released,
};
use crate::lab::{Engine, LabError};
use crate::progress::Progress;

/// One pulled lab, by what it was asked for with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PulledLab {
    /// The tag of Istio's images, or the folder that they came in.
    istio: String,
    kubernetes: String,
    ignite: String,
    /// Images that somebody brought, by the names of their parts.
    images: BTreeMap<String, String>,
}

/// What a pulled lab needs beside the released images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// Images of ours, by their names in the engine.
    pub images: Vec<String>,
    /// What lies in the cache.
    pub artifacts: Vec<Artifact>,
}

impl PulledLab {
    /// The lab that is wished for.
    pub fn of(wish: &ImagesWish) -> Self {
        let or_default = |asked: &Option<String>, part| {
            let asked = asked.as_deref();
            asked.unwrap_or(released::default_version(part)).to_owned()
        };
        let images = wish.images.iter();
        Self {
            istio: match &wish.istio {
                IstioWish::Folder(folder) => {
                    let absolute = std::path::absolute(folder);
                    let folder = absolute.unwrap_or_else(|_| folder.clone());
                    folder.display().to_string()
                }
                _ => wish.istio_tag(),
            },
            kubernetes: or_default(&wish.kubernetes, Part::Node),
            ignite: or_default(&wish.ignite, Part::Ignite),
            images: images
                .map(|(part, image)| (part.name().to_owned(), image.clone()))
                .collect(),
        }
    }

    /// Every lab on record, after the one that is pulled where nothing is asked for: its images may
    /// have come by other means.
    pub fn known(cache: &Cache) -> Vec<Self> {
        let default = Self::of(&ImagesWish::default());
        let recorded = Self::recorded(cache).into_iter();
        let others: Vec<Self> = recorded.filter(|lab| *lab != default).collect();
        std::iter::once(default).chain(others).collect()
    }

    /// Every lab on record.
    pub fn recorded(cache: &Cache) -> Vec<Self> {
        records(&folder(cache))
    }

    /// Puts it on record.
    ///
    /// # Errors
    /// A file error.
    pub fn write(&self, cache: &Cache) -> Result<(), LabError> {
        let folder = folder(cache);
        std::fs::create_dir_all(&folder).map_err(LabError::file("making the folder", &folder))?;
        let path = self.place(cache);
        std::fs::write(&path, self.text()).map_err(LabError::file("writing", &path))
    }

    /// Takes it off the record.
    ///
    /// # Errors
    /// A file error.
    pub fn forget(&self, cache: &Cache) -> Result<(), LabError> {
        let path = self.place(cache);
        std::fs::remove_file(&path).map_err(LabError::file("removing", &path))
    }

    /// What asks for it.
    pub fn wish(&self) -> ImagesWish {
        let images = self.images.iter();
        ImagesWish {
            source: Some(Source::Pull),
            istio: match self.istio.contains('/') {
                true => IstioWish::Folder(PathBuf::from(&self.istio)),
                false => IstioWish::Release(self.istio.clone()),
            },
            kubernetes: Some(self.kubernetes.clone()),
            ignite: Some(self.ignite.clone()),
            images: images
                .filter_map(|(part, image)| Some((part.parse().ok()?, image.clone())))
                .collect(),
            ..ImagesWish::default()
        }
    }

    /// The Istio's version, where the lab is of nothing but released images.
    pub fn release(&self) -> Option<&str> {
        let release = matches!(self.istio.parse(), Ok(IstioWish::Release(_)));
        (release && self.images.is_empty()).then_some(&self.istio)
    }

    /// The image that its `istioctl` is in.
    ///
    /// # Errors
    /// [`LabError::ImagesMissing`], or when the engine fails.
    pub async fn istioctl(&self, engine: &Engine) -> Result<Present, LabError> {
        let name = released::image(Part::Istioctl, &self.istio).name;
        let id = engine.image_id(&name).await?;
        let id = id.ok_or_else(|| LabError::ImagesMissing(vec![name.clone()]))?;
        Ok(Present {
            lab_name: canonical(&name),
            origin: name.clone(),
            reference: name,
            id,
        })
    }

    /// What it asks for, by name, with the image of this probe.
    pub fn wanted(&self, probe: Option<&ProbeBinary>) -> Wanted {
        let released = pulled::wanted(&self.wish());
        let proxy = released::image(Part::Proxyv2, &self.istio).name;
        let probe = WantedImage::of_probe(probe, proxy);
        let (name, key) = kind_program::downloaded();
        let images = released.into_iter().map(|image| WantedImage {
            name: image.part.name(),
            origin: image.name.clone(),
            reference: image.name,
        });
        Wanted {
            images: images.chain([probe]).collect(),
            programs: vec![WantedProgram {
                program: "kind",
                artifact: name.into(),
                key,
            }],
            bases: vec![],
        }
    }

    /// Its versions, in words.
    pub fn told(&self) -> String {
        let own = self
            .images
            .iter()
            .map(|(part, image)| format!(", {part} {image}"));
        format!(
            "Istio {}, Kubernetes {}, Ignite {}{}",
            self.istio,
            self.kubernetes,
            self.ignite,
            own.collect::<String>()
        )
    }

    /// What has to be done that nobody asks for it any more.
    pub fn given_up_by(&self) -> String {
        match self.images.get(Part::Pilot.name()) {
            Some(image) => format!("docker rmi {image}"),
            None if self.istio.contains('/') => format!("moving {} away", self.istio),
            None => format!(
                "docker rmi {}",
                released::image(Part::Pilot, &self.istio).name
            ),
        }
    }

    /// What it needs, with the image of this probe.
    ///
    /// # Errors
    /// [`LabError::ImagesMissing`] where a released image or one of somebody's own is not here, and
    /// nothing is needed for that; or when the engine fails.
    pub async fn needs(
        &self,
        engine: &Engine,
        cache: &Cache,
        probe: Option<&ProbeBinary>,
    ) -> Result<Needs, LabError> {
        let wish = self.wish();
        let silent = Progress::silent();
        let given = match Given::obtain(engine, cache, &wish, Allowed::ToLook, &silent).await {
            // A folder that is not what it was.
            Err(LabError::Unexpected { what, .. }) => Err(LabError::ImagesMissing(vec![what])),
            given => given,
        }?;
        let found = pulled::Found::look(engine, &wish).await?;
        let missing = found.missing().into_iter().map(|image| image.name.clone());
        let missing: Vec<String> = missing.collect();
        if !missing.is_empty() {
            return Err(LabError::ImagesMissing(missing));
        }
        let named = |part| match given.images.get(&part) {
            Some(image) => (image.reference.as_str(), image.id.as_str()),
            None => found.named(part).expect("what is not missing is here"),
        };
        let (libraries, proxy) = named(Part::Proxyv2);
        let istioctl = match &given.istioctl {
            Some((_, identity)) => identity,
            None => named(Part::Istioctl).1,
        };
        let probe = probe.map(|probe| recipes::probe(probe, libraries.to_owned()).reference());
        let own = given.images.values().map(|image| image.reference.clone());
        Ok(Needs {
            images: own.chain(probe).collect(),
            artifacts: vec![
                kind_program::downloaded(),
                inner::node_version(named(Part::Node).1),
                inner::proxy_filters(proxy),
                inner::istioctl(istioctl),
                hub::artifact(istioctl),
                istio_version::artifact(named(Part::Pilot).1),
            ],
        })
    }

    fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data")
    }

    /// Where its record lies, or would lie.
    pub fn place(&self, cache: &Cache) -> PathBuf {
        let name = &sha256(self.text().as_bytes())[..12];
        folder(cache).join(format!("{name}.json"))
    }
}

fn folder(cache: &Cache) -> PathBuf {
    cache.root().join("pulled")
}

#[cfg(test)]
#[path = "pulled_labs_tests.rs"]
mod tests;
