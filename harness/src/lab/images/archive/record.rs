//! Remembers in the cache which archive an Istio build's images came from, for reports.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::manifest::Manifest;
use crate::lab::LabError;
use crate::lab::images::Cache;

/// What is remembered of one import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// The archive, as it was named.
    pub archive: PathBuf,
    /// When it was written.
    pub exported: Timestamp,
    /// The version of the Meshproof that wrote it.
    pub meshproof: String,
    /// Its images' names in the engine, with their ids after the import.
    pub images: BTreeMap<String, String>,
}

impl Imported {
    /// What is to be remembered of an archive whose images have these ids now.
    pub fn of(archive: PathBuf, manifest: &Manifest, ids: Vec<String>) -> Self {
        let names = manifest.images.iter().map(|image| image.reference.clone());
        Self {
            archive,
            exported: manifest.exported,
            meshproof: manifest.meshproof.clone(),
            images: names.zip(ids).collect(),
        }
    }

    /// What is remembered, of every Istio build whose images an archive brought.
    pub fn all(cache: &Cache) -> Vec<Self> {
        let entries = std::fs::read_dir(cache.root().join(FOLDER))
            .into_iter()
            .flatten()
            .flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        let texts = paths
            .iter()
            .filter_map(|path| std::fs::read_to_string(path).ok());
        texts
            .filter_map(|text| serde_json::from_str(&text).ok())
            .collect()
    }

    /// Remembers it.
    ///
    /// # Errors
    /// A file error.
    pub fn write(&self, cache: &Cache, istio: &str) -> Result<(), LabError> {
        let place = place(cache, istio);
        let new = place.with_extension("new");
        let folder = cache.root().join(FOLDER);
        std::fs::create_dir_all(&folder).map_err(LabError::file("making the folder", &folder))?;
        let text = serde_json::to_string_pretty(self).expect("a record is plain data");
        std::fs::write(&new, text).map_err(LabError::file("writing", &new))?;
        std::fs::rename(&new, &place).map_err(LabError::file("completing", &place))
    }

    /// Whether the image of this name and id came from the archive.
    pub fn brought(&self, reference: &str, id: &str) -> bool {
        self.images.get(reference).is_some_and(|known| known == id)
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

fn place(cache: &Cache, istio: &str) -> PathBuf {
    cache.root().join(FOLDER).join(format!("{istio}.json"))
}

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
        };
        record.write(&cache, "1").unwrap();
        record.write(&cache, "2").unwrap();
        record.write(&cache, "1").unwrap();
        let mut all = Imported::all(&cache);
        assert_eq!(all, [record.clone(), record]);
        let read = all.remove(0);
        assert_eq!(
            read.told(),
            "archive /media/lab.zip, exported 2026-11-25T12:00:00Z"
        );
        assert!(read.brought("a:1", "sha256:1"));
        assert!(!read.brought("a:1", "sha256:2"));
        assert!(!read.brought("b:1", "sha256:1"));
    }
}
