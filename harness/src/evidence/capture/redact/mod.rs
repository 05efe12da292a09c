//! Takes secrets out of whatever is written down: keys, tokens, passwords, license text, the data
//! of Secrets. Pure: text or JSON in, the same without them out.
//!
//! It errs on the safe side: a value whose name sounds like a secret goes, a name or a path of one
//! stays, since those are what a missing or misnamed Secret is found by. A text keeps its number of
//! lines, since findings name them.

mod arguments;
mod json;
mod names;
mod pem;
mod text;
mod xml;

use regex::{Captures, Regex};
use serde_json::Value;

/// The shortest part of a known secret text that is looked for: shorter ones are words.
const SHORTEST_KNOWN: usize = 12;

/// Takes secrets out of texts.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    known: Option<Regex>,
}

/// A text without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    /// The text.
    pub text: String,
    /// How many places were taken out.
    pub count: usize,
}

impl Redactor {
    /// One that also knows texts which must not be written in whole or in part, such as a license.
    ///
    /// Of those every part of 12 or more characters that holds a digit is taken out wherever it
    /// stands: ids, dates and signatures, not words.
    pub fn knowing(texts: &[String]) -> Self {
        let ends_part = |c: char| c.is_whitespace() || "<>\"'=,;".contains(c);
        let mut parts: Vec<&str> = texts
            .iter()
            .flat_map(|text| text.split(ends_part))
            .filter(|part| part.len() >= SHORTEST_KNOWN)
            .filter(|part| part.contains(|c: char| c.is_ascii_digit()))
            .collect();
        // The longest first: the first alternative that fits is taken.
        parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        parts.dedup();
        let known: Vec<String> = parts.into_iter().map(regex::escape).collect();
        Self {
            known: (!known.is_empty())
                .then(|| Regex::new(&known.join("|")).ok())
                .flatten(),
        }
    }

    /// A text without its secrets.
    pub fn text(&self, text: &str) -> Redacted {
        let mut redacting = Redacting {
            text: text.to_owned(),
            count: 0,
        };
        if let Some(known) = &self.known {
            redacting.replace(known, |_| Some("[redacted: known secret]".into()));
        }
        pem::redact(&mut redacting);
        xml::redact(&mut redacting);
        arguments::redact(&mut redacting);
        text::redact(&mut redacting);
        Redacted {
            text: redacting.text,
            count: redacting.count,
        }
    }

    /// Takes the secrets out of a JSON value, by its structure and then in each text; returns how
    /// many places those were.
    pub fn json(&self, value: &mut Value) -> usize {
        json::redact(self, value)
    }
}

/// A text on its way.
struct Redacting {
    text: String,
    count: usize,
}

impl Redacting {
    /// Replaces matches for which there is a replacement. In one that is left as it is more are looked
    /// for from the end of its group `name` on, if it has one: a value may hold names and values.
    fn replace(&mut self, pattern: &Regex, replacement: impl Fn(&Captures<'_>) -> Option<String>) {
        let (mut replaced, mut copied, mut from) = (String::new(), 0, 0);
        let mut count = 0;
        while let Some(found) = pattern.captures_at(&self.text, from) {
            let Some(whole) = found.get(0) else { break };
            let Some(instead) = replacement(&found) else {
                from = found.name("name").unwrap_or(whole).end();
                continue;
            };
            replaced.push_str(&self.text[copied..whole.start()]);
            replaced.push_str(&instead);
            replaced.push_str(&line_ends(whole.as_str(), &instead));
            (copied, from) = (whole.end(), whole.end());
            count += 1;
        }
        if count > 0 {
            replaced.push_str(&self.text[copied..]);
            self.text = replaced;
            self.count += count;
        }
    }

    /// Replaces places, in their order, by one text.
    fn cut(&mut self, places: &[std::ops::Range<usize>], instead: &str) {
        for place in places.iter().rev() {
            let ends = line_ends(&self.text[place.clone()], instead);
            let instead = format!("{instead}{ends}");
            self.text.replace_range(place.clone(), &instead);
        }
        self.count += places.len();
    }
}

/// The line ends that a text has more than what replaces it.
fn line_ends(text: &str, instead: &str) -> String {
    let ends = |text: &str| text.matches('\n').count();
    "\n".repeat(ends(text).saturating_sub(ends(instead)))
}

#[cfg(test)]
mod tests;
