//! What diagnosis says of a namespace: findings, and what could not be known.

use serde::{Deserialize, Serialize};

/// How much a finding matters; the order is that of the list a person reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// It keeps the cluster from working, or its traffic from being encrypted.
    Cause,
    /// It is what a cause leads to: the state in which the cluster is.
    Symptom,
    /// It works, and is less safe than the guide wants it.
    Exposure,
    /// It does no harm now, and will under other circumstances.
    Risk,
}

impl Weight {
    /// The word in lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cause => "cause",
            Self::Symptom => "symptom",
            Self::Exposure => "exposure",
            Self::Risk => "risk",
        }
    }
}

/// One thing to be done about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Remedy {
    /// A command to type as it stands.
    Command {
        /// The command.
        command: String,
    },
    /// A change of an object, as `kubectl patch` or an editor takes it.
    Patch {
        /// The object: `Service ignite/ignite-headless`.
        object: String,
        /// The part of its YAML that has to be so.
        yaml: String,
    },
    /// Something that no command does, in one sentence.
    Advice {
        /// The sentence.
        text: String,
    },
}

/// What one rule found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's code: `MP001`.
    pub code: String,
    /// What is wrong, in a few words that hold for every object it is found on.
    pub title: String,
    /// How much it matters.
    pub weight: Weight,
    /// The object it was found on: `Service ignite/ignite-headless`.
    pub object: String,
    /// What was seen there, in one or two sentences.
    pub seen: String,
    /// Why it matters, in one or two sentences.
    pub why: String,
    /// What to do, in this order.
    pub remedies: Vec<Remedy>,
}

/// A rule that could not tell, which is not the same as having found nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// The rule's code.
    pub code: String,
    /// What the rule looks for.
    pub title: String,
    /// What it lacks.
    pub because: String,
}

/// All that diagnosis says of one snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// What was found, by weight and then by code.
    pub findings: Vec<Finding>,
    /// What could not be known.
    pub unknown: Vec<Unknown>,
}

impl Diagnosis {
    /// The codes that were found, each once, in the findings' order.
    pub fn codes(&self) -> Vec<&str> {
        let mut codes: Vec<&str> = vec![];
        for finding in &self.findings {
            if !codes.contains(&finding.code.as_str()) {
                codes.push(&finding.code);
            }
        }
        codes
    }
}
