//! MP002: a port is declared without a protocol, so that the proxy waits for the client's bytes.

use meshproof_protocol::ports::ProductPort;
use serde_json::Value;

use super::{Answer, Rule, Said, listed, restart};
use crate::diagnose::services::{Declared, declared, entries_yaml, said};
use crate::diagnose::view::{NODE_PORTS, View, object};
use crate::outcome::{Remedy, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP002",
    title: "a port is declared without a protocol, and the proxy sniffs it",
    apply,
};

/// An outbound listener that sniffs waits for the client's first bytes without a limit. On 47100
/// the acceptor speaks first, so that both wait for ever (measured: a stall with everything
/// encrypted). On the other ports the client speaks first and it works.
fn apply(view: &View<'_>) -> Answer {
    if view.in_mesh().next().is_none() {
        return Answer::nothing();
    }
    if let Some(because) = view.unread(view.namespace(), "Service") {
        return Answer::unknown(because);
    }
    Answer::found(entries_declared(view, Declared::Sniffed).into_iter().map(
        |(service, entries)| {
            let hangs = entries
                .iter()
                .any(|(port, _)| *port == ProductPort::Communication);
            let seen = listed(entries.iter().map(|(port, entry)| {
                format!("{} ({}) with {}", port.number(), port.name(), said(entry))
            }));
            let why = if hangs {
                "Istio takes a port for TCP by the prefix `tcp-` of its name or by appProtocol, and \
                 else waits for the client's first bytes. On 47100 the accepting node speaks \
                 first, so that proxy and node wait for each other and the exchange stalls."
            } else {
                "Istio takes a port for TCP by the prefix `tcp-` of its name or by appProtocol, and \
                 else looks at the client's first bytes. On these ports the client speaks first, \
                 so it works."
            };
            let mut remedies = vec![Remedy::Patch {
                object: object(service),
                yaml: entries_yaml(entries.iter().map(|(port, _)| *port)),
            }];
            if hangs {
                remedies.extend(restart(view));
            }
            RULE.finding(Said {
                weight: if hangs { Weight::Cause } else { Weight::Risk },
                object: object(service),
                seen: format!("It declares {seen}."),
                why: why.into(),
                remedies,
            })
        },
    ))
}

/// Entries of product ports that are declared so, by Service. Between nodes only a headless
/// Service's entry has an effect, for thin clients any.
pub(super) fn entries_declared<'a>(
    view: &View<'a>,
    wanted: Declared,
) -> Vec<(&'a Value, Vec<(ProductPort, &'a Value)>)> {
    let between = NODE_PORTS.into_iter().flat_map(|port| {
        view.headless_declarations(port)
            .into_iter()
            .map(move |d| (port, d))
    });
    let clients = ProductPort::ThinClient;
    let of_clients = view.declarations(clients).into_iter().map(|d| (clients, d));
    let mut by_service: Vec<(&Value, Vec<(ProductPort, &Value)>)> = vec![];
    for (port, (service, entry)) in between.chain(of_clients) {
        if declared(entry) != wanted {
            continue;
        }
        match by_service
            .iter_mut()
            .find(|(s, _)| std::ptr::eq(*s, service))
        {
            Some((_, entries)) => entries.push((port, entry)),
            None => by_service.push((service, vec![(port, entry)])),
        }
    }
    by_service
}
