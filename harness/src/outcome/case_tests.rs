use super::*;
use crate::outcome::{Finding, Standing, Weight};

fn check(holds: bool) -> Check {
    Check::answered(
        Standing::Truth,
        "all is well",
        holds,
        "what was seen",
        vec![],
    )
}

fn finding(code: &str) -> Finding {
    Finding {
        code: code.into(),
        title: "t".into(),
        weight: Weight::Cause,
        object: "Service a/b".into(),
        seen: "s".into(),
        why: "w".into(),
        remedies: vec![],
    }
}

/// A case that was a split, as claimed, found by MP001 and cured.
fn confirmed() -> CaseRecord {
    CaseRecord {
        fault: "- a\n+ b".into(),
        baseline: vec![check(true)],
        in_force: vec![check(true)],
        observed: Some(Observed {
            symptom: Symptom::Split,
            because: "servers=1 on both".into(),
            checks: vec![check(true)],
        }),
        diagnosis: Some(Diagnosis {
            findings: vec![finding("MP001"), finding("MP013")],
            unknown: vec![],
        }),
        remedy: Some("named the ports".into()),
        recovery: vec![check(true)],
        cure: Some(Cure::ByTheRemedy),
        ..CaseRecord::new(CaseClaim {
            symptom: Symptom::Split,
            remedy: "name the ports".into(),
            remedy_restarts: false,
            found_by: vec!["MP001".into()],
        })
    }
}

fn name(case: &CaseRecord) -> &'static str {
    judge_case(case).0.name()
}

#[test]
fn symptom_and_cure_as_claimed_confirm() {
    let (verdict, fact) = judge_case(&confirmed());
    assert_eq!(verdict, Verdict::Confirmed);
    assert_eq!(
        fact,
        "split as the guide says (servers=1 on both); the remedy cures it"
    );
}

#[test]
fn another_symptom_or_another_cure_differs() {
    let mut case = confirmed();
    case.claim.symptom = Symptom::Stall;
    assert_eq!(name(&case), "Differs");
    for cure in [Cure::WithARestart, Cure::BySomethingElse, Cure::None] {
        let case = CaseRecord {
            cure: Some(cure),
            ..confirmed()
        };
        let (verdict, fact) = judge_case(&case);
        assert_eq!(verdict, Verdict::Differs);
        assert!(fact.ends_with(cure.in_words()), "{fact}");
    }
}

#[test]
fn without_a_healthy_baseline_nothing_is_shown() {
    for baseline in [vec![], vec![check(true), check(false)]] {
        assert_eq!(
            name(&CaseRecord {
                baseline,
                ..confirmed()
            }),
            "Invalid"
        );
    }
}

#[test]
fn a_fault_that_is_not_in_force_shows_nothing() {
    for in_force in [vec![], vec![check(false)]] {
        let (verdict, fact) = judge_case(&CaseRecord {
            in_force,
            ..confirmed()
        });
        assert_eq!(verdict.name(), "Invalid");
        assert!(fact.starts_with("the fault is not in force"), "{fact}");
    }
}

#[test]
fn a_symptom_that_did_not_stay_is_no_observation() {
    let mut case = confirmed();
    case.observed.as_mut().unwrap().checks = vec![check(false)];
    assert_eq!(name(&case), "Invalid");
    case.observed.as_mut().unwrap().symptom = Symptom::Undecided;
    assert_eq!(name(&case), "Invalid");
    assert_eq!(
        name(&CaseRecord {
            observed: None,
            ..confirmed()
        }),
        "Invalid"
    );
}

#[test]
fn a_fault_without_harm_is_not_reproduced() {
    let mut case = confirmed();
    case.observed.as_mut().unwrap().symptom = Symptom::Healthy;
    case.cure = None;
    assert_eq!(name(&case), "NotReproduced");
}

#[test]
fn no_harm_where_the_guide_says_none_confirms() {
    let mut case = confirmed();
    case.claim.symptom = Symptom::Healthy;
    assert_eq!(name(&case), "Differs");
    case.observed.as_mut().unwrap().symptom = Symptom::Healthy;
    case.cure = None;
    assert_eq!(name(&case), "Confirmed");
}

#[test]
fn a_cause_that_no_rule_finds_is_a_failure_of_ours() {
    let mut case = confirmed();
    case.diagnosis.as_mut().unwrap().findings.remove(0);
    let (verdict, fact) = judge_case(&case);
    assert_eq!(verdict.name(), "Failed");
    assert_eq!(
        fact,
        "diagnosis did not find MP001 but MP013; mend the rule"
    );
}

#[test]
fn what_may_do_harm_another_time_is_no_cause_of_harm_that_was_seen() {
    let mut case = confirmed();
    for finding in &mut case.diagnosis.as_mut().unwrap().findings {
        finding.weight = Weight::Risk;
    }
    assert_eq!(name(&case), "Failed");
    case.observed.as_mut().unwrap().symptom = Symptom::Healthy;
    assert_eq!(name(&case), "NotReproduced");
}

#[test]
fn a_finding_that_is_not_the_faults_is_a_failure_of_ours() {
    let case = CaseRecord {
        diagnosed: vec![check(false)],
        ..confirmed()
    };
    let (verdict, fact) = judge_case(&case);
    assert_eq!(verdict.name(), "Failed");
    assert_eq!(
        fact,
        "not so: all is well; seen: what was seen; mend the rule, or find what else is wrong"
    );
}

#[test]
fn an_untried_remedy_is_no_verdict_on_the_guide() {
    let case = CaseRecord {
        cure: None,
        ..confirmed()
    };
    assert_eq!(name(&case), "Invalid");
}

#[test]
fn a_recovery_that_lacks_something_leaves_no_cure_that_counts() {
    for cure in [Cure::ByTheRemedy, Cure::WithARestart, Cure::BySomethingElse] {
        let case = CaseRecord {
            cure: Some(cure),
            recovery: vec![check(true), check(false)],
            ..confirmed()
        };
        assert_eq!(case.cure_that_counts(), Some(Cure::None));
        let (verdict, fact) = judge_case(&case);
        assert_eq!(verdict, Verdict::Differs);
        assert_eq!(
            fact,
            "split as the guide says (servers=1 on both); the remedy does not cure it; not so: all \
             is well; seen: what was seen"
        );
    }
    let never_tried = CaseRecord {
        cure: None,
        ..confirmed()
    };
    assert_eq!(never_tried.cure_that_counts(), None);
}

#[test]
fn what_else_came_of_a_remedy_differs_and_is_cured_all_the_same() {
    let case = CaseRecord {
        consequences: vec![check(true), check(false)],
        ..confirmed()
    };
    assert_eq!(case.cure_that_counts(), Some(Cure::ByTheRemedy));
    let (verdict, fact) = judge_case(&case);
    assert_eq!(verdict, Verdict::Differs);
    assert_eq!(
        fact,
        "split as the guide says (servers=1 on both); the remedy cures it; not so: all is well; \
         seen: what was seen"
    );
}

#[test]
fn what_could_not_be_asked_after_a_remedy_is_no_verdict_on_the_guide() {
    let unasked = || Check::unproven(Standing::Truth, "the keys are there", "refused", vec![]);
    let after = CaseRecord {
        consequences: vec![unasked()],
        ..confirmed()
    };
    let recovery = CaseRecord {
        recovery: vec![unasked()],
        ..confirmed()
    };
    for case in [after, recovery] {
        let (verdict, fact) = judge_case(&case);
        assert_eq!(verdict.name(), "Invalid");
        assert_eq!(
            fact,
            "split as the guide says (servers=1 on both); whether the keys are there: refused"
        );
    }
}

#[test]
fn every_check_is_told_with_its_phase() {
    let case = CaseRecord {
        diagnosed: vec![check(true)],
        consequences: vec![check(false)],
        ..confirmed()
    };
    let phases: Vec<_> = case.checks().map(|(phase, _)| phase).collect();
    assert_eq!(
        phases,
        [
            "baseline",
            "fault",
            "symptom",
            "diagnosis",
            "remedy",
            "recovery"
        ]
    );
}
