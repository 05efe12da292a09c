//! The verdict, and the one pure function that reaches it for a checkpoint.

use serde::{Deserialize, Serialize};

use super::{Check, CheckResult, Standing};

/// What a scenario's observation says of the guide's claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// It is as the guide says.
    Confirmed,
    /// It is real, and not as the guide says.
    Differs,
    /// The fault is in force, and nothing comes of it.
    NotReproduced,
    /// Something needed is lacking.
    Blocked {
        /// What is lacking.
        reason: String,
    },
    /// The observation proves nothing.
    Invalid {
        /// Why it proves nothing.
        because: String,
    },
    /// The scenario could not be carried through.
    Failed {
        /// What went wrong, in one sentence with its cure where one is known.
        error: String,
    },
}

impl Verdict {
    /// The verdict's one-word name, as tables and expectations print it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Confirmed => "Confirmed",
            Self::Differs => "Differs",
            Self::NotReproduced => "NotReproduced",
            Self::Blocked { .. } => "Blocked",
            Self::Invalid { .. } => "Invalid",
            Self::Failed { .. } => "Failed",
        }
    }
}

/// Maps a checkpoint's checks to its verdict and the one fact that decided it.
///
/// A check that fails outweighs one that proves nothing, and that one outweighs a lack: the
/// strongest thing that was seen is what a reader needs first. Without any check there is no
/// observation, hence `Invalid`.
pub fn judge_checkpoint(checks: &[Check]) -> (Verdict, String) {
    if let Some(failed) = checks.iter().find(|c| c.result == CheckResult::Fails) {
        return (
            Verdict::Differs,
            format!("not so: {}; seen: {}", failed.statement, failed.seen),
        );
    }
    for check in checks {
        if let CheckResult::Unproven { because } = &check.result {
            return (
                Verdict::Invalid {
                    because: because.clone(),
                },
                because.clone(),
            );
        }
    }
    for check in checks {
        if let CheckResult::Lacks { what } = &check.result {
            return (
                Verdict::Blocked {
                    reason: what.clone(),
                },
                what.clone(),
            );
        }
    }
    // The last truth is the strongest: scenarios ask from the surface inwards.
    match checks
        .iter()
        .rev()
        .find(|c| c.standing == Standing::Truth)
        .or(checks.last())
    {
        Some(check) => (Verdict::Confirmed, check.seen.clone()),
        None => {
            let because = "nothing was checked".to_owned();
            (
                Verdict::Invalid {
                    because: because.clone(),
                },
                because,
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(result: CheckResult) -> Check {
        Check {
            statement: "the sky is blue".into(),
            standing: Standing::Truth,
            result,
            seen: "what was seen".into(),
            evidence: vec![],
        }
    }

    #[test]
    fn all_holding_is_confirmed_by_the_last_truth() {
        let (verdict, fact) = judge_checkpoint(&[check(CheckResult::Holds)]);
        assert_eq!(
            (verdict, fact.as_str()),
            (Verdict::Confirmed, "what was seen")
        );
    }

    #[test]
    fn a_failing_check_outweighs_everything() {
        let checks = [
            check(CheckResult::Lacks {
                what: "a filter".into(),
            }),
            check(CheckResult::Unproven {
                because: "no control".into(),
            }),
            check(CheckResult::Fails),
        ];
        assert_eq!(judge_checkpoint(&checks).0, Verdict::Differs);
    }

    #[test]
    fn an_unproven_check_outweighs_a_lack() {
        let checks = [
            check(CheckResult::Lacks {
                what: "a filter".into(),
            }),
            check(CheckResult::Unproven {
                because: "no control".into(),
            }),
        ];
        assert_eq!(
            judge_checkpoint(&checks).0,
            Verdict::Invalid {
                because: "no control".into()
            }
        );
    }

    #[test]
    fn a_lack_blocks_and_is_named() {
        let checks = [
            check(CheckResult::Holds),
            check(CheckResult::Lacks {
                what: "a filter".into(),
            }),
        ];
        assert_eq!(
            judge_checkpoint(&checks).0,
            Verdict::Blocked {
                reason: "a filter".into()
            }
        );
    }

    #[test]
    fn no_check_is_no_observation() {
        assert_eq!(judge_checkpoint(&[]).0.name(), "Invalid");
    }
}
