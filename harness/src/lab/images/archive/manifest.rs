//! What an archive says of itself: who wrote it, for which machines, and each part of it with its
//! size and digest. Plain data and its reading; the parts themselves are `container`'s business.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ArchiveError;
use crate::lab::images::published::Remembered;
use crate::lab::images::pulled_labs::PulledLab;

/// The format that is written and read here. It is another one whenever an older Meshproof could
/// not read what this one writes.
pub const FORMAT: u64 = 2;
/// What the images run on.
pub const ARCHITECTURE: &str = "linux/amd64";
/// The version of this program.
pub const MESHPROOF: &str = env!("CARGO_PKG_VERSION");

/// The manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The format of the whole archive.
    pub format: u64,
    /// The version of the Meshproof that wrote it.
    pub meshproof: String,
    /// What its images run on.
    pub architecture: String,
    /// When it was written.
    pub exported: Timestamp,
    /// The Istio.
    pub istio: String,
    /// What that is, where it is a build that is pinned nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Remembered>,
    /// The lab that the images are of, where they were pulled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulled: Option<PulledLab>,
    /// Every image of the lab, the node image first.
    pub images: Vec<ArchivedImage>,
    /// Every part of the archive but this manifest.
    pub files: Vec<ArchivedFile>,
}

/// One image of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedImage {
    /// Its name in the engine.
    pub reference: String,
    /// The name it carries inside the nodes.
    pub lab_name: String,
    /// Its id in the engine that it came from.
    pub id: String,
    /// What it was made of.
    pub origin: String,
}

/// One part of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedFile {
    /// Its path inside the archive.
    pub path: String,
    /// The SHA-256 of its content in hexadecimal digits.
    pub sha256: String,
    /// Its size unpacked, in bytes.
    pub bytes: u64,
    /// The SHA-256 of its content as it lies in the archive, in hexadecimal digits.
    pub packed_sha256: String,
}

/// What every format has in common.
#[derive(Deserialize)]
struct Begun {
    format: u64,
    #[serde(default)]
    meshproof: String,
}

impl Manifest {
    /// Reads the manifest of an archive and checks that it is for this program and this machine.
    ///
    /// # Errors
    /// Another format or architecture, or a text that is no manifest.
    pub fn read(archive: &Path, text: &str) -> Result<Self, ArchiveError> {
        let changed = |error: serde_json::Error| ArchiveError::Changed {
            path: archive.to_owned(),
            how: format!("its manifest does not parse ({error})"),
        };
        let begun: Begun = serde_json::from_str(text).map_err(changed)?;
        if begun.format != FORMAT {
            return Err(ArchiveError::OtherFormat {
                path: archive.to_owned(),
                found: begun.format,
                known: FORMAT,
                meshproof: begun.meshproof,
                here: MESHPROOF,
            });
        }
        let manifest: Self = serde_json::from_str(text).map_err(changed)?;
        if manifest.architecture != ARCHITECTURE {
            return Err(ArchiveError::OtherArchitecture {
                path: archive.to_owned(),
                found: manifest.architecture,
                here: ARCHITECTURE,
            });
        }
        Ok(manifest)
    }

    /// The sizes of its parts together, unpacked, in bytes.
    pub fn bytes(&self) -> u64 {
        let sizes = self.files.iter().map(|file| file.bytes);
        sizes.fold(0, u64::saturating_add)
    }

    /// A part by its path.
    pub fn file(&self, path: &str) -> Option<&ArchivedFile> {
        self.files.iter().find(|file| file.path == path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(format: u64, architecture: &str) -> String {
        format!(
            r#"{{"format":{format},"meshproof":"0.0.9","architecture":"{architecture}",
                "exported":"2026-11-25T12:00:00Z","istio":"i","images":[],"files":[]}}"#
        )
    }

    #[test]
    fn a_manifest_of_this_format_and_machine_is_read() {
        let read = Manifest::read(Path::new("/a"), &text(FORMAT, ARCHITECTURE)).unwrap();
        assert_eq!(read.istio, "i");
    }

    #[test]
    fn another_format_is_told_even_if_nothing_else_can_be_read() {
        let error = Manifest::read(Path::new("/a"), r#"{"format":7,"other":[]}"#).unwrap_err();
        assert!(
            matches!(error, ArchiveError::OtherFormat { found: 7, .. }),
            "{error}"
        );
        let error = Manifest::read(Path::new("/a"), &text(1, ARCHITECTURE)).unwrap_err();
        let told = error.to_string();
        assert!(told.contains("written by Meshproof 0.0.9"), "{told}");
    }

    #[test]
    fn images_for_other_machines_are_refused() {
        let error = Manifest::read(Path::new("/a"), &text(FORMAT, "linux/arm64")).unwrap_err();
        assert!(error.to_string().contains("for linux/arm64"), "{error}");
    }
}
