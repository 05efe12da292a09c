//! Each rule on its own fault, each fault one edit of a healthy snapshot put together for tests.

use serde_json::{Value, json};

use super::fixtures_tests::same_when_renamed;
use super::written::{classic, healthy, object, pods, split, stall, without_sidecar};
use super::{Snapshot, TopRecord, diagnose};
use crate::outcome::Weight::{self, Cause, Exposure, Risk, Symptom};

/// A fault: its name, the edit that makes it, and what is found.
type Fault = (
    &'static str,
    fn(&mut Snapshot),
    &'static [(&'static str, Weight)],
);

const FAULTS: &[Fault] = &[
    ("nothing", |_| {}, &[]),
    (
        "47100 not declared",
        |s| drop_port(s, 47100),
        &[("MP001", Cause)],
    ),
    (
        "10800 not declared",
        |s| drop_port(s, 10800),
        &[("MP001", Risk)],
    ),
    (
        "declared only by a Service with an address",
        |s| object(s, "Service")["spec"]["clusterIP"] = json!("10.96.0.9"),
        &[("MP001", Cause)],
    ),
    (
        "declared for UDP",
        |s| entry(s, 47100)["protocol"] = json!("UDP"),
        &[("MP001", Cause)],
    ),
    (
        "47100 without a protocol",
        |s| entry(s, 47100)["name"] = json!("communication"),
        &[("MP002", Cause)],
    ),
    (
        "47500 without a protocol",
        |s| entry(s, 47500)["name"] = json!("discovery"),
        &[("MP002", Risk)],
    ),
    (
        "appProtocol counts more than the name",
        |s| entry(s, 47100)["appProtocol"] = json!("http"),
        &[("MP003", Cause)],
    ),
    (
        "47100 as HTTP",
        |s| entry(s, 47100)["name"] = json!("http-communication"),
        &[("MP003", Cause)],
    ),
    (
        "another port leads to 47100",
        |s| {
            entry(s, 47100)["targetPort"] = json!(47100);
            entry(s, 47100)["port"] = json!(7100);
        },
        &[("MP004", Cause)],
    ),
    (
        "47500 leads elsewhere",
        |s| entry(s, 47500)["targetPort"] = json!(47501),
        &[("MP004", Risk)],
    ),
    (
        "no namespace label, no sidecar",
        |s| {
            s.namespace["metadata"]["labels"] = json!({});
            pods(s).for_each(without_sidecar);
        },
        &[("MP010", Cause)],
    ),
    (
        "one pod older than the label",
        |s| pods(s).take(1).for_each(without_sidecar),
        &[("MP010", Cause)],
    ),
    (
        "a pod opts out",
        |s| {
            pods(s).take(1).for_each(|pod| {
                without_sidecar(pod);
                pod["metadata"]["labels"]["sidecar.istio.io/inject"] = json!("false");
            });
        },
        &[("MP010", Cause)],
    ),
    (
        "no hold, and it works",
        |s| pods(s).for_each(no_hold),
        &[("MP011", Risk)],
    ),
    (
        "no hold, and nothing else explains the split",
        |s| {
            pods(s).for_each(no_hold);
            split(s);
        },
        &[("MP011", Cause), ("MP020", Symptom)],
    ),
    (
        "no hold, and something else explains the stall",
        |s| {
            pods(s).for_each(no_hold);
            drop_port(s, 47100);
            stall(s);
        },
        &[("MP001", Cause), ("MP021", Symptom), ("MP011", Risk)],
    ),
    (
        "a native sidecar needs no hold",
        |s| pods(s).for_each(|pod| pod["metadata"]["annotations"] = json!({})),
        &[],
    ),
    (
        "47500 in use, and a split",
        |s| {
            split(s);
            listens(s, "47501");
        },
        &[("MP026", Cause), ("MP020", Symptom)],
    ),
    (
        "47100 in use in one pod, without harm yet",
        |s| listens(s, "47101"),
        &[("MP026", Risk)],
    ),
    (
        "another port by configuration, which a Service declares",
        |s| {
            listens(s, "47101");
            let ports = object(s, "Service")["spec"]["ports"]
                .as_array_mut()
                .unwrap();
            ports.push(json!({ "name": "tcp-communication-1", "port": 47101, "protocol": "TCP" }));
        },
        &[],
    ),
    ("a split", |s| split(s), &[("MP020", Symptom)]),
    ("a stall", |s| stall(s), &[("MP021", Symptom)]),
    (
        "a node that looks for others",
        |s| {
            s.nodes[1].log = Some("[main] starting\n".into());
            s.nodes[1].top = TopRecord::NoAnswer("no answer".into());
        },
        &[("MP022", Symptom)],
    ),
    (
        "a node that crashes with a license",
        |s| {
            ends(s);
            s.nodes[0].log = Some("start\nno valid license was found\n".into());
        },
        &[("MP042", Cause), ("MP023", Symptom)],
    ),
    (
        "a node that crashes",
        |s| {
            ends(s);
            s.nodes[0].log = Some("start\n".into());
        },
        &[("MP023", Symptom)],
    ),
    (
        "an image that cannot be had",
        |s| waits(s, "ImagePullBackOff", "Back-off pulling image"),
        &[("MP024", Symptom)],
    ),
    (
        "a pod that cannot be made",
        |s| {
            pods_gone(s);
            s.objects.push(json!({
                "kind": "Event", "reason": "FailedCreate", "message": "admission refused",
                "involvedObject": { "kind": "StatefulSet", "name": "ignite" }
            }));
        },
        &[("MP025", Symptom)],
    ),
    (
        "no policy",
        |s| s.objects.retain(|o| o["kind"] != "PeerAuthentication"),
        &[("MP030", Exposure)],
    ),
    (
        "one port open",
        |s| {
            s.objects.push(json!({
                "kind": "PeerAuthentication",
                "metadata": { "name": "clients", "namespace": "ignite" },
                "spec": { "selector": { "matchLabels": { "app": "ignite" } },
                    "portLevelMtls": { "10800": { "mode": "DISABLE" } } }
            }));
        },
        &[("MP030", Exposure)],
    ),
    (
        "a connection passes by",
        |s| {
            s.proxies[0]
                .clusters
                .push_str("PassthroughCluster::10.244.0.7:47100::cx_active::1\n");
        },
        &[("MP031", Cause)],
    ),
    (
        "a connection to something else passes by",
        |s| {
            s.proxies[0]
                .clusters
                .push_str("PassthroughCluster::10.96.0.1:8080::cx_active::1\n");
        },
        &[],
    ),
    (
        "a Service's port without TLS",
        |s| {
            s.proxies[0]
                .samples
                .iter_mut()
                .for_each(|sample| sample.stats = without_lines(&sample.stats, "|47500||"));
        },
        &[("MP031", Cause)],
    ),
    (
        "refused connections rise",
        |s| {
            let sample = &mut s.proxies[0].samples[1];
            sample.stats = sample
                .stats
                .replace("no_filter_chain_match: 6", "no_filter_chain_match: 8");
        },
        &[("MP032", Symptom)],
    ),
    (
        "TLS turned off",
        |s| {
            s.objects.push(json!({
                "kind": "DestinationRule", "metadata": { "name": "off", "namespace": "ignite" },
                "spec": { "host": "ignite-headless",
                    "trafficPolicy": { "tls": { "mode": "DISABLE" } } }
            }));
        },
        &[("MP033", Cause)],
    ),
    (
        "a DENY for nodes",
        |s| {
            s.objects.push(authorization(json!({ "action": "DENY",
                "rules": [{ "to": [{ "operation": { "ports": ["47100"] } }] }] })));
        },
        &[("MP034", Cause)],
    ),
    (
        "an ALLOW that leaves nodes out",
        |s| {
            s.objects.push(authorization(json!({
                "rules": [{ "to": [{ "operation": { "ports": ["10800"] } }] }] })));
        },
        &[("MP034", Cause)],
    ),
    (
        "an ALLOW for the namespace",
        |s| {
            s.objects.push(authorization(json!({
                "rules": [{ "from": [{ "source": { "namespaces": ["ignite"] } }] }] })));
        },
        &[],
    ),
    (
        "a NetworkPolicy for clients only",
        |s| {
            s.objects
                .push(network_policy(json!([{ "ports": [{ "port": 10800 }] }])));
        },
        &[("MP035", Cause)],
    ),
    (
        "a NetworkPolicy that admits nodes",
        |s| {
            s.objects.push(network_policy(json!([{
                "from": [{ "podSelector": { "matchLabels": { "app": "ignite" } } }],
                "ports": [{ "port": 47000, "endPort": 48000 }] }])));
        },
        &[],
    ),
    (
        "a rejected listener, and it works",
        |s| reject(s, 1, 1),
        &[("MP036", Risk)],
    ),
    (
        "rejected listeners, more of them",
        |s| reject(s, 1, 2),
        &[("MP036", Cause)],
    ),
    (
        "a missing Secret",
        |s| {
            license_volume(s);
            s.nodes.clear();
            s.proxies.retain(|p| p.namespace != "ignite");
            waits(s, "PodInitializing", "");
            s.objects.push(json!({
                "kind": "Event", "reason": "FailedMount",
                "message": "MountVolume.SetUp failed for volume \"license\" : secret \"gridgain-license\" not found",
                "involvedObject": { "kind": "Pod", "name": "ignite-0" }
            }));
            s.objects.push(json!({
                "kind": "Event", "reason": "FailedMount",
                "message": "MountVolume.SetUp failed for volume \"license\" : secret \"gridgain-license\" not found",
                "involvedObject": { "kind": "Pod", "name": "ignite-1" }
            }));
        },
        &[("MP040", Cause), ("MP024", Symptom)],
    ),
    (
        "a Secret deleted behind running pods",
        license_volume,
        &[("MP040", Risk)],
    ),
    (
        "licenseUrl elsewhere",
        |s| {
            license_volume(s);
            s.secrets = Some(vec!["gridgain-license".into()]);
            s.nodes[0].license_urls = vec!["file:///opt/gridgain-license.xml".into()];
        },
        &[("MP041", Cause)],
    ),
    (
        "licenseUrl where the Secret is",
        |s| {
            license_volume(s);
            s.secrets = Some(vec!["gridgain-license".into()]);
            s.nodes[0].license_urls = vec!["/ignite/license/gridgain-license.xml".into()];
        },
        &[],
    ),
    (
        "no ingress gateway",
        |s| {
            s.mesh_objects.clear();
            s.proxies.pop();
        },
        &[("MP050", Cause)],
    ),
    (
        "the gateway scaled to 0",
        |s| {
            s.mesh_objects.retain(|o| o["kind"] != "Pod");
            s.mesh_objects[0]["spec"]["replicas"] = json!(0);
            s.proxies.pop();
        },
        &[("MP050", Cause)],
    ),
    (
        "the gateway not Ready",
        |s| s.mesh_objects[0]["status"] = json!({ "phase": "Pending" }),
        &[("MP050", Cause)],
    ),
    (
        "no Service for the gateway",
        |s| s.mesh_objects.retain(|o| o["kind"] != "Service"),
        &[("MP050", Cause), ("MP053", Cause)],
    ),
    (
        "another Gateway named",
        |s| object(s, "VirtualService")["spec"]["gateways"] = json!(["other"]),
        &[("MP051", Cause)],
    ),
    (
        "the Gateway's Secret missing",
        |s| s.mesh_secrets = Some(vec![]),
        &[("MP052", Cause)],
    ),
    (
        "a gateway that does not listen",
        |s| {
            let gateway = s.proxies.last_mut().unwrap();
            gateway.listeners = without_lines(&gateway.listeners, "8443");
        },
        &[("MP053", Symptom)],
    ),
];

#[test]
fn each_fault_is_found_by_its_rules_and_by_no_other() {
    for (fault, edit, expected) in FAULTS {
        let mut snapshot = healthy();
        edit(&mut snapshot);
        let diagnosis = diagnose(&snapshot);
        let mut found: Vec<(&str, Weight)> = diagnosis
            .findings
            .iter()
            .map(|f| (f.code.as_str(), f.weight))
            .collect();
        // One finding for each pod is still one thing found.
        found.dedup();
        assert_eq!(found, *expected, "{fault}: {diagnosis:#?}");
    }
}

#[test]
fn each_fault_is_told_the_same_after_all_objects_are_renamed() {
    for (fault, edit, _) in FAULTS {
        let mut snapshot = healthy();
        edit(&mut snapshot);
        if let Err(why) = same_when_renamed(&snapshot) {
            panic!("{fault}: {why}");
        }
    }
}

#[test]
fn every_rule_has_a_fault_here() {
    for rule in super::rules::ALL {
        let mut all = FAULTS.iter().flat_map(|(_, _, found)| found.iter());
        assert!(all.any(|(code, _)| *code == rule.code), "{}", rule.code);
    }
}

#[test]
fn nothing_is_unknown_of_a_cluster_that_tells_everything() {
    assert_eq!(diagnose(&healthy()).unknown, vec![]);
}

#[test]
fn what_is_not_told_is_unknown_and_neither_healthy_nor_found() {
    type Lack = (&'static str, fn(&mut Snapshot), &'static [&'static str]);
    let lacks: &[Lack] = &[
        (
            "no proxy answers",
            |s| s.proxies.clear(),
            &["MP031", "MP032", "MP036", "MP053"],
        ),
        (
            "proxies without counters",
            |s| {
                for proxy in &mut s.proxies {
                    for sample in &mut proxy.samples {
                        sample.stats = "server.live: 1\n".into();
                    }
                }
            },
            &["MP031", "MP032", "MP036"],
        ),
        (
            "one moment only",
            |s| s.proxies[0].samples.truncate(1),
            &["MP031", "MP032", "MP036"],
        ),
        (
            "no page of clusters",
            |s| s.proxies[0].clusters.clear(),
            &["MP031"],
        ),
        (
            "a silent node",
            |s| {
                s.nodes[0].log = None;
                s.nodes[0].top = TopRecord::NoAnswer("no answer".into());
            },
            &["MP020", "MP021", "MP022", "MP026"],
        ),
        ("no product", |s| s.objects.clear(), &["MP020", "MP021"]),
        (
            "policies that may not be listed",
            |s| {
                s.objects.retain(|o| o["kind"] != "PeerAuthentication");
                unread(s, "ignite", "PeerAuthentication");
            },
            &["MP030"],
        ),
        (
            "Secrets that may not be listed",
            |s| {
                s.mesh_secrets = None;
                s.secrets = None;
                license_volume(s);
            },
            &["MP040", "MP052"],
        ),
        (
            "a policy that depends on more",
            |s| {
                s.objects.push(authorization(json!({ "action": "CUSTOM",
                    "provider": { "name": "x" }, "rules": [{}] })));
            },
            &["MP034"],
        ),
        (
            "a Gateway of a namespace that was not read",
            |s| object(s, "VirtualService")["spec"]["gateways"] = json!(["far/other"]),
            &["MP051"],
        ),
        (
            "a relative licenseUrl",
            |s| s.nodes[0].license_urls = vec!["license.xml".into()],
            &["MP041"],
        ),
    ];
    for (lack, edit, expected) in lacks {
        let mut snapshot = healthy();
        edit(&mut snapshot);
        let diagnosis = diagnose(&snapshot);
        let unknown: Vec<&str> = diagnosis.unknown.iter().map(|u| u.code.as_str()).collect();
        assert_eq!(unknown, *expected, "{lack}: {diagnosis:#?}");
        assert_eq!(diagnosis.findings, vec![], "{lack}");
    }
}

#[test]
fn what_a_person_pastes_has_the_snapshots_names() {
    let mut snapshot = healthy();
    drop_port(&mut snapshot, 47100);
    stall(&mut snapshot);
    insta::assert_json_snapshot!(diagnose(&snapshot));
}

fn entry(snapshot: &mut Snapshot, port: u16) -> &mut Value {
    let ports = object(snapshot, "Service")["spec"]["ports"].as_array_mut();
    let mut ports = ports.unwrap().iter_mut();
    ports.find(|entry| entry["port"] == port).unwrap()
}

/// The first node's log says that it listens on this port, in the words of a recorded one on 47501.
fn listens(s: &mut Snapshot, port: &str) {
    let recorded = include_str!("../../fixtures/product/taken-port/node-1.log");
    let line = recorded.lines().find(|line| line.contains("bound to TCP"));
    let line = line.expect("the recorded node tells its port");
    let log = s.nodes[0].log.as_mut().expect("the node has a log");
    *log = format!("{}\n{log}", line.replace("47501", port));
}

fn drop_port(snapshot: &mut Snapshot, port: u16) {
    let ports = object(snapshot, "Service")["spec"]["ports"].as_array_mut();
    ports.unwrap().retain(|entry| entry["port"] != port);
}

fn no_hold(pod: &mut Value) {
    classic(pod);
    pod["metadata"]["annotations"] = json!({});
}

fn ends(snapshot: &mut Snapshot) {
    let pod = pods(snapshot).next().unwrap();
    pod["status"]["containerStatuses"][0]["restartCount"] = json!(3);
    pod["status"]["containerStatuses"][0]["state"] =
        json!({ "waiting": { "reason": "CrashLoopBackOff" } });
    pod["status"]["containerStatuses"][0]["lastState"] = json!({ "terminated": {
        "exitCode": 255, "reason": "Error", "finishedAt": "2026-11-24T00:09:00Z" } });
}

fn waits(snapshot: &mut Snapshot, reason: &str, message: &str) {
    for pod in pods(snapshot) {
        pod["status"]["containerStatuses"][0]["state"] =
            json!({ "waiting": { "reason": reason, "message": message } });
    }
}

fn pods_gone(snapshot: &mut Snapshot) {
    let gone = pods(snapshot).nth(1).unwrap()["metadata"]["name"].clone();
    snapshot
        .objects
        .retain(|object| object["kind"] != "Pod" || object["metadata"]["name"] != gone);
}

fn authorization(spec: Value) -> Value {
    json!({ "kind": "AuthorizationPolicy",
        "metadata": { "name": "some-policy", "namespace": "ignite" }, "spec": spec })
}

fn network_policy(ingress: Value) -> Value {
    json!({ "kind": "NetworkPolicy", "metadata": { "name": "some-policy", "namespace": "ignite" },
        "spec": { "podSelector": {}, "policyTypes": ["Ingress"], "ingress": ingress } })
}

fn reject(snapshot: &mut Snapshot, before: u32, after: u32) {
    for (sample, value) in [(0, before), (1, after)] {
        let stats = &mut snapshot.proxies[0].samples[sample].stats;
        *stats = stats.replace(
            "lds.update_rejected: 0",
            &format!("lds.update_rejected: {value}"),
        );
    }
}

fn license_volume(snapshot: &mut Snapshot) {
    for pod in pods(snapshot) {
        let volumes = pod["spec"]["volumes"].as_array_mut().unwrap();
        volumes.push(json!({ "name": "license", "secret": { "secretName": "gridgain-license" } }));
        let mounts = pod["spec"]["containers"][0]["volumeMounts"].as_array_mut();
        mounts
            .unwrap()
            .push(json!({ "name": "license", "mountPath": "/ignite/license" }));
    }
}

fn unread(snapshot: &mut Snapshot, namespace: &str, kind: &str) {
    snapshot.unread.push(super::Unread {
        namespace: namespace.into(),
        kind: kind.into(),
        because: "they may not be listed".into(),
    });
}

fn without_lines(text: &str, part: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains(part));
    lines.map(|line| format!("{line}\n")).collect()
}
