//! MP003: a port is declared as HTTP or TLS, which Ignite does not speak.

use super::sniffed_port::entries_declared;
use super::{Answer, Rule, Said, listed, restart};
use crate::diagnose::services::{Declared, entries_yaml, said};
use crate::diagnose::view::{View, object};
use crate::outcome::{Remedy, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP003",
    title: "a port is declared as HTTP or TLS, which the product does not speak",
    apply,
};

fn apply(view: &View<'_>) -> Answer {
    if view.in_mesh().next().is_none() {
        return Answer::nothing();
    }
    if let Some(because) = view.unread(view.namespace(), "Service") {
        return Answer::unknown(because);
    }
    let declared = entries_declared(view, Declared::Parsed);
    Answer::found(declared.into_iter().map(|(service, entries)| {
        let seen = listed(entries.iter().map(|(port, entry)| {
            format!("{} ({}) with {}", port.number(), port.name(), said(entry))
        }));
        let mut remedies: Vec<Remedy> = vec![];
        for (port, entry) in &entries {
            if entry["appProtocol"].is_string() {
                remedies.push(super::advice(format!(
                    "remove appProtocol from the entry {} first: it counts more than the name",
                    port.number()
                )));
            }
        }
        remedies.push(Remedy::Patch {
            object: object(service),
            yaml: entries_yaml(entries.iter().map(|(port, _)| *port)),
        });
        remedies.extend(restart(view));
        RULE.finding(Said {
            weight: Weight::Cause,
            object: object(service),
            seen: format!("It declares {seen}."),
            why:
                "The proxy parses what passes there as that protocol. What nodes and thin clients \
                  send is Ignite's own, so the proxy ends the connection or never passes it on."
                    .into(),
            remedies,
        })
    }))
}
