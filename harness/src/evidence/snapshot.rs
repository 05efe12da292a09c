//! Takes a snapshot of a namespace for diagnosis: everything is read once, the proxies' statistics
//! twice.
//!
//! It reads and leaves out; what it means is `diagnose`'s. Left out are the data of Secrets and
//! ConfigMaps (of a ConfigMap that a node mounts, only the values of `licenseUrl` are read), the
//! values of environment variables, and what only the API server needs. Out of logs and objects
//! secrets are taken as out of a capture, since a snapshot is what people send around; the proxies'
//! pages hold names and counters alone.

mod nodes;
mod objects;
mod proxies;
mod secrets;

use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use serde_json::Value;

use self::nodes::node;
use self::objects::{
    Listed, OF_THE_MESH, OF_THE_NAMESPACE, PODS, gateways_elsewhere, lists, secret_names, trim,
};
use self::proxies::proxy;
use self::secrets::Objects;
use crate::diagnose::view::{holds_a_node, name, selects};
use crate::diagnose::{NodeRecord, Recorded, SNAPSHOT_VERSION, Snapshot, Unread};
use crate::evidence::capture::redact::Redactor;
use crate::kube::{Kube, KubeError};
use crate::mesh::{ISTIO_NAMESPACE, Injection, PROXY_CONTAINER};

/// Takes a snapshot of a namespace; `command` is what a person types to have the same taken, and
/// `known_secrets` are texts that must not be in it, not even in part, such as a license.
///
/// # Errors
/// When the namespace is not there or its pods cannot be listed, and when taking the secrets out
/// fails. A node or a proxy that does not
/// answer is part of what is read, and so is a kind that the cluster does not serve or that may not
/// be listed.
pub async fn take(
    kube: &Kube,
    namespace: &str,
    command: &str,
    known_secrets: &[String],
) -> Result<Snapshot, KubeError> {
    let at = Timestamp::now();
    let redactor = Redactor::knowing(known_secrets);
    let itself = format!("/api/v1/namespaces/{namespace}");
    let (mut found, of_namespace, of_mesh, secrets, mesh_secrets) = tokio::try_join!(
        kube.raw(&itself),
        lists(kube, namespace, OF_THE_NAMESPACE),
        lists(kube, ISTIO_NAMESPACE, OF_THE_MESH),
        secret_names(kube, namespace),
        secret_names(kube, ISTIO_NAMESPACE),
    )?;
    found["kind"] = Value::from("Namespace");
    trim(&mut found);
    let Listed {
        objects,
        mut unread,
    } = of_namespace;
    if let Some(pods) = unread.iter().find(|u| u.kind == PODS.kind) {
        return Err(KubeError::Object {
            what: format!("the namespace {namespace}"),
            reason: pods.because.clone(),
        });
    }
    let mut mesh_objects = of_mesh.objects;
    unread.extend(of_mesh.unread);
    let elsewhere = gateways_elsewhere(kube, namespace, &objects, &mesh_objects).await?;
    mesh_objects.extend(elsewhere.objects);
    unread.extend(elsewhere.unread);
    let nodes = of_kind(&objects, "Pod").filter_map(|pod| {
        let containers = pod["spec"]["containers"].as_array()?;
        let container = containers.iter().find(|c| holds_a_node(c))?;
        let read = node(kube, namespace, pod, name_of(container));
        Some(async {
            let (record, unread) = read.await;
            let record = secrets::of_node(&redactor, record).await?;
            Some((record, unread))
        })
    });
    let sidecars = of_kind(&objects, "Pod").filter(|pod| Injection::of(pod) != Injection::Absent);
    let gateways = of_kind(&mesh_objects, "Pod").filter(|pod| is_gateway(pod, &objects));
    let proxies = sidecars
        .map(|pod| proxy(kube, namespace, name(pod)))
        .chain(gateways.map(|pod| proxy(kube, namespace_of(pod), name(pod))));
    let read = Objects {
        namespace: found,
        of_namespace: objects.clone(),
        of_mesh: mesh_objects.clone(),
    };
    // What was read is cleaned while the proxies are still asked.
    let (nodes, proxies, cleaned) = tokio::join!(
        join_all(nodes),
        join_all(proxies),
        secrets::of_objects(&redactor, read),
    );
    let nodes: Option<Vec<(NodeRecord, Vec<Unread>)>> = nodes.into_iter().collect();
    let (Some(nodes), Some(cleaned)) = (nodes, cleaned) else {
        return Err(KubeError::Object {
            what: format!("the namespace {namespace}"),
            reason: "taking secrets out of what was read of it failed, so it is not kept".into(),
        });
    };
    let (nodes, maps): (Vec<NodeRecord>, Vec<Vec<Unread>>) = nodes.into_iter().unzip();
    for map in maps.into_iter().flatten() {
        // Nodes mount the same ones.
        if !unread.contains(&map) {
            unread.push(map);
        }
    }
    Ok(Snapshot {
        schema_version: SNAPSHOT_VERSION,
        recorded: Recorded {
            command: command.to_owned(),
            istio: istio_version(&mesh_objects, &objects),
            at,
        },
        namespace: cleaned.namespace,
        objects: cleaned.of_namespace,
        mesh_objects: cleaned.of_mesh,
        unread,
        secrets,
        mesh_secrets,
        nodes,
        proxies: proxies.into_iter().flatten().collect(),
    })
}

/// Whether a pod of Istio's namespace is a gateway: one that a Gateway selects, or that says so.
fn is_gateway(pod: &Value, objects: &[Value]) -> bool {
    let labelled = pod["metadata"]["labels"]["istio"] == "ingressgateway";
    labelled
        || of_kind(objects, "Gateway").any(|gateway| selects(&gateway["spec"]["selector"], pod))
}

/// Istio's version, as the tag of istiod's image has it, or, where no istiod runs, that of a proxy's.
fn istio_version(mesh_objects: &[Value], objects: &[Value]) -> Option<String> {
    let istiod =
        of_kind(mesh_objects, "Pod").find(|pod| pod["metadata"]["labels"]["app"] == "istiod");
    let istiod = istiod.map(|pod| &pod["spec"]["containers"][0]);
    let pods = of_kind(objects, "Pod").chain(of_kind(mesh_objects, "Pod"));
    let containers = pods.flat_map(|pod| {
        let lists = ["initContainers", "containers"].map(|list| pod["spec"][list].as_array());
        lists.into_iter().flatten().flatten()
    });
    let mut proxies = containers.filter(|container| container["name"] == PROXY_CONTAINER);
    let tag = |container: &Value| {
        let image = container["image"].as_str()?.split('@').next()?;
        let (_, tag) = image.rsplit('/').next()?.split_once(':')?;
        Some(tag.to_owned())
    };
    istiod.and_then(tag).or_else(|| proxies.find_map(tag))
}

/// A limit, scaled as all limits are.
fn patience(kube: &Kube, limit: Duration) -> Duration {
    limit.mul_f64(kube.limit(1).as_secs_f64())
}

fn of_kind<'a>(objects: &'a [Value], kind: &'static str) -> impl Iterator<Item = &'a Value> {
    objects.iter().filter(move |o| o["kind"] == kind)
}

fn namespace_of(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or_default()
}

fn name_of(container: &Value) -> &str {
    container["name"].as_str().unwrap_or_default()
}

#[cfg(test)]
#[path = "snapshot/tests.rs"]
mod tests;
