//! What stands in a cluster's way before anything is made or deleted for it: too little disk or
//! memory, too few watches on files, and nodes of its name that are not ours.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Cluster, MARKER_MOUNT};
use crate::lab::inspected::Container;
use crate::lab::room::Room;
use crate::lab::{Engine, LabError, Lease, disk};

/// The label by which kind knows the nodes of a cluster.
const KIND_CLUSTER: &str = "io.x-k8s.kind.cluster";

/// What the nodes' image stores take beside the links, and pods in them, in GiB.
const CACHE_GIB: u64 = 2;
/// What a record and the captures of a bad run take, in GiB.
const STATE_GIB: u64 = 1;

impl Cluster {
    /// Whether the cluster can be made at all: to be asked before what stands of it is deleted.
    ///
    /// # Errors
    /// Too little disk or memory, too few watches, or a cluster of this name that is not ours.
    pub(in crate::lab) async fn can_be_made(
        &self,
        engine: &Engine,
        room: Room,
    ) -> Result<(), LabError> {
        disk::check(&self.nodes_folder, CACHE_GIB, "MESHPROOF_CACHE_DIR")?;
        disk::check(&self.folder, STATE_GIB, "MESHPROOF_STATE_DIR")?;
        self.is_nobody_elses(engine).await?;
        self.finds_room(engine, room).await
    }

    /// Whether there are memory and watches for it beside the labs that stand. What its own nodes take
    /// is free once they are replaced.
    async fn finds_room(&self, engine: &Engine, room: Room) -> Result<(), LabError> {
        let records = standing(engine).await?;
        if records.contains(&self.folder) {
            return Ok(());
        }
        let standing: Vec<String> = records.iter().map(|record| told(record)).collect();
        let lacks = room.lacks(&standing).into_iter().next();
        lacks.map_or(Ok(()), Err)
    }

    /// Whether nobody else's nodes bear this cluster's name.
    async fn is_nobody_elses(&self, engine: &Engine) -> Result<(), LabError> {
        let filter = format!("label={KIND_CLUSTER}={}", self.record.name);
        let all = engine.inspected(&filter).await?;
        let ours = self.marker();
        let foreign = |node: &&Container| node.mounted_at(MARKER_MOUNT) != Some(&ours);
        let Some(node) = all.iter().find(foreign) else {
            return Ok(());
        };
        let name = self.record.name.clone();
        Err(match node.mounted_at(MARKER_MOUNT) {
            Some(marker) => LabError::ClusterOfAnother {
                name,
                folder: marker.parent().unwrap_or(marker).to_owned(),
            },
            None => LabError::ClusterNotOurs { name },
        })
    }
}

/// The folders of the records of all labs that have nodes, running or not, of other state folders too.
pub(in crate::lab) async fn standing(engine: &Engine) -> Result<BTreeSet<PathBuf>, LabError> {
    let nodes = engine.inspected(&format!("volume={MARKER_MOUNT}")).await?;
    let markers = nodes
        .iter()
        .filter_map(|node| node.mounted_at(MARKER_MOUNT));
    let records = markers.filter_map(Path::parent);
    Ok(records.map(Path::to_owned).collect())
}

/// A lab by the folder of its record, with whoever holds it.
pub(in crate::lab) fn told(record: &Path) -> String {
    let name = record.file_name().unwrap_or_default().to_string_lossy();
    match Lease::holder(record) {
        Ok(Some(holder)) => format!("{name} (held by {holder})"),
        _ => name.into_owned(),
    }
}
