//! MP011: a node may start before its sidecar.

use serde_json::Value;

use super::{Answer, EXPLAINING, Rule, Said, listed, with_change};
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
    let pod = racing[0];
    let (object, remedies) = match view.maker_of(pod.pod) {
        Some(object) => {
            let template = view
                .workload_of(pod.pod)
                .map(|made| &made["spec"]["template"]);
            let own = &template.unwrap_or(pod.pod)["metadata"]["annotations"][ANNOTATION];
            let change = match patch(own) {
                Some(yaml) => Remedy::Patch {
                    object: object.clone(),
                    yaml,
                },
                None => super::advice(format!(
                    "add {SETTING}: true to what the annotation {ANNOTATION} of its pods sets"
                )),
            };
            (object, with_change(view, change).to_vec())
        }
        None => {
            let text = format!(
                "make the pod anew with the annotation {ANNOTATION} that sets {SETTING}: true"
            );
            (pod.object(), vec![super::advice(text)])
        }
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
        remedies,
    })])
}

/// Adds the setting to what a template's annotation says already: a patch replaces the whole text. None
/// where that text cannot be read, or had a secret in it that was taken out.
fn patch(annotation: &Value) -> Option<String> {
    let own = annotation.as_str().unwrap_or_default();
    if own.contains("[redacted") {
        return None;
    }
    let mut settings = match settings(own) {
        Value::Object(settings) => settings,
        _ if own.trim().is_empty() => serde_json::Map::new(),
        _ => return None,
    };
    settings.insert(SETTING.into(), Value::from(true));
    let text = serde_saphyr::to_string(&settings).ok()?;
    let lines: String = text
        .lines()
        .map(|line| format!("          {line}\n"))
        .collect();
    let above = "spec:\n  template:\n    metadata:\n      annotations:\n";
    Some(format!("{above}        {ANNOTATION}: |\n{lines}"))
}

/// What an annotation's text sets. Istio refuses a pod whose annotation it cannot read, so there is none
/// such in a cluster.
fn settings(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_default()
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
    let text = annotation.as_str();
    text.is_some_and(|text| settings(text)[SETTING] == true)
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
    fn the_patch_keeps_what_the_annotation_says_already() {
        let patched = |annotation: Value| {
            let yaml = patch(&annotation).expect("a patch");
            let read: Value = serde_saphyr::from_str(&yaml).expect("YAML");
            let annotations = &read["spec"]["template"]["metadata"]["annotations"];
            settings(annotations[ANNOTATION].as_str().expect("a text"))
        };
        let own =
            "concurrency: 2\nproxyMetadata:\n  A: \"1\"\nholdApplicationUntilProxyStarts: false\n";
        let expected = json!({ "concurrency": 2, "proxyMetadata": { "A": "1" }, (SETTING): true });
        assert_eq!(patched(json!(own)), expected);
        assert_eq!(patched(Value::Null), json!({ (SETTING): true }));
        for unknown in ["proxyMetadata:\n  TOKEN: [redacted]\n", "a: [\n", "text"] {
            assert_eq!(patch(&json!(unknown)), None, "{unknown}");
        }
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
