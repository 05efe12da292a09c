//! What a file of expectations may say, and the error for each thing it may not.

use super::*;

const GOOD: &str = r#"
# What two builds were seen to do.
[[expectation]]
scenario = "C6a"
build = "1.31.0-dev.20260827"
sidecar = "native"
proxy = "core-envoy"

[[expectation.outcome]]
verdict = "Blocked"
reason = "proxy lacks istio.stats"
count = 3
runs = ["a", "b"]

[[expectation]]
scenario = "C1"
build = "1.29.1"
sidecar = "classic"
proxy = "istio-filters"
outcome = [
  { verdict = "Confirmed", count = 7, runs = ["a"] },
  { verdict = "Differs", count = 1, runs = ["b"] },
]
"#;

/// The error for the good file after one edit.
#[track_caller]
fn error_after(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "the good file has no `{from}`");
    Expectations::parse(&GOOD.replacen(from, to, 1))
        .expect_err("a broken file")
        .to_string()
}

#[test]
fn a_good_file_is_read_whole() {
    let read = Expectations::parse(GOOD).expect("a good file");
    let [blocked, flaky] = read.entries() else {
        panic!("two entries, not {read:?}")
    };
    assert_eq!(
        blocked.key.to_string(),
        "C6a on Istio 1.31.0-dev.20260827, native sidecars, core-envoy"
    );
    assert_eq!(
        blocked.outcomes[0].to_string(),
        "Blocked: proxy lacks istio.stats (3)"
    );
    assert_eq!(blocked.outcomes[0].runs, ["a", "b"]);
    assert_eq!(flaky.outcomes.len(), 2);
}

#[test]
fn an_empty_file_is_no_error() {
    assert_eq!(
        Expectations::parse("").expect("nothing on record"),
        Expectations::default()
    );
}

#[test]
fn text_that_is_no_toml_names_its_line() {
    let error = error_after("sidecar = \"native\"", "sidecar native");
    assert!(error.contains("line 6"), "{error}");
}

#[test]
fn an_unknown_field_is_named() {
    let error = error_after("count = 3", "count = 3\ncuont = 3");
    assert!(error.contains("cuont"), "{error}");
    let error = error_after("[[expectation]]", "[[expectations]]");
    assert!(error.contains("expectations"), "{error}");
}

#[test]
fn a_missing_field_is_named() {
    let error = error_after("proxy = \"core-envoy\"", "");
    assert!(error.contains("proxy"), "{error}");
}

#[test]
fn keys_are_checked_where_they_stand() {
    assert!(
        error_after("1.31.0-dev.20260827", "1.31-dev")
            .starts_with("line 5, expectation of C6a: `1.31-dev` is not an Istio build id")
    );
    assert_eq!(
        error_after("\"native\"", "\"ambient\""),
        "line 6, expectation of C6a: `ambient` is not a sidecar mode; write `native` or `classic`"
    );
    assert_eq!(
        error_after("core-envoy", "envoy"),
        "line 7, expectation of C6a: `envoy` is not a proxy kind; write `istio-filters` or \
         `core-envoy`"
    );
}

#[test]
fn outcomes_that_cannot_be_on_record_are_refused() {
    let cases = [
        (
            "reason = \"proxy lacks istio.stats\"\n",
            "",
            "`Blocked` needs its `reason`",
        ),
        (
            "proxy lacks istio.stats",
            " ",
            "`Blocked` needs its `reason`",
        ),
        (
            "\"Blocked\"",
            "\"Confirmed\"",
            "only `Blocked` has a `reason`",
        ),
        ("\"Blocked\"", "\"Failed\"", "`Failed` cannot be expected"),
        ("\"Blocked\"", "\"Invalid\"", "`Invalid` cannot be expected"),
        ("\"Blocked\"", "\"blocked\"", "`blocked` is not a verdict"),
        ("count = 3", "count = 1", "has the count 1 but names 2 runs"),
        ("runs = [\"a\", \"b\"]", "runs = []", "names no run"),
        (
            "runs = [\"a\", \"b\"]",
            "runs = [\"a\", \"a\"]",
            "names a run twice",
        ),
    ];
    for (from, to, says) in cases {
        let error = error_after(from, to);
        let at = "line 9, expectation of C6a on Istio 1.31.0-dev.20260827, native sidecars, ";
        assert!(
            error.starts_with(at) && error.contains(says),
            "{to}: {error}"
        );
    }
}

#[test]
fn an_outcome_listed_twice_is_refused() {
    let error = error_after("\"Differs\"", "\"Confirmed\"");
    assert!(
        error.starts_with("line 22,") && error.contains("listed twice"),
        "{error}"
    );
}

#[test]
fn an_entry_without_outcomes_is_refused() {
    let (head, _) = GOOD
        .split_once("\n[[expectation.outcome]]")
        .expect("an outcome");
    let error = Expectations::parse(&format!("{head}outcome = []\n")).expect_err("an empty set");
    let error = error.to_string();
    assert!(
        error.starts_with("line 3,") && error.contains("no outcome is listed"),
        "{error}"
    );
}

#[test]
fn a_key_with_two_entries_names_both_lines() {
    let twice = format!(
        "{GOOD}{}",
        &GOOD[..GOOD.find("\n[[expectation]]\nscenario = \"C1\"").unwrap()]
    );
    let error = Expectations::parse(&twice)
        .expect_err("the same key twice")
        .to_string();
    assert!(
        error.starts_with("line 26: C6a on Istio") && error.ends_with("entry of line 3"),
        "{error}"
    );
}
