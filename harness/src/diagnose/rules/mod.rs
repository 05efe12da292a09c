//! The rules: one file each, each a pure function over a [`View`].

mod undeclared_port;

use super::view::View;
use crate::outcome::{Finding, Unknown};

/// One rule.
pub struct Rule {
    /// Its code, which never changes: `MP001`.
    pub code: &'static str,
    /// What it looks for, in a few words.
    pub title: &'static str,
    /// Looks for it.
    pub apply: fn(&View<'_>) -> Answer,
}

/// What a rule says of a view.
pub enum Answer {
    /// What it found; empty when there is nothing to find.
    Found(Vec<Finding>),
    /// It lacks what it needs to tell; what that is, in words.
    Unknown(String),
}

impl Rule {
    pub(super) fn unknown(&self, because: String) -> Unknown {
        Unknown {
            code: self.code.into(),
            title: self.title.into(),
            because,
        }
    }
}

/// Every rule, by code.
pub const ALL: &[Rule] = &[undeclared_port::RULE];
