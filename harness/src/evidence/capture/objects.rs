//! The sources that the Kubernetes API lists: objects, events, the names of Secrets.

use std::time::Duration;

use serde_json::{Value, json};

use super::source::{Content, Rank, Source};
use crate::kube::{Kube, KubeError};

/// How long one list may take.
const LIST: Duration = Duration::from_secs(15);

/// Kinds of a namespace: where the API serves them, plural name, name.
const KINDS: &[(&str, &str, &str)] = &[
    ("api/v1", "pods", "Pod"),
    ("api/v1", "services", "Service"),
    ("api/v1", "configmaps", "ConfigMap"),
    ("api/v1", "resourcequotas", "ResourceQuota"),
    ("api/v1", "limitranges", "LimitRange"),
    ("apis/apps/v1", "statefulsets", "StatefulSet"),
    ("apis/apps/v1", "deployments", "Deployment"),
    (
        "apis/discovery.k8s.io/v1",
        "endpointslices",
        "EndpointSlice",
    ),
    (
        "apis/networking.k8s.io/v1",
        "networkpolicies",
        "NetworkPolicy",
    ),
    (
        "apis/security.istio.io/v1",
        "peerauthentications",
        "PeerAuthentication",
    ),
    (
        "apis/security.istio.io/v1",
        "authorizationpolicies",
        "AuthorizationPolicy",
    ),
    (
        "apis/networking.istio.io/v1",
        "destinationrules",
        "DestinationRule",
    ),
    ("apis/networking.istio.io/v1", "gateways", "Gateway"),
    (
        "apis/networking.istio.io/v1",
        "virtualservices",
        "VirtualService",
    ),
    (
        "apis/networking.istio.io/v1",
        "serviceentries",
        "ServiceEntry",
    ),
    ("apis/networking.istio.io/v1", "sidecars", "Sidecar"),
    (
        "apis/networking.istio.io/v1alpha3",
        "envoyfilters",
        "EnvoyFilter",
    ),
    ("apis/telemetry.istio.io/v1", "telemetries", "Telemetry"),
];

/// Everything that the API lists of a namespace.
pub(super) fn of_namespace<'a>(kube: &'a Kube, namespace: &'a str) -> Vec<Source<'a>> {
    let file = |name: &str| format!("{namespace}/{name}");
    let events = Source::new(
        file("events.txt"),
        Rank::State,
        LIST,
        events(kube, namespace),
    );
    let itself = format!("/api/v1/namespaces/{namespace}");
    let itself = async move { kube.raw(&itself).await.map(trimmed).map(Content::Json) };
    let itself = Source::new(file("objects/namespace.json"), Rank::State, LIST, itself);
    let secrets = Source::new(
        file("objects/secret-names.txt"),
        Rank::State,
        LIST,
        secret_names(kube, namespace),
    );
    let kinds = KINDS.iter().map(|(group, plural, kind)| {
        let path = format!("/{group}/namespaces/{namespace}/{plural}");
        let file = file(&format!("objects/{plural}.json"));
        Source::new(file, Rank::State, LIST, list(kube, path, group, kind))
    });
    [events, itself, secrets].into_iter().chain(kinds).collect()
}

/// What the API lists of the whole cluster: its nodes, with their conditions and what they have room
/// for, and the webhooks that change pods, the sidecar injector's among them.
pub(super) fn of_cluster(kube: &Kube) -> [Source<'_>; 2] {
    let source = |file: &str, group: &'static str, plural: &str, kind: &'static str| {
        let list = list(kube, format!("/{group}/{plural}"), group, kind);
        Source::new(file, Rank::State, LIST, list)
    };
    [
        source("nodes/nodes.json", "api/v1", "nodes", "Node"),
        source(
            "mutatingwebhookconfigurations.json",
            "apis/admissionregistration.k8s.io/v1",
            "mutatingwebhookconfigurations",
            "MutatingWebhookConfiguration",
        ),
    ]
}

async fn list(kube: &Kube, path: String, group: &str, kind: &str) -> Result<Content, KubeError> {
    let mut listed = match kube.raw(&path).await {
        Ok(listed) => listed,
        Err(error) if error.is_not_found() => {
            return Ok(Content::Nothing("the cluster does not serve it".into()));
        }
        Err(error) => return Err(error),
    };
    let Value::Array(items) = listed["items"].take() else {
        return Err(KubeError::Object {
            what: path,
            reason: "the API gave no list".into(),
        });
    };
    if items.is_empty() {
        return Ok(Content::Nothing("there is none".into()));
    }
    let version = group.split_once('/').map_or(group, |(_, version)| version);
    let items: Vec<Value> = items
        .into_iter()
        .map(|item| {
            // The API leaves out of lists what kind their items are.
            let mut item = trimmed(item);
            item["apiVersion"] = Value::from(version);
            item["kind"] = Value::from(kind);
            item
        })
        .collect();
    Ok(Content::Json(
        json!({ "apiVersion": "v1", "kind": "List", "items": items }),
    ))
}

fn trimmed(mut object: Value) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    object
}

/// The API is asked for its table, which holds no data.
async fn secret_names(kube: &Kube, namespace: &str) -> Result<Content, KubeError> {
    let path = format!("/api/v1/namespaces/{namespace}/secrets");
    let table = kube.table(&path).await?;
    let rows = table["rows"].as_array().into_iter().flatten();
    let names: String = rows
        .filter_map(|row| row["object"]["metadata"]["name"].as_str())
        .map(|name| format!("{name}\n"))
        .collect();
    Ok(match names.is_empty() {
        true => Content::Nothing("there is none".into()),
        false => Content::Text(names),
    })
}

async fn events(kube: &Kube, namespace: &str) -> Result<Content, KubeError> {
    let path = format!("/api/v1/namespaces/{namespace}/events");
    let listed = kube.raw(&path).await?;
    let mut lines: Vec<String> = listed["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(event)
        .collect();
    lines.sort();
    Ok(match lines.is_empty() {
        true => Content::Nothing("there is none".into()),
        false => Content::Text(lines.concat()),
    })
}

/// One event on one line, its time first.
fn event(event: &Value) -> String {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let time = text(&event["lastTimestamp"])
        .or_else(|| text(&event["eventTime"]))
        .or_else(|| text(&event["metadata"]["creationTimestamp"]));
    let word = |value: &Value| text(value).unwrap_or_else(|| "-".into());
    let object = &event["involvedObject"];
    let times = match event["count"].as_u64() {
        Some(count) if count > 1 => format!(" (x{count})"),
        _ => String::new(),
    };
    format!(
        "{} {} {} {}/{}{times}: {}\n",
        time.unwrap_or_else(|| "-".into()),
        word(&event["type"]),
        word(&event["reason"]),
        word(&object["kind"]),
        word(&object["name"]),
        word(&event["message"]).trim().replace('\n', " "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let recorded = json!({
            "type": "Warning", "reason": "FailedMount", "count": 7,
            "lastTimestamp": "2026-11-24T10:00:00Z",
            "involvedObject": { "kind": "Pod", "name": "ignite-0" },
            "message": "MountVolume.SetUp failed\nfor volume \"license\""
        });
        assert_eq!(
            event(&recorded),
            "2026-11-24T10:00:00Z Warning FailedMount Pod/ignite-0 (x7): \
             MountVolume.SetUp failed for volume \"license\"\n"
        );
    }
}
