//! What labs ask for, so that all else may go: those of every known Istio build, and the pulled ones
//! on record whose images are here.

use std::collections::BTreeSet;

use crate::lab::images::published::known;
use crate::lab::images::pulled_labs::PulledLab;
use crate::lab::images::wanted::{PROBE, Wanted, artifacts};
use crate::lab::images::{Allowed, Cache, Images, Key, ProbeBinary, pins};
use crate::lab::store::Delivery;
use crate::lab::{Engine, LabError};
use crate::progress::Progress;

/// What is prepared for nodes, by the names of its artifacts and images.
const PREPARED: [&str; 2] = ["store", "preloaded-node"];

/// What labs ask for.
#[derive(Debug, Default)]
pub struct Asked {
    /// Images of ours, by their names in the engine.
    pub images: BTreeSet<String>,
    /// Artifacts, by the names of their folders.
    pub artifacts: BTreeSet<String>,
    /// Name and reason of what is kept by its name alone.
    pub whole_names: Vec<(&'static str, String)>,
    /// The pulled labs among those that ask.
    pub pulled: Vec<PulledLab>,
    /// The pulled labs on record whose images are gone, and that ask for nothing.
    pub given_up: Vec<PulledLab>,
}

impl Asked {
    /// Finds out what all labs ask for.
    ///
    /// # Errors
    /// When the engine fails, or a file error.
    pub async fn by_labs(
        engine: &Engine,
        cache: &Cache,
        probe: Option<&ProbeBinary>,
    ) -> Result<Self, LabError> {
        let mut asked = Self::default();
        if probe.is_none() {
            let why = "there is no meshproof-probe here that would tell which is asked for";
            asked.keep_names(PREPARED, why);
            asked.keep_names([PROBE], why);
        }
        asked.by_builds(engine, cache, probe).await?;
        asked.by_pulled_labs(engine, cache, probe).await?;
        Ok(asked)
    }

    async fn by_builds(
        &mut self,
        engine: &Engine,
        cache: &Cache,
        probe: Option<&ProbeBinary>,
    ) -> Result<(), LabError> {
        for istio in &pins::ISTIO_BUILDS
            .iter()
            .cloned()
            .chain(known(cache))
            .collect::<Vec<_>>()
        {
            let wanted = Wanted::of_any(istio, probe);
            let images = wanted.images.into_iter().map(|image| image.reference);
            self.images.extend(images.chain(wanted.bases));
            self.artifacts(artifacts(istio));
            match Images::find(engine, cache, istio).await {
                Ok(images) => self.prepared_for(&images),
                Err(LabError::ImagesMissing(_) | LabError::ProbeMissing) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn by_pulled_labs(
        &mut self,
        engine: &Engine,
        cache: &Cache,
        probe: Option<&ProbeBinary>,
    ) -> Result<(), LabError> {
        let recorded = PulledLab::recorded(cache);
        for lab in PulledLab::known(cache) {
            let needs = match lab.needs(engine, cache, probe).await {
                Ok(needs) => needs,
                Err(LabError::ImagesMissing(_)) => {
                    self.given_up.extend(recorded.contains(&lab).then_some(lab));
                    continue;
                }
                Err(error) => return Err(error),
            };
            self.images.extend(needs.images);
            self.artifacts(needs.artifacts);
            let (wish, silent) = (lab.wish(), Progress::silent());
            match Images::obtain(engine, cache, &wish, Allowed::ToLook, &silent).await {
                Ok(images) => self.prepared_for(&images),
                Err(LabError::ProbeMissing) => {}
                // Nothing was prepared with this probe.
                Err(LabError::ImagesMissing(missing)) if missing == [PROBE] => {}
                Err(error) => {
                    let lab = lab.told();
                    let why = format!("it may be for the pulled lab of {lab}: {error}");
                    self.keep_names(PREPARED, &why);
                }
            }
            self.pulled.push(lab);
        }
        Ok(())
    }

    /// What is prepared for nodes is named after what the engine has.
    fn prepared_for(&mut self, images: &Images) {
        let (folders, image) = Delivery::named(images);
        self.images.insert(image);
        self.artifacts(folders);
    }

    fn artifacts<Name: std::fmt::Display>(&mut self, all: impl IntoIterator<Item = (Name, Key)>) {
        let folders = all.into_iter().map(|(name, key)| format!("{name}-{key}"));
        self.artifacts.extend(folders);
    }

    fn keep_names(&mut self, names: impl IntoIterator<Item = &'static str>, why: &str) {
        let names = names.into_iter().map(|name| (name, why.to_owned()));
        self.whole_names.extend(names);
    }

    /// Why something with this name is kept, whatever its key.
    pub fn kept_by_name(&self, name: &str) -> Option<&str> {
        let found = self.whole_names.iter().find(|(known, _)| *known == name);
        found.map(|(_, why)| why.as_str())
    }
}
