//! What is written down about a cluster, and reading and writing it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Cluster;
use crate::lab::LabError;

/// What is written down about a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its name, which holds its key.
    pub name: String,
    /// What was asked for when it was made: a newer cluster for the same replaces it.
    pub purpose: String,
    /// Whether it was completed.
    pub complete: bool,
    /// The ids of its node containers, once known.
    pub containers: Vec<String>,
    /// Since when each of them runs: a node that was restarted is not the node that was made.
    pub running_since: Vec<String>,
    /// The volumes that the engine made for them. They bear no mark of ours.
    #[serde(default)]
    pub volumes: Vec<String>,
    /// The address of its API server, as kind told it; none in a record of before it was written down.
    #[serde(default)]
    pub server: Option<String>,
    /// The programs of its kind and Istio builds, for a person's shell.
    #[serde(default)]
    pub programs: Vec<PathBuf>,
}

impl Record {
    pub(super) fn begun(name: String, purpose: String) -> Self {
        Self {
            name,
            purpose,
            complete: false,
            containers: vec![],
            running_since: vec![],
            volumes: vec![],
            server: None,
            programs: vec![],
        }
    }
}

impl Cluster {
    pub(super) fn read_record(&self) -> Option<Record> {
        let text = std::fs::read_to_string(self.folder.join("record.json")).ok()?;
        serde_json::from_str(&text).ok()
    }

    pub(super) fn write_record(&self) -> Result<(), LabError> {
        std::fs::create_dir_all(&self.folder)
            .map_err(LabError::file("making the folder", &self.folder))?;
        let (path, new) = (
            self.folder.join("record.json"),
            self.folder.join("record.json.new"),
        );
        let text = serde_json::to_string_pretty(&self.record).expect("a record is plain data");
        std::fs::write(&new, text).map_err(LabError::file("writing", &new))?;
        std::fs::rename(&new, &path).map_err(LabError::file("completing", &path))
    }
}
