//! Reads the logs that the gate looks at, and answers its one question.
//!
//! A log is read whole and counted from the moment on: that its lines were understood must be
//! shown, and a healthy program may write nothing for minutes.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use serde_json::Value;

use super::known::Known;
use super::lines::{ErrorLine, Program, errors};
use crate::diagnose::view::holds_a_node;
use crate::evidence::capture::redact::Redactor;
use crate::kube::{Kube, KubeError};
use crate::mesh::{ISTIO_NAMESPACE, PROXY_CONTAINER, ingress_gateway};
use crate::outcome::{Check, Evidence, Standing};
use crate::product::Product;

/// The container that holds istiod in its pod.
const ISTIOD_CONTAINER: &str = "discovery";
/// Lines of one log that the evidence shows; of more it tells the number.
const SHOWN_LINES: usize = 20;
/// How much of a line is shown, in bytes: Ignite prints whole data structures.
const SHOWN_BYTES: usize = 500;
/// How long one log may take, before scaling, in seconds.
const LOG_SECONDS: u64 = 20;

/// One log to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Log {
    program: Program,
    namespace: String,
    pod: String,
    container: String,
    previous: bool,
}

/// What was read of one log.
struct Read {
    log: Log,
    outcome: Result<Counted, String>,
}

/// One log's lines, counted from a moment on.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    records: usize,
    lines: usize,
    errors: Vec<ErrorLine>,
}

/// Whose logs are asked, and from which moments on. istiod's always are.
#[derive(Debug, Clone, Copy)]
pub struct Logs<'n> {
    product: &'n Product,
    namespace: Option<&'n str>,
    gateway: bool,
    since: Timestamp,
    nodes_since: Timestamp,
}

impl<'n> Logs<'n> {
    /// istiod's alone. Of the product the gate knows what must not be shown: the license.
    pub fn of_istiod(product: &'n Product, since: Timestamp) -> Self {
        Self {
            product,
            namespace: None,
            gateway: false,
            since,
            nodes_since: since,
        }
    }

    /// Those of the nodes and the proxies of a namespace, with istiod's.
    pub fn of_nodes(product: &'n Product, namespace: &'n str, since: Timestamp) -> Self {
        Self {
            namespace: Some(namespace),
            ..Self::of_istiod(product, since)
        }
    }

    /// And that of the ingress gateway, where it is used. It is everybody's: another scenario on it at
    /// the same time would be heard too.
    #[must_use]
    pub fn and_gateway(self) -> Self {
        Self {
            gateway: true,
            ..self
        }
    }

    /// The nodes' own from a later moment on: those that were not made anew go on writing of a fault
    /// after it is taken away, until they have healed.
    #[must_use]
    pub fn nodes_since(self, since: Timestamp) -> Self {
        Self {
            nodes_since: since,
            ..self
        }
    }

    /// Asks whether these programs wrote error lines since then that are neither in
    /// [`KNOWN`](super::KNOWN) nor in `also_known`.
    ///
    /// A container that was started later counts from its start, and one that was restarted since with
    /// its last run. The nodes' clocks are taken to agree with ours.
    ///
    /// The check is unproven when a log cannot be read, or holds no record in a form that is known.
    ///
    /// # Errors
    /// When the pods cannot be listed.
    pub async fn check(self, kube: &Kube, also_known: &[Known]) -> Result<Check, KubeError> {
        let labelled = |label: &str| {
            let label = label.replace('=', "%3D");
            format!("/api/v1/namespaces/{ISTIO_NAMESPACE}/pods?labelSelector={label}")
        };
        let mut logs: Vec<Log> = vec![];
        if let Some(namespace) = self.namespace {
            for pod in listed(kube, &format!("/api/v1/namespaces/{namespace}/pods")).await? {
                logs.extend(logs_of(namespace, &pod));
            }
        }
        for pod in listed(kube, &labelled("app=istiod")).await? {
            let all = logs_of(ISTIO_NAMESPACE, &pod);
            logs.extend(all.into_iter().filter(|log| log.program == Program::Istiod));
        }
        if self.gateway {
            for pod in listed(kube, &labelled(ingress_gateway::PODS)).await? {
                let all = logs_of(ISTIO_NAMESPACE, &pod);
                logs.extend(all.into_iter().filter(Log::is_the_gateways));
            }
        }
        let reads = join_all(logs.into_iter().map(|log| async move {
            let limit = kube.limit(LOG_SECONDS);
            let outcome = read(kube, &log, self.since_of(&log), also_known, limit).await;
            Read { log, outcome }
        }));
        Ok(self.answer(&reads.await))
    }

    fn since_of(&self, log: &Log) -> Timestamp {
        match log.program {
            Program::Ignite => self.nodes_since,
            Program::Proxy | Program::Istiod => self.since,
        }
    }

    /// The gate's question.
    fn statement(&self) -> String {
        let mut whose = vec![];
        if self.namespace.is_some() {
            whose.extend(["Ignite", "the proxies"]);
        }
        if self.gateway {
            whose.push("the ingress gateway");
        }
        let whose = match whose.is_empty() {
            true => "istiod".to_owned(),
            false => format!("{} and istiod", whose.join(", ")),
        };
        format!("no unexpected error line in the logs of {whose}")
    }

    fn since_in_words(&self) -> String {
        match self.namespace.is_some() && self.nodes_since != self.since {
            true => format!("since {}, of Ignite since {}", self.since, self.nodes_since),
            false => format!("since {}", self.since),
        }
    }
}

async fn listed(kube: &Kube, path: &str) -> Result<Vec<Value>, KubeError> {
    let list = kube.raw(path).await?;
    Ok(list["items"].as_array().cloned().unwrap_or_default())
}

/// The logs of a pod's containers that hold Ignite, a proxy or istiod, once they have started.
fn logs_of(namespace: &str, pod: &Value) -> Vec<Log> {
    let lists = [
        ("initContainers", "initContainerStatuses"),
        ("containers", "containerStatuses"),
    ];
    let mut logs = vec![];
    for (list, statuses) in lists {
        for container in pod["spec"][list].as_array().into_iter().flatten() {
            let name = container["name"].as_str().unwrap_or_default();
            let program = match name {
                PROXY_CONTAINER => Program::Proxy,
                ISTIOD_CONTAINER if namespace == ISTIO_NAMESPACE => Program::Istiod,
                _ if holds_a_node(container) => Program::Ignite,
                _ => continue,
            };
            let mut all = pod["status"][statuses].as_array().into_iter().flatten();
            let status = all.find(|status| status["name"] == name);
            let (started, restarted) = status.map_or((false, false), runs);
            let log = |previous| Log {
                program,
                namespace: namespace.to_owned(),
                pod: pod["metadata"]["name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                container: name.to_owned(),
                previous,
            };
            logs.extend(restarted.then(|| log(true)));
            logs.extend(started.then(|| log(false)));
        }
    }
    logs
}

/// Whether a container has started, and whether it had an earlier run.
fn runs(status: &Value) -> (bool, bool) {
    let state = &status["state"];
    // The run before, also of one that waits to be started again: then there is no other log.
    let restarted = status["lastState"]["terminated"].is_object();
    let ran = state["running"].is_object() || state["terminated"].is_object();
    (ran, restarted)
}

async fn read(
    kube: &Kube,
    log: &Log,
    since: Timestamp,
    also_known: &[Known],
    limit: Duration,
) -> Result<Counted, String> {
    let pods: Api<Pod> = Api::namespaced(kube.client(), &log.namespace);
    let parameters = LogParams {
        container: Some(log.container.clone()),
        previous: log.previous,
        timestamps: true,
        ..LogParams::default()
    };
    let text = tokio::time::timeout(limit, pods.logs(&log.pod, &parameters))
        .await
        .map_err(|_| format!("it was not read within {limit:.0?}"))?
        .map_err(|error| error.to_string())?;
    Ok(count(log.program, &text, since, also_known))
}

/// Counts the lines of a log that the API gave with time stamps.
fn count(program: Program, text: &str, since: Timestamp, also_known: &[Known]) -> Counted {
    let lines: Vec<(Option<Timestamp>, &str)> = text.lines().map(stamped).collect();
    // A line that was torn from its stamp counts: nothing says that it is older.
    let counts = |index: usize| lines[index].0.is_none_or(|at| at >= since);
    let reading = errors(program, lines.iter().map(|(_, line)| *line), also_known);
    Counted {
        records: reading.records,
        lines: (0..lines.len()).filter(|index| counts(*index)).count(),
        errors: reading
            .errors
            .into_iter()
            .filter(|error| counts(error.index))
            .collect(),
    }
}

fn stamped(line: &str) -> (Option<Timestamp>, &str) {
    let split = line.split_once(' ').unwrap_or((line, ""));
    match split.0.parse() {
        Ok(at) => (Some(at), split.1),
        Err(_) => (None, line),
    }
}

impl Logs<'_> {
    /// The check that the logs come to.
    fn answer(&self, reads: &[Read]) -> Check {
        let (statement, since) = (self.statement(), self.since_in_words());
        let redactor = Redactor::knowing(&self.product.secrets());
        let told = |read: &Read| evidence(&redactor, read, self.since_of(&read.log));
        let evidence: Vec<Evidence> = reads.iter().map(told).collect();
        let unexpected: usize = reads
            .iter()
            .filter_map(|read| read.outcome.as_ref().ok())
            .map(|counted| counted.unexpected().count())
            .sum();
        if unexpected > 0 {
            let first = reads.iter().find_map(|read| {
                let line = read.outcome.as_ref().ok()?.unexpected().next()?;
                Some(format!(
                    "{}: {}",
                    read.log.place(),
                    shown(&redactor, &line.text)
                ))
            });
            let seen = format!(
                "{unexpected} unexpected {since}; {}",
                first.unwrap_or_default()
            );
            return Check::answered(Standing::Truth, statement, false, seen, evidence);
        }
        match self.unproven(reads) {
            Some(because) => Check::unproven(Standing::Truth, statement, because, evidence),
            None => {
                let lines: usize = reads.iter().flat_map(|r| &r.outcome).map(|c| c.lines).sum();
                let seen = format!("none in {lines} lines of {} logs {since}", reads.len());
                Check::answered(Standing::Truth, statement, true, seen, evidence)
            }
        }
    }

    /// Why the absence of error lines proves nothing.
    fn unproven(&self, reads: &[Read]) -> Option<String> {
        let of_nodes = self.namespace.map(|_| (Program::Ignite, "an Ignite node"));
        for (program, name) in of_nodes.into_iter().chain([(Program::Istiod, "istiod")]) {
            if !reads.iter().any(|read| read.log.program == program) {
                return Some(format!("there is no log of {name} to be read"));
            }
        }
        if self.gateway && !reads.iter().any(|read| read.log.is_the_gateways()) {
            return Some("there is no log of the ingress gateway to be read".into());
        }
        let mut records: BTreeMap<String, usize> = BTreeMap::new();
        for read in reads {
            let place = read.log.place();
            match &read.outcome {
                Err(why) => return Some(format!("the log of {place} cannot be read: {why}")),
                Ok(counted) => *records.entry(place).or_default() += counted.records,
            }
        }
        let mute = records.into_iter().find(|(_, records)| *records == 0)?.0;
        Some(format!(
            "the log of {mute} holds no line in a form that is known"
        ))
    }
}

fn evidence(redactor: &Redactor, read: &Read, since: Timestamp) -> Evidence {
    let log = &read.log;
    let source = log.command();
    match &read.outcome {
        Err(why) => Evidence::now(source, "", format!("it cannot be read: {why}")),
        Ok(counted) => {
            let unexpected = counted.unexpected().count();
            let known = counted.errors.len() - unexpected;
            let mut lines: Vec<String> = counted
                .unexpected()
                .take(SHOWN_LINES)
                .map(|error| shown(redactor, &error.text))
                .collect();
            if unexpected > SHOWN_LINES {
                lines.push(format!("({} more)", unexpected - SHOWN_LINES));
            }
            for error in counted.errors.iter().take(SHOWN_LINES) {
                if let Some(known) = error.known {
                    lines.push(format!(
                        "known: {} ({})",
                        shown(redactor, &error.text),
                        known.why
                    ));
                }
            }
            let fact = format!(
                "{unexpected} unexpected and {known} known error lines in {} lines since {since}",
                counted.lines
            );
            Evidence::now(source, lines.join("\n"), fact)
        }
    }
}

/// A line without secrets, shortened.
fn shown(redactor: &Redactor, line: &str) -> String {
    let line = redactor.text(line).text;
    match line.len() > SHOWN_BYTES {
        true => format!("{}...", &line[..line.floor_char_boundary(SHOWN_BYTES)]),
        false => line,
    }
}

impl Counted {
    fn unexpected(&self) -> impl Iterator<Item = &ErrorLine> {
        self.errors.iter().filter(|error| error.known.is_none())
    }
}

impl Log {
    /// Whether it is of a proxy in Istio's own namespace: only the gateway's are looked for there.
    fn is_the_gateways(&self) -> bool {
        self.program == Program::Proxy && self.namespace == ISTIO_NAMESPACE
    }

    fn place(&self) -> String {
        let earlier = if self.previous { " (earlier run)" } else { "" };
        format!(
            "{}/{}/{}{earlier}",
            self.namespace, self.pod, self.container
        )
    }

    /// The command by which a person reads the same.
    fn command(&self) -> String {
        let previous = if self.previous { " --previous" } else { "" };
        format!(
            "kubectl logs {} -n {} -c {} --timestamps{previous}",
            self.pod, self.namespace, self.container
        )
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
