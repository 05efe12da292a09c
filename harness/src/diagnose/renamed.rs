//! For tests: a snapshot in which every object of the namespace has another name.
//!
//! A diagnosis must not depend on names. A name with a dash in it is replaced wherever it stands
//! as a word, in logs and pages as well; one without (`ignite`, `default`) is a word of other
//! meanings too, and is replaced where it names the object.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Snapshot;

/// Kinds whose objects are renamed.
const KINDS: [&str; 11] = [
    "Pod",
    "Service",
    "StatefulSet",
    "Deployment",
    "PeerAuthentication",
    "DestinationRule",
    "AuthorizationPolicy",
    "NetworkPolicy",
    "Gateway",
    "VirtualService",
    "Sidecar",
];

/// Keys whose value names an object, whatever it looks like.
const NAMING: [&str; 6] = [
    "serviceName",
    "secretName",
    "credentialName",
    "gateways",
    "secrets",
    "mesh_secrets",
];
/// Keys whose value is a namespace.
const NAMESPACES: [&str; 4] = [
    "namespace",
    "namespaces",
    "notNamespaces",
    "kubernetes.io/metadata.name",
];

/// What is called what.
struct Map {
    names: BTreeMap<String, String>,
    namespace: String,
    new_namespace: String,
}

/// The names that were, as far as they can be nothing else, and the snapshot without them.
pub fn renamed(snapshot: &Snapshot) -> (BTreeSet<String>, Snapshot) {
    let mut all = serde_json::to_value(snapshot).expect("a snapshot is plain data");
    let names = names(&all);
    let namespace = all["namespace"]["metadata"]["name"].as_str();
    let namespace = namespace.unwrap_or_default().to_owned();
    let map = Map {
        names: names
            .iter()
            .enumerate()
            .map(|(n, name)| (name.clone(), format!("x{n:03}-renamed")))
            .collect(),
        new_namespace: "elsewhere-renamed".into(),
        namespace,
    };
    rename(&mut all, &map, "");
    all["namespace"]["metadata"]["name"] = Value::from(map.new_namespace.clone());
    let namespace = Some(map.namespace.clone());
    let words = names.into_iter().chain(namespace);
    let words = words.filter(|name| is_word(name)).collect();
    let renamed = serde_json::from_value(all).expect("the form has not changed");
    (words, renamed)
}

/// Whether a name can be nothing but a name.
fn is_word(name: &str) -> bool {
    name.contains('-')
}

fn names(all: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut add = |name: &Value| {
        let name = name.as_str().filter(|name| !name.starts_with("istio"));
        let name = name.filter(|name| !name.starts_with("kube-") && !name.is_empty());
        names.extend(name.map(str::to_owned));
    };
    for object in all["objects"].as_array().into_iter().flatten() {
        if KINDS.iter().any(|kind| object["kind"] == *kind) {
            add(&object["metadata"]["name"]);
        }
        for volume in object["spec"]["volumes"].as_array().into_iter().flatten() {
            add(&volume["secret"]["secretName"]);
            add(&volume["configMap"]["name"]);
        }
        for server in object["spec"]["servers"].as_array().into_iter().flatten() {
            add(&server["tls"]["credentialName"]);
        }
    }
    for name in all["secrets"].as_array().into_iter().flatten() {
        add(name);
    }
    names
}

fn rename(value: &mut Value, map: &Map, key: &str) {
    match value {
        Value::String(text) => {
            if NAMESPACES.contains(&key) && *text == map.namespace {
                text.clone_from(&map.new_namespace);
            } else if NAMING.contains(&key)
                && let Some(new) = map.names.get(text.as_str())
            {
                text.clone_from(new);
            } else {
                *text = words_renamed(text, map);
            }
        }
        Value::Array(items) => {
            for item in items {
                rename(item, map, key);
            }
        }
        Value::Object(fields) => {
            let kind = fields.get("kind").and_then(Value::as_str);
            // An object, or a reference to one.
            if kind.is_some_and(|kind| KINDS.contains(&kind)) {
                named(fields.get_mut("name"), map);
                let metadata = fields.get_mut("metadata").and_then(Value::as_object_mut);
                named(metadata.and_then(|m| m.get_mut("name")), map);
            }
            for (key, item) in fields.iter_mut() {
                rename(item, map, key);
            }
        }
        _ => {}
    }
}

/// Replaces what names an object, whatever it looks like.
fn named(place: Option<&mut Value>, map: &Map) {
    if let Some(Value::String(name)) = place
        && let Some(new) = map.names.get(name.as_str())
    {
        name.clone_from(new);
    }
}

fn words_renamed(text: &str, map: &Map) -> String {
    let of_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(of_word) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(|c| !of_word(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        let new = if word == map.namespace {
            Some(&map.new_namespace)
        } else {
            map.names.get(word)
        };
        out.push_str(new.filter(|_| is_word(word)).map_or(word, String::as_str));
        rest = &rest[end..];
    }
    out.push_str(rest);
    // A namespace that is a word of other meanings too, where it is nothing else.
    let (old, new) = (&map.namespace, &map.new_namespace);
    out.replace(&format!(".{old}.svc"), &format!(".{new}.svc"))
        .replace(&format!("/ns/{old}/"), &format!("/ns/{new}/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map() -> Map {
        Map {
            names: [("a-b", "x"), ("plain", "y")]
                .map(|(old, new)| (old.to_owned(), new.to_owned()))
                .into(),
            namespace: "ns".into(),
            new_namespace: "z".into(),
        }
    }

    #[test]
    fn a_name_is_replaced_as_a_word_and_not_inside_another() {
        assert_eq!(
            words_renamed(
                "a-b a-b-0 outbound|1||a-b.ns.svc a-b.xml; plain ns/ns/ns/x",
                &map()
            ),
            "x a-b-0 outbound|1||x.z.svc x.xml; plain ns/ns/z/x"
        );
    }

    #[test]
    fn a_plain_name_is_replaced_where_it_names_the_object() {
        let mut object = json!({
            "kind": "StatefulSet", "image": "plain:1",
            "metadata": { "name": "plain", "namespace": "ns", "labels": { "app": "plain" } },
            "owner": { "kind": "StatefulSet", "name": "plain" },
            "container": { "name": "plain" }
        });
        rename(&mut object, &map(), "");
        assert_eq!(
            object,
            json!({
                "kind": "StatefulSet", "image": "plain:1",
                "metadata": { "name": "y", "namespace": "z", "labels": { "app": "plain" } },
                "owner": { "kind": "StatefulSet", "name": "y" },
                "container": { "name": "plain" }
            })
        );
    }
}
