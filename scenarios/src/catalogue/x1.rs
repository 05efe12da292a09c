//! X1: an outgoing connection of the pod has a port of the node's. Ours: the guide does not speak of it.
//!
//! 47100 and 47500 lie in the range from which Linux takes ports for outgoing connections, such as
//! a sidecar's to istiod. A node that finds its port in use takes the next one and says so only in
//! passing. With classic sidecars 4 of 1082 recorded starts met it, with native ones too; here it is made
//! certain. The other cases reserve both ports, and so does this one while it is healthy.

use meshproof_harness::outcome::Symptom;
use meshproof_harness::product::manifest::Manifest;
use meshproof_harness::scenario::edit::EditError;
use meshproof_harness::scenario::edit::port_taker::{
    reserve_ports, reserve_ports_but, take_another_port, take_port,
};
use meshproof_harness::scenario::{About, Scenario, Scope};
use meshproof_protocol::ports::ProductPort::{self, Communication, Discovery};

use super::cluster_case::{ClusterCase, InForce, as_in_the_guide};

/// What the container takes while all is well: a port that nobody listens on.
const NOBODYS: u16 = 40000;

fn about(id: &'static str, title: &'static str, remarks: &'static [&'static str]) -> About {
    About {
        id,
        title,
        section: "none: the guide does not speak of it",
        claim: "The guide's manifests reserve no port: they rely on 47100 and 47500 being free in \
                each pod when its node starts.",
        scope: Scope::Namespace,
        alone: None,
        remarks,
    }
}

const CASE: ClusterCase = ClusterCase {
    claimed: Symptom::Healthy,
    remedy: "reserve the ports in the pod template (sysctl net.ipv4.ip_local_reserved_ports), then \
             delete both pods; the container goes on trying",
    remedy_restarts: true,
    remedy_edit: Some(reserve_ports),
    found_by: &["MP026"],
    strict: true,
    ready: (3, 3),
    arrangement: |m| take_port(m, NOBODYS),
    fault: as_in_the_guide,
    in_force: InForce::Ways(&[]),
    shown: &[],
    until_guides_sentence: false,
    while_joiner_tries: false,
};

/// Leaves a port to outgoing connections, and has one take it.
fn lose(manifest: &mut Manifest, port: ProductPort) -> Result<(), EditError> {
    reserve_ports_but(manifest, port)?;
    take_another_port(manifest, port.number())
}

/// Both variants.
pub fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::case(
            about(
                "X1a",
                "An outgoing connection has the discovery port",
                &[
                    "The node listens on 47501, where no other node looks for it.",
                    "Both pods have a container more, which makes connections until the kernel \
                     gives one of them the port: what is rare is made certain.",
                ],
            ),
            ClusterCase {
                fault: |m| lose(m, Discovery),
                in_force: InForce::PortTaken(Discovery),
                ..CASE
            },
        ),
        Scenario::case(
            about(
                "X1b",
                "An outgoing connection has the communication port",
                &[
                    "The node listens on 47101, which the headless Service does not declare, and \
                     tells its peers so: their connections go by the PassthroughCluster in \
                     plaintext, where STRICT holds them.",
                    "Here both nodes are met. Where it is one alone, as it would be by chance, a \
                     connection the other way ends the stall within some seconds (recorded).",
                ],
            ),
            ClusterCase {
                fault: |m| lose(m, Communication),
                in_force: InForce::PortTaken(Communication),
                ..CASE
            },
        ),
    ]
}
