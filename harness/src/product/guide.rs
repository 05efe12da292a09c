//! The guide's manifests, embedded: what a checkpoint run applies unchanged.
//!
//! The files in `fixtures/guide` rebuild the guide's text field for field. Faults are edits that
//! the scenarios make; none is made here.

use super::manifest::{Manifest, ManifestError};

/// The two commands of "Create the namespace with sidecar injection", as one object.
///
/// # Errors
/// Never for the embedded text, which the tests below read.
pub fn namespace() -> Result<Manifest, ManifestError> {
    Manifest::parse(include_str!("../../../fixtures/guide/namespace.yaml"))
}

/// `ignite-cluster.yaml` of "Deploy the two-node cluster": ConfigMap, headless Service, StatefulSet.
///
/// # Errors
/// Never for the embedded text, which the tests below read.
pub fn ignite_cluster() -> Result<Manifest, ManifestError> {
    Manifest::parse(include_str!("../../../fixtures/guide/ignite-cluster.yaml"))
}

/// `peer-authentication.yaml` of "Enforce STRICT mutual TLS".
///
/// # Errors
/// Never for the embedded text, which the tests below read.
pub fn peer_authentication() -> Result<Manifest, ManifestError> {
    Manifest::parse(include_str!(
        "../../../fixtures/guide/peer-authentication.yaml"
    ))
}

/// `ignite-client-gateway.yaml` of "Expose the external client over HTTPS": Gateway and
/// VirtualService.
///
/// # Errors
/// Never for the embedded text, which the tests below read.
pub fn client_gateway() -> Result<Manifest, ManifestError> {
    Manifest::parse(include_str!(
        "../../../fixtures/guide/ignite-client-gateway.yaml"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// Paths and values at which two values differ.
    fn differences(path: &str, a: &Value, b: &Value, found: &mut Vec<String>) {
        match (a, b) {
            (Value::Object(x), Value::Object(y)) if x.keys().eq(y.keys()) => {
                for (key, value) in x {
                    differences(&format!("{path}/{key}"), value, &y[key], found);
                }
            }
            (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
                for (i, (v, w)) in x.iter().zip(y).enumerate() {
                    differences(&format!("{path}/{i}"), v, w, found);
                }
            }
            _ if a == b => {}
            _ => found.push(path.to_owned()),
        }
    }

    fn moved_fields(manifest: &Manifest, namespace: &str) -> Vec<String> {
        let moved = manifest.in_namespace(namespace);
        let mut found = Vec::new();
        for (a, b) in manifest.objects.iter().zip(&moved.objects) {
            let kind = a["kind"].as_str().unwrap();
            differences(kind, a, b, &mut found);
        }
        found
    }

    #[test]
    fn the_cluster_is_the_guides_field_for_field() {
        insta::assert_json_snapshot!(ignite_cluster().unwrap().objects);
    }

    #[test]
    fn the_policy_the_gateway_and_the_namespace_are_the_guides() {
        insta::assert_json_snapshot!(
            [namespace(), peer_authentication(), client_gateway()]
                .map(|manifest| manifest.unwrap().objects)
        );
    }

    #[test]
    fn in_the_guides_namespace_nothing_changes() {
        for manifest in [
            namespace(),
            ignite_cluster(),
            peer_authentication(),
            client_gateway(),
        ] {
            let manifest = manifest.unwrap();
            assert_eq!(manifest.in_namespace("ignite"), manifest);
        }
    }

    #[test]
    fn elsewhere_only_what_carries_the_namespace_changes() {
        assert_eq!(
            moved_fields(&ignite_cluster().unwrap(), "mp-t1"),
            [
                "ConfigMap/metadata/namespace",
                "ConfigMap/data/ignite-config.xml",
                "Service/metadata/namespace",
                "StatefulSet/metadata/namespace",
            ]
        );
        assert_eq!(
            moved_fields(&client_gateway().unwrap(), "mp-t1"),
            [
                "Gateway/metadata/namespace",
                "VirtualService/metadata/namespace",
                "VirtualService/spec/http/0/route/0/destination/host",
            ]
        );
        assert_eq!(
            moved_fields(&namespace().unwrap(), "mp-t1"),
            ["Namespace/metadata/name"]
        );
        assert_eq!(
            moved_fields(&peer_authentication().unwrap(), "mp-t1"),
            ["PeerAuthentication/metadata/namespace"]
        );
    }

    #[test]
    fn the_discovery_address_follows_the_namespace() {
        let moved = ignite_cluster().unwrap().in_namespace("mp-t1");
        let xml = moved.object("ConfigMap", "ignite-config").unwrap()["data"]["ignite-config.xml"]
            .as_str()
            .unwrap();
        assert!(xml.contains("<value>ignite-headless.mp-t1.svc.cluster.local</value>"));
        assert!(!xml.contains(".ignite.svc"));
    }

    #[test]
    fn a_rendered_manifest_reads_back_the_same() {
        for manifest in [
            namespace(),
            ignite_cluster(),
            peer_authentication(),
            client_gateway(),
        ] {
            let manifest = manifest.unwrap();
            let text = manifest.render().unwrap();
            assert_eq!(Manifest::parse(&text).unwrap(), manifest, "{text}");
        }
    }
}
