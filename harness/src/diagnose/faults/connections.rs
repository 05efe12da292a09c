//! Faults of how connections are secured, carried and refused: MP03x.

use serde_json::{Value, json};

use super::Fault;
use super::edits::{authorization, client_passes_by, listens, passes_by, without_lines};
use crate::diagnose::Snapshot;
use crate::diagnose::written::{object, pods, stall};
use crate::mesh::Demand;
use crate::outcome::Weight::{Cause, Exposure, Risk, Symptom};

/// Edits of policies and of what the proxies tell.
pub const FAULTS: &[Fault] = &[
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
    ("a connection passes by", passes_by, &[("MP031", Cause)]),
    (
        "a connection passes by, where plaintext is let in and does no harm",
        |s| {
            s.objects.retain(|o| o["kind"] != "PeerAuthentication");
            passes_by(s);
        },
        &[("MP030", Exposure), ("MP031", Exposure)],
    ),
    (
        "a connection passes by, where plaintext is let in and the nodes stall",
        |s| {
            s.objects.retain(|o| o["kind"] != "PeerAuthentication");
            passes_by(s);
            stall(s);
        },
        &[("MP031", Cause), ("MP021", Symptom), ("MP030", Exposure)],
    ),
    (
        "a client's connection passes by",
        client_passes_by,
        &[("MP031", Cause)],
    ),
    (
        "a client's connection passes by, where plaintext is let in, and the nodes stall",
        |s| {
            s.objects.retain(|o| o["kind"] != "PeerAuthentication");
            client_passes_by(s);
            stall(s);
        },
        &[("MP021", Symptom), ("MP030", Exposure), ("MP031", Exposure)],
    ),
    (
        "a connection passes by to the port that a node took in place of its own",
        |s| {
            listens(s, "47101");
            let line = "PassthroughCluster::10.244.0.8:47101::cx_active::1\n";
            s.proxies[1].clusters.push_str(line);
        },
        &[("MP031", Cause), ("MP026", Risk)],
    ),
    (
        "a connection passes by to a port that no node says it has",
        |s| {
            let line = "PassthroughCluster::10.244.0.8:47101::cx_active::1\n";
            s.proxies[1].clusters.push_str(line);
        },
        &[],
    ),
    (
        "plaintext is taken on the port that a node took in place of its own",
        |s| {
            listens(s, "47101");
            s.objects.push(json!({
                "kind": "PeerAuthentication",
                "metadata": { "name": "moved", "namespace": "ignite" },
                "spec": { "selector": { "matchLabels": { "app": "ignite" } },
                    "portLevelMtls": { "47101": { "mode": "DISABLE" } } }
            }));
        },
        &[("MP030", Exposure), ("MP026", Risk)],
    ),
    (
        "a NetworkPolicy that knows the node's own port and not the one it took",
        |s| {
            listens(s, "47101");
            s.objects.push(network_policy(json!([{ "ports": [
                { "port": 47100 }, { "port": 47500 }, { "port": 10800 }] }])));
        },
        &[("MP035", Cause), ("MP026", Risk)],
    ),
    (
        "a DENY for the port that a node took in place of its own",
        |s| {
            listens(s, "47101");
            s.objects.push(authorization(json!({ "action": "DENY",
                "rules": [{ "to": [{ "operation": { "ports": ["47101"] } }] }] })));
        },
        &[("MP034", Cause), ("MP026", Risk)],
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
        "a listener that takes plaintext under STRICT",
        |s| {
            let demands = s.proxies[0].demands.as_mut().expect("a sidecar's");
            demands.insert(47100, Demand::Either);
        },
        &[("MP039", Exposure)],
    ),
    (
        "a listener that takes plaintext, as its policy says",
        |s| {
            s.objects.retain(|o| o["kind"] != "PeerAuthentication");
            for demands in s.proxies.iter_mut().filter_map(|p| p.demands.as_mut()) {
                demands.insert(47100, Demand::Either);
            }
        },
        &[("MP030", Exposure)],
    ),
    (
        "a file that is older than what listeners demand",
        |s| s.proxies[0].demands = None,
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
        "a DENY for a client port, whoever connects",
        |s| {
            s.objects.push(authorization(json!({ "action": "DENY",
                "rules": [{ "to": [{ "operation": { "ports": ["10800"] } }] }] })));
        },
        &[("MP034", Risk)],
    ),
    (
        "a DENY for a client port, of another namespace",
        |s| {
            s.objects
                .push(authorization(json!({ "action": "DENY", "rules": [{
                "from": [{ "source": { "namespaces": ["far"] } }],
                "to": [{ "operation": { "ports": ["10800"] } }] }] })));
        },
        &[],
    ),
    (
        "a DENY for some requests to the REST port",
        |s| {
            declares_rest(s);
            s.objects
                .push(authorization(json!({ "action": "DENY", "rules": [{
                "to": [{ "operation": { "ports": ["8080"], "methods": ["DELETE"] } }] }] })));
        },
        &[],
    ),
    (
        "an ALLOW for some requests to the REST port, and for all else",
        |s| {
            declares_rest(s);
            s.objects.push(authorization(json!({ "rules": [
                { "to": [{ "operation": { "ports": ["8080"], "methods": ["GET"] } }] },
                { "to": [{ "operation": { "notPorts": ["8080"] } }] }] })));
        },
        &[],
    ),
    (
        "a DENY that is only tried",
        |s| {
            let mut deny = authorization(json!({ "action": "DENY", "rules": [{}] }));
            deny["metadata"]["annotations"] = json!({ "istio.io/dry-run": "true" });
            s.objects.push(deny);
        },
        &[],
    ),
    (
        "an ALLOW for nodes alone, and client ports that pass the proxies by",
        |s| {
            for pod in pods(s) {
                pod["metadata"]["annotations"]["traffic.sidecar.istio.io/excludeInboundPorts"] =
                    json!("8080,10800,11211");
            }
            s.objects.push(authorization(json!({
                "rules": [{ "to": [{ "operation": { "ports": ["47100", "47500"] } }] }] })));
        },
        &[("MP037", Exposure)],
    ),
    (
        "an ALLOW for nodes alone",
        |s| {
            s.objects.push(authorization(json!({
                "rules": [{ "to": [{ "operation": { "ports": ["47100", "47500"] } }] }] })));
        },
        &[("MP034", Risk)],
    ),
    (
        "a port that nobody is let in on and no Service declares",
        |s| {
            s.objects.push(authorization(json!({ "action": "DENY",
                "rules": [{ "to": [{ "operation": { "ports": ["8080"] } }] }] })));
        },
        &[],
    ),
    (
        "the same port, declared",
        |s| {
            declares_rest(s);
            s.objects.push(authorization(json!({ "action": "DENY",
                "rules": [{ "to": [{ "operation": { "ports": ["8080"] } }] }] })));
        },
        &[("MP034", Risk)],
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
        &[("MP035", Risk)],
    ),
    (
        "a NetworkPolicy that admits nodes and a client of another namespace",
        |s| {
            s.objects.push(network_policy(json!([
                { "from": [{ "podSelector": { "matchLabels": { "app": "ignite" } } }],
                    "ports": [{ "port": 47000, "endPort": 48000 }] },
                { "from": [{ "namespaceSelector": { "matchLabels": { "of": "clients" } } }],
                    "ports": [{ "port": 8080 }, { "port": 10800 }, { "port": 11211 }] }])));
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
];

/// Declares the REST port as the guide names it.
fn declares_rest(snapshot: &mut Snapshot) {
    let ports = object(snapshot, "Service")["spec"]["ports"].as_array_mut();
    let ports = ports.expect("a Service has ports");
    ports.push(json!({ "port": 8080, "name": "http-rest" }));
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
