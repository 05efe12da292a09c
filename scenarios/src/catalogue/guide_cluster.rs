//! The guide's cluster in a case's own namespace: deployed, deployed anew, restarted, asked.
//!
//! What is changed in it, and what that has to show, is each case's own.

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use meshproof_harness::evidence::{log_gate, nodes};
use meshproof_harness::kube::{Kube, KubeError, Objects, Seen, Watch, pods, until};
use meshproof_harness::outcome::{Check, Cure, Standing, Symptom};
use meshproof_harness::product::guide;
use meshproof_harness::product::manifest::Manifest;
use meshproof_harness::scenario::edit::{self, EditError};
use meshproof_harness::scenario::{Remedied, Stand, StepError};

use serde_json::Value;

use super::c3::{self, ignite_pods};

/// The pods' containers when all is well: the node and its sidecar.
pub(super) const READY: (usize, usize) = (2, 2);
/// Seconds for which a state has to stay.
pub(super) const HOLD: u64 = 5;
/// Seconds within which nodes have to say what they are together.
pub(super) const SETTLE: u64 = 120;

/// The manifests of the guide, of a case while all is well, and with its fault, as diffs name them.
pub(super) const GUIDES: &str = "the guide's";
pub(super) const THROUGHOUT: &str = "throughout";
pub(super) const FAULTY: &str = "with the fault";

/// What is applied for a case, for its own namespace.
#[derive(Clone)]
pub(super) struct Deployment {
    /// The Namespace.
    pub(super) namespace: Manifest,
    /// ConfigMap, headless Service and StatefulSet.
    pub(super) cluster: Manifest,
    /// The same as the guide has them, but for the namespace.
    pub(super) guides: Manifest,
    /// The license's Secret, which has to be there first; none for Ignite. Shown nowhere.
    pub(super) license: Option<Value>,
    /// The guide's STRICT policy.
    pub(super) policy: Manifest,
    /// Whether it is applied.
    pub(super) strict: bool,
}

impl Deployment {
    /// The guide's manifests in a namespace, with requests that leave room for neighbours.
    pub(super) fn of_the_guide(stand: &Stand, strict: bool) -> Result<Self, StepError> {
        let namespace = &stand.namespace;
        let guides = stand.product.cluster_manifest()?.in_namespace(namespace);
        let mut cluster = guides.clone();
        edit::modest_requests(&mut cluster).map_err(editing())?;
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
    pub(super) fn edited(
        &self,
        edit: fn(&mut Manifest) -> Result<(), EditError>,
    ) -> Result<Self, StepError> {
        let mut edited = self.clone();
        edit(&mut edited.cluster).map_err(editing())?;
        Ok(edited)
    }

    /// A fault in words, after all that is different from the guide's manifests throughout: those of
    /// the cluster, and the policy.
    pub(super) fn shown_with(&self, fault: &str) -> Result<String, StepError> {
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
    pub(super) async fn deploy(
        &self,
        stand: &Stand,
        ready: (usize, usize),
    ) -> Result<(), StepError> {
        self.apply(stand).await?;
        both_ready(stand, ready).await
    }

    /// Applies it and waits for nothing.
    pub(super) async fn apply(&self, stand: &Stand) -> Result<(), StepError> {
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
    pub(super) async fn redeploy(
        &self,
        stand: &Stand,
        ready: (usize, usize),
    ) -> Result<(), StepError> {
        undeploy(stand).await?;
        self.deploy(stand, ready).await
    }
}

/// Deletes the StatefulSet and waits until its pods are gone.
pub(super) async fn undeploy(stand: &Stand) -> Result<(), StepError> {
    let sets: Api<StatefulSet> = Api::namespaced(stand.kube.client(), &stand.namespace);
    let action = format!("deleting StatefulSet {}/ignite", stand.namespace);
    sets.delete("ignite", &DeleteParams::background())
        .await
        .map_err(KubeError::api(action))?;
    let api = delete_pods(stand).await?;
    let gone = |seen: &Objects<Pod>| match seen.values().next() {
        None => Seen::Met(()),
        Some(left) => Seen::NotYet(pods::line(left)),
    };
    let limit = stand.kube.limit(90);
    until(
        &api,
        ignite_pods(),
        "the nodes' pods to be gone",
        limit,
        gone,
    )
    .await?;
    Ok(())
}

/// Deletes both pods at once, as the guide's remedy does, and waits for new ones of the newest
/// template with this many ready containers. When the old ones were gone is returned: what is logged
/// from then on is of the new ones.
pub(super) async fn restart(stand: &Stand, ready: (usize, usize)) -> Result<Timestamp, StepError> {
    let old = listed(stand).await?;
    let old: Vec<String> = old.iter().map(pods::uid).collect();
    let api = delete_pods(stand).await?;
    let new = |seen: &Objects<Pod>| match seen.values().find(|p| old.contains(&pods::uid(p))) {
        Some(left) => Seen::NotYet(format!("the old {}", pods::line(left))),
        None => Seen::Met(()),
    };
    let limit = stand.kube.limit(90);
    until(&api, ignite_pods(), "the old pods to be gone", limit, new).await?;
    let gone = Timestamp::now();
    both_ready(stand, ready).await?;
    Ok(gone)
}

async fn delete_pods(stand: &Stand) -> Result<Api<Pod>, StepError> {
    let api: Api<Pod> = Api::namespaced(stand.kube.client(), &stand.namespace);
    // Nothing is lost with nodes that hold no data of anybody's: they need not be given 60 s.
    api.delete_collection(
        &DeleteParams::default().grace_period(1),
        &ListParams::default().labels(c3::IGNITE_PODS),
    )
    .await
    .map_err(KubeError::api(format!(
        "deleting the pods of {}",
        stand.namespace
    )))?;
    Ok(api)
}

/// The nodes' pods as they are now.
pub(super) async fn listed(stand: &Stand) -> Result<Vec<Pod>, StepError> {
    let api: Api<Pod> = Api::namespaced(stand.kube.client(), &stand.namespace);
    let listed = api
        .list(&ListParams::default().labels(c3::IGNITE_PODS))
        .await
        .map_err(KubeError::api(format!(
            "listing the pods of {}",
            stand.namespace
        )))?;
    Ok(listed.items)
}

/// For how long each node's container has run, in words: whether nodes heal without a restart depends on
/// it (a joiner gives up after some 32 s).
pub(super) fn seconds_run(listed: &[Pod]) -> String {
    let now = Timestamp::now();
    let told = |pod: &Pod| {
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        match pods::running_since(pod, nodes::NODE_CONTAINER) {
            Some(start) => format!("{name} has run for {} s", (now - start).get_seconds()),
            None => format!("{name} does not run"),
        }
    };
    listed.iter().map(told).collect::<Vec<_>>().join(", ")
}

/// Waits until both pods, of the StatefulSet's newest template, have this many ready containers.
pub(super) async fn both_ready(stand: &Stand, ready: (usize, usize)) -> Result<(), StepError> {
    both_ready_within(stand, ready, 300).await
}

/// The same within so many seconds.
pub(super) async fn both_ready_within(
    stand: &Stand,
    ready: (usize, usize),
    seconds: u64,
) -> Result<(), StepError> {
    let kube = &stand.kube;
    let api: Api<Pod> = Api::namespaced(kube.client(), &stand.namespace);
    let revision = newest_revision(kube, &stand.namespace).await?;
    let name = format!("both Ignite pods to be {}/{}", ready.0, ready.1);
    let newest = |pod: &Pod| {
        let labels = pod.metadata.labels.as_ref();
        labels.and_then(|l| l.get("controller-revision-hash")) == Some(&revision)
    };
    until(&api, ignite_pods(), name, kube.limit(seconds), |seen| {
        c3::both_are(seen, ready, newest)
    })
    .await?;
    Ok(())
}

/// The revision of the StatefulSet's template as it was applied last.
async fn newest_revision(kube: &Kube, namespace: &str) -> Result<String, StepError> {
    let api: Api<StatefulSet> = Api::namespaced(kube.client(), namespace);
    let watch = Watch::default().fields("metadata.name=ignite");
    let name = "the StatefulSet's controller to see its newest template";
    let revision = until(&api, watch, name, kube.limit(30), |seen| {
        let Some(set) = seen.get("ignite") else {
            return Seen::NotYet("no StatefulSet ignite".into());
        };
        let status = set.status.clone().unwrap_or_default();
        match status.update_revision {
            Some(revision) if status.observed_generation == set.metadata.generation => {
                Seen::Met(revision)
            }
            _ => Seen::NotYet("an older template".into()),
        }
    });
    Ok(revision.await?)
}

/// Whether the nodes are one cluster with data flowing from one to the other.
pub(super) async fn healthy(stand: &Stand, keys: &str) -> Result<Vec<Check>, StepError> {
    Ok(one_cluster(stand, keys).await?.0)
}

/// Whether they are, stay so, and no log has an unexpected error line since a moment.
pub(super) async fn recovered(stand: &Stand, since: Timestamp) -> Result<Vec<Check>, StepError> {
    let (mut checks, readings) = one_cluster(stand, "recovered").await?;
    if checks.iter().all(Check::holds) {
        checks.push(stays(stand, &readings, Symptom::Healthy, HOLD).await?);
        checks.push(log_gate::check(&stand.kube, &stand.namespace, since, &[]).await?);
    }
    Ok(checks)
}

async fn one_cluster(
    stand: &Stand,
    keys: &str,
) -> Result<(Vec<Check>, Vec<nodes::NodeReading>), StepError> {
    let (kube, namespace) = (&stand.kube, &stand.namespace);
    let (state, readings) =
        nodes::becomes(kube, namespace, Symptom::Healthy, c3::BECOME_ONE).await?;
    let evidence = readings.iter().flat_map(|r| r.evidence(&stand.namespace));
    let mut checks = vec![Check::answered(
        Standing::Truth,
        "both nodes see servers=2, finished the exchange, REST agrees",
        state.symptom == Symptom::Healthy,
        format!("{}: {}", state.symptom, state.reason),
        evidence.collect(),
    )];
    if state.symptom == Symptom::Healthy {
        checks.push(c3::data_flows(stand, nodes::PODS[0], nodes::PODS[1], keys).await);
    }
    Ok((checks, readings))
}

/// A check that the nodes stay in the state in which they were read.
pub(super) async fn stays(
    stand: &Stand,
    readings: &[nodes::NodeReading],
    symptom: Symptom,
    seconds: u64,
) -> Result<Check, StepError> {
    let held = nodes::stays(&stand.kube, &stand.namespace, readings, symptom, seconds).await;
    let statement = format!("it stays {symptom} for {seconds} s");
    Ok(held_check(
        statement,
        format!("{symptom} for {seconds} s"),
        held,
    )?)
}

/// A check that something held; an error that is not about that is handed on.
pub(super) fn held_check(
    statement: String,
    seen_if_so: String,
    held: Result<(), KubeError>,
) -> Result<Check, KubeError> {
    let (holds, seen) = match held {
        Ok(()) => (true, seen_if_so),
        Err(error @ KubeError::DidNotHold { .. }) => (false, error.to_string()),
        Err(error) => return Err(error),
    };
    let whose = Standing::Truth;
    Ok(Check::answered(whose, statement, holds, seen, vec![]))
}

/// What a remedy came to: a cluster that does not stay healthy with data flowing is not cured, nor is
/// one whose logs have unexpected error lines since a moment.
pub(super) async fn remedied(
    stand: &Stand,
    done: &[String],
    cure: Cure,
    since: Timestamp,
) -> Result<Remedied, StepError> {
    let recovery = match cure {
        Cure::None => vec![],
        _ => recovered(stand, since).await?,
    };
    let holds = recovery.iter().all(Check::holds);
    Ok(Remedied {
        done: done.join("; "),
        cure: if holds { cure } else { Cure::None },
        recovery,
    })
}

/// Words for an edit that cannot be made.
pub(super) fn editing() -> impl FnOnce(EditError) -> StepError {
    StepError::other("editing the guide's manifests")
}
