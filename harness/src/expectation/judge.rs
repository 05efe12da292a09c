//! One verdict against the record: green or news, and by whose yardstick.

use super::{Entry, Expectations, Key, KnownOutcome, KnownVerdict};
use crate::outcome::{Cure, ExpectationResult, Symptom, Verdict};

/// What is compared with the record: the verdict and, of a case, symptom and cure, each by itself.
#[derive(Debug, Clone, Copy)]
pub struct Outcome<'a> {
    /// The verdict.
    pub verdict: &'a Verdict,
    /// The symptom that a case showed.
    pub symptom: Option<Symptom>,
    /// How a case was cured.
    pub cure: Option<Cure>,
}

impl Expectations {
    /// Says whether a result is on record for a key.
    ///
    /// The yardstick is the build's own entry; where it has none, that of the nearest older build
    /// with the same scenario, sidecar mode and proxy kind. A newer build never is: what it does
    /// says nothing of what came before it. `Invalid` and `Failed` are never green.
    pub fn judge(&self, key: &Key, result: &Outcome<'_>) -> ExpectationResult {
        let Some(entry) = self.yardstick(key) else {
            return ExpectationResult {
                green: false,
                on_record: vec![],
                yardstick: format!("nothing on record for {key}, nor for an older build"),
            };
        };
        let yardstick = if entry.key.build == key.build {
            format!("the record of Istio {}", key.build)
        } else {
            format!(
                "the record of Istio {}, the nearest older build, since Istio {} has none",
                entry.key.build, key.build
            )
        };
        ExpectationResult {
            green: entry.outcomes.iter().any(|known| matches(known, result)),
            on_record: entry.outcomes.iter().map(ToString::to_string).collect(),
            yardstick,
        }
    }

    /// The entry of the newest build that is not newer than the key's.
    fn yardstick(&self, key: &Key) -> Option<&Entry> {
        self.entries
            .iter()
            .filter(|e| {
                e.key.scenario == key.scenario
                    && e.key.sidecar == key.sidecar
                    && e.key.proxy == key.proxy
                    && e.key.build <= key.build
            })
            .max_by(|a, b| a.key.build.cmp(&b.key.build))
    }
}

fn matches(known: &KnownOutcome, result: &Outcome<'_>) -> bool {
    if (known.symptom, known.cure) != (result.symptom, result.cure) {
        return false;
    }
    match (&known.verdict, result.verdict) {
        (KnownVerdict::Confirmed, Verdict::Confirmed)
        | (KnownVerdict::Differs, Verdict::Differs)
        | (KnownVerdict::NotReproduced, Verdict::NotReproduced) => true,
        (KnownVerdict::Blocked { reason: listed }, Verdict::Blocked { reason }) => listed == reason,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expectation::{KnownOutcome, ProxyKind, SidecarMode};

    fn key(build: &str) -> Key {
        Key {
            scenario: "C3".into(),
            build: build.parse().expect("a build id"),
            sidecar: SidecarMode::Native,
            proxy: ProxyKind::CoreEnvoy,
        }
    }

    fn entry(key: Key, verdicts: impl IntoIterator<Item = KnownVerdict>) -> Entry {
        let outcomes = verdicts
            .into_iter()
            .map(|verdict| KnownOutcome {
                verdict,
                symptom: None,
                cure: None,
                count: 2,
                runs: vec!["a".into()],
            })
            .collect();
        Entry {
            key,
            reason: None,
            outcomes,
        }
    }

    fn of(verdict: &Verdict) -> Outcome<'_> {
        Outcome {
            verdict,
            symptom: None,
            cure: None,
        }
    }

    #[test]
    fn a_case_is_known_by_symptom_and_cure_as_well() {
        let mut known = Expectations {
            entries: vec![entry(key("1.29.1"), [KnownVerdict::Differs])],
        };
        let outcome = &mut known.entries[0].outcomes[0];
        outcome.symptom = Some(Symptom::Split);
        outcome.cure = Some(Cure::WithARestart);
        assert_eq!(
            outcome.to_string(),
            "Differs, split, cure with-a-restart (2)"
        );
        let green = |symptom, cure| {
            let result = Outcome {
                verdict: &Verdict::Differs,
                symptom: Some(symptom),
                cure: Some(cure),
            };
            known.judge(&key("1.29.1"), &result).green
        };
        assert!(green(Symptom::Split, Cure::WithARestart));
        assert!(!green(Symptom::Stall, Cure::WithARestart));
        assert!(!green(Symptom::Split, Cure::ByTheRemedy));
        assert!(!known.judge(&key("1.29.1"), &of(&Verdict::Differs)).green);
    }

    fn lacks(what: &str) -> KnownVerdict {
        KnownVerdict::Blocked {
            reason: what.into(),
        }
    }

    fn blocked(reason: &str) -> Verdict {
        Verdict::Blocked {
            reason: reason.into(),
        }
    }

    #[test]
    fn an_outcome_in_the_set_is_green_and_any_other_is_news() {
        let known = Expectations {
            entries: vec![entry(key("1.29.1"), [KnownVerdict::Confirmed])],
        };
        let result = known.judge(&key("1.29.1"), &of(&Verdict::Confirmed));
        assert!(result.green && !result.flaky());
        assert_eq!(result.on_record, ["Confirmed (2)"]);
        assert_eq!(result.yardstick, "the record of Istio 1.29.1");
        assert!(!known.judge(&key("1.29.1"), &of(&Verdict::Differs)).green);
        assert!(!known.judge(&key("1.29.1"), &of(&blocked("anything"))).green);
    }

    #[test]
    fn better_than_on_record_is_news_as_well() {
        let known = Expectations {
            entries: vec![entry(key("1.29.1"), [KnownVerdict::Differs])],
        };
        assert!(known.judge(&key("1.29.1"), &of(&Verdict::Differs)).green);
        assert!(!known.judge(&key("1.29.1"), &of(&Verdict::Confirmed)).green);
    }

    #[test]
    fn blocked_is_green_only_for_a_reason_on_the_list() {
        let known = Expectations {
            entries: vec![entry(key("1.29.1"), [lacks("proxy lacks istio.stats")])],
        };
        assert!(
            known
                .judge(&key("1.29.1"), &of(&blocked("proxy lacks istio.stats")))
                .green
        );
        assert!(
            !known
                .judge(&key("1.29.1"), &of(&blocked("C2 did not hold")))
                .green
        );
        assert!(!known.judge(&key("1.29.1"), &of(&blocked(""))).green);
        assert!(!known.judge(&key("1.29.1"), &of(&Verdict::Confirmed)).green);
    }

    #[test]
    fn invalid_and_failed_are_never_green() {
        let every = [
            KnownVerdict::Confirmed,
            KnownVerdict::Differs,
            lacks("a filter"),
        ];
        let known = Expectations {
            entries: vec![entry(key("1.29.1"), every)],
        };
        let invalid = Verdict::Invalid {
            because: "a filter".into(),
        };
        let failed = Verdict::Failed {
            error: "a filter".into(),
        };
        assert!(!known.judge(&key("1.29.1"), &of(&invalid)).green);
        assert!(!known.judge(&key("1.29.1"), &of(&failed)).green);
    }

    #[test]
    fn more_than_one_outcome_is_flaky_and_all_are_named() {
        let either = [KnownVerdict::Confirmed, KnownVerdict::Differs];
        let known = Expectations {
            entries: vec![entry(key("1.29.1"), either)],
        };
        let result = known.judge(&key("1.29.1"), &of(&Verdict::Differs));
        assert!(result.green && result.flaky());
        assert_eq!(result.on_record, ["Confirmed (2)", "Differs (2)"]);
    }

    #[test]
    fn an_unknown_build_is_measured_by_the_nearest_older_one() {
        let known = Expectations {
            entries: vec![
                entry(key("1.31.0-dev.20260827"), [KnownVerdict::Differs]),
                entry(key("1.32.0"), [lacks("a filter")]),
                entry(key("1.29.1"), [KnownVerdict::Confirmed]),
            ],
        };
        let result = known.judge(&key("1.31.0-dev.20260901"), &of(&Verdict::Differs));
        assert!(result.green);
        assert_eq!(
            result.yardstick,
            "the record of Istio 1.31.0-dev.20260827, the nearest older build, \
             since Istio 1.31.0-dev.20260901 has none"
        );
        assert!(
            !known
                .judge(&key("1.31.0-dev.20260901"), &of(&Verdict::Confirmed))
                .green
        );
        assert!(
            known
                .judge(&key("1.31.0-dev.20260826"), &of(&Verdict::Confirmed))
                .green
        );
    }

    #[test]
    fn a_builds_own_record_outweighs_older_ones() {
        let known = Expectations {
            entries: vec![
                entry(key("1.29.1"), [KnownVerdict::Confirmed]),
                entry(key("1.29.2"), [KnownVerdict::Differs]),
            ],
        };
        assert!(!known.judge(&key("1.29.2"), &of(&Verdict::Confirmed)).green);
    }

    #[test]
    fn a_newer_build_is_no_yardstick() {
        let known = Expectations {
            entries: vec![entry(key("1.29.1"), [KnownVerdict::Confirmed])],
        };
        let result = known.judge(&key("1.29.0"), &of(&Verdict::Confirmed));
        assert!(!result.green && result.on_record.is_empty());
        assert_eq!(
            result.yardstick,
            "nothing on record for C3 on Istio 1.29.0, native sidecars, core-envoy, \
             nor for an older build"
        );
    }

    #[test]
    fn other_scenarios_modes_and_kinds_are_no_yardstick() {
        let known = Expectations {
            entries: vec![entry(key("1.29.1"), [KnownVerdict::Confirmed])],
        };
        let others = [
            Key {
                scenario: "C4".into(),
                ..key("1.29.1")
            },
            Key {
                sidecar: SidecarMode::Classic,
                ..key("1.29.1")
            },
            Key {
                proxy: ProxyKind::IstioFilters,
                ..key("1.29.1")
            },
        ];
        for other in others {
            assert!(
                !known.judge(&other, &of(&Verdict::Confirmed)).green,
                "{other}"
            );
        }
    }

    #[test]
    fn with_nothing_on_record_nothing_is_green() {
        assert!(
            !Expectations::default()
                .judge(&key("1.29.1"), &of(&Verdict::Confirmed))
                .green
        );
    }
}
