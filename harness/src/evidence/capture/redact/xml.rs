//! Licenses and secret values in XML: a license with its signature, an element or a property whose
//! name says that it is a secret.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::Redacting;
use super::names::{is_harmless, is_secret};

/// The first tag of a license, whatever its exact name is: no real one was at hand.
static LICENSE: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)<([a-z_][\w.:-]*licen[sc]e[\w.:-]*|licen[sc]e[\w.:-]*)[^<>]*>"));
static ELEMENT: LazyLock<Regex> =
    LazyLock::new(|| regex(r"<([A-Za-z_][\w.:-]*)(\s[^<>]*)?>([^<>]+)</"));
/// How Spring calls a property of a bean or of a map.
const CALLED: &str = r#"(?:name|key)\s*=\s*["']([^"'<>]+)["']"#;
static PROPERTY: LazyLock<Regex> =
    LazyLock::new(|| regex(&format!(r#"({CALLED}\s+value\s*=\s*["'])([^"'<>]*)"#)));
/// The same with its value inside: in an element of its own, or as its text.
static WITH_VALUE_INSIDE: LazyLock<Regex> =
    LazyLock::new(|| regex(&format!(r"({CALLED}\s*>\s*(?:<value[^<>]*>)?)([^<>]+)")));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of ours")
}

pub(super) fn redact(redacting: &mut Redacting) {
    if !redacting.text.contains(['<', '=']) {
        return;
    }
    let places = licenses(&redacting.text);
    redacting.cut(&places, "[redacted: license]");
    redacting.replace(&ELEMENT, |found| {
        let attributes = found.get(2).map_or("", |a| a.as_str());
        let told = is_secret(&found[1]) && !is_harmless(&found[1], &found[3]);
        told.then(|| format!("<{}{attributes}>[redacted]</", &found[1]))
    });
    for pattern in [&PROPERTY, &WITH_VALUE_INSIDE] {
        redacting.replace(pattern, |found| {
            let told = is_secret(&found[2]) && !is_harmless(&found[2], &found[3]);
            told.then(|| format!("{}[redacted]", &found[1]))
        });
    }
}

/// Where licenses stand, tags included. One that is cut off goes as far as its lines look like XML.
fn licenses(text: &str) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = vec![];
    for tag in LICENSE.captures_iter(text) {
        let (Some(whole), Some(name)) = (tag.get(0), tag.get(1)) else {
            continue;
        };
        if places.last().is_some_and(|last| whole.start() < last.end) {
            continue;
        }
        let rest = &text[whole.end()..];
        let closing = format!("</{}>", name.as_str());
        let length = if whole.as_str().ends_with("/>") {
            0
        } else if let Some(at) = rest.find(&closing) {
            at + closing.len()
        } else {
            let mut lines = rest.split_inclusive('\n');
            let first = lines.next().map_or(0, str::len);
            let more = lines.take_while(|line| goes_on(line)).map(str::len);
            first + more.sum::<usize>()
        };
        places.push(whole.start()..whole.end() + length);
    }
    places
}

/// Whether a line of a license that has no end may still be of it: a tag, or a signature's base64.
fn goes_on(line: &str) -> bool {
    let last_word = line.split_whitespace().next_back().unwrap_or_default();
    line.contains(['<', '>']) || last_word.len() >= 40
}
