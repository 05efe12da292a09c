//! Deletes a cluster: its nodes, their image stores, its record.

use std::path::Path;

use super::Cluster;
use crate::lab::begun_clients;
use crate::lab::images::remove_folder;
use crate::lab::{Engine, LabError, Lease};
use crate::progress::Progress;

impl Cluster {
    pub(super) async fn remove_nodes(&self, engine: &Engine) -> Result<(), LabError> {
        // A kind that a killed run left would make its nodes after this.
        begun_clients::end_other_orphans();
        let marker = self.marker().display().to_string();
        begun_clients::have_ended(|client| client.command.contains(&marker)).await?;
        let mut ids = self.record.containers.clone();
        ids.extend(
            self.marked_containers(engine)
                .await?
                .into_iter()
                .map(|(id, _)| id),
        );
        ids.sort();
        ids.dedup();
        engine.remove_containers(&ids).await?;
        remove_folder(&self.nodes_folder)
    }

    /// Deletes the cluster's nodes, their stores and its record. Its folder stays, with the lease.
    ///
    /// # Errors
    /// When the engine fails; the record stays then, so that it can be tried again.
    pub async fn delete(&self, engine: &Engine, progress: &Progress) -> Result<(), LabError> {
        self.remove_nodes(engine).await?;
        self.remove_kubeconfig(progress)?;
        remove_file(&self.folder.join("record.json"))
    }

    /// Deletes all of it, the lease at last.
    ///
    /// # Errors
    /// As [`Cluster::delete`].
    pub async fn delete_wholly(
        &self,
        engine: &Engine,
        lease: Lease,
        progress: &Progress,
    ) -> Result<(), LabError> {
        self.delete(engine, progress).await?;
        remove_folder(&self.folder)?;
        drop(lease);
        Ok(())
    }

    /// Removes the kubeconfig, and kind's lock of it: one that a killed kind left is never let go.
    /// Logins that somebody put into it are kept, and told where.
    pub(super) fn remove_kubeconfig(&self, progress: &Progress) -> Result<(), LabError> {
        if let Some(others) = self.others_logins() {
            let kept = self.keep_kubeconfig()?;
            progress.line(format!(
                "The kubeconfig of the cluster {} holds {others} and is kept: {}",
                self.record.name,
                kept.display()
            ));
        }
        remove_file(&self.kubeconfig())?;
        remove_file(&self.folder.join("kubeconfig.lock"))
    }
}

fn remove_file(path: &Path) -> Result<(), LabError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(LabError::file("removing", path)(error))
        }
        _ => Ok(()),
    }
}
