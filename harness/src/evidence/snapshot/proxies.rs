//! What a proxy says: its statistics twice, its clusters, its listeners.

use std::time::Duration;

use jiff::Timestamp;

use super::patience;
use crate::diagnose::{ProxyRecord, ProxySample};
use crate::kube::Kube;
use crate::mesh::{ADMIN_PORT, query_value};

/// The time between the two samples of a proxy's statistics. With twice [`PAGE_ANSWER`] and the
/// lists before them it is under the 3 s that a diagnosis may take.
const BETWEEN_SAMPLES: Duration = Duration::from_millis(700);
/// How long a page of a proxy is given, all those that are asked for at the same moment together.
const PAGE_ANSWER: Duration = Duration::from_millis(900);
/// Statistics that rules read, or that a person looks for beside them.
const STATISTICS: &str = r"(ssl\.(handshake|no_certificate|fail_verify_\w+)|no_filter_chain_match|update_rejected|upstream_cx_(total|active|connect_fail)|rbac.*)$";

/// A proxy, unless it does not answer at all: a pod that only begins has none yet. What it stops
/// answering later is left empty.
pub(super) async fn proxy(kube: &Kube, namespace: &str, pod: &str) -> Option<ProxyRecord> {
    let answer = patience(kube, PAGE_ANSWER);
    let page = |path: String| async move {
        let asked = kube.get(namespace, pod, ADMIN_PORT, &path);
        let answered = tokio::time::timeout(answer, asked).await.ok()?;
        let (status, body) = answered.ok()?;
        (status == 200).then_some(body)
    };
    let filter = format!("/stats?filter={}", query_value(STATISTICS));
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
