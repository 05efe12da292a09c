//! MP022: a node runs and waits to join.

use super::{Answer, Rule, Said, command, shortened};
use crate::diagnose::pods::PATIENCE_SECONDS;
use crate::diagnose::view::{ProductPod, View};
use crate::mesh::Injection;
use crate::outcome::{Symptom, Weight};
use crate::product::logs::looks_in_vain;

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP022",
    title: "a node runs and does not join",
    apply,
};

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
        // REST answers once a node has joined.
        if log.has_joined() || pod.top.is_some() {
            continue;
        }
        let ran = pod.ran_seconds(view).unwrap_or_default();
        let sign = sign(pod);
        if sign.is_none() && !log.has_its_beginning() && ran >= PATIENCE_SECONDS {
            answer.lacks(format!(
                "the log of {} no longer has the node's start, and nothing in the rest tells whether it \
                 joined",
                pod.name
            ));
            continue;
        }
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
            why: why(pod).into(),
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

fn why(pod: &ProductPod<'_>) -> &'static str {
    match pod.injection {
        Injection::Absent => {
            "The node looks for the others and gets no answer, for ever. One that looked up the \
             Service before its own address was in it takes the list for other nodes' only, and two \
             such nodes wait for each other."
        }
        _ => {
            "The node looks for the others and gets no answer, for ever. Behind a sidecar every \
             connection seems to succeed at first, so it often does so without a word."
        }
    }
}

fn sign<'a>(pod: &'a ProductPod<'_>) -> Option<&'a str> {
    let log = pod.node?.log.as_deref()?;
    log.lines().rev().find(|line| looks_in_vain(line))
}
