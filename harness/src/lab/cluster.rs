//! One kind cluster of ours: what decides it, its name, and where what belongs to it lies.
//!
//! What is written down of it, making it, its health and deleting it are modules of their own.
//!
//! What is ours is known by the record: container ids, and the mount of the record's own folder in
//! every node for containers that a killed attempt left before their ids were written down.

mod delete;
mod health;
mod kubeconfig;
mod make;
mod obstacles;
mod pod_network;
mod purpose;
mod record;

use std::path::{Path, PathBuf};

use super::images::{Images, ImagesWish, Key};
use super::kind;
use super::topology::Topology;
use super::{Engine, LabError, Paths};

pub(super) use obstacles::{standing, told};
pub use record::Record;

/// Where the record's folder is mounted in every node: the marker that makes a node ours.
pub(super) const MARKER_MOUNT: &str = "/meshproof";

/// A cluster of ours, standing or to be made.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Its record.
    pub record: Record,
    folder: PathBuf,
    nodes_folder: PathBuf,
    kept_kubeconfigs: PathBuf,
}

/// What decides a cluster: two wants with the same key can share one.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Its images.
    pub images: &'a Images,
    /// What was asked of them.
    pub asked: &'a ImagesWish,
    /// Its nodes.
    pub topology: &'a Topology,
    /// The sidecar mode that Istio is installed with.
    pub sidecar_mode: &'a str,
    /// Install values of somebody's own.
    pub mesh_values: Option<&'a str>,
}

impl Wanted<'_> {
    /// In any state folder but the user's own, the folder is part of the name: the engine knows
    /// clusters by their names alone, and two folders may want the same one.
    fn name(&self, paths: &Paths) -> String {
        let mut key = Key::over("cluster")
            .add(&self.images.node.id)
            .add(self.configuration())
            .add(self.sidecar_mode);
        for image in &self.images.inside {
            key = key.add(&image.id).add(&image.lab_name);
        }
        if let Some(values) = self.mesh_values {
            key = key.add("mesh values").add(values);
        }
        if !paths.is_users_own() {
            key = key.add(paths.state.as_os_str().as_encoded_bytes());
        }
        format!("meshproof-{}", key.finish())
    }

    fn configuration(&self) -> String {
        kind::configuration(self.topology, &self.images.kubernetes, &[])
    }
}

impl Cluster {
    /// The cluster for what is wanted, whether it stands or not.
    pub fn wanted(paths: &Paths, wanted: &Wanted<'_>) -> Self {
        let purpose = wanted.purpose();
        let record = Record::begun(wanted.name(paths), purpose.clone());
        let cluster = Self::of(paths, record);
        match cluster.read_record() {
            // The same images may have been asked for in other words before.
            Some(record) => Self {
                record: Record { purpose, ..record },
                ..cluster
            },
            None => cluster,
        }
    }

    /// Every cluster that is on record.
    ///
    /// # Errors
    /// A file error.
    pub fn all(paths: &Paths) -> Result<Vec<Self>, LabError> {
        let folder = paths.state.join("clusters");
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
            other => other.map_err(LabError::file("reading", &folder))?,
        };
        let mut all = vec![];
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let record = Record::begun(name, "unknown".into());
            let cluster = Self::of(paths, record);
            all.push(match cluster.read_record() {
                Some(record) => Self { record, ..cluster },
                None => cluster,
            });
        }
        Ok(all)
    }

    fn of(paths: &Paths, record: Record) -> Self {
        Self {
            folder: paths.cluster(&record.name),
            kept_kubeconfigs: paths.kept_kubeconfigs(),
            nodes_folder: paths.cache.join("nodes").join(&record.name),
            record,
        }
    }

    /// The folder of its record, lease, kubeconfig and kept logs.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder that is mounted in each of its nodes.
    pub(super) fn marker(&self) -> PathBuf {
        self.folder.join("marker")
    }

    /// The folder of its nodes' image stores.
    pub(super) fn nodes_folder(&self) -> &Path {
        &self.nodes_folder
    }

    /// Ids and names of the containers that carry this cluster's marker, running or not.
    async fn marked_containers(&self, engine: &Engine) -> Result<Vec<(String, String)>, LabError> {
        let filter = self.marker_filter();
        engine.containers(&["--all", "--filter", &filter]).await
    }

    fn marker_filter(&self) -> String {
        format!("volume={}", self.marker().display())
    }
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
