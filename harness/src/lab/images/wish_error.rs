//! What is wrong with a wish for images, in one sentence with the cure.

use super::part::Part;
use super::reference::{MirrorError, ReferenceError};
use super::{pins, released};

/// A wish that cannot be fulfilled, told before anything is asked of engine or registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WishError {
    /// An Istio that is nothing known.
    #[error(
        "{0:?} names no Istio; name a release (such as {release}), a build ({known}), a published version of its Go module (v0.0.0-DATE-REVISION) or a folder with pilot.tar, proxyv2.tar and istioctl",
        release = released::ISTIO, known = pins::known_builds()
    )]
    Istio(String),
    /// An Istio whose id has no place among those that outcomes are recorded by.
    #[error(
        "no outcome can be on record for the Istio {0:?}; use one that is called like 1.30.5, 1.31.0-rc.1 or 1.31.0-dev.20260827, by --istio, where need be with images of another tag by --image pilot=REF and --image proxyv2=REF"
    )]
    NoRecordFor(String),
    /// A version that is none.
    #[error("{asked:?} is no version for {option}; write it like {example}")]
    Version {
        /// The option.
        option: &'static str,
        /// What it says.
        asked: String,
        /// How one looks.
        example: &'static str,
    },
    /// A source that there is not.
    #[error("{0:?} names no source of images; use one of auto, pull, build, archive")]
    Source(String),
    /// An `--image` that is not NAME=REF.
    #[error(
        "{0:?} is not NAME=REF; NAME is one of {names}, REF names an image, like pilot=registry.example/istio/pilot:1.30.5",
        names = Part::ALL.map(Part::name).join(", ")
    )]
    Image(String),
    /// The mirror's name.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// An image's name.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// A version that nobody published, or that cannot be asked for.
    #[error("{what} is not to be had: {why}; {cure}")]
    Unpublished {
        /// What was asked for.
        what: String,
        /// Why not.
        why: String,
        /// What to do about it.
        cure: String,
    },
    /// A build's id that none here is called by.
    #[error(
        "no Istio that was built or brought here is called {id} ({}); build it by its version with meshproof images build --istio v0.0.0-DATE-REVISION, or take it from an archive with meshproof images import FILE",
        on_record(known)
    )]
    NotOnRecord {
        /// The id.
        id: String,
        /// The ids of the builds that are on record here.
        known: Vec<String>,
    },
    /// A build's id that several versions share.
    #[error("the id {id} is that of {}; name the one that is meant with --istio", versions.join(" and of "))]
    SeveralOnRecord {
        /// The id.
        id: String,
        /// The versions.
        versions: Vec<String>,
    },
    /// An Envoy for a proxy that is not built here.
    #[error("Envoy {envoy} would be put into no proxy: {why}; leave out --envoy or {cure}")]
    EnvoyNowhere {
        /// The version.
        envoy: String,
        /// Why no proxy is built.
        why: String,
        /// What else to leave out, with what may take its place.
        cure: String,
    },
    /// A source that does not have what was asked for.
    #[error("{what} cannot come from the source {source_name}: {why}; {cure}")]
    NotFromThere {
        /// What was asked for.
        what: String,
        /// The source.
        source_name: &'static str,
        /// Why not.
        why: String,
        /// What to do about it.
        cure: String,
    },
}

/// Which builds may be named by their ids.
fn on_record(others: &[String]) -> String {
    let pinned = pins::known_builds();
    match others {
        [] => format!("there are {pinned}"),
        others => format!("there are {pinned}, {}", others.join(", ")),
    }
}
