//! What the nodes of the product's cluster say of themselves: logs and REST, both of each node.
//!
//! `kubectl get pods` cannot tell a healthy cluster from a split or a stalled one; this can.

use std::time::{Duration, Instant};

use futures::future::{join_all, try_join_all};
use futures::stream::select_all;
use futures::{Stream, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use meshproof_protocol::ports::ProductPort;

use crate::kube::{Kube, KubeError, Seen, Watch, pods, read_until, until};
use crate::outcome::{Evidence, Symptom};
use crate::product::logs::NodeLog;
use crate::product::rest::{Command, TopNode, answer};
use crate::product::state::{ClusterState, NodeView, cluster_state};
use crate::waits::Wait;

/// The container of the guide's pods that holds the node.
pub const NODE_CONTAINER: &str = "ignite-node";

/// How long a node may take to answer `top`.
const REST_ANSWER: Duration = Duration::from_secs(5);
/// How long that is waited for once a log tells of a stall: the joiner never answers, its log alone
/// decides, and until it gives up every second counts.
const REST_ANSWER_IN_A_STALL: Duration = Duration::from_secs(1);
/// How long nodes are read again that tell no state, in seconds.
const READ_AGAIN: u64 = 30;
/// The pods of the guide's StatefulSet.
pub const PODS: [&str; 2] = ["ignite-0", "ignite-1"];

/// What was read of one node.
#[derive(Debug, Clone)]
pub struct NodeReading {
    /// Its pod.
    pub pod: String,
    /// Its log, from its container's start.
    pub log: NodeLog,
    /// The log's text.
    pub text: String,
    /// What its REST `top` lists; none where it gave no answer.
    pub top: Option<Vec<TopNode>>,
    /// The REST answer, or why there was none.
    pub top_text: String,
}

impl NodeReading {
    /// Evidence of this node's view: the last topology snapshot, exchange and REST answer.
    pub fn evidence(&self, namespace: &str) -> Vec<Evidence> {
        let telling = [
            "Topology snapshot [",
            "Completed partition exchange",
            "Node FAILED",
        ];
        let lines: Vec<&str> = self
            .text
            .lines()
            .filter(|line| telling.iter().any(|t| line.contains(t)))
            .collect();
        let servers = self
            .log
            .servers()
            .map_or("no snapshot".into(), |n| format!("servers={n}"));
        vec![
            Evidence::now(
                format!(
                    "kubectl logs {} -n {namespace} -c {NODE_CONTAINER}",
                    self.pod
                ),
                lines.join("\n"),
                format!("{}: {servers}", self.pod),
            ),
            Evidence::now(
                format!(
                    "GET /ignite?cmd=top on {}:{}",
                    self.pod,
                    ProductPort::Rest.number()
                ),
                self.top_text.clone(),
                match &self.top {
                    Some(nodes) => format!("{}: REST lists {} nodes", self.pod, nodes.len()),
                    None => format!("{}: REST gives no answer", self.pod),
                },
            ),
        ]
    }
}

/// Reads every node's log once, in the order of [`PODS`], and asks no REST interface: for whoever has
/// no second to wait.
///
/// # Errors
/// When a log cannot be read.
pub async fn logs(kube: &Kube, namespace: &str) -> Result<Vec<NodeLog>, KubeError> {
    let texts = texts(kube, namespace).await?;
    Ok(texts.iter().map(|text| NodeLog::read(text)).collect())
}

async fn texts(kube: &Kube, namespace: &str) -> Result<Vec<String>, KubeError> {
    try_join_all(PODS.map(|pod| kube.log(namespace, pod, NODE_CONTAINER))).await
}

/// Reads every node once.
///
/// # Errors
/// When a log cannot be read; a REST interface that does not answer is part of the reading.
pub async fn read(kube: &Kube, namespace: &str) -> Result<Vec<NodeReading>, KubeError> {
    let texts = texts(kube, namespace).await?;
    let logs: Vec<NodeLog> = texts.iter().map(|text| NodeLog::read(text)).collect();
    let patience = match logs.iter().any(|log| log.stalled().is_some()) {
        true => REST_ANSWER_IN_A_STALL,
        false => REST_ANSWER,
    };
    let nodes = PODS.into_iter().zip(texts).zip(logs);
    let readings = nodes.map(|((pod, text), log)| async move {
        let (top, top_text) = top(kube, namespace, pod, patience).await;
        NodeReading {
            pod: pod.to_owned(),
            log,
            text,
            top,
            top_text,
        }
    });
    Ok(join_all(readings).await)
}

/// What a node's REST `top` lists, with its text, or why there is none.
async fn top(
    kube: &Kube,
    namespace: &str,
    pod: &str,
    patience: Duration,
) -> (Option<Vec<TopNode>>, String) {
    let page = Command::Top.page();
    let asked = kube.get(namespace, pod, ProductPort::Rest.number(), &page);
    match tokio::time::timeout(patience, asked).await {
        Ok(Ok((_, body))) => (answer::top(&body).ok(), body),
        Ok(Err(error)) => (None, error.to_string()),
        Err(_) => (None, format!("no answer within {patience:?}")),
    }
}

/// The product's version, as the first node tells it; none where it does not answer.
pub async fn version(kube: &Kube, namespace: &str) -> Option<String> {
    let (port, page) = (ProductPort::Rest.number(), Command::Version.page());
    let (_, body) = kube.get(namespace, PODS[0], port, &page).await.ok()?;
    answer::version(&body).ok()
}

/// What the nodes are together, as read.
pub fn state(readings: &[NodeReading]) -> ClusterState {
    let views: Vec<NodeView<'_>> = readings
        .iter()
        .map(|r| NodeView {
            name: &r.pod,
            log: &r.log,
            top: r.top.as_deref(),
        })
        .collect();
    cluster_state(&views)
}

/// Follows both logs until the nodes are healthy, split or stalled, and reads them then.
///
/// # Errors
/// When logs cannot be read. A limit that passes is no error: the last reading is returned.
pub async fn settled(
    kube: &Kube,
    namespace: &str,
    limit_seconds: u64,
) -> Result<(ClusterState, Vec<NodeReading>), KubeError> {
    let told = |symptom| symptom != Symptom::Undecided;
    come_to(kube, namespace, limit_seconds, decided, told).await
}

/// Follows both logs until the nodes are in one state, and reads them then.
///
/// This, and not [`settled`], is what a cluster that should be healthy is given: where a node found
/// 47100 taken and bound 47101, which no Service declares, the joiner's connection to it is held under
/// STRICT for Ignite's ten seconds, the coordinator complains as in a stall, and then a connection the
/// other way ends it (recorded, with the guide's manifests unchanged).
///
/// # Errors
/// When logs cannot be read. A limit that passes is no error: the last reading is returned.
pub async fn becomes(
    kube: &Kube,
    namespace: &str,
    symptom: Symptom,
    limit_seconds: u64,
) -> Result<(ClusterState, Vec<NodeReading>), KubeError> {
    let said = |logs: &[NodeLog]| logs_say(logs, symptom);
    come_to(kube, namespace, limit_seconds, said, |seen| seen == symptom).await
}

/// Reads the nodes each time that their logs say enough, until what was read does, or the limit is
/// over.
async fn come_to(
    kube: &Kube,
    namespace: &str,
    limit_seconds: u64,
    said: impl Fn(&[NodeLog]) -> bool,
    enough: impl Fn(Symptom) -> bool,
) -> Result<(ClusterState, Vec<NodeReading>), KubeError> {
    let begun = Instant::now();
    let limit = kube.limit(limit_seconds);
    let wait = Wait::begin(format!(
        "the nodes in {namespace} to show what they come to"
    ));
    loop {
        let left = limit.saturating_sub(begun.elapsed());
        // A limit that passed shows in the reading.
        let _ = tokio::time::timeout(left, logs_come_to(kube, namespace, left, &said)).await;
        let readings = read(kube, namespace).await?;
        let state = state(&readings);
        wait.seen(&format!("{:?}", state.symptom));
        if enough(state.symptom) || begun.elapsed() >= limit {
            return Ok((state, readings));
        }
    }
}

/// Returns when the logs alone say what is wanted of them, or when one has ended and its node runs again:
/// that writes another log.
async fn logs_come_to(
    kube: &Kube,
    namespace: &str,
    limit: Duration,
    wanted: impl Fn(&[NodeLog]) -> bool,
) -> Result<(), KubeError> {
    let mut logs = PODS.map(|_| NodeLog::default());
    let mut lines = lines_of_both(kube, namespace).await?;
    while let Some((node, line)) = lines.try_next().await? {
        let Some(line) = line else {
            return runs(kube, namespace, PODS[node], limit).await;
        };
        if logs[node].push(&line) && wanted(&logs) {
            return Ok(());
        }
    }
    Ok(())
}

/// Waits until a pod's node runs. Of one that has just ended that may be said for a moment more.
async fn runs(kube: &Kube, namespace: &str, pod: &str, limit: Duration) -> Result<(), KubeError> {
    let api: Api<Pod> = Api::namespaced(kube.client(), namespace);
    let which = Watch::default().fields(&format!("metadata.name={pod}"));
    let name = format!("the node of {namespace}/{pod} to run again");
    until(&api, which, name, limit, |seen| match seen.get(pod) {
        None => Seen::NotYet("no pod".into()),
        Some(pod) if pods::running_since(pod, NODE_CONTAINER).is_some() => Seen::Met(()),
        Some(pod) => Seen::NotYet(pods::line(pod)),
    })
    .await
}

/// The lines of both logs as they come, each with its node's place in [`PODS`]; none in place of a
/// line where that node's log ends.
async fn lines_of_both(
    kube: &Kube,
    namespace: &str,
) -> Result<impl Stream<Item = Result<(usize, Option<String>), KubeError>> + Unpin, KubeError> {
    let streams = PODS.into_iter().enumerate().map(|(node, pod)| async move {
        let lines = kube.log_lines(namespace, pod, NODE_CONTAINER).await?;
        let lines = lines.map_ok(move |line| (node, Some(line)));
        let end = futures::stream::once(std::future::ready(Ok((node, None))));
        Ok::<_, KubeError>(lines.chain(end).boxed())
    });
    Ok(select_all(try_join_all(streams).await?))
}

/// One node stalls, or every node is in one cluster, or every node is alone.
fn decided(logs: &[NodeLog]) -> bool {
    [Symptom::Healthy, Symptom::Split, Symptom::Stall]
        .into_iter()
        .any(|symptom| logs_say(logs, symptom))
}

/// Whether the logs, by themselves, are those of nodes in this state.
fn logs_say(logs: &[NodeLog], symptom: Symptom) -> bool {
    let complete = |log: &NodeLog| {
        log.newest_version()
            .is_some_and(|v| log.exchange_completed(v))
            && log.local_node().is_some()
    };
    let stalled = logs.iter().any(|log| log.stalled().is_some());
    // A log that counts no servers at its newest version leaves that to REST.
    let all_see = |fits: fn(usize, usize) -> bool| {
        let sees = |log: &NodeLog| log.servers().is_none_or(|n| fits(n as usize, logs.len()));
        !stalled && logs.iter().all(|log| complete(log) && sees(log))
    };
    match symptom {
        Symptom::Stall => stalled,
        Symptom::Healthy => all_see(|servers, nodes| servers == nodes),
        Symptom::Split => all_see(|servers, nodes| servers < nodes),
        _ => false,
    }
}

/// Sees that nodes which were read in a state stay in it for so many seconds: no line of either log
/// says otherwise, no log ends, and the last reading says the same.
///
/// # Errors
/// [`KubeError::DidNotHold`] with what was seen instead, or when logs cannot be read.
pub async fn stays(
    kube: &Kube,
    namespace: &str,
    readings: &[NodeReading],
    symptom: Symptom,
    seconds: u64,
) -> Result<(), KubeError> {
    let limit = kube.limit(seconds);
    let begun = Instant::now();
    let broken = |seen: String| KubeError::DidNotHold {
        name: format!("the nodes being in state {symptom}"),
        limit,
        after: begun.elapsed(),
        seen,
    };
    let wait = Wait::begin(format!("{limit:?} of the nodes in {namespace} to pass"));
    wait.seen(&format!("{symptom}"));
    let known: Vec<usize> = readings.iter().map(|r| r.text.lines().count()).collect();
    let other = logs_leave(kube, namespace, &known, symptom);
    // A limit that passes is what is hoped for.
    if let Ok(left) = tokio::time::timeout(limit, other).await {
        return Err(broken(left?));
    }
    // A node that does not answer in time says nothing of its state.
    let decided = |state: &ClusterState| state.symptom != Symptom::Undecided;
    let reading = || async { Ok::<_, KubeError>(state(&read(kube, namespace).await?)) };
    let state = read_until(kube.limit(READ_AGAIN), reading, decided).await?;
    if state.symptom == symptom {
        Ok(())
    } else {
        Err(broken(format!("{}: {}", state.symptom, state.reason)))
    }
}

/// Returns with the first line, after those known already, from which on the logs no longer say the
/// symptom, or when a log ends.
async fn logs_leave(
    kube: &Kube,
    namespace: &str,
    known: &[usize],
    symptom: Symptom,
) -> Result<String, KubeError> {
    let mut logs = PODS.map(|_| NodeLog::default());
    let mut seen = PODS.map(|_| 0_usize);
    let mut lines = lines_of_both(kube, namespace).await?;
    while let Some((node, line)) = lines.try_next().await? {
        let Some(line) = line else {
            return Ok(format!("the log of {} ended", PODS[node]));
        };
        seen[node] += 1;
        let told = logs[node].push(&line);
        let caught_up = seen.iter().zip(known).all(|(seen, known)| seen >= known);
        if told && caught_up && !logs_say(&logs, symptom) {
            return Ok(format!("{}: {line}", PODS[node]));
        }
    }
    Ok("both logs ended".into())
}

#[cfg(test)]
#[path = "nodes_tests.rs"]
mod tests;
