//! Remembers in the cache which images came from which archive, for reports.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::manifest::Manifest;
use crate::lab::LabError;
use crate::lab::images::Cache;
use crate::lab::images::cache::{record, records};

/// What is remembered of one import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// The archive, as it was named.
    pub archive: PathBuf,
    /// When it was written.
    pub exported: Timestamp,
    /// The version of the Meshproof that wrote it.
    pub meshproof: String,
    /// The images that it brought: their names in the engine, with their ids after the import. What
    /// was there before is not among them.
    pub images: BTreeMap<String, String>,
    /// The images that it holds and the engine had already by the same ids, as names with ids.
    #[serde(default)]
    pub before: BTreeMap<String, String>,
}

impl Imported {
    /// What is to be remembered of an archive that brought these images, and holds those that were
    /// there before: names and ids.
    pub fn of(
        archive: PathBuf,
        manifest: &Manifest,
        images: impl IntoIterator<Item = (String, String)>,
        before: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        Self {
            archive,
            exported: manifest.exported,
            meshproof: manifest.meshproof.clone(),
            images: images.into_iter().collect(),
            before: before.into_iter().collect(),
        }
    }

    /// What is remembered, of every archive that was taken.
    pub fn all(cache: &Cache) -> Vec<Self> {
        records(&cache.root().join(FOLDER))
    }

    /// Remembers it, beside what the same archive brought before.
    ///
    /// # Errors
    /// A file error.
    pub fn write(&self, cache: &Cache, istio: &str) -> Result<(), LabError> {
        let folder = cache.root().join(FOLDER);
        let place = folder.join(format!("{istio}-{}.json", self.exported));
        let new = place.with_extension("new");
        std::fs::create_dir_all(&folder).map_err(LabError::file("making the folder", &folder))?;
        let mut whole = self.clone();
        if let Some(known) = record::<Self>(&place) {
            whole.images = known.images;
            whole.before = known.before;
            whole.images.extend(self.images.clone());
            whole.before.extend(self.before.clone());
        }
        // What an earlier import brought is there before a later one.
        let images = &whole.images;
        whole.before.retain(|name, id| images.get(name) != Some(id));
        let text = serde_json::to_string_pretty(&whole).expect("a record is plain data");
        std::fs::write(&new, text).map_err(LabError::file("writing", &new))?;
        std::fs::rename(&new, &place).map_err(LabError::file("completing", &place))
    }

    /// Whether the image of this name and id came from the archive.
    pub fn brought(&self, reference: &str, id: &str) -> bool {
        self.images.get(reference).is_some_and(|known| known == id)
    }

    /// Whether the archive holds the image of this name and id, wherever it came from.
    pub fn holds(&self, reference: &str, id: &str) -> bool {
        let before = self.before.get(reference);
        self.brought(reference, id) || before.is_some_and(|known| known == id)
    }

    /// How a report tells it.
    pub fn told(&self) -> String {
        format!(
            "archive {}, exported {}",
            self.archive.display(),
            self.exported
        )
    }
}

/// The folder of the records, below the cache.
const FOLDER: &str = "archives";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_was_made_anew_did_not_come_from_the_archive() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        assert_eq!(Imported::all(&cache), []);
        let record = Imported {
            archive: "/media/lab.zip".into(),
            exported: "2026-11-25T12:00:00Z".parse().unwrap(),
            meshproof: "0.1.0".into(),
            images: [("a:1".into(), "sha256:1".into())].into(),
            before: BTreeMap::new(),
        };
        record.write(&cache, "1").unwrap();
        record.write(&cache, "2").unwrap();
        record.write(&cache, "1").unwrap();
        let mut all = Imported::all(&cache);
        assert_eq!(all, [record.clone(), record.clone()]);
        // A second import of the same archive brings what was removed since, or nothing.
        let more = Imported {
            images: [("b:1".into(), "sha256:3".into())].into(),
            before: [("a:1".into(), "sha256:1".into())].into(),
            ..record
        };
        more.write(&cache, "1").unwrap();
        let both = &Imported::all(&cache)[0];
        assert!(both.brought("a:1", "sha256:1") && both.brought("b:1", "sha256:3"));
        assert_eq!(both.before, BTreeMap::new());
        let read = all.remove(0);
        assert_eq!(
            read.told(),
            "archive /media/lab.zip, exported 2026-11-25T12:00:00Z"
        );
        assert!(read.brought("a:1", "sha256:1"));
        assert!(!read.brought("a:1", "sha256:2"));
        assert!(!read.brought("b:1", "sha256:1"));
    }

    #[test]
    fn an_archive_holds_what_it_did_not_bring() {
        let written_before = r#"{"archive": "/media/lab.zip", "exported": "2026-11-25T12:00:00Z",
            "meshproof": "0.1.0", "images": {"a:1": "sha256:1"}}"#;
        let mut record: Imported = serde_json::from_str(written_before).unwrap();
        record.before.insert("b:1".into(), "sha256:2".into());
        assert!(record.holds("a:1", "sha256:1") && record.holds("b:1", "sha256:2"));
        assert!(!record.brought("b:1", "sha256:2"));
        assert!(!record.holds("b:1", "sha256:3") && !record.holds("c:1", "sha256:1"));
    }
}
