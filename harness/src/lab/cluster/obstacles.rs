//! What stands in a cluster's way before anything is made or deleted for it: too little disk, and
//! nodes of its name that are not ours.

use super::{Cluster, MARKER_MOUNT};
use crate::lab::inspected::Container;
use crate::lab::{Engine, LabError, disk};

/// The label by which kind knows the nodes of a cluster.
const KIND_CLUSTER: &str = "io.x-k8s.kind.cluster";

/// What the nodes' image stores take beside the links, and pods in them, in GiB.
const CACHE_GIB: u64 = 2;
/// What a record and the captures of a bad run take, in GiB.
const STATE_GIB: u64 = 1;

impl Cluster {
    /// Whether the cluster can be made at all: to be asked before anything is deleted for it.
    ///
    /// # Errors
    /// Too little disk, or a cluster of this name that is not ours.
    pub async fn can_be_made(&self, engine: &Engine) -> Result<(), LabError> {
        disk::check(&self.nodes_folder, CACHE_GIB, "MESHPROOF_CACHE_DIR")?;
        disk::check(&self.folder, STATE_GIB, "MESHPROOF_STATE_DIR")?;
        self.is_nobody_elses(engine).await
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
