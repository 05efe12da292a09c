//! One scenario's checks as text: for the verbose command line and for JUnit's `system-out`.

use std::fmt::Write;

use super::chapters::{self, Chapter};
use super::text::labelled;
use crate::outcome::{Check, Diagnosis, ScenarioOutcome, Standing};

/// How far the statement of a check is indented.
const INDENT: usize = 19;

/// Every check of a scenario: whether it holds, whose it is, its statement, what was seen. Of a
/// case, phase by phase.
///
/// What the guide's own checks printed is shown as it was read, so that a reader can lay it beside
/// the guide; so is the evidence of every check that does not hold. Text is wrapped to `width`
/// characters, evidence and diffs are not.
pub fn render(outcome: &ScenarioOutcome, width: usize) -> String {
    let mut out = format!("{} {}\n", outcome.id, outcome.title);
    for (label, text) in chapters::head(outcome) {
        out.push_str(&labelled(&format!("{label}:"), &text, 9, width));
    }
    if outcome.case.is_none() && outcome.checks.is_empty() {
        out.push_str("No check was made.\n");
    }
    for chapter in chapters::of(outcome) {
        if outcome.case.is_some() {
            // Writing to a String cannot fail.
            let _ = writeln!(out, " {}", chapter.name);
        }
        phase(&chapter, width, &mut out);
    }
    let not_reached = chapters::not_reached(outcome);
    if !not_reached.is_empty() {
        out.push_str(&labelled(" not done:", &not_reached.join(", "), 11, width));
    }
    for remark in &outcome.remarks {
        out.push_str(&labelled("Remark:", remark, 9, width));
    }
    out
}

fn phase(chapter: &Chapter<'_>, width: usize, out: &mut String) {
    for (label, text) in &chapter.facts {
        out.push_str(&labelled(&format!("  {label}:"), text, 11, width));
    }
    for line in chapter.diff.unwrap_or_default().lines() {
        let _ = writeln!(out, "  | {}", line.trim_end());
    }
    if let Some(diagnosis) = chapter.diagnosis {
        said(diagnosis, width, out);
    }
    for check in chapter.checks {
        one(check, width, out);
    }
}

fn said(diagnosis: &Diagnosis, width: usize, out: &mut String) {
    if diagnosis.findings.is_empty() {
        out.push_str("  nothing was found\n");
    }
    for finding in &diagnosis.findings {
        out.push_str(&labelled("  found", &chapters::found(finding), 11, width));
        out.push_str(&labelled("", &format!("seen: {}", finding.seen), 11, width));
    }
    for unknown in &diagnosis.unknown {
        let told = format!("{} {}: {}", unknown.code, unknown.title, unknown.because);
        out.push_str(&labelled("  unknown", &told, 11, width));
    }
}

fn one(check: &Check, width: usize, out: &mut String) {
    let (mark, whose) = (chapters::mark(check), chapters::whose(check));
    let label = format!("  {mark:<9}{whose:<8}");
    out.push_str(&labelled(&label, &check.statement, INDENT, width));
    let seen = format!("seen: {}", check.seen);
    out.push_str(&labelled("", &seen, INDENT, width));
    for evidence in &check.evidence {
        let _ = writeln!(out, "{:INDENT$}$ {}", "", evidence.source);
        if check.standing == Standing::Guide || !check.holds() {
            for line in evidence.raw.lines() {
                let _ = writeln!(out, "{:21}{}", "", line.trim_end());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Run;
    use crate::report::sample;

    fn all(run: &Run) -> String {
        let all: Vec<String> = run.outcomes.iter().map(|o| render(o, 100)).collect();
        all.join("\n")
    }

    #[test]
    fn checks_are_shown_with_mark_statement_sight_and_owner() {
        insta::assert_snapshot!(all(&sample::news()));
    }

    #[test]
    fn a_case_is_shown_phase_by_phase() {
        insta::assert_snapshot!(all(&sample::repeated()));
    }
}
