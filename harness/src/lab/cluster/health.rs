//! Whether a cluster can be used as it stands.

use k8s_openapi::api::core::v1::Node;
use kube::Api;

use super::Cluster;
use crate::kube::{Seen, Watch, until};
use crate::lab::{Engine, LabError};

impl Cluster {
    /// Why the cluster cannot be used as it stands, or nothing if it can.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn unhealthy(
        &self,
        engine: &Engine,
        nodes: usize,
    ) -> Result<Option<String>, LabError> {
        if !self.record.complete {
            return Ok(Some("it was never completed".into()));
        }
        let running = engine.running_since(&self.record.containers).await?;
        if running.len() != nodes {
            return Ok(Some(format!("{} of its {nodes} nodes run", running.len())));
        }
        // Pods come back from a restart with other addresses and much later than a new cluster
        // is there (measured: 52 s against 20 s), so it is not waited for.
        if running != self.record.running_since {
            return Ok(Some("its nodes were restarted since they were made".into()));
        }
        let asked = async {
            let kube = self.connect(1.0).await?;
            let api: Api<Node> = Api::all(kube.client());
            let ready = until(
                &api,
                Watch::default(),
                "its nodes to be Ready",
                kube.limit(5),
                |seen| nodes_ready(seen.values(), nodes),
            );
            Ok::<_, LabError>(ready.await?)
        };
        Ok(match asked.await {
            Ok(()) => None,
            Err(LabError::KubeconfigUnfit { why, .. }) => {
                Some(format!("its kubeconfig is not as kind made it: {why}"))
            }
            Err(error) => Some(error.to_string()),
        })
    }
}

/// Whether so many nodes are there and each takes pods.
pub(super) fn nodes_ready<'a>(nodes: impl Iterator<Item = &'a Node>, wanted: usize) -> Seen<()> {
    let ready = nodes
        .filter(|node| {
            let conditions = node
                .status
                .iter()
                .flat_map(|s| s.conditions.iter().flatten());
            conditions
                .into_iter()
                .any(|c| c.type_ == "Ready" && c.status == "True")
        })
        .count();
    if ready == wanted {
        Seen::Met(())
    } else {
        Seen::NotYet(format!("{ready} of {wanted} nodes are Ready"))
    }
}
