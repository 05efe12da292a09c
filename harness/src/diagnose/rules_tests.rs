//! Each rule on its own fault, each fault one edit of a healthy snapshot put together for tests.

use super::faults::edits::drop_port;
use super::fixtures_tests::same_when_renamed;
use super::written::{healthy, stall};
use super::{diagnose, faults, rules};
use crate::outcome::Weight;

#[test]
fn each_fault_is_found_by_its_rules_and_by_no_other() {
    for (fault, edit, expected) in faults::all() {
        let mut snapshot = healthy();
        edit(&mut snapshot);
        let diagnosis = diagnose(&snapshot);
        let mut found: Vec<(&str, Weight)> = diagnosis
            .findings
            .iter()
            .map(|f| (f.code.as_str(), f.weight))
            .collect();
        // One finding for each pod is still one thing found.
        found.dedup();
        assert_eq!(found, *expected, "{fault}: {diagnosis:#?}");
    }
}

#[test]
fn each_fault_is_told_the_same_after_all_objects_are_renamed() {
    for (fault, edit, _) in faults::all() {
        let mut snapshot = healthy();
        edit(&mut snapshot);
        if let Err(why) = same_when_renamed(&snapshot) {
            panic!("{fault}: {why}");
        }
    }
}

#[test]
fn every_rule_has_a_fault_here() {
    for rule in rules::ALL {
        let mut all = faults::all().flat_map(|(_, _, found)| found.iter());
        assert!(all.any(|(code, _)| *code == rule.code), "{}", rule.code);
    }
}

#[test]
fn what_a_person_pastes_has_the_snapshots_names() {
    let mut snapshot = healthy();
    drop_port(&mut snapshot, 47100);
    stall(&mut snapshot);
    insta::assert_json_snapshot!(diagnose(&snapshot));
}
