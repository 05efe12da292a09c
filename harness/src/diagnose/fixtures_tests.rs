//! What the rules say of snapshots that were recorded from live clusters.
//!
//! The table of faults ([`table`]) says which codes belong to which; the README shows it. A snapshot's
//! file is named after its fault (`t2a.json`, `mp036.json`), with `-recovered` after the remedy, and with
//! another word where one fault comes to several things: to lay it here is all that a new one needs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::renamed::renamed;
use super::table::{self, BY_HAND, Fault, TABLE};
use super::{Snapshot, diagnose, rules};
use crate::outcome::Weight;
use crate::product::gridgain::LICENSE_FILE;

fn recorded() -> Vec<(String, Snapshot)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/snapshots");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return vec![];
    };
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let text = std::fs::read_to_string(&path).expect("the file can be read");
            let snapshot = serde_json::from_str(&text);
            let snapshot = snapshot.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            (stem.into_owned(), snapshot)
        })
        .collect()
}

/// The recording of this name.
pub(super) fn recording(stem: &str) -> Snapshot {
    let all = recorded().into_iter();
    let mut of_name = all.filter(|(name, _)| name == stem);
    of_name
        .next()
        .unwrap_or_else(|| panic!("{stem}: no recording"))
        .1
}

/// Faults that no recording can be had of without GridGain and its license.
const NOT_TO_BE_HAD: [&str; 3] = ["t4b", "t4c", "t4d"];

/// Faults after which there is no cured cluster to be recorded: none, those that come to nothing, and one
/// that stays without STRICT.
const NOT_CURED: [&str; 4] = ["healthy", "t1b", "t1c", "t2f"];

#[test]
fn every_fault_that_can_be_had_has_a_recording() {
    let files: Vec<String> = recorded().into_iter().map(|(stem, _)| stem).collect();
    let listed = |fault: &&str| files.iter().any(|f| f == fault);
    let lacking: Vec<&str> = TABLE
        .iter()
        .chain(BY_HAND)
        .map(|fault| fault.id)
        .filter(|fault| !NOT_TO_BE_HAD.contains(fault))
        .filter(|fault| !listed(fault))
        .collect();
    assert!(
        lacking.is_empty(),
        "record {lacking:?}: meshproof run lays them into the run folder's snapshots"
    );
    let cured = |fault: &str| listed(&format!("{fault}-recovered").as_str());
    let uncured: Vec<&str> = TABLE
        .iter()
        .map(|fault| fault.id)
        .filter(|id| !NOT_TO_BE_HAD.contains(id) && !NOT_CURED.contains(id) && !cured(id))
        .collect();
    assert!(uncured.is_empty(), "record {uncured:?} after the remedy");
}

#[test]
fn every_recording_names_the_istio_that_ran() {
    let without = recorded()
        .into_iter()
        .filter(|(_, snapshot)| snapshot.recorded.istio.is_none());
    let without: Vec<String> = without.map(|(stem, _)| stem).collect();
    assert!(without.is_empty(), "record {without:?} anew");
}

/// The fault by which a file is measured: its own, and none after the remedy.
fn fault_of(stem: &str) -> Result<&'static Fault, String> {
    let own = |id: &str| table::of(id).or_else(|| BY_HAND.iter().find(|fault| fault.id == id));
    let fault = match stem.split_once('-') {
        Some((fault, "recovered")) => own(fault).and_then(|_| table::of("healthy")),
        Some((fault, _)) => own(fault),
        None => own(stem),
    };
    fault.ok_or_else(|| format!("{stem}: the table has no row for it"))
}

/// A rule that no scenario's fault meets always has a fault of its own.
#[test]
fn every_rule_is_the_mark_of_some_fault() {
    for rule in rules::ALL {
        let mut faults = TABLE.iter().chain(BY_HAND);
        let has = |fault: &Fault| {
            fault
                .always
                .iter()
                .chain(fault.at_times)
                .any(|c| *c == rule.code)
        };
        assert!(faults.any(has), "{}", rule.code);
    }
}

/// Faults that come to nothing while the machine is not busy, or no proxy is new, so that their cause
/// is a risk.
const WITHOUT_HARM: [&str; 3] = ["t1b", "mp036", "mp039"];

#[test]
fn every_rule_finds_something_in_a_recording() {
    let found: BTreeSet<String> = recorded()
        .iter()
        .flat_map(|(_, snapshot)| diagnose(snapshot).findings)
        .map(|finding| finding.code)
        .collect();
    let never = rules::ALL.iter().map(|rule| rule.code);
    let never: Vec<&str> = never.filter(|code| !found.contains(*code)).collect();
    assert_eq!(never, [""; 0], "record a fault of each");
}

/// How the names of recordings end that were made on a mesh without our statistics matcher, as Istio
/// installs it: `--mesh-values` with `proxyStatsMatcher: null`.
const WITHOUT_MATCHER: &str = "-without-matcher";

/// Exact, since more is lost if a rule that needs no counter begins to ask for one.
#[test]
fn a_mesh_without_our_statistics_matcher_leaves_open_what_needs_its_counters_alone() {
    let mut checked = 0;
    for (stem, snapshot) in recorded() {
        if stem.ends_with(WITHOUT_MATCHER) {
            let unknown = diagnose(&snapshot).unknown;
            let codes: Vec<&str> = unknown.iter().map(|u| u.code.as_str()).collect();
            assert_eq!(codes, ["MP031", "MP032"], "{stem}: {unknown:#?}");
            checked += 1;
        }
    }
    assert_eq!(checked, 3, "healthy, a split and a stall");
}

/// In what a diagnosis differs from what is expected of a file: codes that are lacking, or of no more
/// weight than a risk where harm was done, and codes that are not its fault's.
fn differs(stem: &str, snapshot: &Snapshot) -> Result<(), String> {
    let fault = fault_of(stem)?;
    let diagnosis = diagnose(snapshot);
    let harm = !WITHOUT_HARM.contains(&fault.id);
    let told = |code: &str| {
        let mut findings = diagnosis.findings.iter();
        findings.any(|f| f.code == code && !(harm && f.weight == Weight::Risk))
    };
    let mut lacking = fault.always.to_vec();
    lacking.retain(|code| !told(code));
    let besides = fault.besides(&diagnosis);
    // Where nothing is wrong, nothing may be left open either, unless proxies do not count it.
    let well = fault.always.is_empty() && fault.at_times.is_empty();
    let open = well && !stem.ends_with(WITHOUT_MATCHER) && !diagnosis.unknown.is_empty();
    if lacking.is_empty() && besides.is_empty() && !open {
        return Ok(());
    }
    Err(format!(
        "{stem}: not found: {lacking:?}; found besides: {besides:#?}; not known: {:#?}",
        diagnosis.unknown
    ))
}

fn all_of(check: impl Fn(&str, &Snapshot) -> Result<(), String>) {
    let wrong: Vec<String> = recorded()
        .iter()
        .filter_map(|(stem, snapshot)| check(stem, snapshot).err())
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_recording_is_told_by_the_codes_of_its_fault_and_by_no_other() {
    all_of(differs);
}

#[test]
fn a_cause_that_sinks_to_a_risk_is_missed() {
    let all = recorded();
    let (_, harmless) = all.iter().find(|(s, _)| s == "t1b").expect("a recording");
    assert_eq!(differs("t1b", harmless), Ok(()));
    assert!(differs("t1a", harmless).unwrap_err().contains("MP011"));
}

/// The comparison itself, on snapshots put together for tests: it must tell a fault from none.
#[test]
fn a_fault_where_none_is_expected_and_none_where_one_is_differ() {
    let well = super::written::healthy();
    assert_eq!(differs("healthy", &well), Ok(()));
    assert_eq!(differs("t2a-recovered", &well), Ok(()));
    assert!(differs("t2a", &well).unwrap_err().contains("MP001"));
    let mut ill = super::written::healthy();
    super::written::split(&mut ill);
    assert!(
        differs("t2a-recovered", &ill)
            .unwrap_err()
            .contains("MP020")
    );
    let mut silent = super::written::healthy();
    silent.proxies.clear();
    assert!(differs("healthy", &silent).unwrap_err().contains("MP032"));
}

/// Envoy listed these connections when the snapshots were recorded.
#[test]
fn plaintext_to_a_port_that_a_node_took_in_place_of_its_own_is_told_with_its_number() {
    for (stem, number) in [("x1a", "47501"), ("x1b", "47101")] {
        let all = recorded();
        let (_, snapshot) = all.iter().find(|(s, _)| s == stem).expect("a recording");
        let said = diagnose(snapshot);
        let found = said.findings.iter().find(|f| f.code == "MP031");
        let found = found.unwrap_or_else(|| panic!("{stem}: {:?}", said.codes()));
        assert!(found.seen.contains(number), "{stem}: {}", found.seen);
    }
}

#[test]
fn each_recording_is_told_the_same_after_all_its_objects_are_renamed() {
    all_of(|stem, snapshot| same_when_renamed(snapshot).map_err(|e| format!("{stem}: {e}")));
}

/// In what a diagnosis depends on names.
pub(super) fn same_when_renamed(snapshot: &Snapshot) -> Result<(), String> {
    let (names, other) = renamed(snapshot);
    let brief = |snapshot: &Snapshot| {
        let diagnosis = diagnose(snapshot);
        let found: Vec<_> = diagnosis
            .findings
            .iter()
            .map(|f| (f.weight, f.code.clone()))
            .collect();
        let unknown: Vec<_> = diagnosis.unknown.iter().map(|u| u.code.clone()).collect();
        (found, unknown)
    };
    let (before, after) = (brief(snapshot), brief(&other));
    if before != after {
        return Err(format!("{before:?} became {after:?}"));
    }
    let told = serde_json::to_string(&diagnose(&other)).expect("plain data");
    // The guide's license has its file name whatever the Secret is called.
    let told = told.replace(LICENSE_FILE, "");
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let kept: Vec<&str> = told
        .split(|c| !word(c))
        .filter(|word| names.contains(*word))
        .collect();
    if kept.is_empty() {
        Ok(())
    } else {
        Err(format!("old names are told: {kept:?}"))
    }
}

#[test]
fn every_code_of_the_table_is_a_rules_and_every_code_is_given_once() {
    let codes: Vec<&str> = rules::ALL.iter().map(|rule| rule.code).collect();
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(codes, sorted, "by code, each once");
    for fault in TABLE.iter().chain(BY_HAND) {
        for code in fault.always.iter().chain(fault.at_times) {
            assert!(codes.contains(code), "{}: {code}", fault.id);
        }
        let twice = fault.always.iter().any(|c| fault.at_times.contains(c));
        assert!(!twice, "{}: always and at times", fault.id);
    }
    let mut faults: Vec<&str> = TABLE.iter().chain(BY_HAND).map(|fault| fault.id).collect();
    faults.sort_unstable();
    faults.dedup();
    assert_eq!(faults.len(), TABLE.len() + BY_HAND.len());
}

#[test]
fn a_file_without_a_row_is_refused() {
    let of = |stem: &str| fault_of(stem).map(|fault| fault.id);
    assert!(of("t9z").unwrap_err().contains("no row"));
    assert!(of("t9z-recovered").unwrap_err().contains("no row"));
    assert_eq!(of("t2a"), Ok("t2a"));
    assert_eq!(of("t2a-recovered"), Ok("healthy"));
    assert_eq!(of("t3-joined"), Ok("t3"));
    assert_eq!(of("mp036"), Ok("mp036"));
    assert_eq!(of("mp036-recovered"), Ok("healthy"));
}

#[test]
fn the_readme_shows_the_rules_and_their_faults() {
    let readme = include_str!("../../../README.md");
    let block = readme
        .split_once("<!-- rules:begin -->\n")
        .and_then(|(_, rest)| rest.split_once("<!-- rules:end -->"))
        .map(|(block, _)| block.trim());
    let shown = table::markdown();
    assert_eq!(
        block,
        Some(shown.trim()),
        "put what `meshproof rules` prints between the markers of README.md"
    );
}
