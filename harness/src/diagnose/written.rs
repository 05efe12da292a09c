//! For tests of single rules: a healthy snapshot put together from the guide's manifests and from
//! recorded logs, answers and pages, to be edited.
//!
//! It is no recording of a cluster: those are in `fixtures/snapshots`. The statuses of its pods are
//! written by hand, as far as rules read them.

use meshproof_protocol::ports::ProductPort;
use serde_json::{Value, json};

use super::{
    NodeRecord, ProxyRecord, ProxySample, Recorded, SNAPSHOT_VERSION, Snapshot, TopRecord,
};
use crate::mesh::Demand;
use crate::product::guide;

const HEALTHY: [&str; 2] = [
    include_str!("../../fixtures/product/healthy/before-intruder.log"),
    include_str!("../../fixtures/product/healthy/node-1.log"),
];
const HEALTHY_TOP: [&str; 2] = [
    include_str!("../../fixtures/product/healthy/top-0.json"),
    include_str!("../../fixtures/product/healthy/top-1.json"),
];
const SPLIT: [&str; 2] = [
    include_str!("../../fixtures/product/split/node-0.log"),
    include_str!("../../fixtures/product/split/node-1.log"),
];
const SPLIT_TOP: [&str; 2] = [
    include_str!("../../fixtures/product/split/top-0.json"),
    include_str!("../../fixtures/product/split/top-1.json"),
];
const STALL: [&str; 2] = [
    include_str!("../../fixtures/product/stall/node-0.log"),
    include_str!("../../fixtures/product/stall/node-1.log"),
];
const STALL_TOP: &str = include_str!("../../fixtures/product/stall/top-0.json");

/// A line with which every node begins, and which the recorded excerpts leave out.
pub const BEGINNING: &str = "Ignite Command Line Startup, ver. 2.16.0#20231215-sha1:7bde6a42\n";

/// Counters that a real proxy lists and the recorded excerpts leave out.
const UPDATES: &str = "cluster_manager.cds.update_rejected: 0\n\
                       listener_manager.lds.update_rejected: 0\n";

/// The guide's cluster with its gateway, healthy.
pub fn healthy() -> Snapshot {
    let read = |manifest: Result<crate::product::manifest::Manifest, _>| {
        manifest.expect("the guide's manifests can be read").objects
    };
    let mut objects = read(guide::ignite_cluster());
    objects.retain(|object| object["kind"] != "ConfigMap");
    objects.extend(read(guide::peer_authentication()));
    objects.extend(read(guide::client_gateway()));
    let template = objects
        .iter()
        .find(|object| object["kind"] == "StatefulSet")
        .expect("the guide's cluster is a StatefulSet")["spec"]["template"]
        .clone();
    objects.extend((0..2).map(|n| pod(&template, n)));
    let mut snapshot = Snapshot {
        schema_version: SNAPSHOT_VERSION,
        recorded: Recorded {
            command: "meshproof record -n ignite".into(),
            istio: None,
            at: "2026-11-24T00:10:00Z".parse().expect("a time"),
        },
        namespace: read(guide::namespace()).remove(0),
        objects,
        mesh_objects: gateway(),
        unread: vec![],
        secrets: Some(vec![]),
        mesh_secrets: Some(vec!["ignite-client-tls".into()]),
        nodes: vec![],
        proxies: proxies(),
    };
    say(&mut snapshot, HEALTHY, HEALTHY_TOP.map(answer));
    snapshot
}

/// Puts a cluster of one node beside that of the guide, with a StatefulSet and a Service of its own.
pub fn beside(snapshot: &mut Snapshot) {
    let own = ["Service", "StatefulSet", "Pod"].map(|kind| {
        let mut own = object(snapshot, kind).clone();
        let name = match kind {
            "Pod" => "other-0",
            "Service" => "other-headless",
            _ => "other",
        };
        own["metadata"]["name"] = json!(name);
        own
    });
    let [mut service, mut set, mut pod] = own;
    let labels = json!({ "app": "other" });
    service["spec"]["selector"] = labels.clone();
    set["spec"]["replicas"] = json!(1);
    set["spec"]["selector"]["matchLabels"] = labels.clone();
    pod["metadata"]["labels"] = labels;
    pod["metadata"]["ownerReferences"][0]["name"] = json!("other");
    pod["status"]["podIP"] = json!("10.244.0.9");
    snapshot.objects.extend([service, set, pod]);
    snapshot.nodes.push(NodeRecord {
        pod: "other-0".into(),
        log: Some(SPLIT[1].to_owned()),
        top: answer(SPLIT_TOP[1]),
        ..snapshot.nodes[0].clone()
    });
    let mut proxy = snapshot.proxies[0].clone();
    proxy.pod = "other-0".into();
    snapshot.proxies.push(proxy);
}

/// Gives the nodes the logs and answers of a split.
pub fn split(snapshot: &mut Snapshot) {
    say(snapshot, SPLIT, SPLIT_TOP.map(answer));
}

/// Gives the nodes the logs and answers of a stall.
pub fn stall(snapshot: &mut Snapshot) {
    let none = TopRecord::NoAnswer("no answer within 1.2s".into());
    say(snapshot, STALL, [answer(STALL_TOP), none]);
}

fn say(snapshot: &mut Snapshot, logs: [&str; 2], tops: [TopRecord; 2]) {
    snapshot.nodes = logs
        .into_iter()
        .zip(tops)
        .enumerate()
        .map(|(n, (log, top))| NodeRecord {
            pod: format!("ignite-{n}"),
            container: "ignite-node".into(),
            log: Some(format!("{BEGINNING}{log}")),
            previous_log: None,
            top,
            license_urls: vec![],
        })
        .collect();
}

/// A recorded answer without the line that says where it is from.
fn answer(recorded: &str) -> TopRecord {
    let lines = recorded.lines().filter(|line| !line.starts_with('#'));
    TopRecord::Answer(lines.collect())
}

/// The first object of a kind, to be edited.
pub fn object<'a>(snapshot: &'a mut Snapshot, kind: &str) -> &'a mut Value {
    let mut objects = snapshot.objects.iter_mut();
    let found = objects.find(|object| object["kind"] == kind);
    found.unwrap_or_else(|| panic!("the snapshot has no {kind}"))
}

/// The product's pods, to be edited.
pub fn pods(snapshot: &mut Snapshot) -> impl Iterator<Item = &mut Value> {
    let objects = snapshot.objects.iter_mut();
    objects.filter(|object| object["kind"] == "Pod")
}

/// Takes a pod's sidecar away.
pub fn without_sidecar(pod: &mut Value) {
    pod["spec"]["initContainers"] = json!([]);
}

/// Makes a pod's sidecar a classic one.
pub fn classic(pod: &mut Value) {
    without_sidecar(pod);
    let containers = pod["spec"]["containers"].as_array_mut();
    containers
        .expect("a pod has containers")
        .push(json!({ "name": "istio-proxy" }));
}

/// The address of a node's pod, which the recorded pages of the proxies have.
fn address(n: usize) -> String {
    format!("10.244.0.{}", 8 - n)
}

/// The listeners of a node's sidecar by which it reaches the other.
fn listeners(n: usize) -> String {
    let other = address(1 - n);
    let ports = [10800, 47100, 47500];
    let ports = ports.map(|port| format!("{other}_{port}::{other}:{port}\n"));
    format!("virtualOutbound::0.0.0.0:15001\n{}", ports.concat())
}

fn pod(template: &Value, n: usize) -> Value {
    let mut metadata = template["metadata"].clone();
    metadata["name"] = json!(format!("ignite-{n}"));
    metadata["namespace"] = json!("ignite");
    metadata["creationTimestamp"] = json!("2026-11-24T00:00:00Z");
    metadata["ownerReferences"] =
        json!([{ "kind": "StatefulSet", "name": "ignite", "controller": true }]);
    let mut spec = template["spec"].clone();
    spec["initContainers"] = json!([{ "name": "istio-proxy", "restartPolicy": "Always" }]);
    spec["serviceAccountName"] = json!("default");
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec,
        "status": {
            "podIP": address(n),
            "conditions": [{ "type": "Ready", "status": "True",
                "lastTransitionTime": "2026-11-24T00:00:20Z" }],
            "containerStatuses": [{
                "name": "ignite-node", "restartCount": 0,
                "state": { "running": { "startedAt": "2026-11-24T00:00:10Z" } }
            }]
        }
    })
}

fn proxies() -> Vec<ProxyRecord> {
    let record = |namespace: &str, pod: &str, stats: &str, clusters: &str, listeners: &str| {
        let sample = ProxySample {
            at: jiff::Timestamp::UNIX_EPOCH,
            stats: format!("{stats}{UPDATES}"),
        };
        ProxyRecord {
            namespace: namespace.into(),
            pod: pod.into(),
            samples: vec![sample.clone(), sample],
            clusters: clusters.into(),
            listeners: listeners.into(),
            dump_unread: false,
            demands: (namespace == "ignite").then(|| {
                let ports = ProductPort::ALL.map(ProductPort::number);
                ports.map(|port| (port, Demand::Certificate)).into()
            }),
        }
    };
    vec![
        record(
            "ignite",
            "ignite-0",
            include_str!("../../fixtures/proxies/ignite-0.stats"),
            include_str!("../../fixtures/proxies/ignite-0.clusters"),
            &listeners(0),
        ),
        record(
            "ignite",
            "ignite-1",
            include_str!("../../fixtures/proxies/ignite-1.stats"),
            include_str!("../../fixtures/proxies/ignite-1.clusters"),
            &listeners(1),
        ),
        record(
            "istio-system",
            "gateway",
            "",
            include_str!("../../fixtures/proxies/gateway.clusters"),
            include_str!("../../fixtures/proxies/gateway.listeners"),
        ),
    ]
}

fn gateway() -> Vec<Value> {
    let labels = json!({ "istio": "ingressgateway", "app": "istio-ingressgateway" });
    let metadata = |name: &str| json!({ "name": name, "namespace": "istio-system" });
    let mut pod = json!({
        "kind": "Pod", "metadata": metadata("gateway"), "spec": { "containers": [] },
        "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] }
    });
    pod["metadata"]["labels"] = labels.clone();
    vec![
        pod,
        json!({
            "kind": "Deployment", "metadata": metadata("istio-ingressgateway"),
            "spec": { "replicas": 1, "template": { "metadata": { "labels": labels } } }
        }),
        json!({
            "kind": "Service", "metadata": metadata("istio-ingressgateway"),
            "spec": { "selector": { "istio": "ingressgateway" },
                "ports": [{ "port": 80, "targetPort": 8080 }, { "port": 443, "targetPort": 8443 }] }
        }),
    ]
}
