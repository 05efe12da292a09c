//! A file of Kubernetes objects, as data: reading it, moving it to another namespace, writing it.
//!
//! It knows YAML and where an object carries its namespace, nothing of what the objects mean.
//! Applying them is left to the callers.

use serde_json::Value;

/// The namespace all our manifests are written for: the guide's.
pub const GUIDE_NAMESPACE: &str = "ignite";

/// The objects of one manifest file, in the file's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// One JSON value for each YAML document that is not empty.
    pub objects: Vec<Value>,
}

/// A text that is no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The text is not YAML.
    #[error("the manifest cannot be read as YAML, correct it at the place named: {0}")]
    Yaml(String),
    /// A document lacks what every Kubernetes object has.
    #[error("document {index} of the manifest has no {field}, add it")]
    NotAnObject {
        /// Its place in the file, from 1.
        index: usize,
        /// The field that is missing.
        field: &'static str,
    },
    /// The objects cannot be written as YAML.
    #[error("the manifest cannot be written as YAML: {0}")]
    Render(String),
}

impl Manifest {
    /// Reads a file of one or more YAML documents; empty ones are skipped.
    ///
    /// # Errors
    /// When the text is not YAML, or a document lacks `apiVersion`, `kind` or `metadata.name`.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let objects: Vec<Value> = serde_saphyr::from_multiple(text)
            .map_err(|error| ManifestError::Yaml(error.to_string()))?;
        for (index, object) in objects.iter().enumerate() {
            for (pointer, field) in [
                ("/apiVersion", "apiVersion"),
                ("/kind", "kind"),
                ("/metadata/name", "name"),
            ] {
                if object.pointer(pointer).and_then(Value::as_str).is_none() {
                    return Err(ManifestError::NotAnObject {
                        index: index + 1,
                        field,
                    });
                }
            }
        }
        Ok(Self { objects })
    }

    /// The same objects in another namespace.
    ///
    /// What carries the guide's namespace moves with them: `metadata.namespace`, the name of a
    /// Namespace object, and every DNS name of a Service in it (the addresses of the discovery
    /// finder in the node's configuration, the destination of the VirtualService).
    #[must_use]
    pub fn in_namespace(&self, namespace: &str) -> Self {
        let mut moved = self.clone();
        for object in &mut moved.objects {
            let own_name = object["kind"] == "Namespace";
            for pointer in ["/metadata/namespace", "/metadata/name"] {
                if pointer == "/metadata/name" && !own_name {
                    continue;
                }
                if let Some(value) = object.pointer_mut(pointer)
                    && value == GUIDE_NAMESPACE
                {
                    *value = Value::from(namespace);
                }
            }
            replace_in_strings(
                object,
                &format!(".{GUIDE_NAMESPACE}.svc.cluster.local"),
                &format!(".{namespace}.svc.cluster.local"),
            );
        }
        moved
    }

    /// The object of that kind and name.
    #[must_use]
    pub fn object(&self, kind: &str, name: &str) -> Option<&Value> {
        self.objects
            .iter()
            .find(|o| o["kind"] == kind && o["metadata"]["name"] == name)
    }

    /// The same, to be edited: a fault is an edit of the guide's manifest.
    pub fn object_mut(&mut self, kind: &str, name: &str) -> Option<&mut Value> {
        self.objects
            .iter_mut()
            .find(|o| o["kind"] == kind && o["metadata"]["name"] == name)
    }

    /// The objects as one YAML text, `---` between them.
    ///
    /// # Errors
    /// When a value has no YAML form; none that [`Manifest::parse`] has read lacks one.
    pub fn render(&self) -> Result<String, ManifestError> {
        let documents: Result<Vec<String>, _> =
            self.objects.iter().map(serde_saphyr::to_string).collect();
        let documents = documents.map_err(|error| ManifestError::Render(error.to_string()))?;
        let trimmed: Vec<&str> = documents.iter().map(|d| d.trim_end_matches('\n')).collect();
        Ok(trimmed.join("\n---\n") + "\n")
    }
}

fn replace_in_strings(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text.contains(from) => *text = text.replace(from, to),
        Value::Array(items) => items
            .iter_mut()
            .for_each(|v| replace_in_strings(v, from, to)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|v| replace_in_strings(v, from, to)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{Manifest, ManifestError};

    #[test]
    fn empty_documents_are_skipped_and_order_is_kept() {
        let text = "---\n# only a comment\n---\napiVersion: v1\nkind: B\nmetadata: {name: b}\n---\n\
                    apiVersion: v1\nkind: A\nmetadata: {name: a}\n";
        let manifest = Manifest::parse(text).unwrap();
        let kinds: Vec<_> = manifest
            .objects
            .iter()
            .map(|o| o["kind"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["B", "A"]);
    }

    #[test]
    fn a_document_without_a_kind_is_named() {
        let error = Manifest::parse("apiVersion: v1\nmetadata: {name: x}\n").unwrap_err();
        assert!(
            matches!(
                error,
                ManifestError::NotAnObject {
                    index: 1,
                    field: "kind"
                }
            ),
            "{error}"
        );
    }

    #[test]
    fn broken_yaml_is_an_error() {
        let error = Manifest::parse("kind: [unclosed\n").unwrap_err();
        assert!(matches!(error, ManifestError::Yaml(_)), "{error}");
    }

    #[test]
    fn strings_that_look_like_something_else_stay_strings() {
        let text = "apiVersion: v1\nkind: X\nmetadata: {name: x}\n\
                    values: [\"false\", \"1\", \"*\", \"~\", \"1e3\", \"\", \"a: b\", \"no\"]\n\
                    block: |\n  one\n    two: three\n  # four\n";
        let manifest = Manifest::parse(text).unwrap();
        assert!(
            manifest.objects[0]["values"]
                .as_array()
                .unwrap()
                .iter()
                .all(|v| v.is_string())
        );
        assert_eq!(manifest.objects[0]["block"], "one\n  two: three\n# four\n");
        assert_eq!(
            Manifest::parse(&manifest.render().unwrap()).unwrap(),
            manifest
        );
    }
}
