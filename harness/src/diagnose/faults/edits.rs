//! Edits of a snapshot that faults of more than one kind are made of.

use serde_json::{Value, json};

use crate::diagnose::redirection::Setting;
use crate::diagnose::written::{object, pods};
use crate::diagnose::{ProxyRecord, Snapshot};

/// The headless Service no longer declares this port.
pub fn drop_port(snapshot: &mut Snapshot, port: u16) {
    let ports = object(snapshot, "Service")["spec"]["ports"].as_array_mut();
    ports.unwrap().retain(|entry| entry["port"] != port);
}

/// The first node's container crashed and is restarted again and again.
pub fn ends(snapshot: &mut Snapshot) {
    let pod = pods(snapshot).next().unwrap();
    pod["status"]["containerStatuses"][0]["restartCount"] = json!(3);
    pod["status"]["containerStatuses"][0]["state"] =
        json!({ "waiting": { "reason": "CrashLoopBackOff" } });
    pod["status"]["containerStatuses"][0]["lastState"] = json!({ "terminated": {
        "exitCode": 255, "reason": "Error", "finishedAt": "2026-11-24T00:09:00Z" } });
}

/// The first node's log says that it listens on this port, in the words of a recorded one on 47501.
pub fn listens(s: &mut Snapshot, port: &str) {
    let recorded = include_str!("../../../fixtures/product/taken-port/node-1.log");
    let line = recorded.lines().find(|line| line.contains("bound to TCP"));
    let line = line.expect("the recorded node tells its port");
    let log = s.nodes[0].log.as_mut().expect("the node has a log");
    *log = format!("{}\n{log}", line.replace("47501", port));
}

/// Each node's container waits, for this reason.
pub fn waits(snapshot: &mut Snapshot, reason: &str, message: &str) {
    for pod in pods(snapshot) {
        pod["status"]["containerStatuses"][0]["state"] =
            json!({ "waiting": { "reason": reason, "message": message } });
    }
}

/// Each pod mounts the license's Secret.
pub fn license_volume(snapshot: &mut Snapshot) {
    for pod in pods(snapshot) {
        let volumes = pod["spec"]["volumes"].as_array_mut().unwrap();
        volumes.push(json!({ "name": "license", "secret": { "secretName": "gridgain-license" } }));
        let mounts = pod["spec"]["containers"][0]["volumeMounts"].as_array_mut();
        mounts
            .unwrap()
            .push(json!({ "name": "license", "mountPath": "/ignite/license" }));
    }
}

/// A connection of the first node's to the other's 47100 goes by the PassthroughCluster.
pub fn passes_by(snapshot: &mut Snapshot) {
    let line = "PassthroughCluster::10.244.0.7:47100::cx_active::1\n";
    snapshot.proxies[0].clusters.push_str(line);
}

/// The first node's sidecar has no listener for the other node.
pub fn forgets_the_other(snapshot: &mut Snapshot) {
    let proxy = &mut snapshot.proxies[0];
    proxy.listeners = without_lines(&proxy.listeners, "10.244.0.7:");
}

/// A Sidecar object of the namespace that imports Istio's own only.
pub fn imports_istio_only(snapshot: &mut Snapshot) {
    snapshot.objects.push(json!({
        "kind": "Sidecar", "metadata": { "name": "default", "namespace": "ignite" },
        "spec": { "egress": [{ "hosts": ["istio-system/*"] }] }
    }));
}

/// A pod, or a workload's template, with an annotation about its redirection.
pub fn annotate(object: &mut Value, setting: Setting, value: &str) {
    object["metadata"]["annotations"][setting.annotation()] = json!(value);
}

/// Another pod of the namespace with a sidecar that answers, put in and to be edited.
pub fn client(snapshot: &mut Snapshot) -> &mut Value {
    let name = "ignite-client-0";
    let listeners: String = snapshot.proxies[..2]
        .iter()
        .map(|proxy| proxy.listeners.as_str())
        .collect();
    let proxy = &snapshot.proxies[0];
    snapshot.proxies.push(ProxyRecord {
        pod: name.into(),
        listeners,
        clusters: "PassthroughCluster::observability_name::PassthroughCluster;\n".into(),
        ..proxy.clone()
    });
    snapshot.objects.push(json!({
        "kind": "Pod",
        "metadata": { "name": name, "namespace": "ignite", "labels": { "app": "client" } },
        "spec": {
            "containers": [{ "name": "client", "image": "client:1" }],
            "initContainers": [{ "name": "istio-proxy", "restartPolicy": "Always" }]
        }
    }));
    snapshot.objects.last_mut().expect("it was put in")
}

/// A client's connections to the first node's 10800 go by the PassthroughCluster.
pub fn client_passes_by(snapshot: &mut Snapshot) {
    client(snapshot);
    let line = "PassthroughCluster::10.244.0.8:10800::cx_active::3\n";
    let proxy = snapshot.proxies.last_mut().expect("the client's");
    proxy.clusters.push_str(line);
}

/// The nodes' proxies keep their counters and have, and had, no connection.
pub fn nothing_shown(snapshot: &mut Snapshot) {
    let of_nodes = snapshot
        .proxies
        .iter_mut()
        .filter(|proxy| proxy.namespace == "ignite");
    for proxy in of_nodes {
        proxy.clusters = without_lines(&proxy.clusters, "::cx_active::");
        for sample in &mut proxy.samples {
            let kept = without_lines(&sample.stats, ".upstream_cx_");
            let zero = |line: &str| match line.split_once(".ssl.handshake: ") {
                Some((cluster, _)) => format!("{cluster}.ssl.handshake: 0\n"),
                None => format!("{line}\n"),
            };
            sample.stats = kept.lines().map(zero).collect();
        }
    }
}

/// An AuthorizationPolicy with this spec, for the whole namespace.
pub fn authorization(spec: Value) -> Value {
    json!({ "kind": "AuthorizationPolicy",
        "metadata": { "name": "some-policy", "namespace": "ignite" }, "spec": spec })
}

/// A page without the lines that have this part.
pub fn without_lines(text: &str, part: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains(part));
    lines.map(|line| format!("{line}\n")).collect()
}
