//! MP024: a node's container was never started.

use serde_json::Value;

use super::{Answer, Rule, Said, command, shortened};
use crate::diagnose::pods::PATIENCE_SECONDS;
use crate::diagnose::view::{ProductPod, View};
use crate::outcome::Weight;

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP024",
    title: "a node's container is never started",
    apply,
};

/// What the kubelet says of a container that only takes its time.
const USUAL: [&str; 3] = ["", "ContainerCreating", "PodInitializing"];

fn apply(view: &View<'_>) -> Answer {
    let mut answer = Answer::nothing();
    for pod in &view.product {
        if pod.is_leaving() || pod.ever_started() {
            continue;
        }
        let age = pod.age_seconds(view).unwrap_or_default();
        let Some(reason) = reason(view, pod).or_else(|| {
            (age >= PATIENCE_SECONDS).then(|| format!("the kubelet has told no reason in {age} s"))
        }) else {
            answer.lacks(format!(
                "the pod {} is {age} s old, and its container has not started yet",
                pod.name
            ));
            continue;
        };
        answer.findings.push(RULE.finding(Said {
            weight: Weight::Symptom,
            object: pod.object(),
            seen: format!("No container of the node has run: {}.", shortened(&reason, 300)),
            why: "There is no process, and so no log to read: the reason stands in the pod's events."
                .into(),
            remedies: vec![command(format!(
                "kubectl describe pod {} -n {}",
                pod.name,
                view.namespace()
            ))],
        }));
    }
    answer
}

fn reason(view: &View<'_>, pod: &ProductPod<'_>) -> Option<String> {
    let unscheduled = conditions(pod.pod)
        .find(|c| c["type"] == "PodScheduled" && c["status"] == "False")
        .and_then(|c| c["message"].as_str());
    if let Some(message) = unscheduled {
        return Some(message.to_owned());
    }
    if let Some((reason, message)) = pod.waits()
        && !USUAL.contains(&reason)
    {
        return Some(format!("{reason}: {message}"));
    }
    let failed = view.warnings(pod.name, "FailedMount");
    failed.last().map(|message| (*message).to_owned())
}

fn conditions(pod: &Value) -> impl Iterator<Item = &Value> {
    pod["status"]["conditions"].as_array().into_iter().flatten()
}
