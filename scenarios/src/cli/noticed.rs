//! Whether cases noticed that a part of them was left out (`--mutate`): a case that says the same
//! without its fault, or without its remedy, as with it shows nothing.

use std::fmt;

use meshproof_harness::outcome::{ScenarioOutcome, Symptom, Verdict};
use meshproof_harness::scenario::Mutation;

/// Which cases noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noticed {
    /// Those whose outcome is not on record.
    noticed: Vec<String>,
    /// Those whose outcome is, as if nothing had been left out: they are broken.
    pub missed: Vec<String>,
    /// Those of which nothing could be left out.
    without: Vec<String>,
    mutation: &'static str,
}

impl Noticed {
    /// Sorts a mutated run's outcomes.
    pub fn of(outcomes: &[ScenarioOutcome], mutation: Mutation) -> Self {
        let mut sorted = Self {
            noticed: vec![],
            missed: vec![],
            without: vec![],
            mutation: mutation.name(),
        };
        for outcome in outcomes {
            // Where nothing is broken there is no remedy to leave out.
            let nothing_to_cure =
                mutation == Mutation::NoRemedy && outcome.symptom() == Some(Symptom::Healthy);
            let list = if nothing_to_cure || matches!(outcome.verdict, Verdict::Blocked { .. }) {
                &mut sorted.without
            } else if outcome.expectation.green || outcome.verdict == Verdict::Confirmed {
                &mut sorted.missed
            } else {
                &mut sorted.noticed
            };
            if !list.contains(&outcome.id) {
                list.push(outcome.id.clone());
            }
        }
        sorted
    }
}

impl fmt::Display for Noticed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |ids: &[String]| match ids {
            [] => "none".to_owned(),
            ids => ids.join(", "),
        };
        write!(f, "{}: noticed by {}", self.mutation, named(&self.noticed))?;
        if !self.missed.is_empty() {
            write!(f, "; NOT by {}, which show nothing", named(&self.missed))?;
        }
        if !self.without.is_empty() {
            write!(f, "; nothing to leave out of {}", named(&self.without))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use meshproof_harness::outcome::{CaseClaim, CaseRecord, ExpectationResult, Observed};

    use super::*;

    fn outcome(id: &str, verdict: Verdict, symptom: Symptom, green: bool) -> ScenarioOutcome {
        let record = CaseRecord {
            observed: Some(Observed {
                symptom,
                because: "so".into(),
                checks: vec![],
            }),
            ..CaseRecord::new(CaseClaim {
                symptom: Symptom::Split,
                remedy: "mend it".into(),
                remedy_restarts: false,
                found_by: vec![],
            })
        };
        ScenarioOutcome {
            id: id.into(),
            title: "t".into(),
            section: "s".into(),
            claim: "c".into(),
            verdict,
            decided_by: "d".into(),
            checks: vec![],
            case: Some(Box::new(record)),
            phases: vec![],
            expectation: ExpectationResult {
                green,
                ..ExpectationResult::default()
            },
            remarks: vec![],
            on_cluster: true,
        }
    }

    fn of(outcomes: &[ScenarioOutcome], mutation: Mutation) -> String {
        Noticed::of(outcomes, mutation).to_string()
    }

    #[test]
    fn what_is_on_record_all_the_same_has_not_noticed() {
        let because = String::new();
        let outcomes = [
            outcome("T2a", Verdict::Invalid { because }, Symptom::Split, false),
            outcome("T2b", Verdict::Differs, Symptom::Stall, true),
            outcome("T5a", Verdict::Confirmed, Symptom::Refused, false),
        ];
        let told = of(&outcomes, Mutation::NoFault);
        assert_eq!(
            told,
            "no-fault: noticed by T2a; NOT by T2b, T5a, which show nothing"
        );
    }

    #[test]
    fn where_there_is_nothing_to_cure_no_remedy_is_left_out() {
        let reason = String::from("no image");
        let outcomes = [
            outcome("T1c", Verdict::NotReproduced, Symptom::Healthy, true),
            outcome("T4b", Verdict::Blocked { reason }, Symptom::Exits, true),
        ];
        let told = of(&outcomes, Mutation::NoRemedy);
        assert_eq!(
            told,
            "no-remedy: noticed by none; nothing to leave out of T1c, T4b"
        );
        assert!(of(&outcomes, Mutation::NoFault).contains("NOT by T1c"));
    }
}
