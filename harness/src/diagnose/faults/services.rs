//! Faults of what Services declare: MP00x.

use serde_json::{Value, json};

use super::Fault;
use super::edits::drop_port;
use crate::diagnose::Snapshot;
use crate::diagnose::written::object;
use crate::outcome::Weight::{Cause, Risk};

/// Edits of the headless Service.
pub const FAULTS: &[Fault] = &[
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
];

fn entry(snapshot: &mut Snapshot, port: u16) -> &mut Value {
    let ports = object(snapshot, "Service")["spec"]["ports"].as_array_mut();
    let mut ports = ports.unwrap().iter_mut();
    ports.find(|entry| entry["port"] == port).unwrap()
}
