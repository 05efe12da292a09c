//! Faults of sidecars and of the hold: MP01x.

use serde_json::{Value, json};

use super::Fault;
use super::edits::drop_port;
use crate::diagnose::written::{classic, pods, split, stall, without_sidecar};
use crate::outcome::Weight::{Cause, Risk, Symptom};

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
