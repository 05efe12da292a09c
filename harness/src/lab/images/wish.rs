//! What somebody asks a lab's images to be: from which source, and of which versions. What of it can
//! be had is found out by others; what contradicts itself is refused here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use super::part::Part;
use super::pins::{self, IstioBuild};
use super::published::{self, PseudoVersion};
use super::reference::{self, Mirror};
use super::released;
use super::source::Source;
pub use super::wish_error::WishError;

/// Which Istio is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum IstioWish {
    /// The source's own default.
    #[default]
    Default,
    /// One that is built here; a registry may serve it by its id all the same.
    Build(IstioBuild),
    /// One that is built here, by a published version of its Go module.
    Published(PseudoVersion),
    /// One that is pinned nowhere, by the id that it got when it was built here or brought.
    OnRecord(String),
    /// A release, by its version.
    Release(String),
    /// What lies in a folder: `pilot.tar`, `proxyv2.tar` and `istioctl`.
    Folder(PathBuf),
}

/// What a lab's images are asked to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImagesWish {
    /// The only source that will do; none leaves the choice.
    pub source: Option<Source>,
    /// The registry that serves released images in place of their own.
    pub mirror: Option<Mirror>,
    /// The Istio.
    pub istio: IstioWish,
    /// The version of the Envoy in a proxy that is built here.
    pub envoy: Option<String>,
    /// The Kubernetes version, `v` in front.
    pub kubernetes: Option<String>,
    /// The version of Ignite.
    pub ignite: Option<String>,
    /// Images that somebody brings for a part, by their names.
    pub images: BTreeMap<Part, String>,
}

impl ImagesWish {
    /// A lab of one Istio build, made here.
    pub fn of_build(istio: &IstioBuild) -> Self {
        Self {
            source: Some(Source::Build),
            istio: IstioWish::Build(istio.clone()),
            ..Self::default()
        }
    }

    /// Refuses what contradicts itself, as far as that is known before anything is asked.
    ///
    /// # Errors
    /// The first contradiction.
    pub fn check(&self) -> Result<(), WishError> {
        if let Some(envoy) = &self.envoy
            && let Some((why, cure)) = self.no_proxy_is_built()
        {
            return Err(WishError::EnvoyNowhere {
                envoy: envoy.clone(),
                why,
                cure,
            });
        }
        match self.source {
            Some(source) if source.is_made() => match self.build(source) {
                // Whether it is on record is for the cache to tell.
                Err(WishError::NotOnRecord { .. }) => Ok(()),
                build => build.map(drop),
            },
            _ => Ok(()),
        }
    }

    /// Why no proxy is built here, with what to ask for beside an Envoy instead; none if one is.
    fn no_proxy_is_built(&self) -> Option<(String, String)> {
        if let Some(image) = self.images.get(&Part::Proxyv2) {
            let why = format!("the proxy is the image {image}");
            return Some((why, "--image proxyv2=".into()));
        }
        let istio = || format!("--istio, or name a build ({})", pins::known_builds());
        match &self.istio {
            IstioWish::Folder(folder) => {
                let why = format!("the proxy is the one in {}", folder.display());
                Some((why, istio()))
            }
            IstioWish::Release(version) => {
                let why = format!("Istio {version} is a release, with a proxy of its own");
                Some((why, istio()))
            }
            IstioWish::Default
            | IstioWish::Build(_)
            | IstioWish::Published(_)
            | IstioWish::OnRecord(_) => {
                let pulled = self.source == Some(Source::Pull);
                pulled.then(|| {
                    let why = "the source pull takes released proxies as they are".into();
                    (why, "--source pull".into())
                })
            }
        }
    }

    /// The Istio build that a build here is of.
    ///
    /// # Errors
    /// When what is asked for is not built here.
    pub fn build(&self, source: Source) -> Result<IstioBuild, WishError> {
        let refused = |what: String, why: &str, cure: String| WishError::NotFromThere {
            what,
            source_name: source.name(),
            why: why.into(),
            cure,
        };
        if let Some(asked) = self
            .kubernetes
            .as_deref()
            .filter(|v| *v != pins::KUBERNETES)
            && !self.images.contains_key(&Part::Node)
        {
            let cure = format!(
                "leave --k8s out for {}, or use --source pull",
                pins::KUBERNETES
            );
            return Err(refused(
                format!("Kubernetes {asked}"),
                "one version is built here",
                cure,
            ));
        }
        if let Some(asked) = self.ignite.as_deref().filter(|v| *v != pins::IGNITE)
            && !self.images.contains_key(&Part::Ignite)
        {
            let cure = format!(
                "leave --ignite out for {}, or use --source pull",
                pins::IGNITE
            );
            return Err(refused(
                format!("Ignite {asked}"),
                "one version is built here",
                cure,
            ));
        }
        let build = match &self.istio {
            IstioWish::Default | IstioWish::Folder(_) => pins::ISTIO_AUGUST_2026,
            IstioWish::Build(build) => build.clone(),
            IstioWish::Published(version) => version.unresolved(),
            IstioWish::OnRecord(id) => {
                return Err(WishError::NotOnRecord {
                    id: id.clone(),
                    known: vec![],
                });
            }
            IstioWish::Release(version) => {
                return Err(refused(
                    format!("Istio {version}"),
                    "it is a release, which is not built here",
                    format!("use --source pull, or a build ({})", pins::known_builds()),
                ));
            }
        };
        let envoy = self.envoy.as_deref().map(published::envoy);
        Ok(match envoy {
            Some(envoy) => IstioBuild { envoy, ..build },
            None => build,
        })
    }

    /// Whether somebody brings this part: by its own name, or in a folder with an Istio.
    pub fn gives(&self, part: Part) -> bool {
        let in_folder = [Part::Pilot, Part::Proxyv2, Part::Istioctl].contains(&part);
        let folder = matches!(self.istio, IstioWish::Folder(_));
        self.images.contains_key(&part) || folder && in_folder
    }

    /// Whether only an image of istiod that somebody brings tells which Istio it is: nobody named one.
    pub fn leaves_istio_to_pilot(&self) -> bool {
        let unnamed = matches!(self.istio, IstioWish::Default | IstioWish::Folder(_));
        unnamed && self.images.contains_key(&Part::Pilot)
    }

    /// The options that ask for its versions, as far as they are not the default of the source.
    pub fn options(&self) -> Vec<String> {
        let istio = match &self.istio {
            IstioWish::Default => None,
            IstioWish::Build(build) => {
                (*build != pins::ISTIO_AUGUST_2026).then(|| build.id.to_string())
            }
            IstioWish::Published(version) => Some(version.text.clone()),
            IstioWish::OnRecord(version) | IstioWish::Release(version) => Some(version.clone()),
            IstioWish::Folder(folder) => Some(folder.display().to_string()),
        };
        let other = |asked: &Option<String>, default: &str| {
            let asked = asked.as_ref();
            asked.filter(|asked| *asked != default).cloned()
        };
        let all = [
            ("--istio", istio),
            ("--k8s", other(&self.kubernetes, released::KUBERNETES)),
            ("--ignite", other(&self.ignite, pins::IGNITE)),
        ];
        let asked = all
            .into_iter()
            .filter_map(|(option, value)| Some([option.to_owned(), value?]));
        asked.flatten().collect()
    }

    /// The tag of Istio's images in a registry.
    pub fn istio_tag(&self) -> String {
        match &self.istio {
            IstioWish::Default | IstioWish::Folder(_) => released::ISTIO.to_owned(),
            IstioWish::Build(build) => build.id.to_string(),
            IstioWish::Published(version) => version.text.clone(),
            IstioWish::Release(version) | IstioWish::OnRecord(version) => version.clone(),
        }
    }

    /// The one source that has what is asked for, with the reason, where only one has.
    pub fn only_source(&self) -> Option<(Source, String)> {
        match &self.istio {
            IstioWish::Release(version) => {
                return Some((Source::Pull, format!("Istio {version} is a release")));
            }
            IstioWish::Build(build) => {
                return Some((Source::Build, format!("Istio {} is no release", build.id)));
            }
            IstioWish::Published(version) => {
                return Some((
                    Source::Build,
                    format!("Istio {} is no release", version.text),
                ));
            }
            IstioWish::OnRecord(id) => {
                return Some((Source::Build, format!("Istio {id} is no release")));
            }
            IstioWish::Default | IstioWish::Folder(_) => {}
        }
        if let Some(envoy) = &self.envoy {
            return Some((
                Source::Build,
                format!("Envoy {envoy} is put into a proxy here"),
            ));
        }
        let other =
            |asked: &Option<String>, built: &str| asked.as_ref().filter(|v| *v != built).cloned();
        let kubernetes =
            other(&self.kubernetes, pins::KUBERNETES).map(|v| format!("Kubernetes {v}"));
        let ignite = other(&self.ignite, pins::IGNITE).map(|v| format!("Ignite {v}"));
        let what = kubernetes.or(ignite)?;
        Some((Source::Pull, format!("{what} is not built here")))
    }
}

impl FromStr for IstioWish {
    type Err = WishError;

    fn from_str(text: &str) -> Result<Self, WishError> {
        if let Some(build) = pins::istio_build(text) {
            return Ok(Self::Build(build));
        }
        if text.contains('/') || PathBuf::from(text).is_dir() {
            return Ok(Self::Folder(text.into()));
        }
        if let Some(version) = PseudoVersion::parse(text) {
            let pinned = pins::ISTIO_BUILDS
                .iter()
                .find(|build| build.module_version == text);
            return Ok(pinned.map_or(Self::Published(version), |build| Self::Build(build.clone())));
        }
        match is_release(text) {
            true if published::is_id(text) => Ok(Self::OnRecord(text.to_owned())),
            true => Ok(Self::Release(text.to_owned())),
            false => Err(WishError::Istio(text.to_owned())),
        }
    }
}

/// A Kubernetes version as tags have it, from one with or without its `v`.
///
/// # Errors
/// [`WishError::Version`] if it is none.
pub fn kubernetes(text: &str) -> Result<String, WishError> {
    let version = text.trim_start_matches('v');
    match is_release(version) {
        true => Ok(format!("v{version}")),
        false => Err(WishError::Version {
            option: "--k8s",
            asked: text.to_owned(),
            example: released::KUBERNETES,
        }),
    }
}

/// A version of Ignite.
///
/// # Errors
/// [`WishError::Version`] if it is none.
pub fn ignite(text: &str) -> Result<String, WishError> {
    match is_release(text) {
        true => Ok(text.to_owned()),
        false => Err(WishError::Version {
            option: "--ignite",
            asked: text.to_owned(),
            example: pins::IGNITE,
        }),
    }
}

/// A version of Envoy.
///
/// # Errors
/// [`WishError::Version`] if it is none.
pub fn envoy(text: &str) -> Result<String, WishError> {
    match is_release(text.split(".post").next().unwrap_or(text)) {
        true => Ok(text.to_owned()),
        false => Err(WishError::Version {
            option: "--envoy",
            asked: text.to_owned(),
            example: "1.40.0",
        }),
    }
}

/// An image for a part, as NAME=REF.
///
/// # Errors
/// [`WishError::Image`] or [`WishError::Reference`].
pub fn image(text: &str) -> Result<(Part, String), WishError> {
    let wrong = || WishError::Image(text.to_owned());
    let (name, image) = text.split_once('=').ok_or_else(wrong)?;
    let part = name.parse().map_err(|()| wrong())?;
    reference::checked(image)?;
    Ok((part, image.to_owned()))
}

/// Whether a text is a version of three numbers, with or without a pre-release after them.
fn is_release(text: &str) -> bool {
    let (numbers, rest) = match text.split_once('-') {
        Some((numbers, rest)) => (numbers, Some(rest)),
        None => (text, None),
    };
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let word = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let three = numbers.split('.').count() == 3 && numbers.split('.').all(number);
    three && rest.is_none_or(|rest| !rest.is_empty() && rest.chars().all(word))
}

#[cfg(test)]
#[path = "wish_tests.rs"]
mod tests;
