//! For tests: faults, each one edit of a healthy snapshot, with what the rules have to find there.
//!
//! They are filed as the rules' codes are. A fault that is told by codes of several kinds lies with
//! what was broken, its symptoms beside it.

mod connections;
pub mod edits;
mod gateway;
mod mounts;
mod nodes;
mod redirection;
mod services;
mod sidecars;

use super::Snapshot;
use crate::outcome::Weight;

/// A fault: its name, the edit that makes it, and what is found.
pub type Fault = (
    &'static str,
    fn(&mut Snapshot),
    &'static [(&'static str, Weight)],
);

const NONE: &[Fault] = &[("nothing", |_| {}, &[])];

/// Every fault, and the lack of one.
pub fn all() -> impl Iterator<Item = &'static Fault> {
    [
        NONE,
        services::FAULTS,
        sidecars::FAULTS,
        nodes::FAULTS,
        connections::FAULTS,
        redirection::FAULTS,
        mounts::FAULTS,
        gateway::FAULTS,
    ]
    .into_iter()
    .flatten()
}
