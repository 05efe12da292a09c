//! T1: the node starts before its sidecar is ready.
//!
//! Without `holdApplicationUntilProxyStarts` a classic sidecar and the node start side by side, and
//! who is first decides. A native sidecar is always first.

use meshproof_harness::mesh::Injection;
use meshproof_harness::outcome::Symptom;
use meshproof_harness::scenario::edit::sidecar::{
    NATIVE_SIDECAR, PROXY_CPU, PROXY_CPU_LIMIT, annotate, without_hold,
};
use meshproof_harness::scenario::{About, Scenario, Scope};

use super::cluster_case::{ClusterCase, InForce};
use super::guide_cluster::READY;
use super::in_force::Sidecar;

const CLASSIC: Sidecar = Sidecar {
    kind: Injection::Classic,
    cpu: None,
};
/// The CPU that a slow proxy asks for, and its limit.
const SLOW: [&str; 2] = ["10m", "60m"];

const CASE: ClusterCase = ClusterCase {
    claimed: Symptom::Stall,
    remedy: "put the annotation holdApplicationUntilProxyStarts on the pod template, then delete \
             both pods",
    remedy_restarts: true,
    remedy_edit: None,
    found_by: &["MP011"],
    strict: true,
    ready: READY,
    arrangement: |m| annotate(m, NATIVE_SIDECAR, "false"),
    fault: without_hold,
    in_force: InForce::NoHold(CLASSIC),
    shown: &[],
    until_guides_sentence: false,
    while_joiner_tries: false,
};

fn about(id: &'static str, title: &'static str, remarks: &'static [&'static str]) -> About {
    About {
        id,
        title,
        section: "Troubleshooting: Cluster stalls on \"Still waiting for initial partition map \
                  exchange\"",
        claim: "Without the annotation the node starts before its sidecar is ready, the first \
                handshake between nodes has no route, and the cluster stalls; the annotation and a \
                restart of both pods cure it.",
        scope: Scope::Namespace,
        alone: Some("timing"),
        remarks,
    }
}

/// All variants.
pub fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::case(
            about(
                "T1a",
                "No hold, classic sidecar, slow proxy",
                &[
                    "The proxy is slow because its CPU is limited, also while all is well: with the \
                   hold in place the same proxies make one cluster.",
                ],
            ),
            ClusterCase {
                arrangement: |m| {
                    annotate(m, NATIVE_SIDECAR, "false")?;
                    annotate(m, PROXY_CPU, SLOW[0])?;
                    annotate(m, PROXY_CPU_LIMIT, SLOW[1])
                },
                in_force: InForce::NoHold(Sidecar {
                    cpu: Some(SLOW),
                    ..CLASSIC
                }),
                ..CASE
            },
        ),
        Scenario::case(
            about("T1b", "No hold, classic sidecar, idle machine", &[]),
            CASE,
        ),
        Scenario::case(
            About {
                // Nothing is decided by a race where Kubernetes itself keeps the order.
                alone: None,
                ..about(
                    "T1c",
                    "No hold, native sidecar",
                    &[
                        "A native sidecar is an init container: it is ready before the node is started, \
                       whatever the annotation says.",
                        "Discovery works as quietly as with the annotation: 40 s after the start each \
                       node's proxy had made 2 handshakes for 47500, in five of five rounds. The 213 \
                       that were counted once within 55 s were not met again.",
                    ],
                )
            },
            ClusterCase {
                found_by: &[],
                arrangement: |m| annotate(m, NATIVE_SIDECAR, "true"),
                in_force: InForce::NoHold(Sidecar {
                    kind: Injection::Native,
                    cpu: None,
                }),
                ..CASE
            },
        ),
    ]
}
