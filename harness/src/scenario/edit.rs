//! Edits of the guide's manifests: a fault is one, and so is the arrangement in which it shows.
//!
//! Each names the field that it changes and fails where the field is not there, so that a fault is
//! never made silently. Whether it is in force on a cluster is for the callers to ask.

pub mod port_taker;

use meshproof_protocol::ports::ProductPort;
use serde_json::{Value, json};
use similar::TextDiff;

use crate::product::gridgain::{LICENSE_FOLDER, LICENSE_SECRET};
use crate::product::manifest::{Manifest, ManifestError};

/// The annotation by which a pod carries settings of its proxy.
pub const PROXY_CONFIG: &str = "proxy.istio.io/config";
/// The annotation by which a pod chooses how its sidecar is placed.
pub const NATIVE_SIDECAR: &str = "sidecar.istio.io/nativeSidecar";
/// The annotation by which a pod limits its proxy's CPU.
pub const PROXY_CPU_LIMIT: &str = "sidecar.istio.io/proxyCPULimit";
/// The annotation by which a pod asks for its proxy's CPU.
pub const PROXY_CPU: &str = "sidecar.istio.io/proxyCPU";
/// The label of the namespace that switches injection on.
pub const INJECTION_LABEL: &str = "istio-injection";

/// A manifest that lacks what an edit changes.
#[derive(Debug, thiserror::Error)]
#[error("the manifest has no {field} to edit; take the guide's own manifest")]
pub struct EditError {
    /// The field.
    field: String,
}

/// Takes ports out of the headless Service.
///
/// # Errors
/// When the Service does not declare one of them.
pub fn undeclare(manifest: &mut Manifest, ports: &[ProductPort]) -> Result<(), EditError> {
    let declared = service_ports(manifest)?;
    for port in ports {
        let at = declared.iter().position(|p| p["port"] == port.number());
        let at = at.ok_or_else(|| missing(format!("Service port {}", port.number())))?;
        declared.remove(at);
    }
    Ok(())
}

/// Renames every port of the headless Service: `tcp-discovery` becomes what `rename` makes of
/// `discovery`.
///
/// # Errors
/// When there is no such Service, or a name does not begin as the guide's do.
pub fn rename_ports(
    manifest: &mut Manifest,
    rename: impl Fn(&str) -> String,
) -> Result<(), EditError> {
    for port in service_ports(manifest)? {
        let name = port["name"].as_str().and_then(|n| n.strip_prefix("tcp-"));
        let name = name.ok_or_else(|| missing("Service port name that begins with tcp-"))?;
        port["name"] = Value::from(rename(name));
    }
    Ok(())
}

/// Takes `holdApplicationUntilProxyStarts` out of the pod template.
///
/// # Errors
/// When it is not there.
pub fn without_hold(manifest: &mut Manifest) -> Result<(), EditError> {
    let removed = pod_template(manifest)?
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut)
        .and_then(|annotations| annotations.remove(PROXY_CONFIG));
    removed
        .map(drop)
        .ok_or_else(|| missing(format!("annotation {PROXY_CONFIG}")))
}

/// Annotates the pod template.
///
/// # Errors
/// When there is no StatefulSet.
pub fn annotate(manifest: &mut Manifest, name: &str, value: &str) -> Result<(), EditError> {
    let annotations = pod_template(manifest)?.pointer_mut("/metadata/annotations");
    let annotations = annotations.and_then(Value::as_object_mut);
    annotations
        .ok_or_else(|| missing("annotations of the pod template"))?
        .insert(name.to_owned(), Value::from(value));
    Ok(())
}

/// Puts requests beside the guide's limits. Without them Kubernetes takes the limits as requests,
/// one CPU for each node, and no two clusters fit side by side on a small machine.
///
/// # Errors
/// When there is no node container with limits.
pub fn modest_requests(manifest: &mut Manifest) -> Result<(), EditError> {
    let resources = pod_template(manifest)?.pointer_mut("/spec/containers/0/resources");
    let resources = resources.filter(|resources| resources["limits"].is_object());
    let resources = resources.ok_or_else(|| missing("limits of the node's container"))?;
    resources["requests"] = json!({ "cpu": "50m", "memory": "512Mi" });
    Ok(())
}

/// Mounts the Secret with GridGain's license into the node's container, as the guide says it is for
/// GridGain, and changes nothing else.
///
/// # Errors
/// When the pod template has no volumes, or its container no mounts.
pub fn mount_license(manifest: &mut Manifest) -> Result<(), EditError> {
    let pod = pod_template(manifest)?;
    let volume = json!({ "name": LICENSE_SECRET, "secret": { "secretName": LICENSE_SECRET } });
    let mount = json!({ "mountPath": LICENSE_FOLDER, "name": LICENSE_SECRET });
    if list(pod, MOUNTS).is_none() {
        return Err(missing("volumeMounts"));
    }
    let volumes = list(pod, "/spec/volumes");
    volumes.ok_or_else(|| missing("volumes"))?.push(volume);
    let mounts = list(pod, MOUNTS);
    mounts.ok_or_else(|| missing("volumeMounts"))?.push(mount);
    Ok(())
}

/// Mounts the license in another folder than the one that `licenseUrl` names.
///
/// # Errors
/// When no license is mounted.
pub fn mount_license_at(manifest: &mut Manifest, folder: &str) -> Result<(), EditError> {
    let mount = list(pod_template(manifest)?, MOUNTS)
        .into_iter()
        .flatten()
        .find(|mount| mount["name"] == LICENSE_SECRET)
        .ok_or_else(|| missing(format!("mount of {LICENSE_SECRET}")))?;
    mount["mountPath"] = Value::from(folder);
    Ok(())
}

/// Takes the injection label off a Namespace.
///
/// # Errors
/// When no Namespace carries it.
pub fn without_injection_label(manifest: &mut Manifest) -> Result<(), EditError> {
    let namespace = manifest
        .objects
        .iter_mut()
        .find(|o| o["kind"] == "Namespace");
    let removed = namespace
        .and_then(|n| n.pointer_mut("/metadata/labels"))
        .and_then(Value::as_object_mut)
        .and_then(|labels| labels.remove(INJECTION_LABEL));
    removed
        .map(drop)
        .ok_or_else(|| missing(format!("label {INJECTION_LABEL}")))
}

/// The difference between two manifests as a unified diff of their YAML, each named in its head.
///
/// # Errors
/// When one of them cannot be written as YAML.
pub fn diff(
    before: &Manifest,
    after: &Manifest,
    names: [&str; 2],
) -> Result<String, ManifestError> {
    let (before, after) = (before.render()?, after.render()?);
    let diff = TextDiff::from_lines(&before, &after);
    Ok(diff
        .unified_diff()
        .context_radius(2)
        .header(names[0], names[1])
        .to_string())
}

fn service_ports(manifest: &mut Manifest) -> Result<&mut Vec<Value>, EditError> {
    manifest
        .object_mut("Service", "ignite-headless")
        .and_then(|service| list(service, "/spec/ports"))
        .ok_or_else(|| missing("Service ignite-headless with ports"))
}

fn pod_template(manifest: &mut Manifest) -> Result<&mut Value, EditError> {
    manifest
        .object_mut("StatefulSet", "ignite")
        .and_then(|set| set["spec"].get_mut("template"))
        .ok_or_else(|| missing("StatefulSet ignite with a pod template"))
}

/// The mounts of the node's container, in the pod template.
const MOUNTS: &str = "/spec/containers/0/volumeMounts";

/// The list at a place, if there is one: an index into what is something else would panic.
fn list<'a>(value: &'a mut Value, place: &str) -> Option<&'a mut Vec<Value>> {
    value.pointer_mut(place)?.as_array_mut()
}

fn missing(field: impl Into<String>) -> EditError {
    EditError {
        field: field.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::guide;

    fn edited(edit: impl Fn(&mut Manifest) -> Result<(), EditError>) -> String {
        let before = guide::ignite_cluster().unwrap();
        let mut after = before.clone();
        edit(&mut after).unwrap();
        diff(&before, &after, ["the guide's", "this scenario's"]).unwrap()
    }

    fn changed(diff: &str) -> Vec<&str> {
        let lines = diff.lines().skip(2);
        lines.filter(|l| l.starts_with(['+', '-'])).collect()
    }

    #[test]
    fn a_port_is_taken_out_and_nothing_else() {
        let diff = edited(|m| undeclare(m, &[ProductPort::Communication]));
        assert_eq!(
            changed(&diff),
            ["-  - port: 47100", "-    name: tcp-communication"]
        );
    }

    #[test]
    fn ports_are_renamed() {
        let diff = edited(|m| rename_ports(m, |name| format!("http-{name}")));
        assert_eq!(changed(&diff).len(), 6, "{diff}");
        assert!(diff.contains("+    name: http-discovery"), "{diff}");
    }

    #[test]
    fn the_hold_is_taken_out() {
        let diff = edited(without_hold);
        let gone = |line: &&str| line.starts_with('-') && line.contains("holdApplication");
        assert_eq!(
            changed(&diff).iter().filter(|l| gone(l)).count(),
            1,
            "{diff}"
        );
        let mut twice = guide::ignite_cluster().unwrap();
        without_hold(&mut twice).unwrap();
        let again = without_hold(&mut twice).unwrap_err().to_string();
        assert!(again.contains(PROXY_CONFIG), "{again}");
    }

    #[test]
    fn requests_stand_beside_the_guides_limits() {
        let diff = edited(modest_requests);
        assert!(
            changed(&diff).iter().all(|line| line.starts_with('+')),
            "{diff}"
        );
    }

    #[test]
    fn the_label_is_taken_off() {
        let mut namespace = guide::namespace().unwrap();
        without_injection_label(&mut namespace).unwrap();
        assert!(without_injection_label(&mut namespace).is_err());
    }

    #[test]
    fn the_license_is_mounted_and_moved_and_nothing_else() {
        let diff = edited(mount_license);
        let lines = changed(&diff);
        assert!(lines.iter().all(|line| line.starts_with('+')), "{diff}");
        assert_eq!(lines.len(), 5, "{diff}");
        let mut mounted = guide::ignite_cluster().unwrap();
        assert!(mount_license_at(&mut mounted, "/x").is_err());
        mount_license(&mut mounted).unwrap();
        let before = mounted.clone();
        mount_license_at(&mut mounted, "/x").unwrap();
        let diff = super::diff(&before, &mounted, ["a", "b"]).unwrap();
        assert_eq!(changed(&diff).len(), 2, "{diff}");
        assert!(diff.contains("mountPath: /x"), "{diff}");
    }

    /// A name for an edit, and the edit.
    type Named = (&'static str, fn(&mut Manifest) -> Result<(), EditError>);

    const EDITS: &[Named] = &[
        ("undeclare", |m| undeclare(m, &[ProductPort::Discovery])),
        ("rename_ports", |m| rename_ports(m, str::to_owned)),
        ("without_hold", without_hold),
        ("annotate", |m| annotate(m, "a", "b")),
        ("modest_requests", modest_requests),
        ("mount_license", mount_license),
        ("mount_license_at", |m| mount_license_at(m, "/x")),
        ("without_injection_label", without_injection_label),
    ];

    #[test]
    fn an_edit_of_a_broken_manifest_is_told_and_never_a_panic() {
        let set = |spec: &str| {
            format!("apiVersion: v1\nkind: StatefulSet\nmetadata: {{name: ignite}}\nspec: {spec}\n")
        };
        let service = |spec: &str| {
            format!(
                "apiVersion: v1\nkind: Service\nmetadata: {{name: ignite-headless}}\nspec: {spec}\n"
            )
        };
        let broken = [
            set("{}"),
            set("text"),
            set("{template: {}}"),
            set("{template: {metadata: text, spec: text}}"),
            set("{template: {metadata: {annotations: []}, spec: {containers: {}}}}"),
            set("{template: {spec: {containers: [], volumes: []}}}"),
            service("{}"),
            service("text"),
            service("{ports: [{}]}"),
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: ignite, labels: text}\n".into(),
        ];
        for text in &broken {
            let before = Manifest::parse(text).unwrap();
            for (name, edit) in EDITS {
                let mut after = before.clone();
                let error = edit(&mut after).expect_err(name).to_string();
                assert!(error.contains("take the guide's own manifest"), "{error}");
                assert_eq!(after, before, "{name} left something of itself");
            }
        }
    }

    #[test]
    fn what_is_not_there_cannot_be_edited() {
        let mut empty = Manifest { objects: vec![] };
        assert!(undeclare(&mut empty, &[]).is_err());
        assert!(annotate(&mut empty, "a", "b").is_err());
        assert!(modest_requests(&mut empty).is_err());
    }
}
