//! MP021: the partition map exchange does not end.

use std::iter;

use super::{Answer, Rule, Said, advice, restart};
use crate::diagnose::view::{State, View};
use crate::outcome::{Symptom, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP021",
    title: "the cluster stalls: a partition map exchange does not end",
    apply,
};

fn apply(view: &View<'_>) -> Answer {
    match view.state() {
        State::Unknown(because) => Answer::unknown(because),
        State::Known(state) if state.symptom == Symptom::Stall => {
            Answer::found([RULE.finding(Said {
                weight: Weight::Symptom,
                object: format!("Namespace {}", view.namespace()),
                seen: format!("{}.", state.reason.trim_end_matches('.')),
                why:
                    "Discovery joined the nodes, and what they say on 47100 does not arrive. Until \
                      the exchange ends every cache operation hangs, on the healthy nodes as well."
                        .into(),
                remedies: iter::once(advice(
                    "remove the cause first; a stall heals with it only in its first half minute, \
                     and after that the joining node has to start anew",
                ))
                .chain(restart(view))
                .collect(),
            })])
        }
        State::Known(_) => Answer::nothing(),
    }
}
