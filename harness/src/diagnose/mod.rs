//! Diagnosis: a snapshot of a namespace in, findings out.
//!
//! No I/O happens here. A [`Snapshot`] is taken once (by `evidence`), live or long ago; a
//! [`View`](view::View) of it answers the questions that rules ask; each rule is one file under
//! [`rules`] and sees nothing but the view: no scenario ids, no labels of ours, no names of faults.

mod authorization;
mod clusters;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fixtures_tests;
mod gateways;
#[cfg(test)]
mod long_running_tests;
#[cfg(test)]
mod past_sidecars_tests;
mod pods;
mod policies;
mod ports;
mod proxy;
mod redirection;
#[cfg(test)]
mod renamed;
mod restarts;
pub mod rules;
#[cfg(test)]
mod rules_tests;
mod selectors;
mod services;
mod snapshot;
mod sparing;
pub mod table;
#[cfg(test)]
mod unknown_tests;
pub mod view;
mod visibility;
#[cfg(test)]
pub(crate) mod written;

pub use snapshot::{
    NodeRecord, ProxyRecord, ProxySample, Recorded, SNAPSHOT_VERSION, Snapshot, TopRecord, Unread,
};

use crate::outcome::{Diagnosis, Finding};
use view::View;

/// Applies every rule to each cluster of a snapshot.
pub fn diagnose(snapshot: &Snapshot) -> Diagnosis {
    let clusters = View::clusters(snapshot);
    let mut diagnosis = Diagnosis::default();
    for rule in rules::ALL {
        let mut all = rules::Answer::nothing();
        for answer in clusters.iter().map(rule.apply) {
            for finding in answer.findings {
                // What is the namespace's is found once for each of its clusters.
                let same = |known: &&mut Finding| {
                    (&known.object, &known.seen) == (&finding.object, &finding.seen)
                };
                match all.findings.iter_mut().find(same) {
                    Some(known) if known.weight <= finding.weight => {}
                    Some(known) => *known = finding,
                    None => all.findings.push(finding),
                }
            }
            answer
                .unknown
                .into_iter()
                .for_each(|because| all.lacks(because));
        }
        diagnosis.findings.extend(all.findings);
        if !all.unknown.is_empty() {
            diagnosis.unknown.push(rule.unknown(all.unknown.join("; ")));
        }
    }
    diagnosis
        .findings
        .sort_by(|a, b| (a.weight, &a.code, &a.object).cmp(&(b.weight, &b.code, &b.object)));
    diagnosis
}
