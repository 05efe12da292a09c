//! Troubleshooting cases to test reports with: what they look like, not what any real run found.

use super::sample::{evidence, green, outcome};
use crate::outcome::{
    CaseClaim, CaseRecord, Check, Cure, Diagnosis, Finding, Observed, PhaseTime, Remedy, Run,
    ScenarioOutcome, Standing, Symptom, Unknown, Verdict, Weight,
};

/// A diff as a fault shows itself.
const DIFF: &str = "Service ignite-headless\n@@ spec.ports @@\n   - port: 10800\n     name: \
                    tcp-thinclient\n-  - port: 47100\n-    name: tcp-communication\n   - port: \
                    47500";

fn check(statement: &str, holds: bool, seen: &str) -> Check {
    let raw = format!("{seen}\n  ... <&\"'>`\n");
    let source = "kubectl logs -n meshproof-t2b ignite-1 -c ignite-node";
    Check::answered(
        Standing::Truth,
        statement,
        holds,
        seen,
        vec![evidence(source, &raw, seen)],
    )
}

/// A stall that was found and cured, with a restart.
fn record() -> CaseRecord {
    let claim = CaseClaim {
        symptom: Symptom::Split,
        remedy: "Declare the port on the headless Service, with a tcp- name.".into(),
        remedy_restarts: false,
        found_by: vec!["MP001".into()],
    };
    CaseRecord {
        fault: DIFF.into(),
        baseline: vec![check("both nodes are in one cluster", true, "servers=2")],
        in_force: vec![check("47100 is not declared", true, "10800, 47500")],
        observed: Some(Observed {
            symptom: Symptom::Stall,
            because: "ignite-1 still waits for the initial partition map exchange".into(),
            checks: vec![check("it stays so for 20 s", true, "no change")],
        }),
        diagnosis: Some(Diagnosis {
            findings: vec![Finding {
                code: "MP001".into(),
                title: "A port that the nodes use is not declared".into(),
                weight: Weight::Cause,
                object: "Service meshproof-t2b/ignite-headless".into(),
                seen: "Ports 10800 and 47500 are declared, 47100 is not.".into(),
                why: "Istio has no listener for it: traffic passes in plaintext.".into(),
                remedies: vec![
                    Remedy::Patch {
                        object: "Service meshproof-t2b/ignite-headless".into(),
                        yaml: "spec:\n  ports:\n  - name: tcp-communication\n    port: 47100\n"
                            .into(),
                    },
                    Remedy::Command {
                        command: "kubectl delete pod ignite-1 -n meshproof-t2b".into(),
                    },
                    Remedy::Advice {
                        text: "See that both nodes tell servers=2.".into(),
                    },
                ],
            }],
            unknown: vec![Unknown {
                code: "MP007".into(),
                title: "A certificate has expired".into(),
                because: "the proxy of ignite-0 did not answer".into(),
            }],
        }),
        remedy: Some("47100 declared as tcp-communication; then ignite-1 restarted".into()),
        recovery: vec![check("both nodes are in one cluster", true, "servers=2")],
        cure: Some(Cure::WithARestart),
        ..CaseRecord::new(claim)
    }
}

fn times(all: &[(&str, f64)]) -> Vec<PhaseTime> {
    all.iter()
        .map(|&(phase, seconds)| PhaseTime {
            phase: phase.into(),
            seconds,
        })
        .collect()
}

fn case(
    id: &str,
    title: &str,
    (verdict, fact): (Verdict, &str),
    on_record: &[&str],
    case: CaseRecord,
) -> ScenarioOutcome {
    let section = "Troubleshooting: Nodes never form a cluster after applying STRICT mTLS";
    let green = on_record
        .iter()
        .any(|known| known.starts_with(verdict.name()));
    ScenarioOutcome {
        case: Some(Box::new(case)),
        phases: times(&[
            ("baseline", 21.3),
            ("fault", 9.8),
            ("symptom", 31.0),
            ("diagnosis", 5.25),
            ("remedy and recovery", 26.25),
        ]),
        ..outcome(id, (title, section), verdict, fact, on_record, green)
    }
}

/// A stall where the guide says split, cured with a restart.
fn differs() -> ScenarioOutcome {
    case(
        "T2b",
        "Only 47100 is undeclared",
        (
            Verdict::Differs,
            "stall where the guide says split (ignite-1 still waits for the initial partition map \
             exchange); the remedy cures it only with a restart of the pods",
        ),
        &["Differs, stall, cure with-a-restart (5)"],
        record(),
    )
}

/// One case three times with two outcomes, and two that did not come to a cure.
pub(super) fn repeated() -> Run {
    let mut confirmed = case(
        "T2b",
        "Only 47100 is undeclared",
        (
            Verdict::Confirmed,
            "split as the guide says (servers=1 on both); the remedy cures it",
        ),
        &["Differs, stall, cure with-a-restart (5)"],
        CaseRecord {
            cure: Some(Cure::ByTheRemedy),
            ..record()
        },
    );
    let observed = confirmed.case.as_mut().and_then(|c| c.observed.as_mut());
    observed.expect("it was observed").symptom = Symptom::Split;
    let mut slower = differs();
    slower.phases[2].seconds = 39.0;

    let mut healthy = record();
    healthy.remedy = None;
    healthy.cure = None;
    healthy.recovery = vec![];
    healthy.diagnosis = Some(Diagnosis::default());
    let observed = healthy.observed.as_mut().expect("it was observed");
    observed.symptom = Symptom::Healthy;
    let healthy = case(
        "T4",
        "The fault does no harm",
        (
            Verdict::NotReproduced,
            "the fault is in force and does no harm: servers=2 on both",
        ),
        &["NotReproduced, healthy (3)", "Differs, split (1)"],
        healthy,
    );
    let because = "the baseline is not healthy: not so: both nodes are in one cluster; seen: \
                   servers=1";
    let broken = CaseRecord {
        baseline: vec![check("both nodes are in one cluster", false, "servers=1")],
        ..CaseRecord::new(record().claim)
    };
    let invalid = case(
        "T5",
        "The baseline is not healthy",
        (
            Verdict::Invalid {
                because: because.into(),
            },
            because,
        ),
        &[],
        broken,
    );
    Run {
        id: "20261124T120000Z-run-77aa".into(),
        command: "meshproof run T --repeat 3".into(),
        outcomes: vec![invalid, differs(), confirmed, slower, healthy],
        ..green()
    }
}
