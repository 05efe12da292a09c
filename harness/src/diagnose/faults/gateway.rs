//! Faults of the ingress gateway and of what leads to it: MP05x.

use serde_json::json;

use super::Fault;
use super::edits::without_lines;
use crate::diagnose::written::object;
use crate::outcome::Weight::{Cause, Symptom};

/// Edits of the gateway's own objects and of those of the namespace that lead to it.
pub const FAULTS: &[Fault] = &[
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
