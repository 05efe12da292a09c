//! Install values that somebody brings: one more overlay for istioctl, laid after ours.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Why a file cannot be laid over an install.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MeshValuesError {
    /// It cannot be read.
    #[error("the mesh values {path} cannot be read: {what}; name a file with --mesh-values")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        what: String,
    },
    /// It is no YAML.
    #[error("the mesh values {path} are no YAML: {what}; mend the file")]
    NotYaml {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        what: String,
    },
    /// It is something else than an overlay.
    #[error(
        "the mesh values {path} are no overlay: {what}; write kind: IstioOperator with the values below spec, as for istioctl install -f"
    )]
    NoOverlay {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: String,
    },
}

/// The values, as istioctl is given them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshValues {
    /// Their YAML, which is an `IstioOperator`.
    pub yaml: String,
}

impl MeshValues {
    /// Reads a file.
    ///
    /// # Errors
    /// A file that istioctl would not understand.
    pub fn read(path: &Path) -> Result<Self, MeshValuesError> {
        let text = std::fs::read_to_string(path).map_err(|error| MeshValuesError::Unreadable {
            path: path.to_owned(),
            what: error.to_string(),
        })?;
        Self::parse(path, text)
    }

    fn parse(path: &Path, yaml: String) -> Result<Self, MeshValuesError> {
        let read: Value = serde_saphyr::from_str(&yaml).map_err(|error| {
            let told = error.to_string();
            MeshValuesError::NotYaml {
                path: path.to_owned(),
                what: told.lines().next().unwrap_or_default().to_owned(),
            }
        })?;
        let no_overlay = |what: String| MeshValuesError::NoOverlay {
            path: path.to_owned(),
            what,
        };
        match read["kind"].as_str() {
            Some("IstioOperator") if read["spec"].is_object() => Ok(Self { yaml }),
            Some("IstioOperator") => Err(no_overlay("they have no spec".into())),
            Some(kind) => Err(no_overlay(format!("they are a {kind}"))),
            None => Err(no_overlay("they name no kind".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(yaml: &str) -> Result<MeshValues, MeshValuesError> {
        MeshValues::parse(Path::new("/v.yaml"), yaml.to_owned())
    }

    #[test]
    fn an_overlay_is_taken_as_it_is() {
        let yaml = "kind: IstioOperator\nspec:\n  values: {}\n";
        assert_eq!(parse(yaml).unwrap().yaml, yaml);
    }

    #[test]
    fn anything_else_is_one_sentence_with_the_cure() {
        for (yaml, said) in [
            ("a: [b", "no YAML"),
            ("- a", "name no kind"),
            ("kind: Gateway\n", "they are a Gateway"),
            ("kind: IstioOperator\n", "have no spec"),
        ] {
            let told = parse(yaml).unwrap_err().to_string();
            assert!(told.contains(said), "{told}");
            assert!(told.contains("; ") && !told.contains('\n'), "{told}");
        }
        let gone = MeshValues::read(Path::new("/nowhere/v.yaml")).unwrap_err();
        assert!(gone.to_string().contains("; name a file"), "{gone}");
    }
}
