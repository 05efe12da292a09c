//! What becomes of the nodes and their pods, whatever the fault is: MP02x.

use serde_json::json;

use super::Fault;
use super::edits::{ends, listens, waits};
use crate::diagnose::written::{BEGINNING, object, pods, split, stall};
use crate::diagnose::{Snapshot, TopRecord};
use crate::outcome::Weight::{Cause, Risk, Symptom};

/// Edits of what nodes log and answer, and of their pods' statuses.
pub const FAULTS: &[Fault] = &[
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
            s.nodes[1].log = Some(BEGINNING.into());
            s.nodes[1].top = TopRecord::NoAnswer("no answer".into());
        },
        &[("MP022", Symptom)],
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
];

fn pods_gone(snapshot: &mut Snapshot) {
    let gone = pods(snapshot).nth(1).unwrap()["metadata"]["name"].clone();
    snapshot
        .objects
        .retain(|object| object["kind"] != "Pod" || object["metadata"]["name"] != gone);
}
