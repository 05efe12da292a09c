//! The end of a run as a person reads it on a terminal: the table, and a few lines below it.
//!
//! Nothing is cut off to fit: a fact that is too long goes on in the next line. Whether there is a
//! terminal, how wide it is and whether it wants colours, the caller knows and says in a [`View`].

use std::path::Path;

use super::text::{labelled, wrap};
use crate::outcome::{LabFacts, MeshFacts, Run, ScenarioOutcome, Verdict};

/// The width where nobody knows the terminal's.
pub const DEFAULT_WIDTH: usize = 100;
/// The least width a table is laid out for; a narrower terminal breaks its lines itself.
const LEAST_WIDTH: usize = 60;
/// The width of the labels below the table.
const LABEL: usize = 10;
/// Blanks between two columns.
const GAP: &str = "  ";

/// What the caller knows and the run does not.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The terminal's width in characters, or [`DEFAULT_WIDTH`].
    pub width: usize,
    /// Whether to use colours: a terminal, and no `NO_COLOR`.
    pub colour: bool,
    /// Where `report.json` was written.
    pub report_json: &'a Path,
    /// Where `junit.xml` was written.
    pub junit_xml: &'a Path,
    /// The command to type next.
    pub next: &'a str,
}

/// The table of verdicts and the lines below it.
pub fn render(run: &Run, view: &View<'_>) -> String {
    let width = view.width.max(LEAST_WIDTH);
    let mut out = String::new();
    if run.outcomes.is_empty() {
        out.push_str("No scenario ran.\n");
    } else {
        rows(run, width, view.colour, &mut out);
    }
    out.push('\n');
    let mut say = |label: &str, text: &str| out.push_str(&labelled(label, text, LABEL, width));
    say("Result", &result(run));
    match &run.mesh {
        Some(mesh) => {
            say("Mesh", &mesh_line(mesh));
            if !mesh.istio_filters {
                say(
                    "Proxies",
                    "they lack Istio's own filters (istio.stats and its kin), so no istio_* \
                     metric can exist here and nothing that needs one is shown",
                );
            }
        }
        None => say("Mesh", "none came up"),
    }
    say(
        "Lab",
        &run.lab.as_ref().map_or("none came up".into(), lab_line),
    );
    if let Some(product) = &run.product {
        say("Product", &format!("{} {}", product.name, product.version));
    }
    for (yardstick, ids) in yardsticks(run) {
        say("Measured", &format!("by {yardstick}: {}", ids.join(", ")));
    }
    for outcome in run.outcomes.iter().filter(|o| !o.expectation.green) {
        say("News", &news(outcome));
    }
    for outcome in run.outcomes.iter().filter(|o| o.expectation.flaky()) {
        let known = outcome.expectation.on_record.join(", ");
        say("Flaky", &format!("{}; on record: {known}", outcome.id));
    }
    for left in &run.left_behind {
        say("Left", left);
    }
    // What a person copies stays in one piece.
    for (label, text) in [
        ("Report", view.report_json.display().to_string()),
        ("JUnit", view.junit_xml.display().to_string()),
        ("Next", view.next.to_owned()),
    ] {
        out.push_str(&format!("{label:<LABEL$}{text}\n"));
    }
    out
}

/// One row before it is laid out.
struct Row {
    id: String,
    title: String,
    verdict: String,
    fact: String,
    seconds: String,
    colour: &'static str,
}

impl Row {
    fn of(outcome: &ScenarioOutcome) -> Self {
        Self {
            id: outcome.id.clone(),
            title: outcome.title.clone(),
            verdict: outcome.verdict.name().to_owned(),
            fact: outcome.decided_by.clone(),
            seconds: format!("{:.1}", outcome.seconds()),
            colour: match outcome.verdict {
                _ if !outcome.expectation.green => "\x1b[31m",
                Verdict::Confirmed => "\x1b[32m",
                _ => "\x1b[33m",
            },
        }
    }
}

fn rows(run: &Run, width: usize, colour: bool, out: &mut String) {
    let head = Row {
        id: "ID".into(),
        title: "SCENARIO".into(),
        verdict: "VERDICT".into(),
        fact: "DECIDED BY".into(),
        seconds: "SECONDS".into(),
        colour: "\x1b[1m",
    };
    let rows: Vec<Row> = std::iter::once(head)
        .chain(run.outcomes.iter().map(Row::of))
        .collect();
    let longest = |cell: fn(&Row) -> &String| {
        rows.iter()
            .map(|row| cell(row).chars().count())
            .max()
            .unwrap_or(0)
    };
    let (id, verdict, seconds) = (
        longest(|r| &r.id),
        longest(|r| &r.verdict),
        longest(|r| &r.seconds),
    );
    let rest = width.saturating_sub(id + verdict + seconds + 4 * GAP.len());
    // The fact is what a reader came for: it gets at least three fifths of what is left.
    let title = longest(|r| &r.title).min(rest * 2 / 5);
    let fact = rest.saturating_sub(title);
    for row in &rows {
        let titles = wrap(&row.title, title);
        let facts = wrap(&row.fact, fact);
        for n in 0..titles.len().max(facts.len()) {
            let first = |text: &str| {
                if n == 0 {
                    text.to_owned()
                } else {
                    String::new()
                }
            };
            let at = |lines: &[String]| lines.get(n).cloned().unwrap_or_default();
            // Colours have no width, so they are put around a cell that is already padded.
            let paint = |cell: String| {
                if colour && n == 0 {
                    format!("{}{cell}\x1b[0m", row.colour)
                } else {
                    cell
                }
            };
            let line = [
                format!("{:<id$}", first(&row.id)),
                format!("{:<title$}", at(&titles)),
                paint(format!("{:<verdict$}", first(&row.verdict))),
                format!("{:<fact$}", at(&facts)),
                format!("{:>seconds$}", first(&row.seconds)),
            ]
            .join(GAP);
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
}

/// How many outcomes of each verdict, in how long, and whether that is news.
fn result(run: &Run) -> String {
    let mut counts: Vec<(&str, usize)> = vec![];
    for outcome in &run.outcomes {
        let name = outcome.verdict.name();
        match counts.iter_mut().find(|(n, _)| *n == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(name, n)| format!("{n} {name}"))
        .collect();
    let news = run.outcomes.iter().filter(|o| !o.expectation.green).count();
    let standing = match (news, run.left_behind.len()) {
        _ if run.outcomes.is_empty() => "nothing to judge".to_owned(),
        (0, 0) => "as on record".to_owned(),
        (0, _) => "as on record, but not all was cleaned up".to_owned(),
        (1, _) => "1 outcome is news".to_owned(),
        (n, _) => format!("{n} outcomes are news"),
    };
    let counts = if counts.is_empty() {
        "no outcome".to_owned()
    } else {
        counts.join(", ")
    };
    format!("{counts} in {:.1} s; {standing}", run.seconds)
}

fn mesh_line(mesh: &MeshFacts) -> String {
    let origin = if mesh.self_built() {
        " (built here, not a release)"
    } else {
        ""
    };
    let gateway = if mesh.ingress_gateway { "an" } else { "no" };
    let overlays: Vec<&str> = mesh.overlays.iter().map(|o| o.name.as_str()).collect();
    let overlays = match overlays.as_slice() {
        [] => "no overlay".to_owned(),
        names => format!("overlays: {}", names.join(", ")),
    };
    format!(
        "Istio {}{origin}; Envoy {}; {} sidecars; {gateway} ingress gateway; {overlays}",
        mesh.build, mesh.envoy, mesh.sidecar_mode
    )
}

fn lab_line(lab: &LabFacts) -> String {
    let found = if lab.reused {
        "reused"
    } else {
        "made by this run"
    };
    format!(
        "kind cluster {} ({found}); Kubernetes {}; {}; {}; images: {}, brought to the nodes by {}",
        lab.cluster, lab.kubernetes, lab.topology, lab.engine, lab.image_source, lab.image_delivery
    )
}

/// Each yardstick that was used, with the scenarios it measured, in the run's order.
fn yardsticks(run: &Run) -> Vec<(&str, Vec<&str>)> {
    let mut found: Vec<(&str, Vec<&str>)> = vec![];
    for outcome in run
        .outcomes
        .iter()
        .filter(|o| !o.expectation.on_record.is_empty())
    {
        let yardstick = outcome.expectation.yardstick.as_str();
        match found.iter_mut().find(|(y, _)| *y == yardstick) {
            Some((_, ids)) => ids.push(&outcome.id),
            None => found.push((yardstick, vec![&outcome.id])),
        }
    }
    found
}

fn news(outcome: &ScenarioOutcome) -> String {
    let verdict = outcome.verdict.name();
    match outcome.expectation.on_record.as_slice() {
        [] => format!(
            "{} is {verdict}; {}",
            outcome.id, outcome.expectation.yardstick
        ),
        known => format!(
            "{} is {verdict}; on record: {}",
            outcome.id,
            known.join(", ")
        ),
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
