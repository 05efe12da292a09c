//! One piece of evidence: where it came from, what was read, what it means, and when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that was read from the lab, kept with the fact drawn from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The command a person could type to see the same, or the name of the source.
    pub source: String,
    /// What was read, as it was read (trimmed where it is long, and said so there).
    pub raw: String,
    /// The fact drawn from it, in one line.
    pub fact: String,
    /// When it was read.
    pub at: Timestamp,
}

impl Evidence {
    /// Evidence read just now.
    pub fn now(source: impl Into<String>, raw: impl Into<String>, fact: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            raw: raw.into(),
            fact: fact.into(),
            at: Timestamp::now(),
        }
    }
}
