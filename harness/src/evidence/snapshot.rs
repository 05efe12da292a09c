//! Takes a snapshot of a namespace for diagnosis: everything is read once, the proxies' statistics
//! twice.
//!
//! It reads and leaves out; what it means is `diagnose`'s. Left out are the data of Secrets and
//! ConfigMaps (of a ConfigMap that a node mounts, only the values of `licenseUrl` are read), the
//! values of environment variables, and what only the API server needs.

use std::time::Duration;

use futures::future::{join_all, try_join_all};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use serde_json::Value;

use crate::diagnose::view::{holds_a_node, name, selects};
use crate::diagnose::{
    NodeRecord, ProxyRecord, ProxySample, Recorded, SNAPSHOT_VERSION, Snapshot, TopRecord, Unread,
};
use crate::kube::{Kube, KubeError};
use crate::mesh::{ADMIN_PORT, ISTIO_NAMESPACE, Injection};
use crate::product::rest::Command;
use meshproof_protocol::ports::ProductPort;

/// The time between the two samples of a proxy's statistics. With twice [`PAGE_ANSWER`] and the
/// lists before them it is under the 3 s that a diagnosis may take.
const BETWEEN_SAMPLES: Duration = Duration::from_millis(700);
/// How long a node's REST interface is given; a stalled joiner's never answers, and a healthy one
/// does in milliseconds.
const REST_ANSWER: Duration = Duration::from_millis(1200);
/// How long a page of a proxy is given, all those that are asked for at the same moment together.
const PAGE_ANSWER: Duration = Duration::from_millis(900);
/// How long a log, or a ConfigMap, is given.
const TEXT_ANSWER: Duration = Duration::from_millis(2000);
/// Statistics that rules read.
const STATISTICS: &str = "ssl|upstream_cx|no_filter_chain|downstream_cx|update_rejected|rbac";
/// How much of a log is kept from its start, where the start is told. Of a longer one the latest
/// lines are kept besides.
const LOG_BYTES: i64 = 2 * 1024 * 1024;
/// How many of the latest lines of a long log are kept.
const LATEST_LINES: i64 = 4000;

/// Where the API serves a kind: its group and version, its plural name.
struct Served {
    prefix: &'static str,
    plural: &'static str,
    kind: &'static str,
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

const PODS: Served = served("/api/v1", "v1", "pods", "Pod");
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
const OF_THE_NAMESPACE: &[Served] = &[
    PODS,
    SERVICES,
    EVENTS,
    DEPLOYMENTS,
    STATEFUL_SETS,
    NETWORK_POLICIES,
    PEER_AUTHENTICATIONS,
    AUTHORIZATION_POLICIES,
    DESTINATION_RULES,
    GATEWAYS,
    VIRTUAL_SERVICES,
];
/// What is read of Istio's namespace.
const OF_THE_MESH: &[Served] = &[
    PODS,
    SERVICES,
    DEPLOYMENTS,
    PEER_AUTHENTICATIONS,
    AUTHORIZATION_POLICIES,
    DESTINATION_RULES,
    GATEWAYS,
];
/// What is read of another namespace in which a gateway runs.
const OF_A_GATEWAY: &[Served] = &[SERVICES, DEPLOYMENTS];

/// Objects, and what could not be read of them.
#[derive(Default)]
struct Listed {
    objects: Vec<Value>,
    unread: Vec<Unread>,
}

/// Takes a snapshot of a namespace; `command` is what a person types to have the same taken.
///
/// # Errors
/// When the namespace is not there or its pods cannot be listed. A node or a proxy that does not
/// answer is part of what is read, and so is a kind that the cluster does not serve or that may not
/// be listed.
pub async fn take(kube: &Kube, namespace: &str, command: &str) -> Result<Snapshot, KubeError> {
    let at = Timestamp::now();
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
        Some(node(kube, namespace, pod, name_of(container)))
    });
    let sidecars = of_kind(&objects, "Pod").filter(|pod| Injection::of(pod) != Injection::Absent);
    let gateways = of_kind(&mesh_objects, "Pod").filter(|pod| is_gateway(pod, &objects));
    let proxies = sidecars
        .map(|pod| proxy(kube, namespace, name(pod)))
        .chain(gateways.map(|pod| proxy(kube, namespace_of(pod), name(pod))));
    let (nodes, proxies) = tokio::join!(join_all(nodes), join_all(proxies));
    Ok(Snapshot {
        schema_version: SNAPSHOT_VERSION,
        recorded: Recorded {
            command: command.to_owned(),
            istio: istio_version(&mesh_objects),
            at,
        },
        namespace: found,
        objects,
        mesh_objects,
        unread,
        secrets,
        mesh_secrets,
        nodes,
        proxies: proxies.into_iter().flatten().collect(),
    })
}

async fn lists(kube: &Kube, namespace: &str, kinds: &[Served]) -> Result<Listed, KubeError> {
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
    let mut listed = match kube.raw(path).await {
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

/// The pods that Gateways select in other namespaces than the two that are read anyway, with what
/// stands around them: Istio looks for them everywhere.
async fn gateways_elsewhere(
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
async fn secret_names(kube: &Kube, namespace: &str) -> Result<Option<Vec<String>>, KubeError> {
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

async fn node(kube: &Kube, namespace: &str, pod: &Value, container: &str) -> NodeRecord {
    let pod_name = name(pod);
    let (log, previous_log, top, license_urls) = tokio::join!(
        log(kube, namespace, pod_name, container, false),
        log(kube, namespace, pod_name, container, true),
        top(kube, namespace, pod_name),
        license_urls(kube, namespace, pod),
    );
    NodeRecord {
        pod: pod_name.to_owned(),
        container: container.to_owned(),
        log,
        previous_log,
        top,
        license_urls,
    }
}

async fn log(
    kube: &Kube,
    namespace: &str,
    pod: &str,
    container: &str,
    previous: bool,
) -> Option<String> {
    let pods: Api<Pod> = Api::namespaced(kube.client(), namespace);
    let parameters = LogParams {
        container: Some(container.into()),
        previous,
        limit_bytes: Some(LOG_BYTES),
        ..LogParams::default()
    };
    let read = async {
        // A container that never started has no log, and one that never restarted no earlier one.
        let start = pods.logs(pod, &parameters).await.ok()?;
        if (start.len() as i64) < LOG_BYTES {
            return Some(start);
        }
        let latest = LogParams {
            tail_lines: Some(LATEST_LINES),
            ..parameters
        };
        let end = pods.logs(pod, &latest).await.ok()?;
        Some(joined(&start, &end))
    };
    tokio::time::timeout(patience(kube, TEXT_ANSWER), read)
        .await
        .ok()?
}

/// The start and the end of a long log as one text; where they overlap, the lines that both hold
/// are told once.
fn joined(start: &str, end: &str) -> String {
    // The start was cut anywhere.
    let start = start.rsplit_once('\n').map_or(start, |(whole, _)| whole);
    let first = end.lines().next().unwrap_or_default();
    match start.rfind(&format!("\n{first}\n")) {
        Some(at) if end.starts_with(&start[at + 1..]) => format!("{}{end}", &start[..=at]),
        _ => format!("{start}\n(lines left out)\n{end}"),
    }
}

/// A limit, scaled as all limits are.
fn patience(kube: &Kube, limit: Duration) -> Duration {
    limit.mul_f64(kube.limit(1).as_secs_f64())
}

async fn top(kube: &Kube, namespace: &str, pod: &str) -> TopRecord {
    let query: Vec<String> = Command::Top
        .query()
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let page = format!("/ignite?{}", query.join("&"));
    let asked = kube.get(namespace, pod, ProductPort::Rest.number(), &page);
    match tokio::time::timeout(patience(kube, REST_ANSWER), asked).await {
        Ok(Ok((_, body))) => TopRecord::Answer(body),
        Ok(Err(error)) => TopRecord::NoAnswer(error.to_string()),
        Err(_) => TopRecord::NoAnswer(format!("no answer within {REST_ANSWER:?}")),
    }
}

/// The `licenseUrl` values in the ConfigMaps that a pod mounts.
async fn license_urls(kube: &Kube, namespace: &str, pod: &Value) -> Vec<String> {
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    let names: Vec<&str> = volumes
        .filter_map(|volume| volume["configMap"]["name"].as_str())
        .filter(|name| !name.contains("istio"))
        .collect();
    let each = names.into_iter().map(|name| async move {
        let path = format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
        let asked = tokio::time::timeout(patience(kube, TEXT_ANSWER), kube.raw(&path));
        asked.await.ok()?.ok()
    });
    let found = join_all(each).await;
    let texts = found.iter().flatten().flat_map(|found| {
        let data = found["data"].as_object().into_iter().flatten();
        data.filter_map(|(_, text)| text.as_str())
    });
    texts.flat_map(license_urls_in).collect()
}

/// The values of properties named `licenseUrl` in a Spring configuration.
fn license_urls_in(text: &str) -> Vec<String> {
    let after = text.split("name=\"licenseUrl\"").skip(1);
    after
        .filter_map(|rest| rest.split_once("value=\""))
        .filter_map(|(_, rest)| rest.split_once('"'))
        .map(|(value, _)| value.to_owned())
        .collect()
}

/// A proxy, unless it does not answer at all: a pod that only begins has none yet. What it stops
/// answering later is left empty.
async fn proxy(kube: &Kube, namespace: &str, pod: &str) -> Option<ProxyRecord> {
    let answer = patience(kube, PAGE_ANSWER);
    let page = |path: String| async move {
        let asked = kube.get(namespace, pod, ADMIN_PORT, &path);
        let answered = tokio::time::timeout(answer, asked).await.ok()?;
        let (status, body) = answered.ok()?;
        (status == 200).then_some(body)
    };
    let filter = format!("/stats?filter={}", STATISTICS.replace('|', "%7C"));
    let sample = || async {
        let at = Timestamp::now();
        let stats = page(filter.clone()).await?;
        Some(ProxySample { at, stats })
    };
    let (first, listeners) = tokio::join!(sample(), page("/listeners".into()));
    if first.is_none() && listeners.is_none() {
        return None;
    }
    // Two moments are what is wanted here, not a condition.
    tokio::time::sleep(BETWEEN_SAMPLES).await;
    let (second, clusters) = tokio::join!(sample(), page("/clusters".into()));
    Some(ProxyRecord {
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        // A sample that is missing is not to be taken for the other moment's.
        samples: first.into_iter().chain(second).collect(),
        clusters: clusters.as_deref().map(telling_lines).unwrap_or_default(),
        listeners: listeners.unwrap_or_default(),
    })
}

/// The lines of `/clusters` that tell of connections; the page has twenty others for each host.
fn telling_lines(clusters: &str) -> String {
    let told = [
        "::cx_active::",
        "::cx_connect_fail::",
        "::observability_name::",
        "::health_flags::",
    ];
    clusters
        .lines()
        .filter(|line| told.iter().any(|t| line.contains(t)))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// Whether a pod of Istio's namespace is a gateway: one that a Gateway selects, or that says so.
fn is_gateway(pod: &Value, objects: &[Value]) -> bool {
    let labelled = pod["metadata"]["labels"]["istio"] == "ingressgateway";
    labelled
        || of_kind(objects, "Gateway").any(|gateway| selects(&gateway["spec"]["selector"], pod))
}

/// Istio's version, as the tag of istiod's image has it.
fn istio_version(mesh_objects: &[Value]) -> Option<String> {
    let istiod =
        of_kind(mesh_objects, "Pod").find(|pod| pod["metadata"]["labels"]["app"] == "istiod")?;
    let image = istiod["spec"]["containers"][0]["image"].as_str()?;
    let (_, tag) = image.rsplit('/').next()?.split_once(':')?;
    Some(tag.to_owned())
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

/// Takes out of an object what only the API server needs, and what must not be in a file.
fn trim(object: &mut Value) {
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
    for list in ["containers", "initContainers"] {
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
    fn a_long_log_keeps_its_start_and_its_end() {
        assert_eq!(joined("a\nb\nc\nd\ncut", "c\nd\ne\n"), "a\nb\nc\nd\ne\n");
        assert_eq!(
            joined("a\nb\ncut", "x\ny\n"),
            "a\nb\n(lines left out)\nx\ny\n"
        );
    }

    #[test]
    fn a_selector_is_a_query() {
        let selector = json!({ "istio": "ingressgateway", "example.com/of": "a" });
        assert_eq!(
            selector_query(selector.as_object().unwrap()),
            "istio%3Dingressgateway%2Cexample.com%2Fof%3Da"
        );
    }

    #[test]
    fn license_urls_are_read_and_nothing_else() {
        let xml = r#"<bean><property name="password" value="planted"/>
            <property name="licenseUrl" value="file:///ignite/license/gridgain-license.xml"/></bean>"#;
        assert_eq!(
            license_urls_in(xml),
            ["file:///ignite/license/gridgain-license.xml"]
        );
        assert!(license_urls_in("<beans/>").is_empty());
    }
}
