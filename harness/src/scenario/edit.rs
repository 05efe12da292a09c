//! Edits of the guide's manifests: a fault is one, and so is the arrangement in which it shows.
//!
//! Each names the field that it changes and fails where the field is not there, so that a fault is
//! never made silently. Whether it is in force on a cluster is for the callers to ask.
//!
//! Here is what all edits share, their diff above all; they are filed by what they change.

pub mod license;
pub mod port_taker;
pub mod ports;
pub mod sidecar;

use serde_json::{Value, json};
use similar::TextDiff;

use crate::product::manifest::{Manifest, ManifestError};

/// A manifest that lacks what an edit changes.
#[derive(Debug, thiserror::Error)]
#[error("the manifest has no {field} to edit; take the guide's own manifest")]
pub struct EditError {
    /// The field.
    field: String,
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

fn pod_template(manifest: &mut Manifest) -> Result<&mut Value, EditError> {
    manifest
        .object_mut("StatefulSet", "ignite")
        .and_then(|set| set["spec"].get_mut("template"))
        .ok_or_else(|| missing("StatefulSet ignite with a pod template"))
}

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
    use meshproof_protocol::ports::ProductPort;

    use super::license::{mount_license, mount_license_at};
    use super::ports::{rename_ports, undeclare};
    use super::sidecar::{annotate, without_hold, without_injection_label};
    use super::*;
    use crate::product::guide;

    /// What an edit changes in the guide's cluster.
    pub(super) fn edited(edit: impl Fn(&mut Manifest) -> Result<(), EditError>) -> String {
        let before = guide::ignite_cluster().unwrap();
        let mut after = before.clone();
        edit(&mut after).unwrap();
        diff(&before, &after, ["the guide's", "this scenario's"]).unwrap()
    }

    /// The lines of a diff that are not the same on both sides.
    pub(super) fn changed(diff: &str) -> Vec<&str> {
        let lines = diff.lines().skip(2);
        lines.filter(|l| l.starts_with(['+', '-'])).collect()
    }

    #[test]
    fn requests_stand_beside_the_guides_limits() {
        let diff = edited(modest_requests);
        assert!(
            changed(&diff).iter().all(|line| line.starts_with('+')),
            "{diff}"
        );
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
