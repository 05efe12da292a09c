//! Faults of what pods mount, the license above all: MP04x.

use serde_json::json;

use super::Fault;
use super::edits::{ends, license_volume, waits};
use crate::outcome::Weight::{Cause, Risk, Symptom};

/// Edits of volumes, Secrets and of where nodes look for the license.
pub const FAULTS: &[Fault] = &[
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
        "a node that crashes with a license",
        |s| {
            ends(s);
            s.nodes[0].log = Some("start\nFailed to start: no valid license was found\n".into());
        },
        &[("MP042", Cause), ("MP023", Symptom)],
    ),
    (
        "a node that crashes for another reason, with a license that was accepted",
        |s| {
            ends(s);
            s.nodes[0].log = Some("start\n[INFO][main] license accepted\n".into());
        },
        &[("MP023", Symptom)],
    ),
];
