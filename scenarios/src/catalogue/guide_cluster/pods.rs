//! The nodes' pods: listed, waited for, deleted and made anew.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use meshproof_harness::evidence::nodes;
use meshproof_harness::kube::{Kube, KubeError, Objects, Seen, Watch, pods, until};
use meshproof_harness::scenario::{Stand, StepError};

use crate::catalogue::c3::{self, ignite_pods};

/// Deletes the StatefulSet and waits until its pods are gone.
pub async fn undeploy(stand: &Stand) -> Result<(), StepError> {
    let sets: Api<StatefulSet> = Api::namespaced(stand.kube.client(), &stand.namespace);
    let action = format!("deleting StatefulSet {}/ignite", stand.namespace);
    sets.delete("ignite", &DeleteParams::background())
        .await
        .map_err(KubeError::api(action))?;
    let api = delete_pods(stand, &at_once()).await?;
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

/// A restart that was done.
#[derive(Debug, Clone, Copy)]
pub struct Restarted {
    /// When the last of the old pods was gone: what is logged from then on is of the new ones.
    pub gone: Timestamp,
    /// How long that took. A node that is asked to stop leaves its cluster first, and one whose start
    /// does not end need not stop before its grace is over.
    pub took: Duration,
}

impl Restarted {
    /// What was done, in words.
    pub fn told(&self) -> String {
        let seconds = self.took.as_secs();
        format!(
            "both pods are deleted with the grace of the guide's manifest, gone after {seconds} s"
        )
    }
}

/// Deletes both pods at once by the guide's own command, which leaves them the grace of their
/// manifest, and waits for new ones of the newest template with this many ready containers.
pub async fn restart(stand: &Stand, ready: (usize, usize)) -> Result<Restarted, StepError> {
    replace(stand, ready, &as_the_guide_does()).await
}

/// The same where it is no remedy: pods with the fault, made anew with it.
pub async fn start_anew(stand: &Stand, ready: (usize, usize)) -> Result<(), StepError> {
    replace(stand, ready, &at_once()).await?;
    Ok(())
}

/// Ends the node of one of the pods, which its kubelet starts again in the same pod, with the same address,
/// and waits until both pods are ready.
pub async fn start_again(stand: &Stand, pod: &str, ready: (usize, usize)) -> Result<(), StepError> {
    let started = |p: &Pod| pods::running_since(p, nodes::NODE_CONTAINER);
    let before = listed(stand).await?;
    let before = before
        .iter()
        .find(|p| p.metadata.name.as_deref() == Some(pod));
    let before = before.and_then(started);
    // The JVM is the container's first process or a child of that. The command ends with its container, so
    // that whether it succeeded is told by the pod alone.
    let end = ["sh", "-c", "kill -TERM 1; kill -TERM -1"];
    let namespace = &stand.namespace;
    let ended = stand
        .kube
        .exec(namespace, pod, nodes::NODE_CONTAINER, &end)
        .await;
    let said = ended
        .err()
        .map_or("nothing".to_owned(), |error| error.to_string());
    let api: Api<Pod> = Api::namespaced(stand.kube.client(), namespace);
    let again = |seen: &Objects<Pod>| match seen.get(pod) {
        Some(now) if started(now).is_some_and(|now| Some(now) > before) => Seen::Met(()),
        Some(now) => Seen::NotYet(format!("{}; the command said: {said}", pods::line(now))),
        None => Seen::NotYet(format!("no pod {pod}")),
    };
    let limit = stand.kube.limit(60);
    until(
        &api,
        ignite_pods(),
        "the node to be started again",
        limit,
        again,
    )
    .await?;
    both_ready(stand, ready).await
}

async fn replace(
    stand: &Stand,
    ready: (usize, usize),
    how: &DeleteParams,
) -> Result<Restarted, StepError> {
    let old = listed(stand).await?;
    let old: Vec<String> = old.iter().map(pods::uid).collect();
    let begun = Instant::now();
    let api = delete_pods(stand, how).await?;
    let new = |seen: &Objects<Pod>| match seen.values().find(|p| old.contains(&pods::uid(p))) {
        Some(left) => Seen::NotYet(format!("the old {}", pods::line(left))),
        None => Seen::Met(()),
    };
    // The manifest's grace is 60 s, and a sidecar may end after the node.
    let limit = stand.kube.limit(120);
    until(&api, ignite_pods(), "the old pods to be gone", limit, new).await?;
    let restarted = Restarted {
        gone: Timestamp::now(),
        took: begun.elapsed(),
    };
    both_ready(stand, ready).await?;
    Ok(restarted)
}

/// As `kubectl delete pod` does without an option.
fn as_the_guide_does() -> DeleteParams {
    DeleteParams::default()
}

/// For pods that are only in the way of the next deployment: nothing is lost with nodes that hold no
/// data of anybody's, and nothing is shown by how they end.
fn at_once() -> DeleteParams {
    DeleteParams::default().grace_period(1)
}

async fn delete_pods(stand: &Stand, how: &DeleteParams) -> Result<Api<Pod>, StepError> {
    let api: Api<Pod> = Api::namespaced(stand.kube.client(), &stand.namespace);
    api.delete_collection(how, &ListParams::default().labels(c3::IGNITE_PODS))
        .await
        .map_err(KubeError::api(format!(
            "deleting the pods of {}",
            stand.namespace
        )))?;
    Ok(api)
}

/// The nodes' pods as they are now.
pub async fn listed(stand: &Stand) -> Result<Vec<Pod>, StepError> {
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
pub fn seconds_run(listed: &[Pod]) -> String {
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
pub async fn both_ready(stand: &Stand, ready: (usize, usize)) -> Result<(), StepError> {
    both_ready_within(stand, ready, 300).await
}

/// The same within so many seconds.
pub async fn both_ready_within(
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_leaves_the_pods_the_grace_of_the_guides_manifest() {
        assert_eq!(as_the_guide_does().grace_period_seconds, None);
        assert_eq!(at_once().grace_period_seconds, Some(1));
        let restarted = Restarted {
            gone: Timestamp::UNIX_EPOCH,
            took: Duration::from_millis(61_500),
        };
        assert!(restarted.told().ends_with("gone after 61 s"));
    }
}
