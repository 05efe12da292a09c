//! What the rules say of snapshots that were recorded from live clusters.
//!
//! One table says which codes belong to which fault; the README shows it. A snapshot's file is
//! named after its fault (`t2a.json`), with `-recovered` after the remedy.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::renamed::renamed;
use super::{Snapshot, diagnose, rules};

/// A fault, and what is found where it is in force.
struct Row {
    /// The file's stem.
    fault: &'static str,
    /// What is wrong there.
    what: &'static str,
    /// Codes that are always found.
    codes: &'static [&'static str],
    /// Codes that depend on the moment: a connection that is open then, a node that restarts then.
    at_times: &'static [&'static str],
}

const fn row(
    fault: &'static str,
    what: &'static str,
    codes: &'static [&'static str],
    at_times: &'static [&'static str],
) -> Row {
    Row {
        fault,
        what,
        codes,
        at_times,
    }
}

const TABLE: &[Row] = &[
    row("healthy", "nothing: the guide's cluster", &[], &[]),
    row(
        "t1a",
        "no hold annotation, classic sidecar, slow proxy",
        &["MP011", "MP020"],
        &[],
    ),
    row(
        "t1b",
        "no hold annotation, classic sidecar, idle machine",
        &["MP011"],
        &["MP020", "MP021"],
    ),
    row(
        "t1c",
        "no hold annotation, native sidecar: no fault",
        &[],
        &[],
    ),
    row(
        "t2a",
        "no port of the headless Service declared, STRICT",
        &["MP001", "MP020"],
        &["MP031", "MP032"],
    ),
    row(
        "t2b",
        "47100 not declared, STRICT",
        &["MP001", "MP021"],
        &["MP031"],
    ),
    row(
        "t2c",
        "47500 not declared, STRICT",
        &["MP001", "MP020"],
        &["MP031", "MP032"],
    ),
    row(
        "t2d",
        "ports declared without a protocol, STRICT",
        &["MP002", "MP021"],
        &[],
    ),
    row(
        "t2e",
        "ports declared as HTTP, STRICT",
        &["MP003"],
        &["MP020", "MP021", "MP022", "MP031", "MP032"],
    ),
    row(
        "t2f",
        "no port declared, PERMISSIVE",
        &["MP001", "MP021", "MP030"],
        &["MP031"],
    ),
    row("t3", "the namespace not labelled", &["MP010"], &["MP022"]),
    row(
        "t4a",
        "the license's Secret missing",
        &["MP024", "MP040"],
        &[],
    ),
    row(
        "t4b",
        "the license mounted at another path",
        &["MP023", "MP041"],
        &["MP042"],
    ),
    row(
        "t4c",
        "a Secret that holds no license",
        &["MP023"],
        &["MP042"],
    ),
    row("t4d", "the license expired", &["MP023"], &["MP042"]),
    row("t5a", "no ingress gateway in the mesh", &["MP050"], &[]),
    row("t5b", "the ingress gateway scaled to 0", &["MP050"], &[]),
    row(
        "t5c",
        "the VirtualService's Gateway missing",
        &["MP051"],
        &[],
    ),
    row(
        "t5d",
        "the Gateway's Secret missing",
        &["MP052"],
        &["MP053"],
    ),
    row(
        "x1a",
        "47500 taken by an outgoing connection in each pod",
        &["MP026", "MP020"],
        &[],
    ),
    row(
        "x1b",
        "47100 taken by an outgoing connection in each pod",
        &["MP026", "MP021"],
        &[],
    ),
];

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

/// Faults that no recording can be had of without GridGain and its license.
const NOT_TO_BE_HAD: [&str; 3] = ["t4b", "t4c", "t4d"];

#[test]
fn every_fault_that_can_be_had_has_a_recording() {
    let files: Vec<String> = recorded().into_iter().map(|(stem, _)| stem).collect();
    let lacking: Vec<&str> = TABLE
        .iter()
        .map(|row| row.fault)
        .filter(|fault| !NOT_TO_BE_HAD.contains(fault) && !files.iter().any(|f| f == fault))
        .collect();
    assert!(
        lacking.is_empty(),
        "record {lacking:?}: meshproof run lays them into the run folder's snapshots"
    );
    let recovered = files.iter().filter(|f| f.ends_with("-recovered")).count();
    assert!(recovered > 0, "no cured cluster is among them");
}

/// What is expected of a file: the codes that must be found, and those that may be.
fn expected(stem: &str) -> Result<(Vec<&'static str>, Vec<&'static str>), String> {
    let fault = stem.strip_suffix("-recovered").unwrap_or(stem);
    let row = TABLE.iter().find(|row| row.fault == fault);
    let row = row.ok_or_else(|| format!("{stem}: the table has no row for it"))?;
    if fault == stem {
        Ok((row.codes.to_vec(), row.at_times.to_vec()))
    } else {
        Ok((vec![], vec![]))
    }
}

/// In what a diagnosis differs from what is expected of a file.
fn differs(stem: &str, snapshot: &Snapshot) -> Result<(), String> {
    let (must, may) = expected(stem)?;
    let diagnosis = diagnose(snapshot);
    let found = diagnosis.codes();
    let lacking: Vec<&&str> = must.iter().filter(|code| !found.contains(code)).collect();
    let more: Vec<_> = diagnosis
        .findings
        .iter()
        .filter(|f| !must.contains(&f.code.as_str()) && !may.contains(&f.code.as_str()))
        .collect();
    // Where nothing is wrong, nothing may be left open either.
    let open = must.is_empty() && may.is_empty() && !diagnosis.unknown.is_empty();
    if lacking.is_empty() && more.is_empty() && !open {
        return Ok(());
    }
    Err(format!(
        "{stem}: not found: {lacking:?}; found besides: {more:#?}; not known: {:#?}",
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
    for row in TABLE {
        for code in row.codes.iter().chain(row.at_times) {
            assert!(codes.contains(code), "{}: {code}", row.fault);
        }
        let twice = row.codes.iter().any(|code| row.at_times.contains(code));
        assert!(!twice, "{}: always and at times", row.fault);
    }
    let mut faults: Vec<&str> = TABLE.iter().map(|row| row.fault).collect();
    faults.dedup();
    assert_eq!(faults.len(), TABLE.len());
}

#[test]
fn a_file_without_a_row_is_refused() {
    assert!(expected("t9z").unwrap_err().contains("no row"));
    assert!(!expected("t2a").unwrap().0.is_empty());
    assert!(expected("t2a-recovered").unwrap().0.is_empty());
}

/// The rules and the table, as the README shows them.
fn shown() -> String {
    let mut out = String::from("| code | what it tells |\n|---|---|\n");
    for rule in rules::ALL {
        let _ = writeln!(out, "| {} | {} |", rule.code, rule.title);
    }
    out.push_str("\n| fault | what is wrong | found | at times |\n|---|---|---|---|\n");
    for row in TABLE {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            row.fault,
            row.what,
            row.codes.join(", "),
            row.at_times.join(", ")
        );
    }
    out
}

#[test]
fn the_readme_shows_the_rules_and_their_faults() {
    let readme = include_str!("../../../README.md");
    let block = readme
        .split_once("<!-- rules:begin -->\n")
        .and_then(|(_, rest)| rest.split_once("<!-- rules:end -->"))
        .map(|(block, _)| block.trim());
    let shown = shown();
    println!("{shown}");
    assert_eq!(
        block,
        Some(shown.trim()),
        "put this between the markers of README.md:\n\n{shown}"
    );
}
