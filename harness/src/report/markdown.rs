//! `report.md`: a whole run, to be pasted into an issue or a support case.
//!
//! What comes from the lab is text, never markup: [`text`], [`cell`] and `fenced` see to that.

use std::fmt::Write;

use super::chapters::{self, Chapter};
use super::summary;
use crate::outcome::{Check, Diagnosis, Evidence, Finding, Run, ScenarioOutcome};

/// The text of `report.md`.
pub fn render(run: &Run) -> String {
    let mut out = String::from("# Meshproof report\n\n");
    facts(&summary::lines(run), &mut out);
    let about = [
        ("Run", run.id.clone()),
        ("Command", run.command.clone()),
        ("Begun", run.started.strftime("%F %T UTC").to_string()),
        ("Meshproof", run.meshproof.clone()),
    ];
    facts(&about, &mut out);
    out.push_str("\n## Verdicts\n\n");
    table(run, &mut out);
    for (outcome, number) in summary::numbered(run) {
        let heading = text(&summary::heading(outcome, number));
        // Writing to a String cannot fail.
        let _ = write!(out, "\n## {heading}\n\n");
        one(outcome, &mut out);
    }
    ground(run, &mut out);
    out
}

fn table(run: &Run, out: &mut String) {
    if run.outcomes.is_empty() {
        out.push_str("No scenario ran.\n");
        return;
    }
    out.push_str("| id | scenario | verdict | decided by | seconds |\n");
    out.push_str("|---|---|---|---|--:|\n");
    for group in summary::groups(run) {
        let outcome = group.first();
        let news = if outcome.expectation.green {
            ""
        } else {
            ", **news**"
        };
        let _ = writeln!(
            out,
            "| {} | {} | {}{news} | {} | {} |",
            cell(&outcome.id),
            cell(&outcome.title),
            cell(&group.verdict()),
            cell(&outcome.decided_by),
            group.seconds(),
        );
    }
}

fn one(outcome: &ScenarioOutcome, out: &mut String) {
    facts(&chapters::head(outcome), out);
    for remark in &outcome.remarks {
        facts(&[("Remark", remark.clone())], out);
    }
    for chapter in chapters::of(outcome) {
        if outcome.case.is_some() {
            let _ = write!(out, "\n### {}\n", chapter.name);
        }
        phase(&chapter, out);
    }
    let not_reached = chapters::not_reached(outcome);
    if !not_reached.is_empty() {
        let _ = write!(out, "\nNot done: {}.\n", not_reached.join(", "));
    }
}

fn phase(chapter: &Chapter<'_>, out: &mut String) {
    if !chapter.facts.is_empty() || chapter.diff.is_some() || chapter.diagnosis.is_some() {
        out.push('\n');
    }
    facts(&chapter.facts, out);
    if let Some(diff) = chapter.diff {
        out.push_str(&fenced("diff", diff));
    }
    if let Some(diagnosis) = chapter.diagnosis {
        said(diagnosis, out);
    }
    if !chapter.checks.is_empty() {
        // Without a paragraph between them, two lists would be read as one.
        out.push_str("\nChecks:\n\n");
    }
    for check in chapter.checks {
        let _ = writeln!(
            out,
            "- **{}** ({}): {}; seen: {}",
            chapters::mark(check),
            chapters::whose(check),
            text(&check.statement),
            text(&check.seen),
        );
    }
    evidence(chapter.checks, out);
}

fn said(diagnosis: &Diagnosis, out: &mut String) {
    if diagnosis.findings.is_empty() {
        out.push_str("Nothing was found.\n");
    }
    for finding in &diagnosis.findings {
        found(finding, out);
    }
    for unknown in &diagnosis.unknown {
        let told = format!("{} {}: {}", unknown.code, unknown.title, unknown.because);
        let _ = writeln!(out, "- **unknown**: {}", text(&told));
    }
}

fn found(finding: &Finding, out: &mut String) {
    let _ = writeln!(out, "- **found**: {}", text(&chapters::found(finding)));
    let _ = writeln!(out, "  - Seen: {}", text(&finding.seen));
    let _ = writeln!(out, "  - Why it matters: {}", text(&finding.why));
    for remedy in &finding.remedies {
        let (what, verbatim) = chapters::advised(remedy);
        let _ = writeln!(out, "  - {}", text(&what));
        if let Some(verbatim) = verbatim {
            out.push('\n');
            for line in fenced("", verbatim).lines() {
                let _ = writeln!(out, "    {line}");
            }
        }
    }
}

/// The evidence of some checks, folded away.
fn evidence(checks: &[Check], out: &mut String) {
    let all: Vec<&Evidence> = checks.iter().flat_map(|check| &check.evidence).collect();
    if all.is_empty() {
        return;
    }
    let _ = write!(
        out,
        "\n<details><summary>Evidence ({})</summary>\n\n",
        all.len()
    );
    for piece in all {
        let at = piece.at.strftime("%T UTC");
        let _ = writeln!(out, "{at}: {}\n", text(&piece.fact));
        out.push_str(&fenced("", &format!("$ {}\n{}", piece.source, piece.raw)));
        out.push('\n');
    }
    out.push_str("</details>\n");
}

/// What stood under the run: images and overlays, whole.
fn ground(run: &Run, out: &mut String) {
    out.push_str("\n## What stood under it\n\n");
    if !run.stages.is_empty() {
        let stages = run.stages.iter();
        let stages: Vec<String> = stages
            .map(|stage| format!("{} {:.1} s", stage.phase, stage.seconds))
            .collect();
        facts(&[("Before the first scenario", stages.join(", "))], out);
    }
    if let Some(lab) = &run.lab {
        out.push_str("\n| image | digest | from |\n|---|---|---|\n");
        for image in &lab.images {
            let (name, digest, origin) = (&image.name, &image.digest, &image.origin);
            let _ = writeln!(
                out,
                "| {} | {} | {} |",
                cell(name),
                cell(digest),
                cell(origin)
            );
        }
    }
    for overlay in run.mesh.iter().flat_map(|mesh| &mesh.overlays) {
        let name = text(&overlay.name);
        let _ = write!(
            out,
            "\n<details><summary>Overlay {name}</summary>\n\n{}\n</details>\n",
            fenced("yaml", &overlay.yaml)
        );
    }
}

fn facts(facts: &[(&'static str, String)], out: &mut String) {
    for (label, told) in facts {
        let _ = writeln!(out, "- **{label}**: {}", text(told));
    }
}

/// A text that reads in Markdown as it is, in one line.
pub fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (n, word) in text.split_whitespace().enumerate() {
        if n > 0 {
            out.push(' ');
        }
        for c in word.chars() {
            match c {
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '&' => out.push_str("&amp;"),
                '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' => out.extend(['\\', c]),
                c if c.is_control() => out.push('\u{fffd}'),
                c => out.push(c),
            }
        }
    }
    out
}

/// A text for a cell of a table: as [`text`], and never nothing.
pub fn cell(told: &str) -> String {
    match text(told) {
        empty if empty.is_empty() => "–".into(),
        told => told,
    }
}

/// A block that is shown as it is, in a fence that is longer than any of its own.
fn fenced(language: &str, block: &str) -> String {
    let longest = block.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let block: String = block
        .trim_end()
        .chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect();
    format!("{fence}{language}\n{block}\n{fence}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_green_run_reads_so() {
        insta::assert_snapshot!(render(&sample::green()));
    }

    #[test]
    fn cases_read_so() {
        insta::assert_snapshot!(render(&sample::repeated()));
    }

    #[test]
    fn a_run_without_scenarios_says_so() {
        assert!(render(&sample::nothing()).contains("No scenario ran."));
    }

    #[test]
    fn what_is_read_from_the_lab_is_never_markup() {
        assert_eq!(
            text("<b>*a_b*</b> | [x](y)\n`q` & #1 \\"),
            "&lt;b&gt;\\*a\\_b\\*&lt;/b&gt; \\| \\[x\\](y) \\`q\\` &amp; \\#1 \\\\"
        );
        assert_eq!(text("red \u{1b}[31m"), "red \u{fffd}\\[31m");
        assert_eq!(cell(" \n"), "–");
    }

    #[test]
    fn a_block_cannot_close_its_fence() {
        assert_eq!(fenced("", "plain\n"), "```\nplain\n```\n");
        let hostile = "````\n</details>\n```";
        let block = fenced("diff", hostile);
        assert!(block.starts_with("`````diff\n"), "{block}");
        assert!(block.ends_with("\n`````\n"), "{block}");
    }
}
