//! What accepting adds, what it refuses, that the text reads back as what it was made from, and what
//! of a whole outcome is compared with it.

use super::*;
use crate::expectation::{Outcome, ProxyKind, SidecarMode};
use crate::outcome::{CaseClaim, CaseRecord, Check, Observed, Standing};

const FILE: &str = r#"# What builds were seen to do.
# Edited by people too.

[[expectation]]
scenario = "T2a"
build = "1.31.0-dev.20260827"
sidecar = "native"
proxy = "core-envoy"
reason = "seen five times"

[[expectation.outcome]]
verdict = "Differs"
symptom = "split"
cure = "with-a-restart"
count = 5
runs = ["r1", "r2", "r3"]

[[expectation]]
scenario = "C1"
build = "1.29.1"
sidecar = "classic"
proxy = "istio-filters"

[[expectation.outcome]]
verdict = "Confirmed"
count = 7
runs = ["r1"]
"#;

fn ground() -> Ground {
    Ground {
        build: "1.31.0-dev.20260827".parse().expect("a build id"),
        sidecar: SidecarMode::Native,
        proxy: ProxyKind::CoreEnvoy,
    }
}

fn known() -> Expectations {
    Expectations::parse(FILE).expect("a good file")
}

fn outcome(id: &str, verdict: Verdict) -> ScenarioOutcome {
    ScenarioOutcome {
        id: id.into(),
        title: "t".into(),
        section: "s".into(),
        claim: "c".into(),
        verdict,
        decided_by: "d".into(),
        checks: vec![],
        case: None,
        phases: vec![],
        expectation: Default::default(),
        remarks: vec![],
        on_cluster: true,
    }
}

fn case(id: &str, verdict: Verdict, symptom: Symptom, cure: Option<Cure>) -> ScenarioOutcome {
    let claim = CaseClaim {
        symptom,
        remedy: "r".into(),
        remedy_restarts: false,
        found_by: vec![],
    };
    let record = CaseRecord {
        observed: Some(Observed {
            symptom,
            because: "b".into(),
            checks: vec![],
        }),
        cure,
        ..CaseRecord::new(claim)
    };
    ScenarioOutcome {
        case: Some(Box::new(record)),
        ..outcome(id, verdict)
    }
}

fn split(cure: Cure) -> ScenarioOutcome {
    case("T2a", Verdict::Differs, Symptom::Split, Some(cure))
}

/// The outcomes on record for a scenario on our ground, each with the runs it names.
fn on_record(of: &Expectations, id: &str) -> Vec<String> {
    let key = ground().key(id);
    let entry = of.entries().iter().find(|entry| entry.key == key);
    let outcomes = entry.map_or(&[][..], |entry| &entry.outcomes);
    let told = |o: &KnownOutcome| format!("{o} {}", o.runs.join(" "));
    outcomes.iter().map(told).collect()
}

#[test]
fn what_is_on_record_is_counted_and_names_its_last_runs() {
    let seen = [split(Cure::WithARestart), split(Cure::WithARestart)];
    let new = known().accept(&ground(), &seen, "r4", "again").unwrap();
    assert_eq!(
        on_record(&new, "T2a"),
        ["Differs, split, cure with-a-restart (7) r2 r3 r4"]
    );
}

#[test]
fn what_is_new_is_added_beside_it() {
    let seen = [
        split(Cure::ByTheRemedy),
        split(Cure::WithARestart),
        outcome("C1", Verdict::Confirmed),
        case("T1", Verdict::NotReproduced, Symptom::Healthy, None),
        outcome(
            "C6a",
            Verdict::Blocked {
                reason: "proxy lacks istio.stats".into(),
            },
        ),
    ];
    let new = known().accept(&ground(), &seen, "r4", "why").unwrap();
    assert_eq!(
        on_record(&new, "T2a"),
        [
            "Differs, split, cure with-a-restart (6) r2 r3 r4",
            "Differs, split, cure by-the-remedy (1) r4"
        ]
    );
    // The other build's own record is another entry and stays as it was.
    assert_eq!(on_record(&new, "C1"), ["Confirmed (1) r4"]);
    assert!(new.entries().contains(&known().entries()[1]));
    assert_eq!(on_record(&new, "T1"), ["NotReproduced, healthy (1) r4"]);
    assert_eq!(
        on_record(&new, "C6a"),
        ["Blocked: proxy lacks istio.stats (1) r4"]
    );
}

#[test]
fn an_entry_keeps_the_reason_of_its_last_acceptance() {
    let seen = [outcome("C1", Verdict::Confirmed)];
    let new = known()
        .accept(&ground(), &seen, "r4", "  the gateway\nis fixed ")
        .unwrap();
    let reasons = new.entries().iter().map(|e| e.reason.as_deref());
    assert_eq!(
        reasons.collect::<Vec<_>>(),
        [None, Some("the gateway is fixed"), Some("seen five times")]
    );
}

#[test]
fn invalid_and_failed_are_named_and_keep_all_out() {
    let invalid = Verdict::Invalid {
        because: "no control".into(),
    };
    let failed = Verdict::Failed {
        error: "no pod".into(),
    };
    let seen = [
        outcome("C1", Verdict::Confirmed),
        outcome("T3", invalid.clone()),
        outcome("T3", invalid),
        outcome("T4", failed),
    ];
    let error = known().accept(&ground(), &seen, "r4", "why").unwrap_err();
    assert_eq!(
        error.to_string(),
        "T3 (Invalid), T4 (Failed) cannot be put on record, so nothing of this run is: mend what \
         caused it and run again"
    );
}

#[test]
fn without_a_reason_or_an_outcome_nothing_is_accepted() {
    let seen = [outcome("C1", Verdict::Confirmed)];
    assert_eq!(
        known().accept(&ground(), &seen, "r4", " \n").unwrap_err(),
        AcceptError::NoReason
    );
    assert_eq!(
        known().accept(&ground(), &[], "r4", "why").unwrap_err(),
        AcceptError::NoOutcome
    );
}

#[test]
fn the_text_reads_back_equal_and_keeps_its_header() {
    let blocked = Verdict::Blocked {
        reason: "a \"quoted\" \\ word, 'both' ways".into(),
    };
    let seen = [
        split(Cure::None),
        outcome("C10", blocked),
        outcome("C2", Verdict::Confirmed),
    ];
    let new = known()
        .accept(&ground(), &seen, "r4", "it's \"so\"")
        .unwrap();
    let text = new.render(header(FILE)).unwrap();
    assert_eq!(Expectations::parse(&text).expect("our own text"), new);
    assert!(
        text.starts_with("# What builds were seen to do.\n# Edited by people too.\n\n[[expect"),
        "{text}"
    );
    assert_eq!(header(&text), header(FILE));
    let again = Expectations::parse(&text).unwrap();
    assert_eq!(again.render(header(&text)).unwrap(), text);
}

#[test]
fn entries_are_in_the_order_of_scenario_build_and_sidecar() {
    let mut all = vec![];
    let builds = ["1.31.0", "1.29.1"];
    for (build, sidecar) in builds.into_iter().zip([SidecarMode::Classic; 2]) {
        all.push((build, sidecar));
        all.push((build, SidecarMode::Native));
    }
    let mut record = Expectations::default();
    for (build, sidecar) in all {
        let ground = Ground {
            build: build.parse().unwrap(),
            sidecar,
            ..ground()
        };
        let seen = ["T2a", "C10", "C1b", "C1", "C2"].map(|id| outcome(id, Verdict::Confirmed));
        record = record.accept(&ground, &seen, "r", "why").unwrap();
    }
    let keys: Vec<String> = record.entries().iter().map(|e| e.key.to_string()).collect();
    let ids: Vec<&str> = keys.iter().filter_map(|k| k.split(' ').next()).collect();
    let each_four = ["C1", "C1b", "C2", "C10", "T2a"].map(|id| [id; 4]);
    assert_eq!(ids, each_four.concat());
    assert_eq!(
        keys[..4],
        [
            "C1 on Istio 1.29.1, native sidecars, core-envoy",
            "C1 on Istio 1.29.1, classic sidecars, core-envoy",
            "C1 on Istio 1.31.0, native sidecars, core-envoy",
            "C1 on Istio 1.31.0, classic sidecars, core-envoy",
        ]
    );
}

#[test]
fn a_file_without_a_comment_has_no_header() {
    assert_eq!(header("[[expectation]]\n# inside\n"), "");
    assert_eq!(header(""), "");
    assert_eq!(header("# all\n\n"), "# all");
    assert_eq!(
        Expectations::default().render("").unwrap().trim(),
        "expectation = []"
    );
}

#[test]
fn a_recovery_that_fails_is_news_where_the_cure_is_on_record() {
    let green = |outcome: &ScenarioOutcome| {
        let seen = Outcome {
            verdict: &outcome.verdict,
            symptom: outcome.symptom(),
            cure: outcome.cure(),
        };
        known().judge(&ground().key("T2a"), &seen).green
    };
    let mut outcome = split(Cure::WithARestart);
    assert!(green(&outcome));
    let record = outcome.case.as_mut().expect("it is a case");
    let silent = Check::answered(Standing::Truth, "silent", false, "MP031", vec![]);
    record.recovery.push(silent);
    assert!(!green(&outcome));
}
