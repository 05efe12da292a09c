//! MP040: a Secret or ConfigMap that a node's pod needs is not there.

use serde_json::Value;

use super::license_path::license_file;
use super::{Answer, Rule, Said, advice, command, listed};
use crate::diagnose::view::{ProductPod, View};
use crate::outcome::{Finding, Remedy, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP040",
    title: "a Secret or ConfigMap of a node's pod is missing",
    apply,
};

/// A Secret or ConfigMap that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Missing {
    kind: &'static str,
    name: String,
    /// The key that the pod takes from it, where it names one.
    key: Option<String>,
}

fn apply(view: &View<'_>) -> Answer {
    let mut answer = Answer::nothing();
    let mut found: Vec<(Missing, Vec<&ProductPod<'_>>)> = vec![];
    for pod in view.product.iter().filter(|pod| !pod.is_leaving()) {
        let needed = needed(pod.pod);
        let mut missing: Vec<Missing> = vec![];
        match &view.snapshot.secrets {
            Some(there) => missing.extend(
                needed
                    .iter()
                    .filter(|needed| needed.kind == "Secret" && !there.contains(&needed.name))
                    .cloned(),
            ),
            None if needed.iter().any(|needed| needed.kind == "Secret") => answer.lacks(
                "the Secrets may not be listed, so one that is missing shows only in events",
            ),
            None => {}
        }
        // An event outlives its cause, so it counts only while the pod does not start.
        if !pod.ever_started() {
            for told in told_missing(view, pod) {
                if !missing
                    .iter()
                    .any(|m| m.kind == told.kind && m.name == told.name)
                {
                    let key = needed
                        .iter()
                        .find(|n| n.kind == told.kind && n.name == told.name)
                        .and_then(|n| n.key.clone());
                    missing.push(Missing { key, ..told });
                }
            }
        }
        for missing in missing {
            match found.iter_mut().find(|(known, _)| *known == missing) {
                Some((_, pods)) => pods.push(pod),
                None => found.push((missing, vec![pod])),
            }
        }
    }
    answer.findings.extend(
        found
            .iter()
            .map(|(missing, pods)| finding(view, missing, pods)),
    );
    answer
}

/// The Secrets and ConfigMaps without which no container of a pod starts.
fn needed(pod: &Value) -> Vec<Missing> {
    let mut needed = vec![];
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    for volume in volumes {
        let projected = volume["projected"]["sources"].as_array();
        for source in std::iter::once(volume).chain(projected.into_iter().flatten()) {
            for (kind, field, name_field) in [
                ("Secret", "secret", "secretName"),
                ("ConfigMap", "configMap", "name"),
            ] {
                let source = &source[field];
                // In a projected volume a Secret's name is under `name` as well.
                let name = source[name_field].as_str().or(source["name"].as_str());
                if let Some(name) = name
                    && source["optional"] != true
                {
                    needed.push(Missing {
                        kind,
                        name: name.to_owned(),
                        key: source["items"][0]["key"].as_str().map(str::to_owned),
                    });
                }
            }
        }
    }
    needed
}

/// What the kubelet says is not there.
fn told_missing(view: &View<'_>, pod: &ProductPod<'_>) -> Vec<Missing> {
    let waits = pod.waits().map(|(_, message)| message);
    let events = view.warnings(pod.name, "FailedMount");
    let failed = view.warnings(pod.name, "Failed");
    let texts = events.into_iter().chain(failed).chain(waits);
    texts
        .flat_map(|text| {
            [("Secret", "secret \""), ("ConfigMap", "configmap \"")]
                .into_iter()
                .filter_map(|(kind, before)| {
                    let (_, rest) = text.split_once(before)?;
                    let (name, rest) = rest.split_once('"')?;
                    rest.starts_with(" not found").then(|| Missing {
                        kind,
                        name: name.rsplit('/').next().unwrap_or(name).to_owned(),
                        key: None,
                    })
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

fn finding(view: &View<'_>, missing: &Missing, pods: &[&ProductPod<'_>]) -> Finding {
    let namespace = view.namespace();
    let started = pods.iter().all(|pod| pod.ever_started());
    let names = listed(pods.iter().map(|pod| pod.name));
    let key = missing
        .key
        .clone()
        .or_else(|| pods.iter().find_map(|pod| license_file(pod, &missing.name)));
    let create = match missing.kind {
        "Secret" => "secret generic",
        _ => "configmap",
    };
    let why = if started {
        "The pods run with what they had mounted before. The next pod that is made does not start."
    } else {
        "The kubelet starts no container of a pod, not even the sidecar, before every Secret and \
         ConfigMap that it mounts is there. So there is no log; once it is there the pods start by \
         themselves."
    };
    RULE.finding(Said {
        weight: if started { Weight::Risk } else { Weight::Cause },
        object: format!("{} {namespace}/{}", missing.kind, missing.name),
        seen: format!("It is not there, and {names} cannot do without it."),
        why: why.into(),
        remedies: remedies(&format!("{create} {}", missing.name), namespace, key),
    })
}

/// Where nothing tells which file a pod looks for, what is in a folder is put in under its own name.
fn remedies(what: &str, namespace: &str, key: Option<String>) -> Vec<Remedy> {
    let create = |from: String| {
        command(format!(
            "kubectl create {what} -n {namespace} --from-file={from}"
        ))
    };
    match key {
        Some(key) => vec![create(format!("{key}=./{key}"))],
        None => vec![
            advice(
                "put the files that the pods look for, under the names that they look for, into an \
                 empty folder, and type this in it",
            ),
            create("./".into()),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::faults::edits::license_volume;
    use crate::diagnose::written::healthy;
    use serde_json::json;

    #[test]
    fn a_file_that_nothing_names_is_taken_from_a_folder() {
        let told = remedies("secret generic x", "ns", None);
        let create = command("kubectl create secret generic x -n ns --from-file=./");
        assert_eq!(told.last(), Some(&create));
    }

    #[test]
    fn a_license_that_no_configuration_names_has_the_guides_name() {
        let mut snapshot = healthy();
        license_volume(&mut snapshot);
        let answer = apply(&View::of(&snapshot));
        let create = command(
            "kubectl create secret generic gridgain-license -n ignite \
             --from-file=gridgain-license.xml=./gridgain-license.xml",
        );
        assert_eq!(answer.findings[0].remedies, [create]);
    }

    #[test]
    fn what_is_optional_is_not_needed() {
        let pod = json!({ "spec": { "volumes": [
            { "name": "a", "secret": { "secretName": "license",
                "items": [{ "key": "gridgain-license.xml", "path": "x" }] } },
            { "name": "b", "secret": { "secretName": "maybe", "optional": true } },
            { "name": "c", "configMap": { "name": "config" } },
            { "name": "d", "projected": { "sources": [
                { "serviceAccountToken": { "path": "token" } },
                { "secret": { "name": "projected" } }
            ] } },
            { "name": "e", "emptyDir": {} }
        ] } });
        let names: Vec<(&str, String)> =
            needed(&pod).into_iter().map(|n| (n.kind, n.name)).collect();
        assert_eq!(
            names,
            [
                ("Secret", "license".to_owned()),
                ("ConfigMap", "config".to_owned()),
                ("Secret", "projected".to_owned())
            ]
        );
        assert_eq!(needed(&pod)[0].key.as_deref(), Some("gridgain-license.xml"));
    }
}
