//! `junit.xml`: a run for CI systems, which know cases that pass, fail or are skipped.
//!
//! What a CI system must hear of is news, not a verdict: a case fails when its outcome is not on
//! record, whatever the outcome is. Something left behind is an error of a case of its own, since
//! no scenario's case would tell of it.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::{checks, summary};
use crate::outcome::{Run, ScenarioOutcome, Verdict};

/// The width that a case's `system-out` is wrapped to.
const WIDTH: usize = 100;

/// The text of `junit.xml`.
///
/// # Errors
/// When the XML writer fails.
pub fn render(run: &Run) -> Result<String, SerializeError> {
    let mut suite = TestSuite::new("meshproof");
    let properties = [
        ("meshproof.run", Some(run.id.clone())),
        ("meshproof.command", Some(run.command.clone())),
        ("istio.build", run.mesh.as_ref().map(|m| m.build.clone())),
        (
            "istio.self-built",
            run.mesh.as_ref().map(|m| m.self_built().to_string()),
        ),
        (
            "istio.sidecar-mode",
            run.mesh.as_ref().map(|m| m.sidecar_mode.clone()),
        ),
        (
            "istio.filters",
            run.mesh.as_ref().map(|m| m.istio_filters.to_string()),
        ),
        ("envoy.version", run.mesh.as_ref().map(|m| m.envoy.clone())),
        (
            "kubernetes.version",
            run.lab.as_ref().map(|l| l.kubernetes.clone()),
        ),
        (
            "product",
            run.product
                .as_ref()
                .map(|p| format!("{} {}", p.name, p.version)),
        ),
    ];
    for (name, value) in properties {
        if let Some(value) = value {
            suite.add_property((name, value.as_str()));
        }
    }
    suite.add_test_cases(
        summary::numbered(run)
            .into_iter()
            .map(|(outcome, number)| case(outcome, number)),
    );
    if !run.left_behind.is_empty() {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status
            .set_message(run.left_behind.join("; "))
            .set_type("LeftBehind");
        let mut cleanup = TestCase::new("clean up", status);
        cleanup.set_classname("Meshproof");
        suite.add_test_case(cleanup);
    }
    let mut report = Report::new("meshproof");
    // The timestamp's type belongs to a crate that is not ours; it is reached by parsing.
    report.timestamp = run.started.to_string().parse().ok();
    suite.timestamp = report.timestamp;
    report.set_time(seconds(run.seconds));
    suite.set_time(seconds(run.seconds));
    report.add_test_suite(suite);
    report.to_string()
}

fn case(outcome: &ScenarioOutcome, number: Option<(usize, usize)>) -> TestCase {
    let status = match &outcome.verdict {
        verdict if !outcome.expectation.green => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(news(outcome)).set_type(verdict.name());
            status
        }
        Verdict::Blocked { reason } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("Blocked: {reason}"));
            status
        }
        _ => TestCaseStatus::success(),
    };
    let mut case = TestCase::new(summary::heading(outcome, number), status);
    case.set_classname(outcome.section.as_str())
        .set_time(seconds(outcome.seconds()))
        .set_system_out(checks::render(outcome, WIDTH))
        .add_property(("verdict", outcome.verdict.name()))
        .add_property(("decided-by", outcome.decided_by.as_str()));
    if let Some(symptom) = outcome.symptom() {
        case.add_property(("symptom", symptom.name()));
    }
    if let Some(cure) = outcome.cure() {
        case.add_property(("cure", cure.name()));
    }
    case
}

/// Why an outcome is news, in one line.
fn news(outcome: &ScenarioOutcome) -> String {
    let yardstick = &outcome.expectation.yardstick;
    let on_record = match outcome.expectation.on_record.as_slice() {
        [] => yardstick.clone(),
        known => format!("{} by {yardstick}", known.join(", ")),
    };
    format!(
        "{}: {}; expected: {on_record}",
        outcome.verdict.name(),
        outcome.decided_by
    )
}

/// Seconds as the XML wants them; a number that is no time counts as none.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_green_run_has_no_failure_and_skips_what_is_blocked() {
        let xml = render(&sample::green()).expect("XML");
        assert!(
            !xml.contains("<failure") && !xml.contains("<error"),
            "{xml}"
        );
        insta::assert_snapshot!(xml);
    }

    #[test]
    fn news_and_leftovers_fail() {
        let xml = render(&sample::news()).expect("XML");
        let head = xml
            .lines()
            .find(|l| l.contains("<testsuite "))
            .expect("a suite");
        assert!(
            head.contains(r#"failures="3""#) && head.contains(r#"errors="1""#),
            "{head}"
        );
        insta::assert_snapshot!(xml);
    }

    #[test]
    fn repeated_cases_have_names_of_their_own() {
        let xml = render(&sample::repeated()).expect("XML");
        for name in [
            "T2b Only 47100 is undeclared (1 of 3)",
            "(2 of 3)",
            "(3 of 3)",
        ] {
            assert!(xml.contains(name), "{name} is not in {xml}");
        }
        assert!(
            xml.contains(r#"<property name="symptom" value="stall"/>"#),
            "{xml}"
        );
        assert!(
            xml.contains(r#"<property name="cure" value="with-a-restart"/>"#),
            "{xml}"
        );
    }

    #[test]
    fn a_blocked_that_is_news_is_not_skipped() {
        let xml = render(&sample::news()).expect("XML");
        assert!(
            xml.contains(r#"<failure message="Blocked: C3 is Differs"#),
            "{xml}"
        );
    }

    #[test]
    fn a_run_that_differs_as_expected_passes() {
        let mut run = sample::green();
        run.outcomes.truncate(1);
        run.outcomes[0].verdict = Verdict::Differs;
        let xml = render(&run).expect("XML");
        assert!(
            xml.contains(r#"tests="1""#) && !xml.contains("<failure"),
            "{xml}"
        );
    }
}
