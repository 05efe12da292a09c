//! Which product a run is asked for: from the command line, or from variables for the trials.
//!
//! A file that is no license is told here, before a lab is looked for. What is not given at all is
//! no mistake: the scenarios that need it are blocked and say so.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use meshproof_harness::product::Product;
use meshproof_harness::product::gridgain::GridGain;
use meshproof_harness::product::license_file::{License, LicenseFileError};

/// The product, and what GridGain needs.
#[derive(Debug, Clone, Default, Args)]
pub struct ProductArguments {
    /// The product to run the scenarios with.
    #[arg(long, value_enum, default_value_t)]
    product: Name,
    /// GridGain's node image, as the cluster's nodes pull it: gridgain/enterprise:8.9.33.
    #[arg(long, value_name = "REF")]
    gridgain_image: Option<String>,
    /// Your GridGain license file.
    #[arg(long, value_name = "FILE")]
    gridgain_license: Option<PathBuf>,
    /// A GridGain license file that has expired, for the one case that needs it.
    #[arg(long, value_name = "FILE")]
    gridgain_expired_license: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Name {
    #[default]
    Ignite,
    #[value(name = "gridgain")]
    GridGain,
}

/// What cannot be meant, or cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProductError {
    /// `MESHPROOF_PRODUCT` names no product.
    #[error("MESHPROOF_PRODUCT is {0:?}; unset it or say ignite or gridgain")]
    Unknown(String),
    /// Something of GridGain's is given to a run of Ignite.
    #[error(
        "a GridGain image or license is given to a run of Ignite; add --product gridgain \
         (for cargo test, MESHPROOF_PRODUCT=gridgain) or leave it out"
    )]
    OfNoUse,
    /// The image is no image's name.
    #[error(
        "the GridGain image {0:?} is no image's name; give one such as gridgain/enterprise:8.9.33"
    )]
    Image(String),
    /// A license file.
    #[error(transparent)]
    License(#[from] LicenseFileError),
}

impl ProductArguments {
    /// Reads them from `MESHPROOF_PRODUCT`, `MESHPROOF_GRIDGAIN_IMAGE`,
    /// `MESHPROOF_GRIDGAIN_LICENSE` and `MESHPROOF_GRIDGAIN_EXPIRED_LICENSE`.
    ///
    /// # Errors
    /// When the first names no product.
    pub fn from_environment(
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ProductError> {
        let text = |name| variable(name).map(|value| value.to_string_lossy().into_owned());
        let product = match text("MESHPROOF_PRODUCT") {
            None => Name::default(),
            Some(name) => Name::from_str(&name, false).map_err(|_| ProductError::Unknown(name))?,
        };
        Ok(Self {
            product,
            gridgain_image: text("MESHPROOF_GRIDGAIN_IMAGE"),
            gridgain_license: variable("MESHPROOF_GRIDGAIN_LICENSE").map(PathBuf::from),
            gridgain_expired_license: variable("MESHPROOF_GRIDGAIN_EXPIRED_LICENSE")
                .map(PathBuf::from),
        })
    }

    /// The product, its license files read.
    ///
    /// # Errors
    /// What cannot be meant, or cannot be used, in one sentence with the cure.
    pub fn product(&self) -> Result<Product, ProductError> {
        let Self {
            product,
            gridgain_image: image,
            gridgain_license: license,
            gridgain_expired_license: expired,
        } = self;
        if *product == Name::Ignite {
            let given = image.is_some() || license.is_some() || expired.is_some();
            return if given {
                Err(ProductError::OfNoUse)
            } else {
                Ok(Product::Ignite)
            };
        }
        let read = |path: &PathBuf| License::read(path);
        Ok(Product::GridGain(GridGain {
            image: image.clone().map(image_name).transpose()?,
            license: license.as_ref().map(read).transpose()?,
            expired_license: expired.as_ref().map(read).transpose()?,
        }))
    }
}

/// Whether it exists is for the nodes to find out; an empty or broken value is found here.
fn image_name(image: String) -> Result<String, ProductError> {
    let broken = image.is_empty() || image.contains(|c: char| c.is_whitespace() || c.is_control());
    if broken {
        Err(ProductError::Image(image))
    } else {
        Ok(image)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use meshproof_harness::product::gridgain::{NO_IMAGE, NO_LICENSE};

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        product: ProductArguments,
    }

    fn line(arguments: &[&str]) -> Result<Product, ProductError> {
        let arguments = std::iter::once(&"meshproof").chain(arguments);
        Line::try_parse_from(arguments).unwrap().product.product()
    }

    fn environment(variables: &[(&str, &str)]) -> Result<Product, ProductError> {
        let asked = ProductArguments::from_environment(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        });
        asked?.product()
    }

    #[test]
    fn ignite_unless_asked_otherwise() {
        assert!(matches!(line(&[]), Ok(Product::Ignite)));
        assert!(matches!(environment(&[]), Ok(Product::Ignite)));
        assert!(matches!(
            line(&["--product", "ignite"]),
            Ok(Product::Ignite)
        ));
    }

    #[test]
    fn gridgain_alone_is_no_mistake_and_lacks_its_image() {
        let asked = [
            line(&["--product", "gridgain"]),
            environment(&[("MESHPROOF_PRODUCT", "gridgain")]),
        ];
        for product in asked {
            assert_eq!(product.unwrap().lacks(), Some(NO_IMAGE));
        }
        let image = line(&["--product", "gridgain", "--gridgain-image", "i:1"]);
        assert_eq!(image.unwrap().lacks(), Some(NO_LICENSE));
    }

    #[test]
    fn image_and_licenses_are_taken_by_option_and_by_variable() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "<license/>").unwrap();
        let path = file.path().to_str().unwrap();
        let by_option = line(&[
            "--product",
            "gridgain",
            "--gridgain-image",
            "i:1",
            "--gridgain-license",
            path,
            "--gridgain-expired-license",
            path,
        ]);
        let by_variable = environment(&[
            ("MESHPROOF_PRODUCT", "gridgain"),
            ("MESHPROOF_GRIDGAIN_IMAGE", "i:1"),
            ("MESHPROOF_GRIDGAIN_LICENSE", path),
            ("MESHPROOF_GRIDGAIN_EXPIRED_LICENSE", path),
        ]);
        for product in [by_option, by_variable] {
            let product = product.unwrap();
            let gridgain = product.gridgain().unwrap();
            assert_eq!(gridgain.image.as_deref(), Some("i:1"));
            assert!(gridgain.expired_license.is_some());
        }
    }

    #[test]
    fn what_cannot_be_meant_is_told_with_the_cure() {
        let of_no_use = line(&["--gridgain-image", "i"]).unwrap_err();
        assert_eq!(of_no_use, ProductError::OfNoUse);
        let unknown = environment(&[("MESHPROOF_PRODUCT", "oracle")]).unwrap_err();
        assert_eq!(unknown, ProductError::Unknown("oracle".into()));
        for image in ["", "a b"] {
            let error = line(&["--product", "gridgain", "--gridgain-image", image]).unwrap_err();
            assert_eq!(error, ProductError::Image(image.into()));
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        let empty = line(&["--product", "gridgain", "--gridgain-license", path]).unwrap_err();
        assert!(empty.to_string().contains("is empty; give"), "{empty}");
    }
}
