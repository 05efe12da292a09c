//! Istio build ids and their order by age.
//!
//! The order is needed since a build nobody has run yet is measured by the nearest older one.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Text that is not an Istio build id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an Istio build id; write it like `1.29.1` (a release), `1.30.0-rc.1` or \
     `1.31.0-dev.20260827` (a build of that day's source)"
)]
pub struct BuildIdError(String);

/// How far a build is from the release whose version it carries; later variants are nearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// Built from the source of a day (`YYYYMMDD`), before the version's first pre-release.
    Dev(u32),
    Alpha(u32),
    Beta(u32),
    Candidate(u32),
    Release,
}

/// An Istio build id, ordered by age: by version first, by the day of its source after that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildId {
    version: [u32; 3],
    stage: Stage,
    text: String,
}

impl BuildId {
    fn parts(text: &str) -> Option<([u32; 3], Stage)> {
        let (version, stage) = match text.split_once('-') {
            Some((version, stage)) => (version, Some(stage)),
            None => (text, None),
        };
        let mut numbers = version.split('.').map(number);
        let version = [numbers.next()??, numbers.next()??, numbers.next()??];
        if numbers.next().is_some() {
            return None;
        }
        let stage = match stage {
            None => Stage::Release,
            Some(stage) => {
                let (name, digits) = stage.split_once('.')?;
                let counter = number(digits)?;
                match name {
                    "dev" => {
                        jiff::civil::Date::strptime("%Y%m%d", digits).ok()?;
                        Stage::Dev(counter)
                    }
                    "alpha" => Stage::Alpha(counter),
                    "beta" => Stage::Beta(counter),
                    "rc" => Stage::Candidate(counter),
                    _ => return None,
                }
            }
        };
        Some((version, stage))
    }
}

/// A number as version parts have it: digits only, so that `+1` and an empty part are refused.
fn number(text: &str) -> Option<u32> {
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())?
}

impl FromStr for BuildId {
    type Err = BuildIdError;

    fn from_str(text: &str) -> Result<Self, BuildIdError> {
        let (version, stage) = Self::parts(text).ok_or_else(|| BuildIdError(text.to_owned()))?;
        Ok(Self {
            version,
            stage,
            text: text.to_owned(),
        })
    }
}

impl Ord for BuildId {
    fn cmp(&self, other: &Self) -> Ordering {
        // The text comes last, so that the order agrees with `==` where `01` and `1` meet.
        (self.version, self.stage, &self.text).cmp(&(other.version, other.stage, &other.text))
    }
}

impl PartialOrd for BuildId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(text: &str) -> BuildId {
        text.parse().expect("a build id")
    }

    #[test]
    fn builds_are_ordered_by_version_then_by_day() {
        let oldest_first = [
            "1.9.0",
            "1.29.0",
            "1.29.1",
            "1.30.0-dev.20261231",
            "1.30.0-alpha.1",
            "1.30.0-beta.0",
            "1.30.0-rc.2",
            "1.30.0-rc.10",
            "1.30.0",
            "1.31.0-dev.20260418",
            "1.31.0-dev.20260827",
            "1.31.0",
        ];
        let mut sorted: Vec<BuildId> = oldest_first.iter().rev().map(|t| build(t)).collect();
        sorted.sort();
        assert_eq!(
            sorted.iter().map(ToString::to_string).collect::<Vec<_>>(),
            oldest_first
        );
    }

    #[test]
    fn what_is_no_build_id_is_refused_by_name() {
        for text in [
            "",
            "1",
            "1.31",
            "1.31.0.1",
            "v1.31.0",
            "1.31.x",
            "1.+31.0",
            "1..0",
            "1.31.0-",
            "1.31.0-dev",
            "1.31.0-dev.",
            "1.31.0-dev.20261341",
            "1.31.0-dev.2026827",
            "1.31.0-nightly.3",
            "latest",
        ] {
            let refused = text.parse::<BuildId>();
            let error = refused.expect_err(text);
            assert!(
                error.to_string().starts_with(&format!("`{text}` is not")),
                "{error}"
            );
        }
    }
}
