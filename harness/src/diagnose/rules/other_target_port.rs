//! MP004: a Service's port is another than the port of the pods that it leads to.

use meshproof_protocol::ports::ProductPort;
use serde_json::Value;

use super::{Answer, Rule, Said, advice, restart};
use crate::diagnose::services::{is_headless, target};
use crate::diagnose::view::{NODE_PORTS, View, object, selects};
use crate::outcome::{Finding, Remedy, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP004",
    title: "a Service's port is not the port on which the nodes listen",
    apply,
};

/// Sidecars listen at the pods' addresses on the *Service's* port; nodes dial the *container's*.
fn apply(view: &View<'_>) -> Answer {
    if view.in_mesh().next().is_none() {
        return Answer::nothing();
    }
    if let Some(because) = view.unread(view.namespace(), "Service") {
        return Answer::unknown(because);
    }
    let all = [NODE_PORTS[0], NODE_PORTS[1], ProductPort::ThinClient];
    let mut found = vec![];
    for port in all {
        for (service, entry) in view.entries() {
            found.extend(finding(view, port, service, entry));
        }
    }
    Answer::found(found)
}

/// Whether a port has an entry that leads to it under another number, and none under its own.
pub(super) fn leads_elsewhere(view: &View<'_>, port: ProductPort) -> bool {
    view.headless_declarations(port).is_empty()
        && view
            .entries()
            .iter()
            .any(|(service, entry)| is_headless(service) && reaches(view, service, entry, port))
}

fn finding(view: &View<'_>, port: ProductPort, service: &Value, entry: &Value) -> Option<Finding> {
    let number = u64::from(port.number());
    let own = entry["port"].as_u64()? == number;
    let reaches = reaches(view, service, entry, port);
    let between = port != ProductPort::ThinClient;
    let headless = is_headless(service);
    let target = entry["targetPort"].to_string().replace('"', "");
    let weight = match (own, reaches) {
        (true, true) | (false, false) => return None,
        // Without an address of its own nothing is translated, and nodes dial pods' addresses.
        (false, true) if headless && view.headless_declarations(port).is_empty() => Weight::Cause,
        (false, true) => return None,
        (true, false) if headless => Weight::Risk,
        (true, false) if between => Weight::Risk,
        (true, false) => Weight::Cause,
    };
    let (seen, why) = if own {
        (
            format!(
                "The entry {number} ({}) leads to {target}, where no node listens.",
                port.name()
            ),
            "Whoever goes by the Service's address gets no answer. At the pods' own addresses \
             nothing is translated, so nodes find each other all the same.",
        )
    } else {
        (
            format!(
                "The entry {} leads to {number} ({}), and no entry has that number itself.",
                entry["port"],
                port.name()
            ),
            "Sidecars listen on the Service's number, and peers dial the pod's: for them the port is \
             not declared, so the connection leaves in plaintext, and under STRICT it is reset.",
        )
    };
    let name = entry["name"].as_str().unwrap_or("its entry");
    let mut remedies = vec![
        advice(format!(
            "set port and targetPort of `{name}` to {number}: entries are merged by port, so an \
             entry with another port has to be edited"
        )),
        Remedy::Command {
            command: format!(
                "kubectl edit service {} -n {}",
                crate::diagnose::view::name(service),
                view.namespace()
            ),
        },
    ];
    remedies.extend(restart(view));
    Some(RULE.finding(Said {
        weight,
        object: object(service),
        seen,
        why: why.into(),
        remedies,
    }))
}

/// Whether an entry leads to a port of the pods that its Service selects.
fn reaches(view: &View<'_>, service: &Value, entry: &Value, port: ProductPort) -> bool {
    view.product
        .iter()
        .filter(|pod| selects(&service["spec"]["selector"], pod.pod))
        .any(|pod| target(entry, pod.pod) == Some(u64::from(port.number())))
}
