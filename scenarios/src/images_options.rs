//! Which images a run is asked to stand on: from the command line, or from variables for the trials.
//!
//! What contradicts itself or cannot be read is told here, before an engine is asked.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use meshproof_harness::expectation::BuildId;
use meshproof_harness::lab::images::{Mirror, WishError, wish};
use meshproof_harness::lab::{ImagesWish, IstioWish};
use meshproof_harness::mesh::{MeshValues, MeshValuesError};

/// Where images come from, and of which versions they are.
#[derive(Debug, Clone, Default, Args)]
pub struct ImagesArguments {
    /// Where images come from: auto, pull, build or archive.
    #[arg(
        long,
        value_name = "SOURCE",
        env = "MESHPROOF_SOURCE",
        hide_env_values = true
    )]
    source: Option<String>,
    #[command(flatten)]
    mirror: MirrorArgument,
    /// The Istio: a release (1.30.5), a build (meshproof builds), a published version of its Go module
    /// (v0.0.0-DATE-REVISION), the id of one that was built or imported here, or a folder with pilot.tar,
    /// proxyv2.tar and istioctl.
    #[arg(long, value_name = "ISTIO")]
    istio: Option<String>,
    /// The version of Envoy in a proxy that is built here; by default the pinned one that fits.
    #[arg(long, value_name = "VERSION")]
    envoy: Option<String>,
    /// The Kubernetes version.
    #[arg(long, value_name = "VERSION")]
    k8s: Option<String>,
    /// The version of Apache Ignite.
    #[arg(long, value_name = "VERSION")]
    ignite: Option<String>,
    /// An image in place of one part's: node, pilot, proxyv2, istioctl or ignite. Without --istio the
    /// Istio of a pilot's image is the one that its istiod says it is.
    #[arg(long = "image", value_name = "NAME=REF")]
    images: Vec<String>,
}

/// The registry that is pulled from.
#[derive(Debug, Clone, Default, Args)]
pub struct MirrorArgument {
    /// The registry that serves the released images in place of Docker Hub.
    #[arg(
        long,
        value_name = "HOST[:PORT][/PREFIX]",
        env = "MESHPROOF_REGISTRY_MIRROR",
        hide_env_values = true
    )]
    registry_mirror: Option<String>,
}

impl MirrorArgument {
    /// The mirror, if one is named.
    ///
    /// # Errors
    /// [`WishError::Mirror`] if what is named is none.
    pub fn mirror(&self) -> Result<Option<Mirror>, WishError> {
        let named = self.registry_mirror.as_deref();
        let named = named.filter(|mirror| !mirror.is_empty());
        Ok(named.map(str::parse).transpose()?)
    }
}

impl ImagesArguments {
    /// Reads them from `MESHPROOF_SOURCE`, `MESHPROOF_REGISTRY_MIRROR`, `MESHPROOF_ISTIO`,
    /// `MESHPROOF_ENVOY`, `MESHPROOF_K8S`, `MESHPROOF_IGNITE` and `MESHPROOF_IMAGE` (separated by spaces).
    pub fn from_environment(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |name| variable(name).map(|value| value.to_string_lossy().into_owned());
        let images = text("MESHPROOF_IMAGE").unwrap_or_default();
        Self {
            source: text("MESHPROOF_SOURCE"),
            mirror: MirrorArgument {
                registry_mirror: text("MESHPROOF_REGISTRY_MIRROR"),
            },
            istio: text("MESHPROOF_ISTIO"),
            envoy: text("MESHPROOF_ENVOY"),
            k8s: text("MESHPROOF_K8S"),
            ignite: text("MESHPROOF_IGNITE"),
            images: images.split_whitespace().map(str::to_owned).collect(),
        }
    }

    /// The options that are given and ask for parts beside those that an Istio's id tells of.
    pub fn other_parts(&self) -> Vec<&'static str> {
        let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        let all = [
            ("--envoy", given(&self.envoy)),
            ("--k8s", given(&self.k8s)),
            ("--ignite", given(&self.ignite)),
            ("--image", !self.images.is_empty()),
        ];
        let asked = all.into_iter().filter(|(_, asked)| *asked);
        asked.map(|(option, _)| option).collect()
    }

    /// As these arguments, with this source where none is named.
    pub fn or_from(self, source: &str) -> Self {
        Self {
            source: self.source.or_else(|| Some(source.to_owned())),
            ..self
        }
    }

    /// What they ask for.
    ///
    /// # Errors
    /// The first that cannot be meant.
    pub fn wish(&self) -> Result<ImagesWish, WishError> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let source = given(&self.source).filter(|source| source != "auto");
        let istio = given(&self.istio).map_or(Ok(IstioWish::Default), |istio| istio.parse())?;
        if let IstioWish::Release(version) = &istio {
            is_measurable(version)?;
        }
        let images = self.images.iter().map(|image| wish::image(image));
        let wished = ImagesWish {
            source: source.map(|source| source.parse()).transpose()?,
            mirror: self.mirror.mirror()?,
            istio,
            envoy: given(&self.envoy)
                .map(|text| wish::envoy(&text))
                .transpose()?,
            kubernetes: given(&self.k8s)
                .map(|text| wish::kubernetes(&text))
                .transpose()?,
            ignite: given(&self.ignite)
                .map(|text| wish::ignite(&text))
                .transpose()?,
            images: images.collect::<Result<_, _>>()?,
        };
        wished.check()?;
        Ok(wished)
    }
}

/// Whether outcomes on the Istio of this id could be on record.
///
/// # Errors
/// [`WishError::NoRecordFor`] if the id has no place among those that are measured by.
pub fn is_measurable(istio: &str) -> Result<(), WishError> {
    let id = istio.parse::<BuildId>();
    id.map(drop)
        .map_err(|_| WishError::NoRecordFor(istio.to_owned()))
}

/// Reads somebody's install values.
///
/// # Errors
/// A file that cannot be read, or that istioctl would not understand.
pub fn mesh_values(file: Option<&PathBuf>) -> Result<Option<MeshValues>, MeshValuesError> {
    file.map(|file| MeshValues::read(file)).transpose()
}

#[cfg(test)]
mod tests {
    use meshproof_harness::lab::Source;

    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<ImagesWish, WishError> {
        let arguments = ImagesArguments::from_environment(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        });
        arguments.wish()
    }

    #[test]
    fn nothing_asked_leaves_the_choice() {
        assert_eq!(of(&[]).unwrap(), ImagesWish::default());
        let auto = [("MESHPROOF_SOURCE", "auto"), ("MESHPROOF_ISTIO", "")];
        assert_eq!(of(&auto).unwrap(), ImagesWish::default());
    }

    #[test]
    fn everything_asked_for_is_taken() {
        let wish = of(&[
            ("MESHPROOF_SOURCE", "pull"),
            ("MESHPROOF_REGISTRY_MIRROR", "h:5000"),
            ("MESHPROOF_ISTIO", "1.30.5"),
            ("MESHPROOF_K8S", "1.35.8"),
            ("MESHPROOF_IGNITE", "2.17.0"),
            ("MESHPROOF_IMAGE", "pilot=a/pilot:1 node=b/node:2"),
        ])
        .unwrap();
        assert_eq!(wish.source, Some(Source::Pull));
        assert_eq!(wish.mirror, Some("h:5000".parse().unwrap()));
        assert_eq!(wish.istio, IstioWish::Release("1.30.5".into()));
        assert_eq!(wish.kubernetes.as_deref(), Some("v1.35.8"));
        assert_eq!(wish.ignite.as_deref(), Some("2.17.0"));
        assert_eq!(wish.images.len(), 2);
    }

    #[test]
    fn an_istio_that_nothing_could_be_recorded_of_is_told() {
        for fits in ["1.30.5", "1.31.0-rc.1", "1.31.0-dev.20260827"] {
            assert_eq!(is_measurable(fits), Ok(()));
        }
        let told = is_measurable("1.31-alpha.9739e10").unwrap_err().to_string();
        assert!(told.contains("\"1.31-alpha.9739e10\"; use one"), "{told}");
        let suffix = of(&[("MESHPROOF_ISTIO", "1.30.5-distroless")]);
        let refused = WishError::NoRecordFor("1.30.5-distroless".into());
        assert_eq!(suffix, Err(refused));
        assert!(of(&[("MESHPROOF_ISTIO", "1.31.0-rc.1")]).is_ok());
    }

    #[test]
    fn each_mistake_is_one_sentence_with_its_cure() {
        for (name, value) in [
            ("MESHPROOF_SOURCE", "hub"),
            ("MESHPROOF_REGISTRY_MIRROR", "https://h"),
            ("MESHPROOF_ISTIO", "latest"),
            ("MESHPROOF_K8S", "new"),
            ("MESHPROOF_IGNITE", "3"),
            ("MESHPROOF_IMAGE", "etcd=a/b:1"),
        ] {
            let told = of(&[(name, value)]).unwrap_err().to_string();
            assert!(told.contains("; ") && told.contains(value), "{told}");
            assert!(!told.contains('\n'), "{told}");
        }
        let both = [("MESHPROOF_SOURCE", "build"), ("MESHPROOF_ISTIO", "1.30.5")];
        let told = of(&both).unwrap_err().to_string();
        assert!(told.contains("use --source pull"), "{told}");
        let both = [("MESHPROOF_SOURCE", "pull"), ("MESHPROOF_ENVOY", "1.39.0")];
        let told = of(&both).unwrap_err().to_string();
        assert!(told.contains("leave out --envoy or"), "{told}");
    }
}
