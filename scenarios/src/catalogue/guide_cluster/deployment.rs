//! The guide's manifests for a case's namespace: edited, shown beside the guide's own, and applied.

use meshproof_harness::product::guide;
use meshproof_harness::product::manifest::Manifest;
use meshproof_harness::scenario::edit::{self, EditError, port_taker};
use meshproof_harness::scenario::{Stand, StepError};
use serde_json::Value;

use super::{both_ready, undeploy};

/// The manifests of the guide, of a case while all is well, and with its fault, as diffs name them.
pub const GUIDES: &str = "the guide's";
pub const THROUGHOUT: &str = "throughout";
pub const FAULTY: &str = "with the fault";

/// What is applied for a case, for its own namespace.
#[derive(Clone)]
pub struct Deployment {
    /// The Namespace.
    pub namespace: Manifest,
    /// ConfigMap, headless Service and StatefulSet.
    pub cluster: Manifest,
    /// The same as the guide has them, but for the namespace.
    pub guides: Manifest,
    /// The license's Secret, which has to be there first; none for Ignite. Shown nowhere.
    pub license: Option<Value>,
    /// The guide's STRICT policy.
    pub policy: Manifest,
    /// Whether it is applied.
    pub strict: bool,
}

impl Deployment {
    /// The guide's manifests in a namespace, with requests that leave room for neighbours, and with the
    /// nodes' ports reserved: a node that found one taken would have a fault beside the case's own (X1),
    /// as four of 1082 recorded starts had.
    pub fn of_the_guide(stand: &Stand, strict: bool) -> Result<Self, StepError> {
        let namespace = &stand.namespace;
        let guides = stand.product.cluster_manifest()?.in_namespace(namespace);
        let mut cluster = guides.clone();
        edit::modest_requests(&mut cluster).map_err(editing())?;
        port_taker::reserve_ports(&mut cluster).map_err(editing())?;
        Ok(Self {
            namespace: guide::namespace()?.in_namespace(namespace),
            cluster,
            guides,
            policy: guide::peer_authentication()?.in_namespace(namespace),
            license: stand.product.license_secret(namespace),
            strict,
        })
    }

    /// The same with its cluster's manifests edited.
    pub fn edited(
        &self,
        edit: fn(&mut Manifest) -> Result<(), EditError>,
    ) -> Result<Self, StepError> {
        let mut edited = self.clone();
        edit(&mut edited.cluster).map_err(editing())?;
        Ok(edited)
    }

    /// A fault in words, after all that is different from the guide's manifests throughout: those of
    /// the cluster, and the policy.
    pub fn shown_with(&self, fault: &str) -> Result<String, StepError> {
        let (mut guides, mut throughout) = (self.guides.clone(), self.cluster.clone());
        guides.objects.extend(self.policy.objects.clone());
        if self.strict {
            throughout.objects.extend(self.policy.objects.clone());
        }
        let throughout = edit::diff(&guides, &throughout, [GUIDES, THROUGHOUT])?;
        Ok(format!(
            "Throughout, also while the cluster is healthy:\n{throughout}\nThe fault:\n{fault}"
        ))
    }

    /// Applies it and waits for both pods to have this many ready containers.
    pub async fn deploy(&self, stand: &Stand, ready: (usize, usize)) -> Result<(), StepError> {
        self.apply(stand).await?;
        both_ready(stand, ready).await
    }

    /// Applies it and waits for nothing.
    pub async fn apply(&self, stand: &Stand) -> Result<(), StepError> {
        let kube = &stand.kube;
        kube.apply(&self.namespace.objects).await?;
        if self.strict {
            kube.apply(&self.policy.objects).await?;
        }
        kube.apply(self.license.as_slice()).await?;
        kube.apply(&self.cluster.objects).await?;
        Ok(())
    }

    /// Deploys it in the place of what stands, as a reader would have who never had the other: the
    /// StatefulSet and its pods are deleted first. Changing a StatefulSet that runs would roll its
    /// pods one by one, some of them from the old template.
    pub async fn redeploy(&self, stand: &Stand, ready: (usize, usize)) -> Result<(), StepError> {
        undeploy(stand).await?;
        self.deploy(stand, ready).await
    }
}

/// Words for an edit that cannot be made.
pub fn editing() -> impl FnOnce(EditError) -> StepError {
    StepError::other("editing the guide's manifests")
}
