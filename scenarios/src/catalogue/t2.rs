//! T2: ports of the headless Service that are not declared, or not declared as TCP.
//!
//! Six variants of one mistake, which the guide describes as one. They differ in what comes of it.

use meshproof_harness::mesh::Way;
use meshproof_harness::outcome::Symptom;
use meshproof_harness::scenario::edit::ports::{rename_ports, undeclare};
use meshproof_harness::scenario::{About, Scenario, Scope};
use meshproof_protocol::ports::ProductPort::{Communication, Discovery, ThinClient};

use super::cluster_case::{ClusterCase, InForce, as_in_the_guide};
use super::guide_cluster::READY;
use super::shown::Shown;

/// What the guide says, the same of every variant.
const SECTION: &str = "Troubleshooting: Nodes never form a cluster after applying STRICT mTLS";
const CLAIM: &str = "Traffic of undeclared or misnamed ports falls through to the \
                     PassthroughCluster as plaintext and is rejected, so that the nodes never form \
                     a cluster; ports declared with names that begin with tcp- cure it.";
const REMEDY: &str = "declare the cache ports in the headless Service, with names that begin with \
                      tcp-";

fn about(id: &'static str, title: &'static str, remarks: &'static [&'static str]) -> About {
    About {
        id,
        title,
        section: SECTION,
        claim: CLAIM,
        scope: Scope::Namespace,
        alone: None,
        remarks,
    }
}

/// The guide's cluster under STRICT; each variant fills in its fault.
const UNDER_STRICT: ClusterCase = ClusterCase {
    claimed: Symptom::Split,
    remedy: REMEDY,
    remedy_restarts: false,
    remedy_edit: None,
    found_by: &["MP001"],
    strict: true,
    ready: READY,
    arrangement: as_in_the_guide,
    fault: as_in_the_guide,
    in_force: InForce::Ways(&[]),
    shown: &[],
    until_guides_sentence: false,
    while_joiner_tries: false,
};

/// All variants.
pub fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::case(
            about("T2a", "No port of the headless Service is declared", &[]),
            ClusterCase {
                fault: |m| undeclare(m, &[ThinClient, Communication, Discovery]),
                in_force: InForce::Ways(&[
                    (ThinClient, Way::PassesBy),
                    (Communication, Way::PassesBy),
                    (Discovery, Way::PassesBy),
                ]),
                shown: &[(Symptom::Split, Shown::PlaintextRefused(&[Discovery]))],
                ..UNDER_STRICT
            },
        ),
        Scenario::case(
            about(
                "T2b",
                "Only the communication port is not declared",
                &[
                    "This variant waits for the sentence that the guide names in its other case, \
                   `Still waiting for initial partition map exchange`.",
                    "That sentence comes 40 s after the join. By then the joiner has given up, which it \
                     does after about 32 s, so it has to be restarted; T2d and T2f, whose cause is \
                     removed sooner, heal without (measured).",
                ],
            ),
            ClusterCase {
                fault: |m| undeclare(m, &[Communication]),
                in_force: InForce::Ways(&[
                    (ThinClient, Way::Tcp),
                    (Communication, Way::PassesBy),
                    (Discovery, Way::Tcp),
                ]),
                shown: &[(Symptom::Stall, Shown::PlaintextNotRefused(&[Communication]))],
                until_guides_sentence: true,
                ..UNDER_STRICT
            },
        ),
        Scenario::case(
            about("T2c", "Only the discovery port is not declared", &[]),
            ClusterCase {
                fault: |m| undeclare(m, &[Discovery]),
                in_force: InForce::Ways(&[
                    (ThinClient, Way::Tcp),
                    (Communication, Way::Tcp),
                    (Discovery, Way::PassesBy),
                ]),
                shown: &[(Symptom::Split, Shown::PlaintextRefused(&[Discovery]))],
                ..UNDER_STRICT
            },
        ),
        Scenario::case(
            about("T2d", "Ports are declared without the tcp- prefix", &[]),
            ClusterCase {
                found_by: &["MP002"],
                fault: |m| rename_ports(m, str::to_owned),
                in_force: InForce::Ways(&[
                    (ThinClient, Way::Sniffed),
                    (Communication, Way::Sniffed),
                    (Discovery, Way::Sniffed),
                ]),
                shown: &[(Symptom::Stall, Shown::Sniffed(Discovery, Communication))],
                while_joiner_tries: true,
                ..UNDER_STRICT
            },
        ),
        Scenario::case(
            About {
                alone: Some("an http port's listener stands in every proxy of the mesh"),
                ..about(
                    "T2e",
                    "Ports are declared with names that begin with http-",
                    &[
                        "Runs alone: for an HTTP port Istio makes a listener on 0.0.0.0 in every proxy \
                       of the mesh, which also takes what other namespaces send to a port of that \
                       number that they have not declared.",
                    ],
                )
            },
            ClusterCase {
                found_by: &["MP003"],
                fault: |m| rename_ports(m, |name| format!("http-{name}")),
                in_force: InForce::Ways(&[
                    (ThinClient, Way::Http),
                    (Communication, Way::Http),
                    (Discovery, Way::Http),
                ]),
                shown: &[(Symptom::Split, Shown::PlaintextRefused(&[Discovery]))],
                ..UNDER_STRICT
            },
        ),
        Scenario::case(
            About {
                claim: "Sidecar injection alone permits plaintext: until STRICT is applied, nodes \
                        form a cluster also over ports that the headless Service does not declare.",
                ..about(
                    "T2f",
                    "No port is declared, under PERMISSIVE",
                    &[
                        "The guide speaks of undeclared ports under STRICT only; what it says of \
                         PERMISSIVE is that it permits plaintext.",
                    ],
                )
            },
            ClusterCase {
                claimed: Symptom::Healthy,
                strict: false,
                fault: |m| undeclare(m, &[ThinClient, Communication, Discovery]),
                in_force: InForce::Ways(&[
                    (ThinClient, Way::PassesBy),
                    (Communication, Way::PassesBy),
                    (Discovery, Way::PassesBy),
                ]),
                shown: &[(
                    Symptom::Stall,
                    Shown::PlaintextNotRefused(&[Communication, Discovery]),
                )],
                while_joiner_tries: true,
                ..UNDER_STRICT
            },
        ),
    ]
}
