//! The questions of C6b, asked of recorded proxies, and of the same with one thing amiss.

use meshproof_harness::evidence::nodes;
use meshproof_harness::mesh::OpenConnections;
use meshproof_harness::mesh::Stats;
use meshproof_harness::outcome::{CheckResult, Verdict, judge_checkpoint};

use super::super::Node;
use super::*;

const STATS: [&str; 3] = [
    include_str!("../../../../../harness/fixtures/proxies/ignite-0.stats"),
    include_str!("../../../../../harness/fixtures/proxies/ignite-1.stats"),
    include_str!("../../../../../harness/fixtures/proxies/client.stats"),
];
const CLUSTERS: [&str; 2] = [
    include_str!("../../../../../harness/fixtures/proxies/ignite-0.clusters"),
    include_str!("../../../../../harness/fixtures/proxies/ignite-1.clusters"),
];
const IDENTITY: &str = "spiffe://cluster.local/ns/ignite/sa/default";

/// The questions by their place.
const DISCOVERY: usize = 0;
const COMMUNICATION: usize = 1;
const THIN_CLIENT: usize = 2;
const PASSING_BY: usize = 3;
const IDENTITIES: usize = 4;
const CLIENT_CERTIFICATES: usize = 5;

struct Recorded {
    stats: [String; 3],
    clusters: [String; 2],
    identities: [Vec<&'static str>; 2],
}

impl Recorded {
    fn healthy() -> Self {
        Self {
            stats: STATS.map(str::to_owned),
            clusters: CLUSTERS.map(str::to_owned),
            identities: [vec![IDENTITY], vec![IDENTITY]],
        }
    }

    fn checks(&self) -> Vec<Check> {
        let pods = [nodes::PODS[0], nodes::PODS[1], "ignite-client-1"];
        let reading = |i: usize| Reading {
            pod: pods[i].to_owned(),
            command: "curl".into(),
            stats: Stats::parse(&self.stats[i]),
        };
        let node = |i: usize| Node {
            counted: reading(i),
            open: OpenConnections::read(pods[i], "curl".into(), self.clusters[i].clone()),
            certificates: vec![Certificate {
                uris: self.identities[i]
                    .iter()
                    .map(|uri| (*uri).to_owned())
                    .collect(),
                expires: "tomorrow".into(),
            }],
            certificates_page: Evidence::now("curl", "", ""),
        };
        Readings {
            namespace: "ignite".into(),
            nodes: vec![node(0), node(1)],
            client: reading(2),
        }
        .checks()
    }
}

/// Asserts that of all questions only this one fails, and gives what was seen.
fn only_fails(checks: &[Check], question: usize) -> String {
    for (i, check) in checks.iter().enumerate() {
        assert_eq!(
            check.holds(),
            i != question,
            "{}: {}",
            check.statement,
            check.seen
        );
    }
    assert_eq!(checks[question].result, CheckResult::Fails);
    checks[question].seen.clone()
}

#[test]
fn the_recorded_pair_confirms_it() {
    let (verdict, fact) = judge_checkpoint(&Recorded::healthy().checks());
    assert_eq!(verdict, Verdict::Confirmed, "{fact}");
    assert_eq!(
        fact,
        "inbound handshakes, ignite-0: 0 of 21 without a client certificate, TLSv1.3; \
         ignite-1: 0 of 2 without a client certificate, TLSv1.3"
    );
}

#[test]
fn discovery_needs_both_nodes() {
    let mut recorded = Recorded::healthy();
    recorded.stats[1] = recorded.stats[1].replace(
        "outbound|47500||ignite-headless.ignite.svc.cluster.local;.ssl.handshake: 2",
        "outbound|47500||ignite-headless.ignite.svc.cluster.local;.ssl.handshake: 0",
    );
    let seen = only_fails(&recorded.checks(), DISCOVERY);
    assert_eq!(seen, "handshakes: ignite-0 16, ignite-1 0");
}

#[test]
fn communication_needs_one_side_and_names_it() {
    let mut recorded = Recorded::healthy();
    let without = |text: &str| text.replace("|47100||", "|1||");
    recorded.stats[0] = without(&recorded.stats[0]);
    let seen = &recorded.checks()[COMMUNICATION].seen;
    assert!(seen.starts_with("connecting: ignite-1; "), "{seen}");
    recorded.stats[1] = without(&recorded.stats[1]);
    assert_eq!(
        only_fails(&recorded.checks(), COMMUNICATION),
        "neither side connected"
    );
}

#[test]
fn the_thin_client_is_seen_by_its_own_proxy() {
    let mut recorded = Recorded::healthy();
    recorded.stats[2] = recorded.stats[2].replace("|10800||", "|1||");
    assert_eq!(
        only_fails(&recorded.checks(), THIN_CLIENT),
        "handshakes: ignite-client-1 an unknown number"
    );
}

#[test]
fn what_passes_by_is_found_only_on_the_products_ports() {
    let mut recorded = Recorded::healthy();
    recorded.clusters[0] += "PassthroughCluster::10.96.0.1:443::cx_active::1\n";
    assert!(recorded.checks()[PASSING_BY].holds());
    recorded.clusters[0] += "PassthroughCluster::10.244.0.8:47100::cx_active::1\n";
    assert_eq!(
        only_fails(&recorded.checks(), PASSING_BY),
        "ignite-0: past the mesh to 47100, through the Service to 47500; \
         ignite-1: past the mesh to no port, through the Service to 47100 and 47500"
    );
    // A node that found its port taken is reached on the next.
    let mut moved = Recorded::healthy();
    moved.clusters[0] += "PassthroughCluster::10.244.0.8:47101::cx_active::1\n";
    let told = only_fails(&moved.checks(), PASSING_BY);
    assert!(
        told.starts_with("ignite-0: past the mesh to 47101"),
        "{told}"
    );
}

#[test]
fn absence_shows_nothing_where_the_nodes_own_connections_are_not_shown() {
    let mut recorded = Recorded::healthy();
    recorded.clusters[1] = recorded.clusters[1].replace("cx_active::1", "cx_active::0");
    assert!(matches!(
        recorded.checks()[PASSING_BY].result,
        CheckResult::Unproven { .. }
    ));
    let mut recorded = Recorded::healthy();
    recorded.clusters[1] = recorded.clusters[1].replace("PassthroughCluster", "Other");
    assert!(matches!(
        recorded.checks()[PASSING_BY].result,
        CheckResult::Unproven { .. }
    ));
}

#[test]
fn another_identity_or_one_more_is_found() {
    let stranger = "spiffe://cluster.local/ns/other/sa/default";
    for held in [vec![stranger], vec![IDENTITY, stranger], vec![]] {
        let mut recorded = Recorded::healthy();
        recorded.identities[1] = held;
        only_fails(&recorded.checks(), IDENTITIES);
    }
}

#[test]
fn a_peer_without_a_certificate_or_an_old_version_is_found() {
    let inbound = "listener.0.0.0.0_15006.ssl.";
    for (was, is) in [
        ("no_certificate: 0", "no_certificate: 1"),
        ("versions.TLSv1.3: 21", "versions.TLSv1.1: 21"),
        ("handshake: 21", "handshake: 0"),
    ] {
        let mut recorded = Recorded::healthy();
        let (was, is) = (format!("{inbound}{was}"), format!("{inbound}{is}"));
        assert!(recorded.stats[0].contains(&was), "{was}");
        recorded.stats[0] = recorded.stats[0].replace(&was, &is);
        only_fails(&recorded.checks(), CLIENT_CERTIFICATES);
    }
}

#[test]
fn no_count_of_missing_certificates_proves_nothing() {
    let mut recorded = Recorded::healthy();
    let inbound = "listener.0.0.0.0_15006.ssl.no_certificate";
    recorded.stats[0] = recorded.stats[0].replace(inbound, "other");
    let result = &recorded.checks()[CLIENT_CERTIFICATES].result;
    assert!(matches!(result, CheckResult::Unproven { .. }));
}
