//! What a pod's status says of the container that holds the node.

use jiff::Timestamp;
use serde_json::Value;

use super::view::{ProductPod, View, name, object};
use crate::mesh::PROXY_CONTAINER;

/// How long a container may take to start, or a node to join, before that is worth a word. The
/// guide's nodes take under 20 s on two shared cores.
pub const PATIENCE_SECONDS: i64 = 60;

/// A container's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The exit code.
    pub code: i64,
    /// The kubelet's word for it: `Error`, `OOMKilled`.
    pub reason: String,
    /// When.
    pub at: Option<Timestamp>,
}

impl ProductPod<'_> {
    /// The status of the node's container; null where the kubelet has told nothing yet.
    pub fn status(&self) -> &Value {
        let statuses = self.pod["status"]["containerStatuses"].as_array();
        let mut statuses = statuses.into_iter().flatten();
        statuses
            .find(|status| status["name"] == self.container["name"])
            .unwrap_or(&Value::Null)
    }

    /// Whether the node's container runs now.
    pub fn runs(&self) -> bool {
        self.status()["state"]["running"].is_object()
    }

    /// Whether the node's container has ever been started.
    pub fn ever_started(&self) -> bool {
        let status = self.status();
        let of = |which: &str| {
            status[which]["running"].is_object() || status[which]["terminated"].is_object()
        };
        of("state") || of("lastState")
    }

    /// Why the container waits, as the kubelet says: its reason and its message.
    pub fn waits(&self) -> Option<(&str, &str)> {
        let waiting = self.status()["state"]["waiting"].as_object()?;
        let text = |key: &str| waiting.get(key).and_then(Value::as_str);
        Some((
            text("reason").unwrap_or_default(),
            text("message").unwrap_or_default(),
        ))
    }

    /// The container's latest end: of the one that is gone, or of the one before that which runs.
    pub fn ended(&self) -> Option<Ended> {
        let status = self.status();
        let now = &status["state"]["terminated"];
        let end = if now.is_object() {
            now
        } else {
            &status["lastState"]["terminated"]
        };
        Some(Ended {
            code: end["exitCode"].as_i64()?,
            reason: end["reason"].as_str().unwrap_or("unknown").to_owned(),
            at: end["finishedAt"].as_str().and_then(|at| at.parse().ok()),
        })
    }

    /// For how many seconds the node's container had run when the snapshot was taken.
    pub fn ran_seconds(&self, view: &View<'_>) -> Option<i64> {
        since(view, &self.status()["state"]["running"]["startedAt"])
    }

    /// For how many seconds the pod had been Ready when the snapshot was taken; none if it was not.
    pub fn ready_seconds(&self, view: &View<'_>) -> Option<i64> {
        since(view, &ready(self.pod)?["lastTransitionTime"])
    }

    /// How many seconds old the pod was when the snapshot was taken.
    pub fn age_seconds(&self, view: &View<'_>) -> Option<i64> {
        since(view, &self.pod["metadata"]["creationTimestamp"])
    }

    /// Whether the pod is being deleted.
    pub fn is_leaving(&self) -> bool {
        self.pod["metadata"]["deletionTimestamp"].is_string()
    }

    /// Whether the pod's sidecar was restarted, so that it counts anew.
    pub fn restarted_its_proxy(&self) -> bool {
        let lists = ["initContainerStatuses", "containerStatuses"];
        let mut statuses = lists
            .into_iter()
            .flat_map(|list| self.pod["status"][list].as_array().into_iter().flatten());
        statuses.any(|status| {
            status["name"] == PROXY_CONTAINER && status["restartCount"].as_u64() > Some(0)
        })
    }

    /// The addresses of the pod.
    pub fn addresses(&self) -> Vec<&str> {
        let all = self.pod["status"]["podIPs"].as_array();
        let mut found: Vec<&str> = all
            .into_iter()
            .flatten()
            .filter_map(|entry| entry["ip"].as_str())
            .collect();
        if let Some(only) = self.pod["status"]["podIP"].as_str()
            && !found.contains(&only)
        {
            found.push(only);
        }
        found
    }
}

impl<'a> View<'a> {
    /// The messages of warnings about a pod, each once.
    pub fn warnings(&self, pod: &str, reason: &str) -> Vec<&'a str> {
        let mut found: Vec<&str> = vec![];
        for event in self.objects("Event") {
            let about = &event["involvedObject"];
            if about["kind"] == "Pod" && about["name"] == pod && event["reason"] == reason {
                let message = event["message"].as_str().unwrap_or_default();
                if !found.contains(&message) {
                    found.push(message);
                }
            }
        }
        found
    }

    /// The workloads of the namespace whose pods hold a node of this cluster, or would if there were
    /// any: the object, the pods it is asked for, and those there are.
    pub fn workloads(&self) -> Vec<(&'a Value, u64, usize)> {
        let kinds = ["StatefulSet", "Deployment"];
        kinds
            .into_iter()
            .flat_map(|kind| self.objects(kind))
            .filter(|workload| {
                let containers = workload["spec"]["template"]["spec"]["containers"].as_array();
                containers
                    .into_iter()
                    .flatten()
                    .any(super::view::holds_a_node)
            })
            .filter(|workload| !self.elsewhere.iter().any(|pod| makes(self, workload, pod)))
            .map(|workload| {
                let asked = workload["spec"]["replicas"].as_u64().unwrap_or(1);
                let labels = &workload["spec"]["selector"];
                let there = self.objects("Pod").filter(|pod| {
                    super::selectors::label_selector(labels, &pod["metadata"]["labels"])
                });
                (workload, asked, there.count())
            })
            .collect()
    }

    /// The StatefulSet or Deployment of the namespace that makes a pod. Between a Deployment and its
    /// pods stands a ReplicaSet, which is not read, so that the Deployment is known by its selector.
    pub fn workload_of(&self, pod: &Value) -> Option<&'a Value> {
        let labels = &pod["metadata"]["labels"];
        let selects = |workload: &&Value| {
            let selector = &workload["spec"]["selector"];
            selector.is_object() && super::selectors::label_selector(selector, labels)
        };
        match controller(pod)? {
            ("StatefulSet", owner) => self.objects("StatefulSet").find(|set| name(set) == owner),
            ("ReplicaSet", _) => self.objects("Deployment").find(selects),
            _ => None,
        }
    }

    /// What a change of a pod has to be made to, in findings: the object that makes it, which may be
    /// one that could not be read.
    pub fn maker_of(&self, pod: &Value) -> Option<String> {
        let read = self.workload_of(pod).map(object);
        read.or_else(|| match controller(pod)? {
            ("StatefulSet", owner) => Some(format!("StatefulSet {}/{owner}", self.namespace())),
            _ => None,
        })
    }

    /// A workload that has fewer pods than it is asked for, in words.
    pub fn missing_pods(&self) -> Option<String> {
        let short = self
            .workloads()
            .into_iter()
            .find(|(_, asked, there)| (*there as u64) < *asked)?;
        Some(format!(
            "{} has {} of {} pods",
            name(short.0),
            short.2,
            short.1
        ))
    }
}

/// The condition by which a pod is Ready; none if it is not.
pub(super) fn ready(pod: &Value) -> Option<&Value> {
    let conditions = pod["status"]["conditions"].as_array()?;
    let mut conditions = conditions.iter();
    conditions.find(|c| c["type"] == "Ready" && c["status"] == "True")
}

/// The object that made a pod, which is a ReplicaSet where a Deployment asks for it: kind and name.
fn controller(pod: &Value) -> Option<(&str, &str)> {
    let owners = pod["metadata"]["ownerReferences"].as_array()?;
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    Some((owner["kind"].as_str()?, owner["name"].as_str()?))
}

fn makes(view: &View<'_>, workload: &Value, pod: &ProductPod<'_>) -> bool {
    let own = view.workload_of(pod.pod);
    own.is_some_and(|own| std::ptr::eq(own, workload))
}

fn since(view: &View<'_>, moment: &Value) -> Option<i64> {
    let moment: Timestamp = moment.as_str()?.parse().ok()?;
    Some(
        view.snapshot
            .recorded
            .at
            .as_second()
            .saturating_sub(moment.as_second()),
    )
}
