//! MP023: a node's process ends.

use super::{Answer, Rule, Said, advice, command};
use crate::diagnose::pods::Ended;
use crate::diagnose::view::{ProductPod, View};
use crate::outcome::{Remedy, Symptom, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP023",
    title: "a node exits",
    apply,
};

/// How long ago an end may be to bear on a cluster that is not healthy. The kubelet waits at most
/// five minutes between two starts.
const RECENT_SECONDS: i64 = 10 * 60;

fn apply(view: &View<'_>) -> Answer {
    Answer::found(view.product.iter().filter_map(|pod| {
        let ended = recent_end(view, pod)?;
        let restarts = pod.status()["restartCount"].as_u64().unwrap_or_default();
        let container = pod.container["name"].as_str().unwrap_or_default();
        let mut remedies: Vec<Remedy> = vec![command(format!(
            "kubectl logs {} -n {} -c {container} --previous",
            pod.name,
            view.namespace()
        ))];
        if ended.reason == "OOMKilled" {
            remedies.push(advice(format!(
                "give the container {container} more memory than its limit, or the JVM less"
            )));
        }
        Some(RULE.finding(Said {
            weight: Weight::Symptom,
            object: pod.object(),
            seen: format!(
                "Its container {container} ended with code {} ({}), {restarts} restarts so far.",
                ended.code, ended.reason
            ),
            why: "The kubelet starts it again, later each time; meanwhile the cluster lacks the node."
                .into(),
            remedies,
        }))
    }))
}

/// The latest end of a node's container, if it bears on now.
pub(super) fn recent_end(view: &View<'_>, pod: &ProductPod<'_>) -> Option<Ended> {
    if pod.is_leaving() {
        return None;
    }
    let ended = pod.ended()?;
    if !pod.runs() {
        return Some(ended);
    }
    let now = view.snapshot.recorded.at.as_second();
    let recent = ended
        .at
        .is_some_and(|at| now.saturating_sub(at.as_second()) < RECENT_SECONDS);
    (recent && !view.is_in(Symptom::Healthy)).then_some(ended)
}
