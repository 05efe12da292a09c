//! Error lines in one program's log, by the forms in which it writes them.
//!
//! Ignite: `[time][SEVERE][thread][logger] message`, or the JVM's two lines of which the second
//! begins with `SEVERE: `. Envoy: `[time][thread][error][logger] message`. istiod and the agent
//! around Envoy, which may also set Envoy's form: time, level and message between tabs, or JSON.

use std::sync::LazyLock;

use regex::Regex;

use super::known::{KNOWN, Known};

/// Who writes a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Program {
    /// An Ignite or GridGain node.
    Ignite,
    /// Envoy and the agent around it.
    Proxy,
    /// istiod.
    Istiod,
}

/// One error line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorLine {
    /// Its place among the lines that were read, from 0.
    pub index: usize,
    /// The line.
    pub text: String,
    /// The kind of known lines that it is of; none makes it unexpected.
    pub known: Option<Known>,
}

/// What a log's lines came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// How many lines are records in a form that is known for the program: with none, no error
    /// line would have been known for one.
    pub records: usize,
    /// The error lines.
    pub errors: Vec<ErrorLine>,
}

/// Warnings that say an error: a proxy that refuses its configuration goes on with the old one.
const GRAVE_WARNINGS: &[(Program, &[&str])] = &[
    (Program::Istiod, &["ADS:", "ACK ERROR"]),
    (Program::Proxy, &["gRPC config for", "rejected"]),
];

static IGNITE: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"^(?:\[[^\]]*\]\[([A-Z]+) *\]\[",
        // The JVM's form; its first line tells time and logger, and no level.
        r"|(SEVERE|WARNING|INFO|CONFIG|FINE|FINER|FINEST): ",
        r"|[A-Z][a-z]{2} \d{1,2}, \d{4},? \d{1,2}:\d{2}:\d{2}\S* ?[AP]M )"
    ))
});
/// An exception that begins a line: thrown where nobody caught it, or printed below a record.
static EXCEPTION: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r#"^(?:class |Exception in thread "[^"]*" )?"#,
        r"(?:[a-z_][\w$]*\.)+[A-Z][\w$]*(?:Exception|Error)\b"
    ))
});
static ENVOY: LazyLock<Regex> = LazyLock::new(|| regex(r"^\[\d{4}-[^\]]*\]\[\d+\]\[([a-z]+)\]\["));
static ISTIO: LazyLock<Regex> =
    LazyLock::new(|| regex(r"^\d{4}-\d{2}-\d{2}T[0-9:.]+(?:Z|[+-]\d{2}:?\d{2})\t([a-z]+)\t"));
static JSON: LazyLock<Regex> = LazyLock::new(|| regex(r#"^\{.*"level": ?"([a-z]+)""#));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of ours")
}

/// The error lines of one program's log; `also_known` are kinds known beside [`KNOWN`].
pub fn errors<'l>(
    program: Program,
    lines: impl IntoIterator<Item = &'l str>,
    also_known: &[Known],
) -> Reading {
    let mut reading = Reading::default();
    // What follows a record belongs to it: below an error record no line is an error of its own.
    let mut below = None;
    for (index, text) in lines.into_iter().enumerate() {
        let is_error = match record(program, text) {
            Some(is_error) => {
                reading.records += 1;
                below = Some(is_error);
                is_error
            }
            None => below != Some(true) && is_fatal(program, text),
        };
        if is_error {
            // The stack below an exception is the exception's.
            below = Some(true);
            let known = KNOWN.iter().chain(also_known);
            reading.errors.push(ErrorLine {
                index,
                text: text.to_owned(),
                known: known.copied().find(|known| known.matches(program, text)),
            });
        }
    }
    reading
}

/// Whether a line that begins a record is an error; none where it begins none.
fn record(program: Program, text: &str) -> Option<bool> {
    let level = match program {
        Program::Ignite => {
            let found = IGNITE.captures(text)?;
            let level = found.get(1).or(found.get(2));
            return Some(level.is_some_and(|l| matches!(l.as_str(), "SEVERE" | "ERROR" | "FATAL")));
        }
        Program::Proxy | Program::Istiod => {
            let forms = [&ENVOY, &ISTIO, &JSON];
            forms.iter().find_map(|form| form.captures(text))?
        }
    };
    let level = &level[1];
    let grave = GRAVE_WARNINGS
        .iter()
        .any(|(of, parts)| *of == program && parts.iter().all(|part| text.contains(part)));
    Some(matches!(level, "error" | "critical" | "fatal" | "panic") || grave)
}

/// Whether a line outside all records tells of an end: an exception, a crash.
fn is_fatal(program: Program, text: &str) -> bool {
    match program {
        Program::Ignite => {
            EXCEPTION.is_match(text)
                || text.contains("java.lang.OutOfMemoryError")
                || text.starts_with("# A fatal error has been detected")
        }
        Program::Proxy | Program::Istiod => {
            text.starts_with("panic: ") || text.starts_with("fatal error: ")
        }
    }
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
