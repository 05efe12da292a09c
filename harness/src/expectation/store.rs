//! The file of expectations: its format, and everything that can be wrong with it.
//!
//! ```toml
//! [[expectation]]
//! scenario = "C6a"
//! build = "1.31.0-dev.20260827"
//! sidecar = "native"
//! proxy = "core-envoy"
//!
//! [[expectation.outcome]]
//! verdict = "Blocked"
//! reason = "proxy lacks istio.stats"
//! count = 3
//! runs = ["20261123T224501Z-guide-4f3a"]
//! ```
//!
//! The outcome of a troubleshooting case also has its `symptom` and, where a cure was tried, its
//! `cure`: symptom and remedy are judged apart. `count` is how often the outcome was seen, `runs`
//! names runs that saw it (not all need a name: run folders do not live for ever). An entry may
//! have a `reason`: why its outcomes were accepted last. Writing the file's text is `record`'s,
//! reading it from disk the caller's.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;

use crate::outcome::{Cure, Symptom};
use toml::Spanned;

use super::{BuildIdError, Key, UnknownWord};

/// Why a file of expectations is not one.
#[derive(Debug, thiserror::Error)]
pub enum ExpectationsError {
    /// It is not TOML, or not of this shape.
    #[error("the expectations cannot be read: {0}")]
    Shape(#[from] toml::de::Error),
    /// An entry's build is no Istio build id.
    #[error("line {line}, expectation of {scenario}: {source}")]
    Build {
        /// The line of the build.
        line: usize,
        /// The entry's scenario.
        scenario: String,
        /// What is wrong.
        source: BuildIdError,
    },
    /// An entry's sidecar mode or proxy kind is an unknown word.
    #[error("line {line}, expectation of {scenario}: {source}")]
    Word {
        /// The line of the word.
        line: usize,
        /// The entry's scenario.
        scenario: String,
        /// What is wrong.
        source: UnknownWord,
    },
    /// An outcome does not make sense.
    #[error("line {line}, expectation of {key}: {what}")]
    Outcome {
        /// The line of the outcome.
        line: usize,
        /// The entry.
        key: Box<Key>,
        /// What is wrong with it, and the cure.
        what: String,
    },
    /// The same key has two entries.
    #[error("line {line}: {key} is on record twice; merge it into the entry of line {first}")]
    Twice {
        /// The line of the second entry.
        line: usize,
        /// The line of the first one.
        first: usize,
        /// The key of both.
        key: Box<Key>,
    },
}

/// A verdict that may be on record. `Invalid` and `Failed` may not: they say nothing of the guide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownVerdict {
    /// As the guide says.
    Confirmed,
    /// Real, and not as the guide says.
    Differs,
    /// The fault is in force, and nothing comes of it.
    NotReproduced,
    /// Something needed is lacking.
    Blocked {
        /// What is lacking, in the very words of the verdict.
        reason: String,
    },
}

impl fmt::Display for KnownVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Confirmed => f.write_str("Confirmed"),
            Self::Differs => f.write_str("Differs"),
            Self::NotReproduced => f.write_str("NotReproduced"),
            Self::Blocked { reason } => write!(f, "Blocked: {reason}"),
        }
    }
}

/// One outcome on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownOutcome {
    /// The verdict.
    pub verdict: KnownVerdict,
    /// The symptom that a case showed.
    pub symptom: Option<Symptom>,
    /// How a case was cured.
    pub cure: Option<Cure>,
    /// How often it was seen.
    pub count: u32,
    /// Runs that saw it, by id.
    pub runs: Vec<String>,
}

impl fmt::Display for KnownOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.verdict)?;
        if let Some(symptom) = self.symptom {
            write!(f, ", {symptom}")?;
        }
        if let Some(cure) = self.cure {
            write!(f, ", cure {}", cure.name())?;
        }
        write!(f, " ({})", self.count)
    }
}

/// The set of outcomes on record for one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What they are kept under.
    pub key: Key,
    /// Why its outcomes were accepted last, in the words of who did.
    pub reason: Option<String>,
    /// The outcomes, in the file's order; never empty.
    pub outcomes: Vec<KnownOutcome>,
}

/// All expectations of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectations {
    pub(super) entries: Vec<Entry>,
}

impl Expectations {
    /// Reads and checks the text of a file of expectations.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line: text that is no TOML of this shape, a build,
    /// mode or kind that is none, an outcome that cannot be on record, a key with two entries.
    pub fn parse(text: &str) -> Result<Self, ExpectationsError> {
        let file: File = toml::from_str(text)?;
        let mut entries: Vec<Entry> = vec![];
        let mut lines: Vec<usize> = vec![];
        for raw in file.expectation {
            let line = line_of(text, raw.span().start);
            let entry = raw.into_inner().checked(text)?;
            if entry.outcomes.is_empty() {
                return Err(ExpectationsError::Outcome {
                    line,
                    key: Box::new(entry.key),
                    what: "no outcome is listed; list one or remove the entry".into(),
                });
            }
            if let Some(first) = entries.iter().position(|e| e.key == entry.key) {
                let key = Box::new(entry.key);
                return Err(ExpectationsError::Twice {
                    line,
                    first: lines[first],
                    key,
                });
            }
            entries.push(entry);
            lines.push(line);
        }
        Ok(Self { entries })
    }

    /// Every entry, in the file's order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

/// The file as TOML has it, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    expectation: Vec<Spanned<RawEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    scenario: String,
    build: Spanned<String>,
    sidecar: Spanned<String>,
    proxy: Spanned<String>,
    reason: Option<String>,
    outcome: Vec<Spanned<RawOutcome>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOutcome {
    verdict: String,
    reason: Option<String>,
    symptom: Option<Symptom>,
    cure: Option<Cure>,
    count: u32,
    runs: Vec<String>,
}

impl RawEntry {
    fn checked(self, text: &str) -> Result<Entry, ExpectationsError> {
        let Self {
            scenario,
            build,
            sidecar,
            proxy,
            reason,
            outcome,
        } = self;
        let word = |at: &Spanned<String>, source| ExpectationsError::Word {
            line: line_of(text, at.span().start),
            scenario: scenario.clone(),
            source,
        };
        let key = Key {
            build: build
                .get_ref()
                .parse()
                .map_err(|source| ExpectationsError::Build {
                    line: line_of(text, build.span().start),
                    scenario: scenario.clone(),
                    source,
                })?,
            sidecar: sidecar.get_ref().parse().map_err(|e| word(&sidecar, e))?,
            proxy: proxy.get_ref().parse().map_err(|e| word(&proxy, e))?,
            scenario,
        };
        let mut outcomes: Vec<KnownOutcome> = vec![];
        for raw in outcome {
            let line = line_of(text, raw.span().start);
            let known = raw.into_inner().checked().and_then(|known| {
                let same = |o: &KnownOutcome| {
                    (&o.verdict, o.symptom, o.cure) == (&known.verdict, known.symptom, known.cure)
                };
                if outcomes.iter().any(same) {
                    return Err(format!(
                        "`{}` is listed twice; add up the counts",
                        known.verdict
                    ));
                }
                Ok(known)
            });
            match known {
                Ok(known) => outcomes.push(known),
                Err(what) => {
                    return Err(ExpectationsError::Outcome {
                        line,
                        key: Box::new(key),
                        what,
                    });
                }
            }
        }
        Ok(Entry {
            key,
            reason,
            outcomes,
        })
    }
}

impl RawOutcome {
    fn checked(self) -> Result<KnownOutcome, String> {
        let Self {
            verdict,
            reason,
            symptom,
            cure,
            count,
            runs,
        } = self;
        let verdict = match (verdict.as_str(), reason) {
            ("Blocked", Some(reason)) if !reason.trim().is_empty() => {
                KnownVerdict::Blocked { reason }
            }
            ("Blocked", _) => return Err("`Blocked` needs its `reason`".into()),
            ("Confirmed", None) => KnownVerdict::Confirmed,
            ("Differs", None) => KnownVerdict::Differs,
            ("NotReproduced", None) => KnownVerdict::NotReproduced,
            ("Confirmed" | "Differs" | "NotReproduced", Some(_)) => {
                return Err(format!(
                    "only `Blocked` has a `reason`; take it from `{verdict}`"
                ));
            }
            ("Invalid" | "Failed", _) => {
                return Err(format!(
                    "`{verdict}` cannot be expected; mend what caused it instead"
                ));
            }
            _ => {
                return Err(format!(
                    "`{verdict}` is not a verdict; write `Confirmed`, `Differs`, \
                     `NotReproduced` or `Blocked`"
                ));
            }
        };
        if runs.is_empty() {
            return Err(format!(
                "`{verdict}` names no run; list at least one id in `runs`"
            ));
        }
        if runs.iter().collect::<BTreeSet<_>>().len() != runs.len() {
            return Err(format!("`{verdict}` names a run twice; list each id once"));
        }
        if (count as usize) < runs.len() {
            return Err(format!(
                "`{verdict}` has the count {count} but names {} runs; raise the count",
                runs.len()
            ));
        }
        Ok(KnownOutcome {
            verdict,
            symptom,
            cure,
            count,
            runs,
        })
    }
}

/// The line, counted from one, that holds a byte.
fn line_of(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|b| *b == b'\n').count() + 1
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
