//! All clusters of ours together: looked at, taken down, cleared of what was never completed. What a
//! killed machine leaves beside them is `reap`'s business.

use super::{Attempt, Cluster, Engine, LabError, Lease, Paths, kind};
use crate::progress::Progress;

/// What holds the lease of a cluster that is being deleted.
pub(super) const DELETING: &str = "meshproof (deleting it)";

/// Deletes clusters that were never completed and that nobody is making: what a killed or
/// interrupted run leaves.
///
/// # Errors
/// When the engine fails.
pub async fn remove_incomplete(paths: &Paths, progress: &Progress) -> Result<(), LabError> {
    for cluster in Cluster::all(paths)? {
        if cluster.record.complete {
            continue;
        }
        if let Attempt::Taken(lease) = Lease::attempt(cluster.folder(), DELETING)? {
            let engine = Engine::connect().await?;
            progress.line(format!(
                "The unfinished cluster {} is deleted",
                cluster.record.name
            ));
            cluster.delete_wholly(&engine, lease, progress).await?;
        }
    }
    Ok(())
}

/// Deletes every cluster of ours that nobody holds, and the lab's network with the last of them.
///
/// Returns the names of those deleted, and of those held with their holders.
///
/// # Errors
/// When the engine fails.
pub async fn down(paths: &Paths, progress: &Progress) -> Result<Down, LabError> {
    let mut down = Down::default();
    let engine = Engine::connect().await?;
    for cluster in Cluster::all(paths)? {
        let name = cluster.record.name.clone();
        let lease = match Lease::attempt(cluster.folder(), DELETING)? {
            Attempt::Taken(lease) => lease,
            Attempt::HeldBy(holder) => {
                down.held.push((name, holder));
                continue;
            }
        };
        let stage = progress.stage(format!("Deleting the cluster {name}"));
        cluster.delete_wholly(&engine, lease, progress).await?;
        stage.done();
        down.deleted.push(name);
    }
    // A lab of another state folder may stand on it: then it stays.
    engine.remove_network(kind::NETWORK, &[], false).await?;
    Ok(down)
}

/// What came of taking the lab down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Down {
    /// The clusters that are gone.
    pub deleted: Vec<String>,
    /// The clusters that stay, and who holds each.
    pub held: Vec<(String, String)>,
}

/// One cluster of ours as it stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ClusterStatus {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// Why it cannot be used as it stands; none if it can.
    pub unhealthy: Option<String>,
    /// Who holds it, if anybody does.
    pub holder: Option<String>,
    /// Its kubeconfig.
    pub kubeconfig: std::path::PathBuf,
}

/// Looks at every cluster of ours; changes nothing.
///
/// # Errors
/// When the engine does not answer.
pub async fn status(paths: &Paths) -> Result<Vec<ClusterStatus>, LabError> {
    let engine = Engine::connect().await?;
    let mut all = vec![];
    for cluster in Cluster::all(paths)? {
        all.push(ClusterStatus {
            unhealthy: cluster
                .unhealthy(&engine, cluster.record.containers.len())
                .await?,
            holder: Lease::holder(cluster.folder())?,
            kubeconfig: cluster.kubeconfig(),
            name: cluster.record.name,
            purpose: cluster.record.purpose,
        });
    }
    Ok(all)
}
