//! The end of a run as a person reads it on a terminal: the table, and a few lines below it.
//!
//! Nothing is cut off to fit: a fact that is too long goes on in the next line. Outcomes of one
//! scenario that came out alike are one row with their count. Whether there is a terminal, how wide it is and whether it wants colours, the caller knows and says in a [`View`].

use std::path::Path;

use super::summary::{self, Group};
use super::text::{labelled, wrap};
use crate::outcome::{Run, Verdict};

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
    /// Where `report.html` was written.
    pub report_html: &'a Path,
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
    for (label, text) in summary::lines(run) {
        say(label, &text);
    }
    // What a person copies stays in one piece.
    for (label, text) in [
        ("Report", view.report_html.display().to_string()),
        ("JSON", view.report_json.display().to_string()),
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
    fn of(group: &Group<'_>) -> Self {
        let outcome = group.first();
        Self {
            id: outcome.id.clone(),
            title: outcome.title.clone(),
            verdict: group.verdict(),
            fact: outcome.decided_by.clone(),
            seconds: group.seconds(),
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
        .chain(summary::groups(run).iter().map(Row::of))
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

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
