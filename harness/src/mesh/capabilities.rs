//! Probes what the live mesh can do; nothing is assumed from its version.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

use super::{ISTIO_NAMESPACE, MeshError, Proxy};
use crate::kube::{Kube, pods};

/// istiod's monitoring port.
const MONITORING_PORT: u16 = 15014;

/// What a live mesh is and can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// The build id that istiod tells.
    pub build: String,
    /// Envoy's version, from a running gateway; none without one.
    pub envoy: Option<String>,
    /// Whether the proxies carry Istio's own filters; none where no proxy could be asked.
    pub istio_filters: Option<bool>,
    /// Whether an ingress gateway is ready.
    pub ingress_gateway: bool,
    /// Istio's API versions that the cluster serves: `security.istio.io/v1`.
    pub api_versions: Vec<String>,
}

impl Capabilities {
    /// Asks istiod, the gateway and the API server.
    ///
    /// # Errors
    /// When istiod is not there or an answer cannot be read.
    pub async fn probe(kube: &Kube) -> Result<Self, MeshError> {
        let (build, gateway, api_versions) = tokio::try_join!(
            istiod_version(kube),
            ready_pod(kube, "istio=ingressgateway"),
            served(kube)
        )?;
        let (mut envoy, mut istio_filters) = (None, None);
        if let Some(pod) = &gateway {
            let proxy = Proxy::of(kube, ISTIO_NAMESPACE, pod);
            let (version, filters) =
                tokio::try_join!(proxy.envoy_version(), proxy.has_istio_filters())?;
            (envoy, istio_filters) = (Some(version), Some(filters));
        }
        Ok(Self {
            build,
            envoy,
            istio_filters,
            ingress_gateway: gateway.is_some(),
            api_versions,
        })
    }

    /// Whether the API server serves this version of an Istio API.
    pub fn serves(&self, version: &str) -> bool {
        self.api_versions.iter().any(|served| served == version)
    }
}

async fn istiod_version(kube: &Kube) -> Result<String, MeshError> {
    let pod = istiod(kube).await?;
    let (_, body) = kube
        .get(ISTIO_NAMESPACE, &pod, MONITORING_PORT, "/version")
        .await?;
    let version = body.trim();
    // The page reads `<version>-<revision>-<status>`.
    let mut parts = version.rsplitn(3, '-');
    let (_status, _revision) = (parts.next(), parts.next());
    Ok(parts.next().unwrap_or(version).to_owned())
}

async fn istiod(kube: &Kube) -> Result<String, MeshError> {
    ready_pod(kube, "app=istiod")
        .await?
        .ok_or_else(|| MeshError::Unreadable {
            what: "istiod".into(),
            reason: "no pod of it is Ready".into(),
        })
}

async fn ready_pod(kube: &Kube, labels: &str) -> Result<Option<String>, MeshError> {
    let api: Api<Pod> = Api::namespaced(kube.client(), ISTIO_NAMESPACE);
    let found = api
        .list(&ListParams::default().labels(labels))
        .await
        .map_err(crate::kube::KubeError::api(format!(
            "listing pods with {labels}"
        )))?;
    Ok(found
        .items
        .iter()
        .find(|pod| pods::is_ready(pod))
        .and_then(|pod| pod.metadata.name.clone()))
}

async fn served(kube: &Kube) -> Result<Vec<String>, MeshError> {
    let groups = kube.raw("/apis").await?;
    let all = groups["groups"].as_array().into_iter().flatten();
    Ok(all
        .filter(|group| {
            group["name"]
                .as_str()
                .is_some_and(|n| n.ends_with(".istio.io"))
        })
        .flat_map(|group| group["versions"].as_array().into_iter().flatten())
        .filter_map(|version| version["groupVersion"].as_str().map(str::to_owned))
        .collect())
}

/// How a sidecar was injected into a pod, if it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Injection {
    /// None was.
    Absent,
    /// As a restartable init container.
    Native,
    /// As a container beside the application.
    Classic,
}

impl Injection {
    /// Reads a pod that the API server returned.
    pub fn of(pod: &Value) -> Self {
        let named = |list: &Value| {
            list.as_array()
                .into_iter()
                .flatten()
                .any(|c| c["name"] == super::proxy::CONTAINER)
        };
        if named(&pod["spec"]["initContainers"]) {
            Self::Native
        } else if named(&pod["spec"]["containers"]) {
            Self::Classic
        } else {
            Self::Absent
        }
    }

    /// The name in reports and expectations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Absent => "none",
            Self::Native => "native",
            Self::Classic => "classic",
        }
    }
}

/// The pod by which injection is tried: it is never stored.
pub fn injection_trial(namespace: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "injection-trial", "namespace": namespace },
        "spec": { "containers": [{ "name": "trial", "image": "meshproof.local/trial:none" }] },
    })
}

/// One proxy's place in istiod's view of what it has sent and what was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncState {
    /// Pod and namespace.
    pub proxy: String,
    /// The kinds of configuration that were sent and not acknowledged.
    pub behind: Vec<String>,
}

/// Which proxies istiod knows, and whether each has acknowledged what it was sent.
///
/// # Errors
/// When istiod does not answer, or not as expected.
pub async fn sync_states(kube: &Kube) -> Result<(Vec<SyncState>, String), MeshError> {
    let pod = istiod(kube).await?;
    let (status, body) = kube
        .get(ISTIO_NAMESPACE, &pod, MONITORING_PORT, "/debug/syncz")
        .await?;
    let unreadable = |reason: String| MeshError::Unreadable {
        what: "istiod's /debug/syncz".into(),
        reason,
    };
    if status != 200 {
        return Err(unreadable(format!("it answers {status}")));
    }
    let parsed: Value = serde_json::from_str(&body).map_err(|e| unreadable(e.to_string()))?;
    Ok((read_sync(&parsed), body))
}

fn read_sync(page: &Value) -> Vec<SyncState> {
    let kinds = ["cluster", "listener", "route", "endpoint"];
    let proxies = page.as_array().into_iter().flatten();
    proxies
        .map(|proxy| SyncState {
            proxy: proxy["proxy"].as_str().unwrap_or("unknown").to_owned(),
            behind: kinds
                .into_iter()
                .filter(|kind| {
                    let sent = proxy[format!("{kind}_sent")].as_str().unwrap_or_default();
                    let acked = proxy[format!("{kind}_acked")].as_str().unwrap_or_default();
                    sent != acked
                })
                .map(str::to_owned)
                .collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn injection_is_read_from_where_the_proxy_stands() {
        let native =
            json!({ "spec": { "initContainers": [{ "name": "istio-proxy" }], "containers": [] } });
        let classic =
            json!({ "spec": { "containers": [{ "name": "a" }, { "name": "istio-proxy" }] } });
        assert_eq!(Injection::of(&native), Injection::Native);
        assert_eq!(Injection::of(&classic), Injection::Classic);
        assert_eq!(Injection::of(&injection_trial("ns")), Injection::Absent);
    }

    #[test]
    fn a_proxy_that_did_not_acknowledge_is_behind() {
        let page = json!([
            { "proxy": "a.ns", "cluster_sent": "1", "cluster_acked": "1" },
            { "proxy": "b.ns", "listener_sent": "2", "listener_acked": "1" }
        ]);
        let states = read_sync(&page);
        assert!(states[0].behind.is_empty());
        assert_eq!(states[1].behind, ["listener"]);
    }
}
