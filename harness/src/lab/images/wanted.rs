//! What a lab of one Istio build asks for, by name: its images, and the programs beside them.
//! Whether any of it is there is for others to find out.

use std::path::PathBuf;

use super::image::Image;
use super::key::Key;
use super::pins::IstioBuild;
use super::probe::ProbeBinary;
use super::{go, programs, recipes};

/// The short name of the probe's image.
pub const PROBE: &str = "probe";

/// What a lab of one Istio build asks for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its images, the node image first.
    pub images: Vec<WantedImage>,
    /// The programs that run beside them.
    pub programs: Vec<WantedProgram>,
    /// The images that these build on, by their names in the engine.
    pub bases: Vec<String>,
}

/// One image by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedImage {
    /// Its short name.
    pub name: &'static str,
    /// Its name in the engine.
    pub reference: String,
    /// What it is made of.
    pub origin: String,
}

/// One program by the artifact that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedProgram {
    /// Its file name.
    pub program: &'static str,
    /// The artifact's name.
    pub artifact: String,
    /// The artifact's key.
    pub key: Key,
}

impl Wanted {
    /// What a lab of this build asks for, with the image of this probe.
    pub fn of(istio: &IstioBuild, probe: &ProbeBinary) -> Self {
        let recipes = recipes::all(istio, probe);
        let programs = [
            ("kind", programs::kind()),
            ("istioctl", programs::istio(istio)),
        ];
        Self {
            bases: recipes
                .iter()
                .filter_map(|image| image.base.clone())
                .collect(),
            images: recipes.into_iter().map(WantedImage::of).collect(),
            programs: programs
                .into_iter()
                .map(|(program, build)| WantedProgram {
                    program,
                    key: build.key(),
                    artifact: build.name,
                })
                .collect(),
        }
    }

    /// As [`Wanted::of`]; without a probe its image has a name that no image bears.
    pub fn of_any(istio: &IstioBuild, probe: Option<&ProbeBinary>) -> Self {
        Self::of(istio, &or_none(probe))
    }
}

/// A probe, or one that no image was made of.
fn or_none(probe: Option<&ProbeBinary>) -> ProbeBinary {
    let missing = || ProbeBinary {
        path: PathBuf::new(),
        version: String::new(),
    };
    probe.cloned().unwrap_or_else(missing)
}

impl WantedImage {
    fn of(image: Image) -> Self {
        Self {
            name: image.name,
            reference: image.reference(),
            origin: image.origin,
        }
    }

    /// The image of a probe on the libraries of an image; without a probe it has a name that no image
    /// bears.
    pub fn of_probe(probe: Option<&ProbeBinary>, libraries: String) -> Self {
        Self::of(recipes::probe(&or_none(probe), libraries))
    }

    /// Whether it is named after the probe that is on this machine.
    pub fn is_the_probes(&self) -> bool {
        self.name == PROBE
    }
}

/// Every artifact that making the images of one Istio build leaves in the cache: name and key.
pub fn artifacts(istio: &IstioBuild) -> Vec<(String, Key)> {
    let programs = programs::all(istio).into_iter();
    let programs = programs.map(|build| (build.name.clone(), build.key()));
    let others = [
        recipes::kind_files(),
        recipes::bootstrap_template(istio),
        recipes::envoy(istio),
        recipes::ignite_jars(),
        go::toolchain_artifact(),
    ];
    programs.chain(others).collect()
}

impl WantedProgram {
    /// The name of the artifact's folder.
    pub fn folder(&self) -> String {
        format!("{}-{}", self.artifact, self.key)
    }
}
