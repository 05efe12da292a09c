//! Faults of sidecars and of the hold: MP01x.

use serde_json::{Value, json};

use super::Fault;
use super::edits::{drop_port, forgets_the_other, imports_istio_only, passes_by};
use crate::diagnose::written::{classic, pods, split, stall, without_sidecar};
use crate::outcome::Weight::{Cause, Exposure, Risk, Symptom};

/// Edits of the pods and of what injects into them.
pub const FAULTS: &[Fault] = &[
    (
        "istiod scaled to 0",
        |s| s.mesh_objects.push(istiod(0, 0)),
        &[("MP012", Risk)],
    ),
    (
        "istiod that does not become ready",
        |s| s.mesh_objects.push(istiod(1, 0)),
        &[("MP012", Risk)],
    ),
    (
        "a second istiod beside one that does not run",
        |s| s.mesh_objects.extend([istiod(1, 0), istiod(1, 1)]),
        &[],
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
        "a Sidecar object hides the other node, and the nodes split",
        |s| {
            forgets_the_other(s);
            imports_istio_only(s);
            split(s);
        },
        &[("MP013", Cause), ("MP020", Symptom)],
    ),
    (
        "a Sidecar object hides the other node, whose open connections still hold",
        |s| {
            forgets_the_other(s);
            imports_istio_only(s);
        },
        &[("MP013", Risk)],
    ),
    (
        "a sidecar does not know the other node, plaintext is let in and is sent",
        |s| {
            s.objects.retain(|o| o["kind"] != "PeerAuthentication");
            forgets_the_other(s);
            passes_by(s);
        },
        &[
            ("MP013", Exposure),
            ("MP030", Exposure),
            ("MP031", Exposure),
        ],
    ),
    (
        "no hold, and a sidecar that does not know the other node explains the split",
        |s| {
            pods(s).for_each(no_hold);
            forgets_the_other(s);
            split(s);
        },
        &[("MP013", Cause), ("MP020", Symptom), ("MP011", Risk)],
    ),
    (
        "a Sidecar object that has reached no sidecar yet",
        imports_istio_only,
        &[],
    ),
    (
        "a port declared as HTTP has one listener at all addresses",
        |s| {
            forgets_the_other(s);
            let page = &mut s.proxies[0].listeners;
            page.push_str("0.0.0.0_47100::0.0.0.0:47100\n0.0.0.0_47500::0.0.0.0:47500\n");
        },
        &[],
    ),
    (
        "a native sidecar needs no hold",
        |s| pods(s).for_each(|pod| pod["metadata"]["annotations"] = json!({})),
        &[],
    ),
];

fn no_hold(pod: &mut Value) {
    classic(pod);
    pod["metadata"]["annotations"] = json!({});
}

fn istiod(replicas: u64, ready: u64) -> Value {
    json!({
        "kind": "Deployment",
        "metadata": { "name": "istiod", "namespace": "istio-system", "labels": { "app": "istiod" } },
        "spec": { "replicas": replicas },
        "status": { "readyReplicas": ready }
    })
}
