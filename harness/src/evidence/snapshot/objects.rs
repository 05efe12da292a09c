//! Lists of objects, trimmed, and the names of Secrets.

use futures::future::try_join_all;
use serde_json::Value;

use super::{namespace_of, of_kind};
use crate::diagnose::Unread;
use crate::kube::{Kube, KubeError};
use crate::mesh::ISTIO_NAMESPACE;

/// Where the API serves a kind: its group and version, its plural name. What the rules read of it is the
/// same in its older versions.
pub(super) struct Served {
    prefix: &'static str,
    plural: &'static str,
    pub(super) kind: &'static str,
    version: &'static str,
}

const fn served(
    prefix: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
) -> Served {
    Served {
        prefix,
        plural,
        kind,
        version,
    }
}

pub(super) const PODS: Served = served("/api/v1", "v1", "pods", "Pod");
const SERVICES: Served = served("/api/v1", "v1", "services", "Service");
const EVENTS: Served = served("/api/v1", "v1", "events", "Event");
const DEPLOYMENTS: Served = served("/apis/apps/v1", "apps/v1", "deployments", "Deployment");
const STATEFUL_SETS: Served = served("/apis/apps/v1", "apps/v1", "statefulsets", "StatefulSet");
const NETWORK_POLICIES: Served = served(
    "/apis/networking.k8s.io/v1",
    "networking.k8s.io/v1",
    "networkpolicies",
    "NetworkPolicy",
);
const PEER_AUTHENTICATIONS: Served = served(
    "/apis/security.istio.io/v1",
    "security.istio.io/v1",
    "peerauthentications",
    "PeerAuthentication",
);
const AUTHORIZATION_POLICIES: Served = served(
    "/apis/security.istio.io/v1",
    "security.istio.io/v1",
    "authorizationpolicies",
    "AuthorizationPolicy",
);
const DESTINATION_RULES: Served = served(
    "/apis/networking.istio.io/v1",
    "networking.istio.io/v1",
    "destinationrules",
    "DestinationRule",
);
const SIDECARS: Served = served(
    "/apis/networking.istio.io/v1",
    "networking.istio.io/v1",
    "sidecars",
    "Sidecar",
);
const GATEWAYS: Served = served(
    "/apis/networking.istio.io/v1",
    "networking.istio.io/v1",
    "gateways",
    "Gateway",
);
const VIRTUAL_SERVICES: Served = served(
    "/apis/networking.istio.io/v1",
    "networking.istio.io/v1",
    "virtualservices",
    "VirtualService",
);

/// What is read of the namespace itself.
pub(super) const OF_THE_NAMESPACE: &[Served] = &[
    PODS,
    SERVICES,
    EVENTS,
    DEPLOYMENTS,
    STATEFUL_SETS,
    NETWORK_POLICIES,
    PEER_AUTHENTICATIONS,
    AUTHORIZATION_POLICIES,
    DESTINATION_RULES,
    SIDECARS,
    GATEWAYS,
    VIRTUAL_SERVICES,
];
/// What is read of Istio's namespace.
pub(super) const OF_THE_MESH: &[Served] = &[
    PODS,
    SERVICES,
    DEPLOYMENTS,
    PEER_AUTHENTICATIONS,
    AUTHORIZATION_POLICIES,
    DESTINATION_RULES,
    SIDECARS,
    GATEWAYS,
];
/// What is read of another namespace in which a gateway runs.
const OF_A_GATEWAY: &[Served] = &[SERVICES, DEPLOYMENTS];

/// Objects, and what could not be read of them.
#[derive(Default)]
pub(super) struct Listed {
    pub(super) objects: Vec<Value>,
    pub(super) unread: Vec<Unread>,
}

pub(super) async fn lists(
    kube: &Kube,
    namespace: &str,
    kinds: &[Served],
) -> Result<Listed, KubeError> {
    let each = kinds.iter().map(|kind| async move {
        let path = format!("{}/namespaces/{namespace}/{}", kind.prefix, kind.plural);
        list(kube, namespace, &path, kind).await
    });
    let mut all = Listed::default();
    for listed in try_join_all(each).await? {
        all.objects.extend(listed.objects);
        all.unread.extend(listed.unread);
    }
    Ok(all)
}

/// The objects at a path of the API; `namespace` is what they are said to be unread of.
async fn list(
    kube: &Kube,
    namespace: &str,
    path: &str,
    kind: &Served,
) -> Result<Listed, KubeError> {
    let mut listed = match raw(kube, path).await {
        Ok(listed) => listed,
        // The cluster does not serve it, so there is none.
        Err(error) if error.is_not_found() => return Ok(Listed::default()),
        Err(error) if error.is_forbidden() => {
            let unread = Unread {
                namespace: namespace.to_owned(),
                kind: kind.kind.to_owned(),
                because: "they may not be listed with this kubeconfig".to_owned(),
            };
            return Ok(Listed {
                objects: vec![],
                unread: vec![unread],
            });
        }
        Err(error) => return Err(error),
    };
    let Value::Array(mut items) = listed["items"].take() else {
        return Ok(Listed::default());
    };
    for item in &mut items {
        item["kind"] = Value::from(kind.kind);
        item["apiVersion"] = Value::from(kind.version);
        trim(item);
    }
    Ok(Listed {
        objects: items,
        unread: vec![],
    })
}

/// What the API has at a path. Istio serves `v1` since 1.22 and `v1beta1` before as well.
async fn raw(kube: &Kube, path: &str) -> Result<Value, KubeError> {
    match kube.raw(path).await {
        Err(error) if error.is_not_found() && path.contains(ISTIOS_V1) => {
            kube.raw(&path.replace(ISTIOS_V1, ".istio.io/v1beta1/"))
                .await
        }
        other => other,
    }
}

const ISTIOS_V1: &str = ".istio.io/v1/";

/// The pods that Gateways select in other namespaces than the two that are read anyway, with what
/// stands around them: Istio looks for them everywhere.
pub(super) async fn gateways_elsewhere(
    kube: &Kube,
    namespace: &str,
    objects: &[Value],
    mesh_objects: &[Value],
) -> Result<Listed, KubeError> {
    let mut selectors: Vec<String> = of_kind(objects, "Gateway")
        .chain(of_kind(mesh_objects, "Gateway"))
        .map(|gateway| &gateway["spec"]["selector"])
        .filter_map(Value::as_object)
        .filter(|selector| !selector.is_empty())
        .map(selector_query)
        .collect();
    selectors.sort();
    selectors.dedup();
    let each = selectors.iter().map(|selector| async move {
        let path = format!("/api/v1/pods?labelSelector={selector}");
        list(kube, "", &path, &PODS).await
    });
    let mut all = Listed::default();
    for listed in try_join_all(each).await? {
        all.objects.extend(listed.objects);
        all.unread.extend(listed.unread);
    }
    all.unread.dedup();
    let read = [namespace, ISTIO_NAMESPACE];
    all.objects.retain(|pod| !read.contains(&namespace_of(pod)));
    let mut others: Vec<String> = all
        .objects
        .iter()
        .map(|pod| namespace_of(pod).to_owned())
        .collect();
    others.sort();
    others.dedup();
    let around = others.iter().map(|other| lists(kube, other, OF_A_GATEWAY));
    for listed in try_join_all(around).await? {
        all.objects.extend(listed.objects);
        all.unread.extend(listed.unread);
    }
    Ok(all)
}

/// A selector as the API's query takes it. Labels hold no character but `/` that has to be encoded.
fn selector_query(selector: &serde_json::Map<String, Value>) -> String {
    let pairs: Vec<String> = selector
        .iter()
        .map(|(key, value)| format!("{key}%3D{}", value.as_str().unwrap_or_default()))
        .collect();
    pairs.join("%2C").replace('/', "%2F")
}

/// The names of a namespace's Secrets; none where they may not be listed. The API is asked for its
/// table, which holds no data.
pub(super) async fn secret_names(
    kube: &Kube,
    namespace: &str,
) -> Result<Option<Vec<String>>, KubeError> {
    let table = match kube
        .table(&format!("/api/v1/namespaces/{namespace}/secrets"))
        .await
    {
        Ok(table) => table,
        Err(error) if error.is_forbidden() => return Ok(None),
        Err(error) => return Err(error),
    };
    let rows = table["rows"].as_array().into_iter().flatten();
    Ok(Some(
        rows.filter_map(|row| row["object"]["metadata"]["name"].as_str())
            .map(str::to_owned)
            .collect(),
    ))
}

/// Takes out of an object what only the API server needs, and what must not be in a file.
pub(super) fn trim(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata
            .get_mut("annotations")
            .and_then(Value::as_object_mut)
        {
            // The injector's own note of what it did, and kubectl's copy of the object.
            annotations.remove("sidecar.istio.io/status");
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    let template = if object["spec"]["template"].is_object() {
        &mut object["spec"]["template"]["spec"]
    } else {
        &mut object["spec"]
    };
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        for container in template[list].as_array_mut().into_iter().flatten() {
            for variable in container["env"].as_array_mut().into_iter().flatten() {
                if let Some(variable) = variable.as_object_mut()
                    && variable.remove("value").is_some()
                {
                    variable.insert("value".into(), Value::from("(left out)"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_of_variables_and_annotations_of_tools_are_left_out() {
        let mut pod = json!({
            "kind": "Pod",
            "metadata": {
                "managedFields": [{}],
                "annotations": { "sidecar.istio.io/status": "x", "mine": "y" }
            },
            "spec": { "containers": [{ "name": "a", "env": [
                { "name": "PASSWORD", "value": "planted" },
                { "name": "FIELD", "valueFrom": { "fieldRef": { "fieldPath": "spec.nodeName" } } }
            ] }] }
        });
        trim(&mut pod);
        let text = pod.to_string();
        assert!(
            !text.contains("planted") && !text.contains("managedFields"),
            "{text}"
        );
        assert!(
            text.contains("PASSWORD") && text.contains("spec.nodeName"),
            "{text}"
        );
        assert_eq!(pod["metadata"]["annotations"], json!({ "mine": "y" }));
    }

    #[test]
    fn a_workloads_template_is_trimmed_as_well() {
        let mut workload = json!({ "spec": { "template": { "spec": {
            "containers": [{ "env": [{ "name": "PASSWORD", "value": "planted" }] }]
        } } } });
        trim(&mut workload);
        assert!(!workload.to_string().contains("planted"));
    }

    #[test]
    fn a_selector_is_a_query() {
        let selector = json!({ "istio": "ingressgateway", "example.com/of": "a" });
        assert_eq!(
            selector_query(selector.as_object().unwrap()),
            "istio%3Dingressgateway%2Cexample.com%2Fof%3Da"
        );
    }
}
