//! Faults that lead connections past the sidecars: MP037 and MP038.

use super::Fault;
use super::edits::{annotate, client, nothing_shown};
use crate::diagnose::Snapshot;
use crate::diagnose::redirection::Setting;
use crate::diagnose::written::{pods, split, stall};
use crate::outcome::Weight::{Cause, Exposure, Risk, Symptom};

const BETWEEN: &str = "47100,47500";

/// Edits of the pods' annotations, and of what the proxies show.
pub const FAULTS: &[Fault] = &[
    (
        "the nodes' ports excluded both ways",
        |s| {
            annotated(s, Setting::ExcludeInboundPorts, BETWEEN);
            annotated(s, Setting::ExcludeOutboundPorts, BETWEEN);
        },
        &[("MP037", Exposure)],
    ),
    (
        "the nodes' ports excluded both ways, and the proxies show it",
        |s| {
            annotated(s, Setting::ExcludeInboundPorts, BETWEEN);
            annotated(s, Setting::ExcludeOutboundPorts, BETWEEN);
            nothing_shown(s);
        },
        &[("MP037", Exposure)],
    ),
    (
        "discovery excluded on the way out, and a split",
        |s| {
            annotated(s, Setting::ExcludeOutboundPorts, "47500");
            split(s);
        },
        &[("MP037", Cause), ("MP020", Symptom)],
    ),
    (
        "only other ports redirected on the way in, and a stall",
        |s| {
            annotated(s, Setting::IncludeInboundPorts, "8080,10800,47500");
            stall(s);
        },
        &[("MP037", Cause), ("MP021", Symptom)],
    ),
    (
        "the clients' port excluded on the way in",
        |s| annotated(s, Setting::ExcludeInboundPorts, "10800"),
        &[("MP037", Exposure)],
    ),
    (
        "only Services' addresses redirected on the way out",
        |s| annotated(s, Setting::IncludeOutboundIpRanges, "10.96.0.0/12"),
        &[("MP037", Exposure)],
    ),
    (
        "the pods' addresses excluded on the way out",
        |s| annotated(s, Setting::ExcludeOutboundIpRanges, "10.244.0.0/16"),
        &[("MP037", Exposure)],
    ),
    (
        "a client's connections to nodes excluded",
        |s| annotate(client(s), Setting::ExcludeOutboundPorts, "10800"),
        &[("MP037", Risk)],
    ),
    (
        "what has nothing to do with the nodes' ports excluded",
        |s| {
            annotated(s, Setting::ExcludeInboundPorts, "15090,9404");
            annotated(s, Setting::ExcludeOutboundPorts, "443");
            annotated(s, Setting::ExcludeOutboundIpRanges, "169.254.169.254/32");
            annotate(client(s), Setting::ExcludeInboundPorts, "10800,47100");
        },
        &[],
    ),
    (
        "an exclusion of a pod that has no sidecar",
        |s| {
            let pod = client(s);
            annotate(pod, Setting::ExcludeOutboundPorts, "10800");
            crate::diagnose::written::without_sidecar(pod);
            s.proxies.pop();
        },
        &[],
    ),
    (
        "one cluster, and nothing shown by the proxies",
        nothing_shown,
        &[("MP038", Exposure)],
    ),
];

fn annotated(snapshot: &mut Snapshot, setting: Setting, value: &str) {
    pods(snapshot).for_each(|pod| annotate(pod, setting, value));
}
