//! MP020: the nodes run as clusters of their own.

use std::iter;

use super::{Answer, Rule, Said, advice, restart};
use crate::diagnose::view::{State, View};
use crate::outcome::{Symptom, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP020",
    title: "the nodes have split into clusters of their own",
    apply,
};

fn apply(view: &View<'_>) -> Answer {
    match view.state() {
        State::Unknown(because) => Answer::unknown(because),
        State::Known(state) if state.symptom == Symptom::Split => {
            Answer::found([RULE.finding(Said {
                weight: Weight::Symptom,
                object: format!("Namespace {}", view.namespace()),
                seen: format!("{}.", state.reason),
                why: "Each cluster serves and none knows of the other, without a warning and with \
                      every pod Ready: what is written through one node is not there through another."
                    .into(),
                remedies: iter::once(advice(
                    "remove the cause first; split nodes never merge by themselves, and each side \
                     may hold what the other has not",
                ))
                .chain(restart(view))
                .collect(),
            })])
        }
        State::Known(_) => Answer::nothing(),
    }
}
