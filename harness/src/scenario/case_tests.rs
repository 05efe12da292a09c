//! A case's phases: which are begun, what is left out, what is kept where one cannot be carried
//! through, and that what was changed is always put back.

use std::sync::{Mutex, PoisonError};

use super::*;
use crate::outcome::{Finding, SPLIT, STALL};
use crate::progress::Progress;
use crate::scenario::fakes::{check, stand_on_an_empty_cluster};

/// A case whose phases come to what is told here; it notes which were begun.
struct Told {
    healthy: bool,
    in_force: bool,
    symptom: Symptom,
    cure: Cure,
    /// Whether what is asked after the remedy holds.
    recovered: bool,
    /// The phase that cannot be carried through.
    fails_in: &'static [&'static str],
    begun: Mutex<Vec<String>>,
}

impl Told {
    /// A case that shows its symptom and is cured.
    fn whole() -> Self {
        Self {
            healthy: true,
            in_force: true,
            symptom: Symptom::Split,
            cure: Cure::ByTheRemedy,
            recovered: true,
            fails_in: &[],
            begun: Mutex::default(),
        }
    }

    fn come_to<T: Send + 'static>(
        &self,
        phase: &'static str,
        left_out: bool,
        to: T,
    ) -> Phase<'_, T> {
        let begun = match left_out {
            true => format!("{phase}, left out"),
            false => phase.to_owned(),
        };
        self.begun
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(begun);
        let came = match self.fails_in.contains(&phase) {
            true => Err(StepError::other(phase)("broken")),
            false => Ok(to),
        };
        Box::pin(std::future::ready(came))
    }

    /// Carries it through on a cluster on which nothing lies.
    async fn carried(self, mutation: Option<Mutation>) -> (Carried, Vec<String>) {
        let (stand, _) = stand_on_an_empty_cluster();
        let stage = Progress::silent().stage("a case");
        let mut carried = carry(&self, table::of("T2a"), &stand, mutation, &stage).await;
        carried.error = carried.error.or(put_back(&self, &stand).await.1.err());
        stage.done();
        let begun = self.begun.into_inner();
        (carried, begun.unwrap_or_else(PoisonError::into_inner))
    }
}

impl Case for Told {
    fn claim(&self) -> CaseClaim {
        CaseClaim {
            symptom: Symptom::Split,
            remedy: "mend it".into(),
            remedy_restarts: false,
            found_by: vec![],
        }
    }

    fn baseline<'a>(&'a self, _: &'a Stand) -> Phase<'a, Vec<Check>> {
        self.come_to("baseline", false, check(self.healthy))
    }

    fn fault<'a>(&'a self, _: &'a Stand, make: bool) -> Phase<'a, Fault> {
        let fault = Fault {
            shown: "- a port".into(),
            in_force: check(self.in_force),
        };
        self.come_to("fault", !make, fault)
    }

    fn observe<'a>(&'a self, _: &'a Stand) -> Phase<'a, Observed> {
        let observed = Observed {
            symptom: self.symptom,
            because: "so".into(),
            checks: check(true),
        };
        self.come_to("observe", false, observed)
    }

    fn remedy<'a>(&'a self, _: &'a Stand, make: bool) -> Phase<'a, Remedied> {
        let remedied = Remedied {
            done: "mended".into(),
            cure: self.cure,
            recovery: check(self.recovered),
            consequences: check(false),
        };
        self.come_to("remedy", !make, remedied)
    }

    fn put_back<'a>(&'a self, _: &'a Stand) -> Phase<'a, ()> {
        self.come_to("put back", false, ())
    }
}

/// What was diagnosed of a case.
fn diagnoses(carried: &Carried) -> Vec<&'static str> {
    carried.snapshots.iter().map(|(of, _)| *of).collect()
}

/// The phases whose time was noted. Putting back is noted only where it takes long.
fn noted(carried: &Carried) -> Vec<&str> {
    let phases = carried.phases.iter().map(|p| &*p.phase);
    phases.filter(|phase| *phase != "put back").collect()
}

#[tokio::test]
async fn a_case_is_carried_through_all_phases_and_diagnosed_twice() {
    let (carried, begun) = Told::whole().carried(None).await;
    assert!(carried.error.is_none(), "{:?}", carried.error);
    assert_eq!(
        begun,
        ["baseline", "fault", "observe", "remedy", "put back"]
    );
    assert_eq!(diagnoses(&carried), ["fault", "recovered"]);
    assert_eq!(
        noted(&carried),
        [
            "baseline",
            "fault",
            "symptom",
            "diagnosis",
            "remedy and recovery",
            "diagnosis again"
        ]
    );
    let record = carried.record;
    assert_eq!(record.fault, "- a port");
    assert_eq!(record.remedy.as_deref(), Some("mended"));
    assert_eq!(record.cure, Some(Cure::ByTheRemedy));
    // Its own check, and that diagnosis is silent.
    assert_eq!(record.recovery.len(), 2);
    // That it finds no other fault, and that it tells a split.
    assert_eq!(record.diagnosed.len(), 2);
}

fn finding(code: &str, weight: Weight) -> Finding {
    Finding {
        code: code.into(),
        title: "t".into(),
        weight,
        object: "Pod n/ignite-0".into(),
        seen: "s".into(),
        why: "w".into(),
        remedies: vec![],
    }
}

fn said(codes: &[&str], weight: Weight) -> Diagnosis {
    let findings = codes.iter().map(|code| finding(code, weight));
    Diagnosis {
        findings: findings.collect(),
        unknown: vec![],
    }
}

#[test]
fn a_diagnosis_that_tells_another_state_than_was_seen_does_not_hold() {
    let holds = |symptom, said: &Diagnosis| tells_the_state(symptom, said, 2).map(|c| c.holds());
    let states = [
        (Symptom::Split, said(&[SPLIT], Weight::Symptom)),
        (Symptom::Stall, said(&[STALL], Weight::Symptom)),
        (Symptom::Healthy, said(&["MP001"], Weight::Risk)),
    ];
    for (seen, _) in &states {
        for (told, diagnosis) in &states {
            assert_eq!(holds(*seen, diagnosis), Some(seen == told), "{seen} {told}");
        }
    }
    let mut open = Diagnosis::default();
    open.unknown.push(crate::outcome::Unknown {
        code: SPLIT.into(),
        title: "t".into(),
        because: "no log".into(),
    });
    assert_eq!(holds(Symptom::Healthy, &open), Some(false));
    let apart = said(&["MP022"], Weight::Symptom);
    assert_eq!(holds(Symptom::Healthy, &apart), Some(false));
    assert_eq!(holds(Symptom::Refused, &apart), None);
}

#[test]
fn after_the_cure_only_an_exposure_of_the_cases_own_is_passed_over() {
    let holds = |case: &str, code, weight| silent(table::of(case), &said(&[code], weight)).holds();
    assert!(holds("T2f", "MP030", Weight::Exposure));
    assert!(!holds("T2a", "MP030", Weight::Exposure));
    assert!(!holds("T2f", "MP001", Weight::Cause));
    assert!(!holds("T2f", "MP021", Weight::Symptom));
    assert!(holds("T2a", "MP026", Weight::Risk));
    assert!(!silent(None, &said(&["MP030"], Weight::Exposure)).holds());
    assert!(silent(None, &Diagnosis::default()).holds());
}

#[test]
fn a_reading_that_told_nothing_is_no_cure_and_no_lack_of_one() {
    let mut read = crate::diagnose::written::healthy();
    let told = |read: &Snapshot| told_enough(read, &diagnose(read)).map_err(|e| e.to_string());
    assert_eq!(told(&read), Ok(()));
    let node = read.nodes[1].clone();
    read.nodes[1].log = None;
    let unread = told(&read).unwrap_err();
    assert!(
        unread.contains("ignite-1 has printed no topology"),
        "{unread}"
    );
    read.nodes[1] = node;
    read.proxies.clear();
    let mute = told(&read).unwrap_err();
    assert!(
        mute.contains("2 of the nodes' proxies did not answer"),
        "{mute}"
    );
    assert!(mute.contains("--timeout-scale"), "{mute}");
}

#[test]
fn what_diagnosis_finds_besides_is_named() {
    let asked = |codes: &[&str]| {
        let check = no_other(table::of("T2b").expect("a row"), &said(codes, Weight::Risk));
        (check.holds(), check.seen)
    };
    let all = ["MP001", "MP021", "MP031"];
    assert_eq!(asked(&all), (true, all.join(", ")));
    assert_eq!(asked(&[]), (true, "nothing".to_owned()));
    let more = ["MP001", "MP035", "MP021", "MP026"];
    let named = "MP035 on Pod n/ignite-0, MP026 on Pod n/ignite-0";
    assert_eq!(asked(&more), (false, named.to_owned()));
}

/// No recorded fault, and none that was cured, would have failed the checks.
#[test]
fn the_diagnosis_of_each_recorded_fault_holds() {
    let snapshot = |path: &std::path::Path| -> Snapshot {
        let text = std::fs::read_to_string(path).expect("a file that can be read");
        serde_json::from_str(&text).expect("a snapshot")
    };
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/snapshots");
    let mut asked = 0;
    for file in std::fs::read_dir(folder).expect("a folder that can be read") {
        let path = file.expect("an entry").path();
        let stem = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if let Some(cured) = stem.strip_suffix("-recovered") {
            let read = snapshot(&path);
            let said = diagnose(&read);
            assert!(told_enough(&read, &said).is_ok(), "{stem}");
            let check = silent(table::of(cured), &said);
            assert!(check.holds(), "{stem}: {}", check.seen);
        }
        let (id, cured) = match stem.split_once('-') {
            Some((id, of)) => (id, of == "recovered"),
            None => (stem.as_str(), false),
        };
        let Some(fault) = table::of(id).filter(|_| !cured) else {
            let by_hand = table::BY_HAND.iter().any(|fault| fault.id == id);
            assert!(by_hand || cured, "{stem}");
            continue;
        };
        let check = no_other(fault, &diagnose(&snapshot(&path)));
        assert!(check.holds(), "{stem}: {}", check.seen);
        asked += 1;
    }
    assert!(asked > 15, "{asked} faults are recorded");
}

#[tokio::test]
async fn nothing_later_is_begun_where_a_phase_shows_nothing() {
    let ill = Told {
        healthy: false,
        ..Told::whole()
    };
    let without_fault = Told {
        in_force: false,
        ..Told::whole()
    };
    let with = |symptom| Told {
        symptom,
        ..Told::whole()
    };
    let table: [(Told, &[&str], &[&str]); 4] = [
        (ill, &["baseline", "put back"], &[]),
        (without_fault, &["baseline", "fault", "put back"], &[]),
        (
            with(Symptom::Healthy),
            &["baseline", "fault", "observe", "put back"],
            &["fault"],
        ),
        (
            with(Symptom::Undecided),
            &["baseline", "fault", "observe", "put back"],
            &["fault"],
        ),
    ];
    for (case, phases, diagnosed) in table {
        let (carried, begun) = case.carried(None).await;
        assert!(carried.error.is_none(), "{:?}", carried.error);
        assert_eq!(begun, phases);
        assert_eq!(diagnoses(&carried), diagnosed);
        assert_eq!(carried.record.remedy, None);
        assert_eq!(carried.record.cure, None);
    }
}

#[tokio::test]
async fn what_no_remedy_cured_is_not_diagnosed_again() {
    let uncured = Told {
        cure: Cure::None,
        ..Told::whole()
    };
    let (carried, _) = uncured.carried(None).await;
    assert_eq!(diagnoses(&carried), ["fault"]);
    assert_eq!(carried.record.recovery.len(), 1);
}

#[tokio::test]
async fn what_does_not_come_through_its_recovery_is_cured_by_nothing() {
    let relapsed = Told {
        recovered: false,
        ..Told::whole()
    };
    let (carried, _) = relapsed.carried(None).await;
    assert_eq!(carried.record.cure, Some(Cure::None));
    assert_eq!(
        carried.record.recovery.len(),
        2,
        "it is diagnosed all the same"
    );
}

#[tokio::test]
async fn what_else_came_of_the_remedy_takes_no_cure_away() {
    let (carried, _) = Told::whole().carried(None).await;
    assert_eq!(carried.record.consequences, check(false));
    assert_eq!(carried.record.cure, Some(Cure::ByTheRemedy));
}

#[tokio::test]
async fn a_mutation_leaves_out_its_own_phase_alone() {
    for (mutation, phases) in [
        (
            Mutation::NoFault,
            [
                "baseline",
                "fault, left out",
                "observe",
                "remedy",
                "put back",
            ],
        ),
        (
            Mutation::NoRemedy,
            [
                "baseline",
                "fault",
                "observe",
                "remedy, left out",
                "put back",
            ],
        ),
    ] {
        let (_, begun) = Told::whole().carried(Some(mutation)).await;
        assert_eq!(begun, phases);
    }
}

#[tokio::test]
async fn an_error_keeps_what_was_recorded_and_what_was_changed_is_put_back() {
    let all = ["baseline", "fault", "observe", "remedy"];
    for (at, phase) in all.into_iter().enumerate() {
        let fails_in: &'static [&'static str] = match at {
            0 => &["baseline"],
            1 => &["fault"],
            2 => &["observe"],
            _ => &["remedy"],
        };
        let broken = Told {
            fails_in,
            ..Told::whole()
        };
        let (carried, begun) = broken.carried(None).await;
        let phases_noted = noted(&carried).len();
        let told = carried.error.map(|error| error.to_string());
        assert_eq!(told, Some(format!("{phase}: broken")));
        let expected: Vec<&str> = all[..=at].iter().copied().chain(["put back"]).collect();
        assert_eq!(begun, expected);
        let record = carried.record;
        assert_eq!(!record.baseline.is_empty(), at > 0, "{phase}");
        assert_eq!(!record.in_force.is_empty(), at > 1, "{phase}");
        assert_eq!(record.fault == "- a port", at > 1, "{phase}");
        assert_eq!(record.observed.is_some(), at > 2, "{phase}");
        assert_eq!(record.diagnosis.is_some(), at > 2, "{phase}");
        // The phase that broke took its time as well.
        assert_eq!(phases_noted, at + 1 + usize::from(at > 2), "{phase}");
    }
}

#[tokio::test]
async fn what_cannot_be_put_back_fails_the_case_and_hides_no_earlier_error() {
    for (fails_in, told) in [
        (&["put back"] as &[_], "put back: broken"),
        (&["fault", "put back"], "fault: broken"),
    ] {
        let broken = Told {
            fails_in,
            ..Told::whole()
        };
        let (carried, _) = broken.carried(None).await;
        assert_eq!(carried.error.map(|e| e.to_string()), Some(told.to_owned()));
    }
}
