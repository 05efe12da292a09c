//! Where a lab's images come from, and the choice between the sources with its reason.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::cache::Cache;
use super::reference::{DEFAULT_REGISTRY, Mirror};
use super::registry::Answer;
use super::released;
use super::wish::{ImagesWish, WishError};
use crate::lab::{Engine, LabError};
use crate::progress::Progress;

/// Where images come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Released images, from a registry.
    Pull,
    /// Made on this machine from package registries.
    Build,
    /// Made on another machine, and brought in a file.
    Archive,
}

/// A source with the reason why it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The source.
    pub source: Source,
    /// Why.
    pub why: String,
}

/// What the registry said when it was asked, so that it is not asked all the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    registry: String,
    asked: Timestamp,
    /// Why it does not serve the lab's images; none if it does.
    silent: Option<String>,
}

/// How long an answer is good for.
const GOOD_FOR: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

impl Source {
    /// Its name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Build => "build",
            Self::Archive => "archive",
        }
    }

    /// Whether its images were made by our own recipes, here or elsewhere.
    pub fn is_made(self) -> bool {
        self != Self::Pull
    }

    /// Chooses by what is asked for and, where that leaves a choice, by what is there and whether the
    /// registry answers. `there` looks which source's images are here already; the registry is asked
    /// only if `ask` allows it.
    ///
    /// # Errors
    /// A file error of the cache.
    pub async fn choose(
        engine: &Engine,
        cache: &Cache,
        wish: &ImagesWish,
        there: impl AsyncFnOnce() -> Result<Option<Self>, LabError>,
        ask: bool,
        progress: &Progress,
    ) -> Result<Chosen, LabError> {
        if let Some(source) = wish.source {
            let why = "asked for".into();
            return Ok(Chosen { source, why });
        }
        if let Some((source, why)) = wish.only_source() {
            return Ok(Chosen { source, why });
        }
        let registry = registry(wish.mirror.as_ref());
        let known = Remembered::of(cache, &registry, Timestamp::now());
        if let Some(source) = there().await? {
            let mut why = "its images are here".to_owned();
            if let Some(known) = known.filter(|_| source == Self::Build) {
                why.push_str(&format!("; {}", known.told()));
            }
            return Ok(Chosen { source, why });
        }
        let known = match known {
            Some(known) => known,
            None if !ask => {
                let why = "no image is here, and no registry was asked".into();
                let source = Self::Build;
                return Ok(Chosen { source, why });
            }
            None => {
                let stage = progress.stage(format!("Asking {registry} for released images"));
                let asked = Remembered::by_asking(engine, wish.mirror.as_ref(), registry).await;
                asked.write(cache)?;
                stage.done();
                asked
            }
        };
        let source = match known.silent {
            None => Self::Pull,
            Some(_) => Self::Build,
        };
        let why = known.told();
        Ok(Chosen { source, why })
    }
}

impl Chosen {
    /// The source and the reason, for a report.
    pub fn told(&self) -> String {
        format!("{} ({})", self.source.name(), self.why)
    }
}

impl FromStr for Source {
    type Err = WishError;

    fn from_str(text: &str) -> Result<Self, WishError> {
        let found = [Self::Pull, Self::Build, Self::Archive].into_iter();
        let mut found = found.filter(|source| source.name() == text);
        found
            .next()
            .ok_or_else(|| WishError::Source(text.to_owned()))
    }
}

/// The registry that is asked.
fn registry(mirror: Option<&Mirror>) -> String {
    mirror.map_or_else(|| DEFAULT_REGISTRY.to_owned(), Mirror::to_string)
}

impl Remembered {
    async fn by_asking(engine: &Engine, mirror: Option<&Mirror>, registry: String) -> Self {
        let node = released::node().name;
        let image = mirror.map_or_else(|| node.clone(), |mirror| mirror.of(&node));
        let silent = match engine.registry_answer(&image, mirror.is_some()).await {
            Answer::Has => None,
            Answer::Lacks(_) => Some(format!("it has no {node}")),
            Answer::Silent(why) => Some(why),
        };
        Self {
            registry,
            asked: Timestamp::now(),
            silent,
        }
    }

    /// What this registry said not long ago.
    fn of(cache: &Cache, registry: &str, now: Timestamp) -> Option<Self> {
        let text = std::fs::read_to_string(place(cache)).ok()?;
        let known: Self = serde_json::from_str(&text).ok()?;
        let age = now.duration_since(known.asked);
        let fresh = age >= jiff::SignedDuration::ZERO && age < GOOD_FOR;
        (fresh && known.registry == registry).then_some(known)
    }

    /// Keeps it where there is a cache already: a run that comes to nothing makes none.
    fn write(&self, cache: &Cache) -> Result<(), LabError> {
        if !cache.root().is_dir() {
            return Ok(());
        }
        let text = serde_json::to_string_pretty(self).expect("plain data");
        let path = place(cache);
        std::fs::write(&path, text).map_err(LabError::file("writing", &path))
    }

    fn told(&self) -> String {
        let asked = self
            .asked
            .to_zoned(TimeZone::system())
            .strftime("%H:%M")
            .to_string();
        let registry = &self.registry;
        match &self.silent {
            None => format!("{registry} answers, asked {asked}"),
            Some(why) => format!("{registry} does not serve: {why}, asked {asked}"),
        }
    }
}

/// Where the answer is kept.
fn place(cache: &Cache) -> std::path::PathBuf {
    cache.root().join("registry.json")
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
