//! Which product a run is of, and what of it a scenario may ask: its name, its cluster, what it
//! lacks.
//!
//! What is GridGain's own is in [`super::gridgain`]; applying anything is left to the callers.

use serde_json::Value;

use super::gridgain::GridGain;
use super::guide;
use super::manifest::{Manifest, ManifestError};

/// The reason for which a scenario that needs GridGain is blocked in a run of Ignite, in the words
/// that expectations list.
pub const NOT_GRIDGAIN: &str = "GridGain is not the product of this run (--product gridgain)";

/// The product that a run is of.
#[derive(Debug, Clone, Default)]
pub enum Product {
    /// Apache Ignite 2, as the lab has it.
    #[default]
    Ignite,
    /// GridGain 8, as far as the user has it.
    GridGain(GridGain),
}

impl Product {
    /// Texts that must not be written anywhere: the licenses that were given.
    pub fn secrets(&self) -> Vec<String> {
        match self {
            Self::Ignite => vec![],
            Self::GridGain(given) => [&given.license, &given.expired_license]
                .into_iter()
                .flatten()
                .map(super::license_file::License::text)
                .collect(),
        }
    }

    /// The name in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ignite => "Apache Ignite",
            Self::GridGain(_) => "GridGain",
        }
    }

    /// What it lacks to be run at all, in words that expectations list; none if it can be run.
    pub fn lacks(&self) -> Option<&'static str> {
        match self {
            Self::Ignite => None,
            Self::GridGain(gridgain) => gridgain.lacks(),
        }
    }

    /// GridGain with all that it needs to be run.
    ///
    /// # Errors
    /// The reason for which it cannot be, in words that expectations list.
    pub fn gridgain(&self) -> Result<&GridGain, &'static str> {
        match self {
            Self::Ignite => Err(NOT_GRIDGAIN),
            Self::GridGain(gridgain) => match gridgain.lacks() {
                None => Ok(gridgain),
                Some(lacking) => Err(lacking),
            },
        }
    }

    /// The manifest of the two-node cluster, for the guide's namespace.
    ///
    /// # Errors
    /// Never for the embedded texts, which the tests read.
    pub fn cluster_manifest(&self) -> Result<Manifest, ManifestError> {
        match self {
            Self::Ignite => guide::ignite_cluster(),
            Self::GridGain(gridgain) => gridgain.cluster(),
        }
    }

    /// The Secret that has to be there before the cluster; none for Ignite, or without a license.
    /// It is handed to the API server and shown nowhere.
    pub fn license_secret(&self, namespace: &str) -> Option<Value> {
        match self {
            Self::Ignite => None,
            Self::GridGain(gridgain) => Some(gridgain.license.as_ref()?.secret(namespace)),
        }
    }

    /// What a scenario is called where outcomes are on record: one product's record says nothing of
    /// the other.
    pub fn on_record_as(&self, scenario: &str) -> String {
        match self {
            Self::Ignite => scenario.to_owned(),
            Self::GridGain(_) => format!("gridgain/{scenario}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::gridgain::{NO_IMAGE, NO_LICENSE};
    use crate::product::license_file::License;

    fn gridgain(image: Option<&str>, license: Option<&str>) -> Product {
        Product::GridGain(GridGain {
            image: image.map(Into::into),
            license: license.map(|text| License::of(text).unwrap()),
            expired_license: None,
        })
    }

    #[test]
    fn ignite_lacks_nothing_and_is_the_guides() {
        let ignite = Product::default();
        assert_eq!(ignite.lacks(), None);
        assert_eq!(
            ignite.cluster_manifest().unwrap(),
            guide::ignite_cluster().unwrap()
        );
        assert_eq!(ignite.license_secret("n"), None);
        assert_eq!(ignite.on_record_as("C3"), "C3");
        assert_eq!(ignite.gridgain().err(), Some(NOT_GRIDGAIN));
    }

    #[test]
    fn gridgain_names_the_first_thing_that_is_not_given() {
        assert_eq!(gridgain(None, Some("<l/>")).lacks(), Some(NO_IMAGE));
        assert_eq!(gridgain(Some("i"), None).lacks(), Some(NO_LICENSE));
        let whole = gridgain(Some("i"), Some("<l/>"));
        assert_eq!(whole.lacks(), None);
        assert!(whole.gridgain().is_ok());
        assert_eq!(gridgain(None, None).gridgain().err(), Some(NO_IMAGE));
    }

    #[test]
    fn gridgain_is_not_measured_by_ignites_record() {
        assert_eq!(gridgain(None, None).on_record_as("C3"), "gridgain/C3");
    }

    #[test]
    fn the_license_is_shown_in_no_debug_output() {
        let product = gridgain(Some("i"), Some("<l>very-private</l>"));
        let shown = format!("{product:?}");
        assert!(!shown.contains("very-private"), "{shown}");
        assert!(product.license_secret("n").is_some());
    }
}
