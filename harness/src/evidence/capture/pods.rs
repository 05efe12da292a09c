//! The sources inside pods: the logs of every container, the pages of every proxy.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use serde_json::Value;

use super::source::{Content, Rank, Source};
use crate::kube::{Kube, KubeError, SYSTEM_NAMESPACE};
use crate::mesh::{ADMIN_PORT, ISTIO_NAMESPACE, Injection};

/// How long one log may take.
const LOG: Duration = Duration::from_secs(20);
/// How long one page of a proxy may take.
const PAGE: Duration = Duration::from_secs(15);
/// More of one log is not read into memory, in bytes; the kubelet begins a new file before that.
const LOG_BYTES: i64 = 32 * 1024 * 1024;
/// The pages of a proxy, with the files that they go into.
const PAGES: &[(&str, &str, Rank)] = &[
    ("/stats", "stats.txt", Rank::Proxies),
    ("/clusters", "clusters.txt", Rank::Proxies),
    ("/listeners", "listeners.txt", Rank::Proxies),
    ("/certs", "certs.json", Rank::Proxies),
    ("/config_dump", "config_dump.json", Rank::Configurations),
];

/// The pods of a namespace, as the API lists them.
pub(super) async fn list(kube: &Kube, namespace: &str) -> Result<Vec<Value>, String> {
    let path = format!("/api/v1/namespaces/{namespace}/pods");
    let listed = tokio::time::timeout(PAGE, kube.raw(&path))
        .await
        .map_err(|_| format!("its pods were not listed within {PAGE:?}"))?;
    let mut listed = listed.map_err(|error| error.to_string())?;
    match listed["items"].take() {
        Value::Array(pods) => Ok(pods),
        _ => Err("the list of its pods cannot be read".into()),
    }
}

/// The logs of a pod's containers, and the pages of its proxy.
pub(super) fn of_pod<'a>(kube: &'a Kube, namespace: &'a str, pod: &Value) -> Vec<Source<'a>> {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let mut sources = vec![];
    for container in containers(pod) {
        sources.push(log(kube, namespace, name, container, false));
        if restarted(pod, container) {
            sources.push(log(kube, namespace, name, container, true));
        }
    }
    if Injection::of(pod) != Injection::Absent {
        sources.extend(
            PAGES
                .iter()
                .map(|page| proxy_page(kube, namespace, name, page)),
        );
    }
    sources
}

fn containers(pod: &Value) -> impl Iterator<Item = &str> {
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    let all = lists
        .into_iter()
        .flat_map(|list| pod["spec"][list].as_array().into_iter().flatten());
    all.filter_map(|container| container["name"].as_str())
}

/// Whether a container had an earlier run, whose log is kept.
fn restarted(pod: &Value, container: &str) -> bool {
    let lists = [
        "initContainerStatuses",
        "containerStatuses",
        "ephemeralContainerStatuses",
    ];
    let mut all = lists
        .into_iter()
        .flat_map(|list| pod["status"][list].as_array().into_iter().flatten());
    all.any(|status| status["name"] == container && status["lastState"]["terminated"].is_object())
}

fn log<'a>(
    kube: &'a Kube,
    namespace: &'a str,
    pod: &str,
    container: &str,
    previous: bool,
) -> Source<'a> {
    let ending = if previous { "previous.log" } else { "log" };
    let file = format!("{namespace}/logs/{pod}/{container}.{ending}");
    let rank = match namespace {
        ISTIO_NAMESPACE => Rank::MeshLogs,
        SYSTEM_NAMESPACE => Rank::Nodes,
        _ => Rank::Logs,
    };
    let parameters = LogParams {
        container: Some(container.to_owned()),
        previous,
        timestamps: true,
        limit_bytes: Some(LOG_BYTES),
        ..LogParams::default()
    };
    let pods: Api<Pod> = Api::namespaced(kube.client(), namespace);
    let pod = pod.to_owned();
    let read = async move {
        let read = pods.logs(&pod, &parameters).await;
        let text = read.map_err(KubeError::api("reading the log"))?;
        Ok::<_, KubeError>(match text.is_empty() {
            true => Content::Nothing("the container wrote nothing".into()),
            false => Content::Text(text),
        })
    };
    Source::new(file, rank, LOG, read)
}

fn proxy_page<'a>(
    kube: &'a Kube,
    namespace: &'a str,
    pod: &str,
    (page, file, rank): &'static (&str, &str, Rank),
) -> Source<'a> {
    let pod = pod.to_owned();
    let file = format!("{namespace}/proxies/{pod}/{file}");
    let read = async move {
        let asked = kube.get(namespace, &pod, ADMIN_PORT, page).await;
        match asked.map_err(|error| error.to_string())? {
            (200, text) => Ok(match serde_json::from_str(&text) {
                Ok(value) if page_is_json(page) => Content::Json(value),
                _ => Content::Text(text),
            }),
            (status, _) => Err(format!("the proxy answers {page} with {status}")),
        }
    };
    Source::new(file, *rank, PAGE, read)
}

fn page_is_json(page: &str) -> bool {
    matches!(page, "/certs" | "/config_dump")
}
