//! MP022: a node runs and waits to join.

use super::{Answer, Rule, Said, command, shortened};
use crate::diagnose::pods::PATIENCE_SECONDS;
use crate::diagnose::view::{ProductPod, View};
use crate::outcome::{Symptom, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP022",
    title: "a node runs and does not join",
    apply,
};

/// What a node prints that looks for others and finds none (Ignite 2.16.0). Behind a sidecar it
/// often prints nothing at all, since the proxy accepts every connection.
const SIGNS: [&str; 5] = [
    "Failed to connect to any address from IP finder",
    "Failed to get registered addresses from IP finder",
    "Failed to resolve address from IP finder",
    "Node has not been connected to topology and will repeat join process",
    "Impossible to continue join, check if local discovery and communication ports",
];

fn apply(view: &View<'_>) -> Answer {
    if view.is_in(Symptom::Stall) {
        return Answer::nothing();
    }
    let mut answer = Answer::nothing();
    for pod in view.product.iter().filter(|pod| pod.runs()) {
        let Some(log) = &pod.log else {
            answer.lacks(format!("the log of {} could not be read", pod.name));
            continue;
        };
        if log.snapshot().is_some() || log.local_node().is_some() {
            continue;
        }
        let ran = pod.ran_seconds(view).unwrap_or_default();
        let sign = sign(pod);
        if sign.is_none() && ran < PATIENCE_SECONDS {
            answer.lacks(format!(
                "{} started {ran} s before, and has printed no topology yet",
                pod.name
            ));
            continue;
        }
        let said = match sign {
            Some(line) => format!("it last said: {}", shortened(line, 200)),
            None => "it says nothing of why".into(),
        };
        answer.findings.push(RULE.finding(Said {
            weight: Weight::Symptom,
            object: pod.object(),
            seen: format!("It has run for {ran} s without a topology; {said}."),
            why: "The node looks for the others and gets no answer, for ever. Behind a sidecar every \
                  connection seems to succeed at first, so it often does so without a word."
                .into(),
            remedies: vec![command(format!(
                "kubectl logs {} -n {} -c {}",
                pod.name,
                view.namespace(),
                pod.container["name"].as_str().unwrap_or_default()
            ))],
        }));
    }
    answer
}

fn sign<'a>(pod: &'a ProductPod<'_>) -> Option<&'a str> {
    let log = pod.node?.log.as_deref()?;
    log.lines()
        .rev()
        .find(|line| SIGNS.iter().any(|sign| line.contains(sign)))
}
