//! A license file of the user's: read, looked at as far as a mistake can be told, and kept to itself.
//!
//! Its text leaves this module in the Secret alone: no error quotes it and `Debug` does not show it.
//! Whether GridGain accepts it is GridGain's to say.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use super::gridgain::{LICENSE_FILE, LICENSE_SECRET};

/// The most that a Secret may hold, in bytes (Kubernetes: `MaxSecretSize`).
const SECRET_LIMIT: usize = 1024 * 1024;

/// The content of a license file. Clones share it.
#[derive(Clone)]
pub struct License(Arc<[u8]>);

/// Why a file is no license.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LicenseFileError {
    /// It cannot be read.
    #[error(
        "the license file {path} cannot be read ({why}); give the path of your gridgain-license.xml"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// It can be read and is no license.
    #[error(
        "the license file {path} {why}; give the gridgain-license.xml that you got from GridGain, as it is"
    )]
    NoLicense {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: NoLicense,
    },
}

/// What is wrong with a text that should be a license. None of its own words are repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoLicense {
    /// There is nothing but blanks.
    #[error("is empty")]
    Empty,
    /// It is more than a Secret holds.
    #[error("is larger than the 1 MiB that a Secret may hold")]
    TooLarge,
    /// It is not well-formed.
    #[error("is not XML (at byte {0})")]
    NotXml(u64),
}

impl License {
    /// Its text, for whoever has to keep it out of what is written.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// Reads a license file.
    ///
    /// # Errors
    /// When it cannot be read, is empty, is not XML or is too large for a Secret.
    pub fn read(path: &Path) -> Result<Self, LicenseFileError> {
        let bytes = std::fs::read(path).map_err(|error| LicenseFileError::Unreadable {
            path: path.to_owned(),
            why: error.to_string(),
        })?;
        Self::of(bytes).map_err(|why| LicenseFileError::NoLicense {
            path: path.to_owned(),
            why,
        })
    }

    /// A license of this text.
    ///
    /// # Errors
    /// As [`License::read`].
    pub fn of(content: impl Into<Vec<u8>>) -> Result<Self, NoLicense> {
        let content = content.into();
        if content.len() > SECRET_LIMIT {
            return Err(NoLicense::TooLarge);
        }
        if content.trim_ascii().is_empty() {
            return Err(NoLicense::Empty);
        }
        well_formed(&content).map_err(NoLicense::NotXml)?;
        Ok(Self(content.into()))
    }

    /// The Secret of the guide with this license in it.
    pub fn secret(&self, namespace: &str) -> Value {
        secret(namespace, &self.0)
    }
}

impl fmt::Debug for License {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("License(not shown)")
    }
}

/// The Secret of the guide with any content, a license or not.
pub fn secret(namespace: &str, content: &[u8]) -> Value {
    let data = [(LICENSE_FILE.to_owned(), ByteString(content.to_vec()))];
    let secret = Secret {
        metadata: ObjectMeta {
            namespace: Some(namespace.to_owned()),
            name: Some(LICENSE_SECRET.to_owned()),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".into()),
        data: Some(data.into()),
        ..Secret::default()
    };
    serde_json::to_value(secret).expect("a Secret of bytes has a JSON form")
}

/// Whether this is XML: one element that is closed, and all within it as well. Fails with the place
/// of the first mistake, in bytes.
fn well_formed(content: &[u8]) -> Result<(), u64> {
    let mut reader = Reader::from_reader(content);
    let mut buffer = vec![];
    let (mut open, mut roots) = (0_u32, 0_u32);
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer);
        let at = reader.buffer_position();
        match event {
            Ok(Event::Start(_)) => {
                roots += u32::from(open == 0);
                open += 1;
            }
            Ok(Event::End(_)) => open = open.saturating_sub(1),
            Ok(Event::Empty(_)) => roots += u32::from(open == 0),
            Ok(Event::Text(text)) if open == 0 && !only_blanks(&text) => return Err(at),
            Ok(Event::Eof) if open == 0 && roots == 1 => return Ok(()),
            Ok(Event::Eof) => return Err(at),
            Ok(_) => {}
            Err(_) => return Err(reader.error_position()),
        }
    }
}

fn only_blanks(text: &[u8]) -> bool {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    text.trim_ascii().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_is_taken_and_what_is_not_is_told() {
        for good in [
            "<a/>",
            "\u{feff}<?xml version=\"1.0\"?>\n<!-- c -->\n<a b=\"c\"><d>e</d></a>\n",
        ] {
            assert!(License::of(good).is_ok(), "{good}");
        }
        for bad in [
            "a license",
            "<a>",
            "<a></b>",
            "</a>",
            "<a/><b/>",
            "<a",
            "{}",
        ] {
            let wrong = License::of(bad).unwrap_err();
            assert!(matches!(wrong, NoLicense::NotXml(_)), "{bad}: {wrong}");
        }
        assert_eq!(License::of(" \n").unwrap_err(), NoLicense::Empty);
        let large = format!("<a>{}</a>", "x".repeat(SECRET_LIMIT));
        assert_eq!(License::of(large).unwrap_err(), NoLicense::TooLarge);
    }

    #[test]
    fn a_file_that_is_no_license_is_told_in_one_sentence_without_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l.xml");
        let missing = License::read(&path).unwrap_err().to_string();
        assert!(
            missing.contains("l.xml") && missing.contains("; give"),
            "{missing}"
        );
        std::fs::write(&path, "<very-private></unlike>").unwrap();
        let wrong = License::read(&path).unwrap_err().to_string();
        assert!(
            wrong.contains("is not XML") && !wrong.contains("private"),
            "{wrong}"
        );
        std::fs::write(&path, "").unwrap();
        let empty = License::read(&path).unwrap_err().to_string();
        assert!(empty.contains("is empty; give"), "{empty}");
    }

    #[test]
    fn the_secret_is_the_guides_and_holds_the_file_as_it_is() {
        let made = License::of("<a>b</a>\n").unwrap().secret("ignite");
        let read: Secret = serde_json::from_value(made.clone()).unwrap();
        assert_eq!(made["metadata"]["name"], "gridgain-license");
        assert_eq!(made["metadata"]["namespace"], "ignite");
        assert_eq!(made["type"], "Opaque");
        assert_eq!(
            read.data.unwrap()["gridgain-license.xml"].0,
            b"<a>b</a>\n".to_vec()
        );
    }
}
