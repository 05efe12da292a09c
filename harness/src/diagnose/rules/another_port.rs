//! MP026: a node found its port in use and listens on the next.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Answer, Rule, Said, advice, listed, with_change};
use crate::diagnose::view::{ProductPod, State, View};
use crate::outcome::{Remedy, Symptom, Weight};
use crate::product::reserved_ports::{self, IN_EPHEMERAL_RANGE};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP026",
    title: "a node found its port in use and listens on the next",
    apply,
};

/// Ignite tries the ports after its own, a hundred by default, and says so in its log alone. Who
/// declares the other port in a Service wants it so.
fn apply(view: &View<'_>) -> Answer {
    let declared = |port: u16| {
        view.entries()
            .iter()
            .any(|(_, entry)| entry["port"] == port)
    };
    let mut answer = Answer::nothing();
    for pod in view.product.iter().filter(|pod| pod.runs()) {
        let Some(log) = &pod.log else {
            answer.lacks(format!("the log of {} could not be read", pod.name));
            continue;
        };
        let elsewhere: Vec<(u16, u16)> = IN_EPHEMERAL_RANGE
            .iter()
            .filter_map(|port| Some((port.number(), log.bound_in_place_of(port.number())?)))
            .filter(|(_, other)| !declared(*other))
            .collect();
        if !elsewhere.is_empty() {
            answer.findings.push(found(view, pod, &elsewhere));
        }
    }
    answer
}

fn found(
    view: &View<'_>,
    pod: &ProductPod<'_>,
    elsewhere: &[(u16, u16)],
) -> crate::outcome::Finding {
    // What cannot be told to work is taken not to.
    let works = matches!(view.state(), State::Known(state) if state.symptom == Symptom::Healthy);
    let bound = elsewhere
        .iter()
        .map(|(own, other)| format!("{other} in place of {own}"));
    let (_, other) = elsewhere[0];
    let sysctls = sysctls(pod.pod);
    let remedies = match view.maker_of(pod.pod) {
        Some(object) => {
            let yaml = patch(&sysctls);
            with_change(view, Remedy::Patch { object, yaml }).to_vec()
        }
        None => vec![advice(format!(
            "make the pod anew with the sysctl {} set to {}",
            reserved_ports::SYSCTL,
            sysctls[reserved_ports::SYSCTL]
        ))],
    };
    RULE.finding(Said {
        weight: if works { Weight::Risk } else { Weight::Cause },
        object: pod.object(),
        seen: format!("It listens on {}.", listed(bound)),
        why: format!(
            "Its own port was in use in the pod when it started: it lies in the range from which \
             the kernel takes ports for outgoing connections, a sidecar's among them. Other nodes \
             look for discovery on 47500 only, and no Service declares {other}: what goes there \
             passes the mesh by in plaintext, and STRICT refuses or holds it."
        ),
        remedies,
    })
}

/// The pod's own settings, and the product's ports reserved among them: a patch replaces the whole list.
fn sysctls(pod: &Value) -> BTreeMap<String, String> {
    let own = pod["spec"]["securityContext"]["sysctls"].as_array();
    let text = |entry: &Value, key: &str| Some(entry[key].as_str()?.to_owned());
    let mut all: BTreeMap<String, String> = own
        .into_iter()
        .flatten()
        .filter_map(|entry| Some((text(entry, "name")?, text(entry, "value")?)))
        .collect();
    let reserved = reserved_ports::with(all.get(reserved_ports::SYSCTL).map(String::as_str));
    all.insert(reserved_ports::SYSCTL.into(), reserved);
    all
}

fn patch(sysctls: &BTreeMap<String, String>) -> String {
    let mut yaml =
        "spec:\n  template:\n    spec:\n      securityContext:\n        sysctls:\n".to_owned();
    for (name, value) in sysctls {
        yaml += &format!("          - name: {name}\n            value: {value:?}\n");
    }
    yaml
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_patch_keeps_what_the_pod_sets_itself() {
        let own = json!({ "spec": { "securityContext": { "sysctls": [
            { "name": "net.ipv4.tcp_syncookies", "value": "1" },
            { "name": "net.ipv4.ip_local_reserved_ports", "value": "8000-8100,47500" },
        ] } } });
        insta::assert_snapshot!(patch(&sysctls(&own)));
    }
}
