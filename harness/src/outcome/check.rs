//! One question a checkpoint asks of the live cluster, and the answer.

use serde::{Deserialize, Serialize};

use super::Evidence;

/// Whose question it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The guide's own check, as its text asks a reader to do it.
    Guide,
    /// What has to be so for the guide's claim to be true, whether or not the guide looks at it.
    Truth,
}

/// The answer to one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum CheckResult {
    /// It is so.
    Holds,
    /// It is not so; the check's `seen` says what is.
    Fails,
    /// It cannot be asked here: something named is lacking.
    Lacks {
        /// What is lacking, in words that an expectation can list.
        what: String,
    },
    /// It was asked, but the answer proves nothing (a witness without its positive control).
    Unproven {
        /// Why the answer proves nothing.
        because: String,
    },
}

/// One question, its answer and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The question, as a statement that holds or does not.
    pub statement: String,
    /// Whose question it is.
    pub standing: Standing,
    /// The answer.
    pub result: CheckResult,
    /// What was seen, in one line.
    pub seen: String,
    /// What the answer rests on.
    pub evidence: Vec<Evidence>,
}

impl Check {
    /// A check that was answered by looking: it holds or it fails.
    pub fn answered(
        standing: Standing,
        statement: impl Into<String>,
        holds: bool,
        seen: impl Into<String>,
        evidence: Vec<Evidence>,
    ) -> Self {
        let result = if holds {
            CheckResult::Holds
        } else {
            CheckResult::Fails
        };
        Self {
            statement: statement.into(),
            standing,
            result,
            seen: seen.into(),
            evidence,
        }
    }

    /// A check that cannot be asked here because `what` is lacking.
    pub fn lacking(
        standing: Standing,
        statement: impl Into<String>,
        what: impl Into<String>,
        evidence: Vec<Evidence>,
    ) -> Self {
        let what = what.into();
        Self {
            statement: statement.into(),
            standing,
            seen: what.clone(),
            result: CheckResult::Lacks { what },
            evidence,
        }
    }

    /// A check whose witness had no positive control, so that its answer proves nothing.
    pub fn unproven(
        standing: Standing,
        statement: impl Into<String>,
        because: impl Into<String>,
        evidence: Vec<Evidence>,
    ) -> Self {
        let because = because.into();
        Self {
            statement: statement.into(),
            standing,
            seen: because.clone(),
            result: CheckResult::Unproven { because },
            evidence,
        }
    }

    /// Whether the check holds.
    pub fn holds(&self) -> bool {
        self.result == CheckResult::Holds
    }
}
