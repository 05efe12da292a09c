//! The guide's metric: on proxies that have it and on those that do not.

use meshproof_harness::outcome::{CheckResult, Verdict, judge_checkpoint};

use super::*;

/// The one line of the guide's expected output, and one line of each family that it names beside.
const AS_IN_THE_GUIDE: &str = include_str!("../../../../harness/fixtures/proxies/guide.prom");
/// What the same command prints on a proxy without Istio's filters.
const WITHOUT_FILTERS: &str =
    include_str!("../../../../harness/fixtures/proxies/without-istio-stats.prom");

fn results(checks: &[Check]) -> Vec<&CheckResult> {
    checks.iter().map(|check| &check.result).collect()
}

#[test]
fn the_guides_output_confirms_the_guides_claim() {
    let checks = checks("ignite", AS_IN_THE_GUIDE, true);
    let (verdict, fact) = judge_checkpoint(&checks);
    assert_eq!(verdict, Verdict::Confirmed, "{fact}");
    let identity = "spiffe://cluster.local/ns/ignite/sa/default";
    assert_eq!(
        fact,
        format!("3 connections under mutual_tls between {identity} and itself")
    );
    assert_eq!(checks[0].seen, "1 lines, 3 connections");
    assert_eq!(checks[0].evidence[0].raw.lines().count(), 4);
}

#[test]
fn without_the_filter_it_is_blocked_and_the_empty_output_is_kept() {
    let checks = checks("ignite", WITHOUT_FILTERS, false);
    let reason = "proxy lacks istio.stats".to_owned();
    assert_eq!(judge_checkpoint(&checks).0, Verdict::Blocked { reason });
    assert_eq!(checks[0].evidence[0].raw, "");
}

#[test]
fn with_the_filter_no_line_is_a_finding_and_no_lack() {
    let checks = checks("ignite", WITHOUT_FILTERS, true);
    assert_eq!(results(&checks), [&CheckResult::Fails; 3]);
}

#[test]
fn zero_connections_a_missing_family_and_other_principals_are_each_found() {
    let zero = AS_IN_THE_GUIDE.replace("} 3\n", "} 0\n");
    assert!(!checks("ignite", &zero, true)[0].holds());
    let missing = AS_IN_THE_GUIDE.replace("istio_tcp_sent_bytes_total", "other_total");
    let found = checks("ignite", &missing, true);
    assert!(found[0].holds() && !found[1].holds());
    assert_eq!(found[1].seen, "absent: istio_tcp_sent_bytes_total");
    let elsewhere = checks("other", AS_IN_THE_GUIDE, true);
    assert!(elsewhere[0].holds() && !elsewhere[2].holds());
}
