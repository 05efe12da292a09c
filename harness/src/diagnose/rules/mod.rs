//! The rules: one file each, each a pure function over a [`View`].
//!
//! Codes never change their meaning: MP00x what Services declare, MP01x sidecars, MP02x the state
//! of the nodes, MP03x how connections are secured, MP04x what pods mount, MP05x the gateway.

mod another_port;
mod authorization;
mod cannot_join;
mod destination_rule;
mod exits;
mod fewer_pods;
mod gateway_absent;
mod gateway_listener;
mod gateway_reference;
mod gateway_secret;
mod license_log;
mod license_path;
mod missing_volume;
mod network_policy;
mod never_started;
mod no_control_plane;
mod no_hold;
mod no_listener;
mod no_sidecar;
mod not_in_force;
mod not_redirected;
mod not_strict;
mod other_target_port;
mod parsed_port;
mod passes_by;
mod past_sidecar;
mod refused;
mod rejected_configuration;
mod sniffed_port;
mod split;
mod stall;
mod undeclared_port;

use super::restarts::{restart, roll_out, rolled_out_by, with_change};
use super::view::{Served, View};
use crate::outcome::{Finding, Remedy, Unknown, Weight};

/// One rule.
pub struct Rule {
    /// Its code, which never changes: `MP001`.
    pub code: &'static str,
    /// What it looks for, in a few words.
    pub title: &'static str,
    /// Looks for it.
    pub apply: fn(&View<'_>) -> Answer,
}

/// What a rule says of a view. With neither findings nor anything unknown, all is well.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// What it found.
    pub findings: Vec<Finding>,
    /// Where it lacks what it needs to tell; what that is, in words.
    pub unknown: Vec<String>,
}

impl Answer {
    /// Nothing to find.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// What was found, if anything was.
    pub fn found(findings: impl IntoIterator<Item = Finding>) -> Self {
        Self {
            findings: findings.into_iter().collect(),
            unknown: vec![],
        }
    }

    /// It cannot be told.
    pub fn unknown(because: impl Into<String>) -> Self {
        Self {
            findings: vec![],
            unknown: vec![because.into()],
        }
    }

    /// Adds something that cannot be told, each once.
    pub fn lacks(&mut self, because: impl Into<String>) {
        let because = because.into();
        if !self.unknown.contains(&because) {
            self.unknown.push(because);
        }
    }
}

/// Puts a port under what it is found for, each once: one finding tells all ports of the same cause.
fn put_under<K: PartialEq>(found: &mut Vec<(K, Vec<Served>)>, key: K, port: Served) {
    match found.iter_mut().find(|(known, _)| *known == key) {
        Some((_, ports)) if ports.contains(&port) => {}
        Some((_, ports)) => ports.push(port),
        None => found.push((key, vec![port])),
    }
}

/// What a finding says besides its rule.
pub(super) struct Said {
    weight: Weight,
    object: String,
    seen: String,
    why: String,
    remedies: Vec<Remedy>,
}

impl Rule {
    pub(super) fn unknown(&self, because: String) -> Unknown {
        Unknown {
            code: self.code.into(),
            title: self.title.into(),
            because,
        }
    }

    fn finding(&self, said: Said) -> Finding {
        Finding {
            code: self.code.into(),
            title: self.title.into(),
            weight: said.weight,
            object: said.object,
            seen: said.seen,
            why: said.why,
            remedies: said.remedies,
        }
    }
}

/// Every rule, by code.
pub const ALL: &[Rule] = &[
    undeclared_port::RULE,
    sniffed_port::RULE,
    parsed_port::RULE,
    other_target_port::RULE,
    no_sidecar::RULE,
    no_hold::RULE,
    no_control_plane::RULE,
    no_listener::RULE,
    split::RULE,
    stall::RULE,
    cannot_join::RULE,
    exits::RULE,
    never_started::RULE,
    fewer_pods::RULE,
    another_port::RULE,
    not_strict::RULE,
    passes_by::RULE,
    refused::RULE,
    destination_rule::RULE,
    authorization::RULE,
    network_policy::RULE,
    rejected_configuration::RULE,
    not_redirected::RULE,
    past_sidecar::RULE,
    not_in_force::RULE,
    missing_volume::RULE,
    license_path::RULE,
    license_log::RULE,
    gateway_absent::RULE,
    gateway_reference::RULE,
    gateway_secret::RULE,
    gateway_listener::RULE,
];

/// The rules that by themselves explain why nodes split or stall.
const EXPLAINING: &[Rule] = &[
    undeclared_port::RULE,
    sniffed_port::RULE,
    parsed_port::RULE,
    other_target_port::RULE,
    no_sidecar::RULE,
    no_listener::RULE,
    another_port::RULE,
    passes_by::BETWEEN_NODES,
    destination_rule::RULE,
    authorization::RULE,
    network_policy::RULE,
    rejected_configuration::RULE,
    not_redirected::RULE,
];

/// A command as a remedy.
fn command(command: impl Into<String>) -> Remedy {
    Remedy::Command {
        command: command.into(),
    }
}

/// A sentence as a remedy.
fn advice(text: impl Into<String>) -> Remedy {
    Remedy::Advice { text: text.into() }
}

/// Words in a row: `a`, `a and b`, `a, b and c`.
fn listed<T: ToString>(words: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| word.to_string()).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => String::new(),
    }
}

/// A text up to a length that fits in a finding.
fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
