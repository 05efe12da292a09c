//! `report.html`: a whole run in one file, to be attached to a support case.
//!
//! It needs nothing beside itself: no script, no other file, no network. A policy in its head
//! forbids them, so that it stays so whatever a lab's evidence holds.

mod page;

use page::Page;

use super::chapters::{self, Chapter};
use super::summary;
use crate::outcome::{Check, CheckResult, Diagnosis, Finding, Run, ScenarioOutcome, Verdict};

const STYLE: &str = include_str!("style.css");

/// What a browser is to allow: our own style, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The text of `report.html`.
pub fn render(run: &Run) -> String {
    let mut page = Page::default();
    page.element("html", &[("lang", "en")], |page| {
        page.element("head", &[], |page| {
            page.void("meta", &[("charset", "utf-8")]);
            let policy = [
                ("http-equiv", "Content-Security-Policy"),
                ("content", POLICY),
            ];
            page.void("meta", &policy);
            let fits = [
                ("name", "viewport"),
                ("content", "width=device-width, initial-scale=1"),
            ];
            page.void("meta", &fits);
            page.told("title", &[], &format!("Meshproof report {}", run.id));
            page.style(STYLE);
        });
        page.element("body", &[], |page| body(page, run));
    });
    page.finish()
}

fn body(page: &mut Page, run: &Run) {
    page.told("h1", &[], "Meshproof report");
    page.told("p", &[("class", "result")], &summary::result(run));
    table(page, run);
    let mut lines = summary::lines(run);
    // It stands at the top already.
    lines.retain(|(label, _)| *label != "Result");
    lines.extend([
        ("Run", run.id.clone()),
        ("Command", run.command.clone()),
        ("Begun", run.started.strftime("%F %T UTC").to_string()),
        ("Meshproof", run.meshproof.clone()),
    ]);
    facts(page, &lines);
    if !run.outcomes.is_empty() {
        page.told("h2", &[], "Scenarios");
    }
    for (outcome, number) in summary::numbered(run) {
        let mut attributes = vec![("class", "scenario")];
        if !outcome.expectation.green {
            attributes.push(("open", "open"));
        }
        page.element("details", &attributes, |page| {
            page.element("summary", &[], |page| {
                page.text(&summary::heading(outcome, number));
                page.text(" ");
                page.told(
                    "span",
                    &[("class", colour(outcome))],
                    outcome.verdict.name(),
                );
            });
            // A browser that goes to a place inside of what is folded away unfolds it.
            let place = anchor(outcome, number);
            page.element("div", &[("id", &place)], |page| scenario(page, outcome));
        });
    }
    ground(page, run);
}

/// Where a scenario's outcome stands in the page: `T2b`, and `T2b-2` for its second one.
fn anchor(outcome: &ScenarioOutcome, number: Option<(usize, usize)>) -> String {
    match number {
        None | Some((1, _)) => outcome.id.clone(),
        Some((number, _)) => format!("{}-{number}", outcome.id),
    }
}

fn colour(outcome: &ScenarioOutcome) -> &'static str {
    match outcome.verdict {
        _ if !outcome.expectation.green => "bad",
        Verdict::Confirmed => "good",
        _ => "fair",
    }
}

fn table(page: &mut Page, run: &Run) {
    if run.outcomes.is_empty() {
        page.told("p", &[], "No scenario ran.");
        return;
    }
    page.element("div", &[("class", "wide")], |page| {
        page.element("table", &[], |page| {
            page.element("thead", &[], |page| {
                page.element("tr", &[], |page| {
                    for head in ["id", "scenario", "verdict", "decided by", "seconds"] {
                        page.told("th", &[("class", head)], head);
                    }
                });
            });
            page.element("tbody", &[], |page| {
                let numbered = summary::numbered(run);
                for group in summary::groups(run) {
                    let first = numbered
                        .iter()
                        .find(|(outcome, _)| std::ptr::eq(*outcome, group.first()));
                    let number = first.and_then(|(_, number)| *number);
                    row(page, &group, &anchor(group.first(), number));
                }
            });
        });
    });
}

fn row(page: &mut Page, group: &summary::Group<'_>, place: &str) {
    let outcome = group.first();
    page.element("tr", &[], |page| {
        page.element("td", &[("class", "id")], |page| {
            let place = format!("#{place}");
            page.told("a", &[("href", &place)], &outcome.id);
        });
        page.told("td", &[], &outcome.title);
        page.element("td", &[("class", "verdict")], |page| {
            page.told("span", &[("class", colour(outcome))], &group.verdict());
            if !outcome.expectation.green {
                page.text(" (news)");
            }
        });
        page.told("td", &[], &outcome.decided_by);
        page.told("td", &[("class", "seconds")], &group.seconds());
    });
}

fn facts(page: &mut Page, facts: &[(&'static str, String)]) {
    if facts.is_empty() {
        return;
    }
    page.element("dl", &[], |page| {
        for (label, text) in facts {
            page.told("dt", &[], label);
            page.told("dd", &[], text);
        }
    });
}

fn scenario(page: &mut Page, outcome: &ScenarioOutcome) {
    let mut head = chapters::head(outcome);
    let remarks = outcome.remarks.iter();
    head.extend(remarks.map(|remark| ("Remark", remark.clone())));
    head.push(("Expected", expected(outcome)));
    facts(page, &head);
    for chapter in chapters::of(outcome) {
        if outcome.case.is_some() {
            page.told("h3", &[], chapter.name);
        }
        phase(page, &chapter);
    }
    let not_reached = chapters::not_reached(outcome);
    if !not_reached.is_empty() {
        let told = format!("Not done: {}.", not_reached.join(", "));
        page.told("p", &[("class", "soft")], &told);
    }
}

fn expected(outcome: &ScenarioOutcome) -> String {
    let expectation = &outcome.expectation;
    match expectation.on_record.as_slice() {
        [] => expectation.yardstick.clone(),
        known => format!("{} ({})", known.join(", "), expectation.yardstick),
    }
}

fn phase(page: &mut Page, chapter: &Chapter<'_>) {
    facts(page, &chapter.facts);
    if let Some(diff) = chapter.diff {
        page.element("pre", &[], |page| {
            for line in diff.lines() {
                page.told("span", &[("class", side(line))], line);
                page.text("\n");
            }
        });
    }
    if let Some(diagnosis) = chapter.diagnosis {
        said(page, diagnosis);
    }
    if !chapter.checks.is_empty() {
        page.element("ul", &[], |page| {
            for check in chapter.checks {
                page.element("li", &[], |page| one(page, check));
            }
        });
    }
}

/// Which side of a diff a line belongs to.
fn side(line: &str) -> &'static str {
    match line.as_bytes().first() {
        Some(b'+') => "more",
        Some(b'-') => "less",
        Some(b'@') => "where",
        _ => "same",
    }
}

fn one(page: &mut Page, check: &Check) {
    let colour = match check.result {
        CheckResult::Holds => "good",
        CheckResult::Fails => "bad",
        CheckResult::Lacks { .. } | CheckResult::Unproven { .. } => "fair",
    };
    page.told("span", &[("class", colour)], chapters::mark(check));
    page.text(&format!(" {} ", check.statement));
    let whose = format!("({})", chapters::whose(check));
    page.told("span", &[("class", "soft")], &whose);
    page.element("div", &[], |page| {
        page.text(&format!("Seen: {}", check.seen));
    });
    for piece in &check.evidence {
        page.element("details", &[], |page| {
            page.element("summary", &[("class", "soft")], |page| {
                page.told("code", &[], &piece.source);
                page.text(&format!(" at {}", piece.at.strftime("%T UTC")));
            });
            page.told("pre", &[], piece.raw.trim_end());
            page.told("div", &[], &piece.fact);
        });
    }
}

fn said(page: &mut Page, diagnosis: &Diagnosis) {
    if diagnosis.findings.is_empty() {
        page.told("p", &[], "Nothing was found.");
    }
    page.element("ul", &[], |page| {
        for finding in &diagnosis.findings {
            page.element("li", &[], |page| found(page, finding));
        }
        for unknown in &diagnosis.unknown {
            page.element("li", &[], |page| {
                page.told("span", &[("class", "fair")], "unknown");
                let (code, title) = (&unknown.code, &unknown.title);
                page.text(&format!(" {code} {title}: {}", unknown.because));
            });
        }
    });
}

fn found(page: &mut Page, finding: &Finding) {
    page.told("b", &[], &chapters::found(finding));
    page.told("div", &[], &finding.seen);
    page.told("div", &[("class", "soft")], &finding.why);
    for remedy in &finding.remedies {
        let (what, verbatim) = chapters::advised(remedy);
        page.told("div", &[], &what);
        if let Some(verbatim) = verbatim {
            page.told("pre", &[], verbatim.trim_end());
        }
    }
}

/// What stood under the run: stages, images and overlays, whole.
fn ground(page: &mut Page, run: &Run) {
    page.told("h2", &[], "What stood under it");
    let stages = run.stages.iter();
    let stages: Vec<String> = stages
        .map(|stage| format!("{} {:.1} s", stage.phase, stage.seconds))
        .collect();
    if !stages.is_empty() {
        facts(page, &[("Before the first scenario", stages.join(", "))]);
    }
    if let Some(lab) = &run.lab {
        page.element("details", &[], |page| {
            let count = format!("{} images", lab.images.len());
            page.told("summary", &[], &count);
            page.element("ul", &[], |page| {
                for image in &lab.images {
                    page.element("li", &[], |page| {
                        page.told("code", &[], &format!("{} {}", image.name, image.digest));
                        page.told("div", &[("class", "soft")], &image.origin);
                    });
                }
            });
        });
    }
    for overlay in run.mesh.iter().flat_map(|mesh| &mesh.overlays) {
        page.element("details", &[], |page| {
            page.told("summary", &[], &format!("Overlay {}", overlay.name));
            page.told("pre", &[], overlay.yaml.trim_end());
        });
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
