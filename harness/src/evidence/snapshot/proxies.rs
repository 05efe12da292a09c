//! What a proxy says: its statistics twice, its clusters, its listeners and what they demand.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use meshproof_protocol::ports::ProductPort;
use serde_json::Value;

use super::patience;
use crate::diagnose::{ProxyRecord, ProxySample};
use crate::kube::Kube;
use crate::mesh::{ADMIN_PORT, Demand, Inbound, query_value};

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
    let (second, clusters, inbound) =
        tokio::join!(sample(), page("/clusters".into()), page(Inbound::page()));
    let inbound: Option<Value> = inbound.and_then(|dump| serde_json::from_str(&dump).ok());
    Some(ProxyRecord {
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        // A sample that is missing is not to be taken for the other moment's.
        samples: first.into_iter().chain(second).collect(),
        clusters: clusters.as_deref().map(telling_lines).unwrap_or_default(),
        listeners: listeners.unwrap_or_default(),
        dump_unread: inbound.is_none(),
        demands: inbound.and_then(|dump| demands(pod, &dump)),
    })
}

/// What the listener of a dump demands on each of the product's ports; none where there is no such
/// listener, as in a gateway.
fn demands(pod: &str, dump: &Value) -> Option<BTreeMap<u16, Demand>> {
    let inbound = Inbound::read(pod, Inbound::page(), dump).ok()?;
    let ports = ProductPort::ALL.map(ProductPort::number);
    Some(ports.map(|port| (port, inbound.demand(port))).into())
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sidecar_demands_something_on_each_port_and_a_gateway_has_no_such_listener() {
        let dump = |name: &str| {
            let chain = |requires: bool| {
                json!({ "name": "c", "transport_socket": { "typed_config": {
                    "require_client_certificate": requires } } })
            };
            let listener = json!({ "name": name, "filter_chains": [chain(true), chain(false)] });
            json!({ "configs": [{ "active_state": { "listener": listener } }] })
        };
        let told = demands("ignite-0", &dump("virtualInbound")).unwrap();
        let ports: Vec<u16> = told.keys().copied().collect();
        let all = ProductPort::ALL.map(ProductPort::number);
        assert!(all.iter().all(|port| ports.contains(port)), "{ports:?}");
        assert!(told.values().all(|demand| *demand == Demand::Either));
        assert_eq!(demands("gateway", &dump("0.0.0.0_8443")), None);
        assert_eq!(demands("ignite-0", &json!({ "configs": [] })), None);
    }
}
