//! Whether a fault is in force: read back from the API and from the proxies' live configuration.

use meshproof_harness::evidence::nodes::NODE_CONTAINER;
use meshproof_harness::kube::{KubeError, pods};
use meshproof_harness::mesh::{Injection, Outbound, PROXY_CONTAINER, Proxy, Way};
use meshproof_harness::outcome::{Check, Evidence, Standing};
use meshproof_harness::scenario::edit::{NATIVE_SIDECAR, PROXY_CPU_LIMIT};
use meshproof_harness::scenario::{Stand, StepError};
use meshproof_protocol::ports::ProductPort;
use serde_json::Value;

use super::guide_cluster as cluster;

/// That each node's proxy carries connections to these ports of the other node so.
pub(super) async fn ways(
    stand: &Stand,
    wanted: &[(ProductPort, Way)],
) -> Result<Vec<Check>, StepError> {
    let mut checks = vec![declared(stand, wanted).await?];
    let listed = cluster::listed(stand).await?;
    for pod in &listed {
        let name = pod.metadata.name.clone().unwrap_or_default();
        let proxy = Proxy::of(&stand.kube, &stand.namespace, &name);
        let peers = listed
            .iter()
            .filter(|p| p.metadata.name != pod.metadata.name);
        for peer in peers {
            let address = pods::ip(peer).unwrap_or_default();
            let outbound = carried_so(stand, &proxy, &address, wanted).await?;
            for (port, way) in wanted {
                let found = outbound.way(&address, port.number());
                checks.push(Check::answered(
                    Standing::Truth,
                    format!("the proxy of {name} carries connections to {port} of its peer {way}"),
                    found == *way,
                    format!("{address}:{} {found}", port.number()),
                    vec![outbound.evidence(&address, port.number())],
                ));
            }
        }
    }
    Ok(checks)
}

/// Reads a proxy until it carries connections as wanted: istiod pushes within a second, and a push
/// tells nobody that it came. What it carried last is returned after the limit.
async fn carried_so(
    stand: &Stand,
    proxy: &Proxy<'_>,
    address: &str,
    wanted: &[(ProductPort, Way)],
) -> Result<Outbound, StepError> {
    let begun = tokio::time::Instant::now();
    loop {
        let outbound = Outbound::of(proxy).await?;
        let so = |(port, way): &(ProductPort, Way)| outbound.way(address, port.number()) == *way;
        if wanted.iter().all(so) || begun.elapsed() > stand.kube.limit(10) {
            return Ok(outbound);
        }
    }
}

/// That the Service declares, or does not declare, the ports as the ways tell.
async fn declared(stand: &Stand, wanted: &[(ProductPort, Way)]) -> Result<Check, StepError> {
    let namespace = &stand.namespace;
    let path = format!("/api/v1/namespaces/{namespace}/services/ignite-headless");
    let service = stand.kube.raw(&path).await?;
    let (holds, seen) = declared_so(&service, wanted);
    let evidence = Evidence::now(
        format!("kubectl get service ignite-headless -n {namespace} -o yaml"),
        service["spec"]["ports"].to_string(),
        seen.clone(),
    );
    let statement = "the headless Service's ports are as the fault has them";
    Ok(Check::answered(
        Standing::Truth,
        statement,
        holds,
        seen,
        vec![evidence],
    ))
}

/// Whether a Service declares each port, or not, by a name from which its way follows.
fn declared_so(service: &Value, wanted: &[(ProductPort, Way)]) -> (bool, String) {
    let entry = |port: &ProductPort| {
        let ports = service["spec"]["ports"].as_array().into_iter().flatten();
        let mut ports = ports.filter(|p| p["port"] == port.number());
        Some(ports.next()?["name"].as_str().unwrap_or("(no name)"))
    };
    let so = |(port, way): &(ProductPort, Way)| match (way, entry(port)) {
        (Way::PassesBy, None) => true,
        (Way::Tcp, Some(name)) => name.starts_with("tcp-"),
        (Way::Http, Some(name)) => name.starts_with("http-"),
        (Way::Sniffed, Some(name)) => !name.contains('-'),
        _ => false,
    };
    let told = |(port, _): &(ProductPort, Way)| {
        let name = entry(port).unwrap_or("not declared");
        format!("{}: {name}", port.number())
    };
    let seen = wanted.iter().map(told).collect::<Vec<_>>().join(", ");
    (wanted.iter().all(so), seen)
}

/// That both pods were injected without the hold. In a classic sidecar the hold is a command that
/// runs after the proxy's start and is waited for before the next container is started.
pub(super) async fn no_hold(stand: &Stand) -> Result<Vec<Check>, StepError> {
    let mut checks = vec![];
    for pod in cluster::listed(stand).await? {
        let name = pod.metadata.name.clone().unwrap_or_default();
        let object = serde_json::to_value(&pod).map_err(|error| KubeError::Object {
            what: format!("pod {name}"),
            reason: error.to_string(),
        })?;
        let config = &object["metadata"]["annotations"]["proxy.istio.io/config"];
        let injection = Injection::of(&object);
        let lifecycle = &proxy_container(&object)["lifecycle"];
        let held = injection == Injection::Classic && lifecycle["postStart"].is_object();
        let seen = format!(
            "annotation {}, {} sidecar, {}; {}",
            if config.is_null() {
                "absent"
            } else {
                "present"
            },
            injection.name(),
            if held { "held" } else { "not held" },
            starts(&object)
        );
        let evidence = Evidence::now(
            format!("kubectl get pod {name} -n {} -o yaml", stand.namespace),
            lifecycle.to_string(),
            seen.clone(),
        );
        checks.push(Check::answered(
            Standing::Truth,
            format!("{name} is not told to wait for its proxy"),
            config.is_null() && !held,
            seen,
            vec![evidence],
        ));
        let (so, seen) = sidecar_as_asked(&object);
        let statement = format!("{name} has the sidecar that its annotations ask for");
        checks.push(Check::answered(
            Standing::Truth,
            statement,
            so,
            seen,
            vec![],
        ));
    }
    Ok(checks)
}

/// Whether a pod's sidecar is of the kind and has the CPU limit that the pod's annotations ask for.
fn sidecar_as_asked(pod: &Value) -> (bool, String) {
    let annotations = &pod["metadata"]["annotations"];
    let limit = &proxy_container(pod)["resources"]["limits"]["cpu"];
    let injection = Injection::of(pod);
    let kind = match annotations[NATIVE_SIDECAR].as_str() {
        Some("true") => injection == Injection::Native,
        Some("false") => injection == Injection::Classic,
        _ => injection != Injection::Absent,
    };
    let limited = annotations[PROXY_CPU_LIMIT].is_null() || annotations[PROXY_CPU_LIMIT] == *limit;
    let limit = limit.as_str().unwrap_or("none");
    let seen = format!("{} sidecar, CPU limit {limit}", injection.name());
    (kind && limited, seen)
}

/// The proxy's container, wherever it stands in the pod's spec; null where there is none.
fn proxy_container(pod: &Value) -> &Value {
    ["initContainers", "containers"]
        .into_iter()
        .flat_map(|list| pod["spec"][list].as_array().into_iter().flatten())
        .find(|container| container["name"] == PROXY_CONTAINER)
        .unwrap_or(&Value::Null)
}

/// When the node's container and its proxy's were started, as the kubelet tells.
fn starts(pod: &Value) -> String {
    let statuses = ["containerStatuses", "initContainerStatuses"]
        .into_iter()
        .flat_map(|list| pod["status"][list].as_array().into_iter().flatten());
    let started = |wanted: &str| {
        statuses
            .clone()
            .find(|s| s["name"] == wanted)
            .and_then(|s| s["state"]["running"]["startedAt"].as_str())
            .unwrap_or("unknown")
    };
    format!(
        "node started at {}, proxy at {}",
        started(NODE_CONTAINER),
        started(PROXY_CONTAINER)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PORT: ProductPort = ProductPort::Communication;

    #[test]
    fn a_way_follows_from_the_name_of_the_port() {
        let named = |name: &str| json!({"spec": {"ports": [{"port": 47100, "name": name}]}});
        let cases = [
            (json!({"spec": {"ports": []}}), Way::PassesBy),
            (named("tcp-communication"), Way::Tcp),
            (named("http-communication"), Way::Http),
            (named("communication"), Way::Sniffed),
        ];
        for (service, fits) in &cases {
            for (_, way) in &cases {
                let (so, seen) = declared_so(service, &[(PORT, *way)]);
                assert_eq!(so, way == fits, "{seen}, {way}");
            }
        }
    }

    #[test]
    fn a_sidecar_of_another_kind_or_without_the_limit_is_not_as_asked() {
        let pod = |list: &str, native: &str, asked: &str, limit: &str| {
            json!({
                "metadata": {"annotations": {NATIVE_SIDECAR: native, PROXY_CPU_LIMIT: asked}},
                "spec": {list: [{
                    "name": PROXY_CONTAINER,
                    "resources": {"limits": {"cpu": limit}},
                }]},
            })
        };
        let so = |pod: &Value| sidecar_as_asked(pod).0;
        assert!(so(&pod("containers", "false", "60m", "60m")));
        assert!(so(&pod("initContainers", "true", "60m", "60m")));
        assert!(!so(&pod("initContainers", "false", "60m", "60m")));
        assert!(!so(&pod("containers", "true", "60m", "60m")));
        assert!(!so(&pod("containers", "false", "60m", "2")));
        let nothing_asked = json!({"spec": {"containers": [{"name": PROXY_CONTAINER}]}});
        assert_eq!(
            sidecar_as_asked(&nothing_asked),
            (true, "classic sidecar, CPU limit none".to_owned())
        );
        assert!(!so(&json!({})));
    }
}
