//! What a GridGain node's log says of its license when the node ended.
//!
//! No public text shows what GridGain prints for a license that is missing, wrong or expired. So
//! this reads loosely, by the word alone, and what it finds is marked unverified until a real log
//! is on record. A warning about a license that will expire is no failure: the container has to
//! have ended, and the line has to be one that tells of an error.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a [`LicenseFailure`] is unverified.
pub const UNVERIFIED: &str = "unverified: no license error of a real GridGain is on record, so it is known by the word alone";

/// The longest part of a line that is kept, in characters.
const KEPT: usize = 300;
/// The shortest run of letters and digits that is taken for a signature.
const SHORTEST_CODE: usize = 12;

/// A node that ended and whose log speaks of a license where it tells of an error. Unverified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenseFailure {
    /// The exit code of its container.
    pub exit_code: i32,
    /// The line, counted from 1.
    pub line: usize,
    /// What it says, at most 300 characters of it.
    pub text: String,
}

impl fmt::Display for LicenseFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            exit_code,
            line,
            text,
        } = self;
        write!(
            f,
            "exit code {exit_code}, line {line} of the log: {text} ({UNVERIFIED})"
        )
    }
}

/// Reads the log of a container that ended with this code; `None` for one that still runs.
///
/// Returns the first line that tells of an error and speaks of a license. The line is kept as it is:
/// whoever shows it takes the secrets out of the log before.
#[must_use]
pub fn failure(exit_code: Option<i32>, log: &str) -> Option<LicenseFailure> {
    let exit_code = exit_code?;
    let (at, text) = log
        .lines()
        .enumerate()
        .find(|(_, line)| tells_of_an_error(line) && speaks_of_a_license(line))?;
    Some(LicenseFailure {
        exit_code,
        line: at + 1,
        text: text.trim().chars().take(KEPT).collect(),
    })
}

/// Whether a line names a license, whichever way it is spelt, and may be shown: one with markup in it,
/// or with a signature's characters beside the word, may be of a license itself.
fn speaks_of_a_license(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    let named = lower.contains("license") || lower.contains("licence");
    named && !line.contains('<') && !(lower.contains("signature") && holds_long_code(line))
}

/// Whether a word of a line may be a signature or a part of one, in hexadecimal or base64.
fn holds_long_code(line: &str) -> bool {
    let mut words = line.split(|c: char| !(c.is_ascii_alphanumeric() || "+/=".contains(c)));
    words.any(|word| word.len() >= SHORTEST_CODE && word.contains(|c: char| c.is_ascii_digit()))
}

/// A line at one of the levels of errors, of an exception, or of the start that failed: Ignite's
/// `CommandLineStartup` prints `Failed to start grid:` and the causes without a level.
fn tells_of_an_error(line: &str) -> bool {
    let mut words = line.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| matches!(word, "SEVERE" | "ERROR" | "FATAL") || word.ends_with("Exception"))
        || line.trim_start().starts_with("Failed to")
        || line.trim_start().starts_with("Caused by:")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every text below is made up by this test. None is, or resembles on purpose, GridGain output.
    const MADE_UP_END: &str = "made up: INFO all is well\n\
        made up: [SEVERE][main] this made-up Licence is not to our taste\n\
        made up: ERROR a second license line";

    #[test]
    fn a_node_that_ended_with_an_error_about_a_license_is_told() {
        let failure = failure(Some(255), MADE_UP_END).unwrap();
        assert_eq!((failure.exit_code, failure.line), (255, 2));
        assert!(failure.text.contains("not to our taste"));
        let told = failure.to_string();
        assert!(told.contains(UNVERIFIED) && told.contains("255"), "{told}");
    }

    #[test]
    fn a_node_that_runs_has_no_license_failure() {
        assert_eq!(failure(None, MADE_UP_END), None);
    }

    #[test]
    fn every_kind_of_error_line_counts() {
        for line in [
            "made up: SEVERE: license",
            "made up: class made.up.LicenseException: no",
            "Caused by: made up, no license",
            "Failed to (made up) find a LICENSE",
        ] {
            assert!(failure(Some(1), line).is_some(), "{line}");
        }
    }

    #[test]
    fn other_lines_about_licenses_and_other_errors_do_not() {
        for line in [
            "made up: [WARNING][main] the license ends in 30 days",
            "made up: [INFO][main] license accepted",
            "made up: SEVERE out of memory",
            "made up: the word ERRORS beside a license",
        ] {
            assert_eq!(failure(Some(1), line), None, "{line}");
        }
    }

    #[test]
    fn a_line_that_may_be_of_a_license_itself_is_passed_over() {
        for line in [
            "made up: ERROR <gridgain-license-v2 id=\"made-up\">",
            "made up: ERROR license of signature 302C02147A0B",
        ] {
            assert_eq!(failure(Some(1), line), None, "{line}");
        }
        let told = "made up: ERROR the license's signature is not to our taste";
        assert!(failure(Some(1), told).is_some());
    }

    #[test]
    fn no_log_of_a_real_ignite_node_is_taken_for_one() {
        use crate::product::recorded::{body, file};
        for log in [
            file!("healthy/node-0.log"),
            file!("stall/node-0.log"),
            file!("split/node-1.log"),
            file!("two-line/node-0.log"),
        ] {
            assert_eq!(failure(Some(255), body(log)), None);
        }
    }

    #[test]
    fn a_long_line_is_cut() {
        let line = format!("made up: ERROR license {}", "ä".repeat(1000));
        assert_eq!(failure(Some(1), &line).unwrap().text.chars().count(), KEPT);
    }
}
