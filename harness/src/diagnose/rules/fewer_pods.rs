//! MP025: there are fewer pods than asked for.

use super::{Answer, Rule, Said, command, shortened};
use crate::diagnose::view::{View, name, object};
use crate::outcome::Weight;

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP025",
    title: "a node has no pod",
    apply,
};

fn apply(view: &View<'_>) -> Answer {
    let mut answer = Answer::nothing();
    for (workload, asked, there) in view.workloads() {
        if there as u64 >= asked {
            continue;
        }
        let failed = view.objects("Event").filter(|event| {
            event["involvedObject"]["name"] == name(workload)
                && event["involvedObject"]["kind"] == workload["kind"]
                && event["reason"] == "FailedCreate"
        });
        let failed = failed.last().and_then(|event| event["message"].as_str());
        // A StatefulSet makes the next pod only when the one before is Ready.
        let waits = view.product.iter().any(|pod| !pod.runs());
        let said = match failed {
            Some(message) => format!("the last attempt failed: {}", shortened(message, 300)),
            None if waits => "the next waits until those before it are Ready".into(),
            None => {
                answer.lacks(format!(
                    "{} has {there} of {asked} pods and no event says why",
                    name(workload)
                ));
                continue;
            }
        };
        answer.findings.push(RULE.finding(Said {
            weight: Weight::Symptom,
            object: object(workload),
            seen: format!("It has {there} of {asked} pods; {said}."),
            why: "A node that has no pod is part of no cluster.".into(),
            remedies: vec![command(format!(
                "kubectl describe {} {} -n {}",
                workload["kind"]
                    .as_str()
                    .unwrap_or_default()
                    .to_ascii_lowercase(),
                name(workload),
                view.namespace()
            ))],
        }));
    }
    answer
}
