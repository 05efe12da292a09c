//! One scenario's checks as text: for the verbose command line and for JUnit's `system-out`.

use std::fmt::Write;

use super::text::labelled;
use crate::outcome::{Check, CheckResult, ScenarioOutcome, Standing};

/// Every check of a scenario: whether it holds, whose it is, its statement, what was seen.
///
/// What the guide's own checks printed is shown as it was read, so that a reader can lay it beside
/// the guide; so is the evidence of every check that does not hold. Text is wrapped to `width`
/// characters, evidence is not.
pub fn render(outcome: &ScenarioOutcome, width: usize) -> String {
    let mut out = format!("{} {}\n", outcome.id, outcome.title);
    for (label, text) in [
        ("Guide:", outcome.section.as_str()),
        ("Claim:", &outcome.claim),
        ("Verdict:", outcome.verdict.name()),
        ("Fact:", &outcome.decided_by),
    ] {
        out.push_str(&labelled(label, text, 9, width));
    }
    if outcome.checks.is_empty() {
        out.push_str("No check was made.\n");
    }
    for check in &outcome.checks {
        out.push_str(&one(check, width));
    }
    for remark in &outcome.remarks {
        out.push_str(&labelled("Remark:", remark, 9, width));
    }
    out
}

fn one(check: &Check, width: usize) -> String {
    let mark = match check.result {
        CheckResult::Holds => "holds",
        CheckResult::Fails => "FAILS",
        CheckResult::Lacks { .. } => "lacks",
        CheckResult::Unproven { .. } => "unproven",
    };
    let whose = match check.standing {
        Standing::Guide => "guide's",
        Standing::Truth => "ours",
    };
    let mut out = labelled(
        &format!("  {mark:<9}{whose:<8}"),
        &check.statement,
        19,
        width,
    );
    out.push_str(&labelled("", &format!("seen: {}", check.seen), 19, width));
    for evidence in &check.evidence {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{:19}$ {}", "", evidence.source);
        if check.standing == Standing::Guide || !check.holds() {
            for line in evidence.raw.lines() {
                let _ = writeln!(out, "{:21}{}", "", line.trim_end());
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn checks_are_shown_with_mark_statement_sight_and_owner() {
        let run = sample::news();
        let all: Vec<String> = run.outcomes.iter().map(|o| render(o, 100)).collect();
        insta::assert_snapshot!(all.join("\n"));
    }
}
