//! Where runs are kept, that they come back as they went, and how each step fails.

use super::*;
use crate::report::sample;

fn dir_with(variables: &[(&str, &str)]) -> Option<PathBuf> {
    state_dir_from(|name| {
        variables
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value.into())
    })
    .ok()
}

#[test]
fn the_state_folder_follows_the_variables_in_their_order() {
    let all = [
        ("MESHPROOF_STATE_DIR", "/m"),
        ("XDG_STATE_HOME", "/x"),
        ("HOME", "/h"),
    ];
    assert_eq!(dir_with(&all), Some("/m".into()));
    assert_eq!(dir_with(&all[1..]), Some("/x/meshproof".into()));
    assert_eq!(
        dir_with(&all[2..]),
        Some("/h/.local/state/meshproof".into())
    );
    let relative = [("XDG_STATE_HOME", "x"), ("HOME", "/h")];
    assert_eq!(
        dir_with(&relative),
        Some("/h/.local/state/meshproof".into())
    );
    assert_eq!(dir_with(&[("HOME", "")]), None);
}

#[test]
fn a_run_id_tells_when_and_what() {
    let at: Timestamp = "2026-11-23T22:45:01.9Z".parse().expect("a time");
    let (head, digits) = {
        let id = run_id(at, "run C5/x");
        let (head, digits) = id.rsplit_once('-').expect("digits");
        (head.to_owned(), digits.to_owned())
    };
    assert_eq!(head, "20261123T224501Z-run-c5-x");
    assert!(
        digits.len() == 4 && digits.chars().all(|c| c.is_ascii_hexdigit()),
        "{digits}"
    );
    assert!(run_id(at, "../").starts_with("20261123T224501Z-run-"));
    let ids: std::collections::BTreeSet<_> = (0..8).map(|_| run_id(at, "guide")).collect();
    assert!(ids.len() > 1, "eight ids, all the same: {ids:?}");
}

#[test]
fn a_run_is_written_and_latest_follows() {
    let state = tempfile::tempdir().expect("a temporary folder");
    for run in [sample::green(), sample::news()] {
        let folder = RunFolder::create(state.path(), &run.id).expect("a run folder");
        folder.write(&run).expect("every report");
        let latest = state.path().join("runs/latest");
        assert_eq!(
            read_report(&latest.join("report.json")).expect("a report"),
            run
        );
        assert!(latest.join("junit.xml").is_file());
        let mut names: Vec<_> = std::fs::read_dir(folder.path())
            .expect("the folder")
            .map(|e| e.expect("an entry").file_name())
            .collect();
        names.sort();
        assert_eq!(
            names,
            ["junit.xml", "report.html", "report.json", "report.md"]
        );
    }
}

#[test]
fn no_run_overwrites_another() {
    let state = tempfile::tempdir().expect("a temporary folder");
    let _one = RunFolder::create(state.path(), "one").expect("a run folder");
    let error = RunFolder::create(state.path(), "one").expect_err("the same folder again");
    assert!(
        error.to_string().contains("runs/one cannot be made"),
        "{error}"
    );
}

#[test]
fn errors_name_their_path() {
    let state = tempfile::tempdir().expect("a temporary folder");
    let file = state.path().join("file");
    std::fs::write(&file, "not a folder").expect("a file");
    let error = RunFolder::create(&file, "one").expect_err("a file is no folder");
    assert!(matches!(error, FolderError::Make { .. }), "{error}");
    let error = read_report(&file)
        .expect_err("a file that is no report")
        .to_string();
    assert!(error.contains("file: the report is not JSON"), "{error}");
    let missing = state.path().join("missing.json");
    assert!(matches!(
        read_report(&missing),
        Err(FolderError::Read { .. })
    ));
    let folder = RunFolder::create(state.path(), "two").expect("a run folder");
    std::fs::create_dir_all(state.path().join("runs/latest/full")).expect("a folder");
    let error = folder
        .write(&sample::nothing())
        .expect_err("latest is taken");
    assert!(matches!(error, FolderError::Link { .. }), "{error}");
    assert!(!state.path().join("runs/.latest-two").is_symlink());
}

#[test]
fn a_runs_folder_is_locked_while_the_run_goes_on() {
    let state = tempfile::tempdir().expect("a temporary folder");
    let folder = RunFolder::create(state.path(), "run").expect("a folder");
    let path = folder.path().to_owned();
    let clone = folder.clone();
    drop(folder);
    let other = File::open(&path).expect("it is there");
    assert!(other.try_lock().is_err());
    drop(clone);
    assert!(other.try_lock().is_ok());
}

#[test]
fn no_folder_is_made_while_those_of_killed_runs_are_told() {
    let state = tempfile::tempdir().expect("a temporary folder");
    let runs = state.path().join("runs");
    std::fs::create_dir(&runs).expect("a folder");
    let told = File::open(&runs).expect("it is there");
    told.lock().expect("nobody else is here");
    let (send, made) = std::sync::mpsc::channel();
    std::thread::scope(|threads| {
        threads.spawn(|| send.send(RunFolder::create(state.path(), "run")));
        let early = made.recv_timeout(std::time::Duration::from_millis(200));
        drop(told);
        assert!(early.is_err(), "it waits");
        made.recv().expect("an answer").expect("a folder");
    });
}

#[test]
fn of_a_run_that_was_broken_off_only_what_it_wrote_stays() {
    let state = tempfile::tempdir().expect("a temporary folder");
    let empty = RunFolder::create(state.path(), "r1").expect("a run folder");
    let clone = empty.clone();
    drop(empty);
    assert!(clone.path().exists(), "a clone goes on");
    drop(clone);
    let wrote = RunFolder::create(state.path(), "r2").expect("a run folder");
    wrote.add("captures/C3/log", "a line").expect("a capture");
    drop(wrote);
    let left = std::fs::read_dir(state.path().join("runs")).expect("the runs");
    let left: Vec<_> = left.map(|e| e.expect("an entry").file_name()).collect();
    assert_eq!(left, ["r2"]);
}
