//! What the nodes of the product's cluster say of themselves: logs and REST, both of each node.
//!
//! `kubectl get pods` cannot tell a healthy cluster from a split or a stalled one; this can.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use futures::stream::select_all;
use futures::{StreamExt, TryStreamExt};
use meshproof_protocol::ports::ProductPort;
use meshproof_protocol::thin::{ThinClient, Value};

use crate::kube::{Kube, KubeError};
use crate::outcome::{Evidence, Symptom};
use crate::product::logs::NodeLog;
use crate::product::rest::{Command, TopNode, answer};
use crate::product::state::{ClusterState, NodeView, cluster_state};

/// The container of the guide's pods that holds the node.
pub const NODE_CONTAINER: &str = "ignite-node";
/// The cache that the guide's configuration makes.
pub const CACHE: &str = "PERSON";

/// How long a healthy node may take to answer `top`; a stalled joiner never does.
const REST_ANSWER: Duration = Duration::from_secs(5);
/// How long one cache operation may take; in a stall it hangs.
const CACHE_OPERATION: Duration = Duration::from_secs(10);

/// How long backup copies may take to follow primary ones. Under the load of four cases at once 60 of
/// 100 keys were there at the first read (measured).
const BACKUPS_FOLLOW: Duration = Duration::from_secs(5);

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

/// Reads every node once.
///
/// # Errors
/// When a log cannot be read; a REST interface that does not answer is part of the reading.
pub async fn read(kube: &Kube, namespace: &str) -> Result<Vec<NodeReading>, KubeError> {
    try_join_all(PODS.map(|pod| read_one(kube, namespace, pod))).await
}

async fn read_one(kube: &Kube, namespace: &str, pod: &str) -> Result<NodeReading, KubeError> {
    let query: Vec<String> = Command::Top
        .query()
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let page = format!("/ignite?{}", query.join("&"));
    let rest = async {
        let asked = kube.get(namespace, pod, ProductPort::Rest.number(), &page);
        match tokio::time::timeout(REST_ANSWER, asked).await {
            Ok(Ok((_, body))) => (answer::top(&body).ok(), body),
            Ok(Err(error)) => (None, error.to_string()),
            Err(_) => (None, format!("no answer within {REST_ANSWER:?}")),
        }
    };
    let (text, (top, top_text)) = tokio::join!(kube.log(namespace, pod, NODE_CONTAINER), rest);
    let text = text?;
    Ok(NodeReading {
        pod: pod.to_owned(),
        log: NodeLog::read(&text),
        text,
        top,
        top_text,
    })
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
    let begun = Instant::now();
    let limit = kube.limit(limit_seconds);
    loop {
        let left = limit.saturating_sub(begun.elapsed());
        // A limit that passed shows in the reading: it stays undecided.
        let _ = tokio::time::timeout(left, logs_come_to(kube, namespace, decided)).await;
        let readings = read(kube, namespace).await?;
        let state = state(&readings);
        if state.symptom != Symptom::Undecided || begun.elapsed() >= limit {
            return Ok((state, readings));
        }
    }
}

/// Follows both logs until the nodes are in one state, and reads them then; what they are instead
/// when the limit passes.
///
/// # Errors
/// When logs cannot be read.
pub async fn becomes(
    kube: &Kube,
    namespace: &str,
    symptom: Symptom,
    limit_seconds: u64,
) -> Result<ClusterState, KubeError> {
    let begun = Instant::now();
    let limit = kube.limit(limit_seconds);
    loop {
        let left = limit.saturating_sub(begun.elapsed());
        let said = logs_come_to(kube, namespace, |logs| logs_say(logs, symptom));
        // A limit that passed shows in the reading.
        let _ = tokio::time::timeout(left, said).await;
        let state = state(&read(kube, namespace).await?);
        if state.symptom == symptom || begun.elapsed() >= limit {
            return Ok(state);
        }
    }
}

/// Returns when the logs alone say what is wanted of them, or a stream of them ends.
async fn logs_come_to(
    kube: &Kube,
    namespace: &str,
    wanted: impl Fn(&[NodeLog]) -> bool,
) -> Result<(), KubeError> {
    let mut logs = PODS.map(|_| NodeLog::default());
    let streams = PODS.into_iter().enumerate().map(|(node, pod)| async move {
        let lines = kube.log_lines(namespace, pod, NODE_CONTAINER).await?;
        Ok::<_, KubeError>(lines.map_ok(move |line| (node, line)).boxed())
    });
    let mut lines = select_all(try_join_all(streams).await?);
    while let Some((node, line)) = lines.try_next().await? {
        if logs[node].push(&line) && wanted(&logs) {
            return Ok(());
        }
    }
    Ok(())
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
    // A log that counts no servers at its newest version leaves that to REST.
    let sees = |log: &NodeLog, fits: &dyn Fn(usize) -> bool| {
        log.servers().is_none_or(|servers| fits(servers as usize))
    };
    let stalled = logs.iter().any(|log| log.stalled().is_some());
    match symptom {
        Symptom::Stall => stalled,
        Symptom::Healthy => {
            !stalled
                && logs
                    .iter()
                    .all(|log| complete(log) && sees(log, &|n| n == logs.len()))
        }
        Symptom::Split => {
            !stalled
                && logs
                    .iter()
                    .all(|log| complete(log) && sees(log, &|n| n < logs.len()))
        }
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
) -> Result<(ClusterState, Vec<NodeReading>), KubeError> {
    let limit = kube.limit(seconds);
    let begun = Instant::now();
    let broken = |seen: String| KubeError::DidNotHold {
        name: format!("the nodes being in state {symptom}"),
        limit,
        after: begun.elapsed(),
        seen,
    };
    let known: Vec<usize> = readings.iter().map(|r| r.text.lines().count()).collect();
    let other = logs_leave(kube, namespace, &known, symptom);
    // A limit that passes is what is hoped for.
    if let Ok(left) = tokio::time::timeout(limit, other).await {
        return Err(broken(left?));
    }
    let readings = read(kube, namespace).await?;
    let state = state(&readings);
    if state.symptom == symptom {
        Ok((state, readings))
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
    let streams = PODS.into_iter().enumerate().map(|(node, pod)| async move {
        let lines = kube.log_lines(namespace, pod, NODE_CONTAINER).await?;
        let lines = lines.map_ok(move |line| (node, Some(line)));
        let end = futures::stream::once(std::future::ready(Ok((node, None))));
        Ok::<_, KubeError>(lines.chain(end).boxed())
    });
    let mut lines = select_all(try_join_all(streams).await?);
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

/// Writes numbered keys through one node.
///
/// # Errors
/// One sentence with what could not be written.
pub async fn write_keys(
    kube: &Kube,
    namespace: &str,
    through: &str,
    prefix: &str,
    count: u32,
) -> Result<(), String> {
    let entries: Vec<(Value, Value)> = (0..count).map(|n| entry(prefix, n)).collect();
    let what = format!("writing {count} keys through {through}");
    let writing = async {
        client(kube, namespace, through)
            .await?
            .put_all(CACHE, &entries)
            .await
            .map_err(|error| format!("writing {count} keys through {through}: {error}"))
    };
    answered(kube, what, writing).await
}

/// How long writing or reading keys may take in all: in a stall the operations hang.
const KEYS_ANSWER: u64 = 30;

/// Bounds what a stalled cluster would never answer.
async fn answered<T>(
    kube: &Kube,
    what: String,
    work: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    let limit = kube.limit(KEYS_ANSWER);
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(format!("{what} had no answer within {limit:?}")),
    }
}

/// Reads numbered keys through one node and counts those that hold what was written.
///
/// # Errors
/// One sentence with what could not be read, also when no answer comes within 30 s.
pub async fn read_keys(
    kube: &Kube,
    namespace: &str,
    through: &str,
    prefix: &str,
    count: u32,
) -> Result<u32, String> {
    let what = format!("reading {count} keys through {through}");
    answered(
        kube,
        what,
        read_keys_now(kube, namespace, through, prefix, count),
    )
    .await
}

/// Reads numbered keys through one node and counts those that hold what was written.
///
/// The guide's cache waits for primary copies only and reads backup ones (Ignite's defaults for
/// `writeSynchronizationMode` and `readFromBackup`), so that what was just written through another
/// node may be on its way: keys that are missing are read again for [`BACKUPS_FOLLOW`].
///
/// # Errors
/// One sentence with what could not be read.
async fn read_keys_now(
    kube: &Kube,
    namespace: &str,
    through: &str,
    prefix: &str,
    count: u32,
) -> Result<u32, String> {
    let entries: Vec<(Value, Value)> = (0..count).map(|n| entry(prefix, n)).collect();
    let keys: Vec<Value> = entries.iter().map(|(key, _)| key.clone()).collect();
    let mut client = client(kube, namespace, through).await?;
    let begun = Instant::now();
    loop {
        let found = client
            .get_all(CACHE, &keys)
            .await
            .map_err(|error| format!("reading {count} keys through {through}: {error}"))?;
        let as_written = entries.iter().filter(|entry| found.contains(entry)).count();
        if as_written == entries.len() || begun.elapsed() >= BACKUPS_FOLLOW {
            return Ok(u32::try_from(as_written).unwrap_or(u32::MAX));
        }
    }
}

fn entry(prefix: &str, number: u32) -> (Value, Value) {
    let key = format!("{prefix}-{number}");
    let value = format!("value of {key}");
    (Value::String(key), Value::String(value))
}

async fn client(
    kube: &Kube,
    namespace: &str,
    pod: &str,
) -> Result<ThinClient<impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>, String> {
    let stream = kube
        .connect(namespace, pod, ProductPort::ThinClient.number())
        .await
        .map_err(|error| error.to_string())?;
    ThinClient::handshake(stream, CACHE_OPERATION)
        .await
        .map_err(|error| error.to_string())
}
