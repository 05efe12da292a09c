//! MP011: a node may start before its sidecar.

use std::iter;

use serde_json::Value;

use super::{Answer, EXPLAINING, Rule, Said, listed, restart};
use crate::diagnose::view::{ProductPod, View};
use crate::mesh::{Injection, PROXY_CONTAINER};
use crate::outcome::{Finding, Remedy, Symptom, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP011",
    title: "a node does not wait for its sidecar",
    apply,
};

const ANNOTATION: &str = "proxy.istio.io/config";
const SETTING: &str = "holdApplicationUntilProxyStarts";

/// A native sidecar is started first by Kubernetes itself. A classic one is, if the injector was
/// told to hold the application; it then gives the proxy a `postStart` that waits (Istio's
/// injection template), whether the pod's annotation said so or a setting of the whole mesh.
fn apply(view: &View<'_>) -> Answer {
    let racing: Vec<&ProductPod<'_>> = view
        .product
        .iter()
        .filter(|pod| pod.injection == Injection::Classic && !holds(pod.pod))
        .collect();
    if racing.is_empty() {
        return Answer::nothing();
    }
    let broken = view.is_in(Symptom::Split) || view.is_in(Symptom::Stall);
    let explained = || {
        EXPLAINING
            .iter()
            .flat_map(|rule| (rule.apply)(view).findings)
            .any(|finding: Finding| finding.weight == Weight::Cause)
    };
    let weight = if broken && !explained() {
        Weight::Cause
    } else {
        Weight::Risk
    };
    let names = listed(racing.iter().map(|pod| pod.name));
    let (object, remedy) = match racing[0].owner() {
        Some((kind, name)) => {
            let object = format!("{kind} {}/{name}", view.namespace());
            let yaml = format!(
                "spec:\n  template:\n    metadata:\n      annotations:\n        {ANNOTATION}: |\n          \
                 {SETTING}: true\n"
            );
            let patch = Remedy::Patch {
                object: object.clone(),
                yaml,
            };
            (object, patch)
        }
        None => (
            racing[0].object(),
            super::advice(format!(
                "make the pod anew with the annotation {ANNOTATION} that sets {SETTING}: true"
            )),
        ),
    };
    let why = if weight == Weight::Cause {
        "A node that starts first finds no way out: it does not reach its peer and starts a cluster \
         of its own, or stalls. Nothing else that was read explains the cluster's state."
    } else {
        "A node that starts before its proxy finds no way out, and starts a cluster of its own or \
         stalls. Whether it does is a race, which a busy machine loses."
    };
    Answer::found([RULE.finding(Said {
        weight,
        object,
        seen: format!(
            "{names}: a classic sidecar, started beside the node. Neither the annotation \
             {ANNOTATION} nor a setting of the mesh makes the node wait."
        ),
        why: why.into(),
        remedies: iter::once(remedy).chain(restart(view)).collect(),
    })])
}

fn holds(pod: &Value) -> bool {
    waits_in_post_start(pod) || annotated(&pod["metadata"]["annotations"][ANNOTATION])
}

fn waits_in_post_start(pod: &Value) -> bool {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let mut proxies = containers.filter(|c| c["name"] == PROXY_CONTAINER);
    proxies.any(|proxy| {
        let command = &proxy["lifecycle"]["postStart"]["exec"]["command"];
        let words = command.as_array().into_iter().flatten();
        let words: Vec<&str> = words.filter_map(Value::as_str).collect();
        words.join(" ").contains("pilot-agent wait")
    })
}

fn annotated(annotation: &Value) -> bool {
    let Some(text) = annotation.as_str() else {
        return false;
    };
    // Istio refuses a pod whose annotation it cannot read, so there is none such in a cluster.
    let settings: Value = serde_saphyr::from_str(text).unwrap_or_default();
    settings[SETTING] == true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_annotation_is_read_as_yaml() {
        for (text, expected) in [
            ("holdApplicationUntilProxyStarts: true\n", true),
            ("{\"holdApplicationUntilProxyStarts\": true}", true),
            (
                "concurrency: 2\nholdApplicationUntilProxyStarts: true",
                true,
            ),
            ("holdApplicationUntilProxyStarts: false\n", false),
            (
                "# holdApplicationUntilProxyStarts: true\nconcurrency: 2\n",
                false,
            ),
            ("", false),
        ] {
            assert_eq!(annotated(&json!(text)), expected, "{text}");
        }
        assert!(!annotated(&Value::Null));
    }

    #[test]
    fn a_setting_of_the_mesh_shows_in_the_injected_proxy() {
        let proxy = |lifecycle: Value| {
            json!({ "spec": { "containers": [
                { "name": "node" }, { "name": "istio-proxy", "lifecycle": lifecycle }
            ] } })
        };
        let waits = json!({ "postStart": { "exec": { "command": ["pilot-agent", "wait"] } } });
        let drains = json!({ "preStop": { "exec": { "command": ["pilot-agent", "wait"] } } });
        assert!(holds(&proxy(waits)));
        assert!(!holds(&proxy(drains)));
        assert!(!holds(&proxy(Value::Null)));
    }
}
