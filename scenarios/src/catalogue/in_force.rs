//! Whether a fault is in force: read back from the API and from the proxies' live configuration.

use meshproof_harness::evidence::nodes::{self, NODE_CONTAINER};
use meshproof_harness::kube::{KubeError, pods, read_until};
use meshproof_harness::mesh::{Demand, Inbound, Injection, Outbound, PROXY_CONTAINER, Proxy, Way};
use meshproof_harness::outcome::{Check, Evidence, Standing};
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
    let so = |outbound: &Outbound| {
        let mut wanted = wanted.iter();
        wanted.all(|(port, way)| outbound.way(address, port.number()) == *way)
    };
    let outbound = read_until(stand.kube.limit(30), || Outbound::of(proxy), so);
    Ok(outbound.await?)
}

/// That each node's proxy demands this of connections to every port of the product: a policy that
/// did not reach a proxy refuses nothing there, which shows nothing of the policy.
pub(super) async fn demands(stand: &Stand, wanted: Demand) -> Result<Vec<Check>, StepError> {
    let mut checks = vec![];
    for pod in nodes::PODS {
        let proxy = Proxy::of(&stand.kube, &stand.namespace, pod);
        let inbound = demanding(stand, &proxy, wanted).await?;
        checks.push(demand_check(&inbound, wanted));
    }
    Ok(checks)
}

/// Reads a proxy until it demands what is wanted; what it demanded last is returned after the limit.
async fn demanding(stand: &Stand, proxy: &Proxy<'_>, wanted: Demand) -> Result<Inbound, StepError> {
    let inbound = read_until(
        stand.kube.limit(30),
        || Inbound::of(proxy),
        |inbound| everywhere(inbound, wanted),
    );
    Ok(inbound.await?)
}

fn everywhere(inbound: &Inbound, wanted: Demand) -> bool {
    let mut ports = ProductPort::ALL.into_iter();
    ports.all(|port| inbound.demand(port.number()) == wanted)
}

fn demand_check(inbound: &Inbound, wanted: Demand) -> Check {
    let ports = ProductPort::ALL.map(ProductPort::number);
    let told = ports.map(|port| format!("{port} {}", inbound.demand(port)));
    let seen = told.join(", ");
    Check::answered(
        Standing::Truth,
        format!(
            "the proxy of {} takes {wanted} on every port of the product",
            inbound.pod
        ),
        everywhere(inbound, wanted),
        seen.clone(),
        vec![inbound.evidence(&ports, seen)],
    )
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

/// The sidecar that a fault's pods have to have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sidecar {
    /// How it is placed.
    pub(super) kind: Injection,
    /// The CPU that it asks for and its limit, as quantities; none where the mesh's own may stand.
    pub(super) cpu: Option<[&'static str; 2]>,
}

/// That both pods were injected so and without the hold. In a classic sidecar the hold is a command that
/// runs after the proxy's start and is waited for before the next container is started.
pub(super) async fn no_hold(stand: &Stand, sidecar: Sidecar) -> Result<Vec<Check>, StepError> {
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
        let (so, seen) = sidecar.is_in(&object);
        let statement = format!("{name} has the sidecar that the case is about");
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

impl Sidecar {
    /// Whether it is what a pod has, with what the pod has.
    fn is_in(self, pod: &Value) -> (bool, String) {
        let injection = Injection::of(pod);
        let resources = &proxy_container(pod)["resources"];
        let cpu = ["requests", "limits"].map(|of| resources[of]["cpu"].as_str());
        let cpu_fits = self.cpu.is_none_or(|wanted| cpu == wanted.map(Some));
        let [request, limit] = cpu.map(|quantity| quantity.unwrap_or("none"));
        let seen = format!(
            "{} sidecar, CPU request {request}, limit {limit}",
            injection.name()
        );
        (injection == self.kind && cpu_fits, seen)
    }
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
    fn a_demand_that_did_not_reach_the_proxy_fails_on_the_port_that_lacks_it() {
        let chain = |port: Value, requires: bool| {
            json!({ "name": "virtualInbound", "filter_chain_match": { "destination_port": port },
                    "transport_socket": { "typed_config": {
                        "require_client_certificate": requires } } })
        };
        let asked = |chains: Value, wanted| {
            let listener = json!({ "name": "virtualInbound", "filter_chains": chains });
            let dump = json!({ "configs": [{ "active_state": { "listener": listener } }] });
            let inbound = Inbound::read("ignite-0", "curl".into(), &dump).unwrap();
            let check = demand_check(&inbound, wanted);
            (check.holds(), check.seen)
        };
        let strict = json!([chain(Value::Null, true)]);
        let permissive = json!([chain(Value::Null, true), chain(Value::Null, false)]);
        assert!(asked(strict.clone(), Demand::Certificate).0);
        assert!(!asked(strict, Demand::Either).0);
        assert!(!asked(permissive.clone(), Demand::Certificate).0);
        assert!(asked(permissive, Demand::Either).0);
        let one_open = json!([chain(Value::Null, true), chain(json!(47100), false)]);
        let (holds, seen) = asked(one_open, Demand::Certificate);
        assert!(!holds && seen.contains("47100 no mutual TLS"), "{seen}");
        assert!(seen.contains("47500 mutual TLS only"), "{seen}");
    }

    #[test]
    fn a_sidecar_of_another_kind_or_with_other_cpu_is_not_the_one_of_the_case() {
        let pod = |list: &str, request: &str, limit: &str| {
            json!({ "spec": { list: [{
                "name": PROXY_CONTAINER,
                "resources": { "requests": { "cpu": request }, "limits": { "cpu": limit } },
            }] } })
        };
        let slow = Sidecar {
            kind: Injection::Classic,
            cpu: Some(["10m", "60m"]),
        };
        assert_eq!(
            slow.is_in(&pod("containers", "10m", "60m")),
            (
                true,
                "classic sidecar, CPU request 10m, limit 60m".to_owned()
            )
        );
        assert!(!slow.is_in(&pod("initContainers", "10m", "60m")).0);
        assert!(!slow.is_in(&pod("containers", "100m", "60m")).0);
        assert!(!slow.is_in(&pod("containers", "10m", "2")).0);
        let any = Sidecar { cpu: None, ..slow };
        let bare = json!({ "spec": { "containers": [{ "name": PROXY_CONTAINER }] } });
        assert!(any.is_in(&bare).0);
        assert!(!slow.is_in(&bare).0);
        assert!(!any.is_in(&json!({})).0);
    }
}
