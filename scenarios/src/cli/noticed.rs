//! Whether cases noticed that a part of them was left out (`--mutate`): a case that says the same
//! without its fault, or without its remedy, as with it shows nothing.

use std::fmt;

use meshproof_harness::outcome::{ScenarioOutcome, Symptom, Verdict};
use meshproof_harness::scenario::Mutation;

/// Which cases noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noticed {
    /// Those whose outcome is neither on record nor `Confirmed`.
    noticed: Vec<String>,
    /// Those whose outcome is one of these, as if nothing had been left out: they are broken.
    missed: Vec<String>,
    /// Those that ended before they came to what was left out: whether they notice is unknown.
    ended_before: Vec<String>,
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
            ended_before: vec![],
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
            } else if !came_to(mutation, outcome)
                || matches!(outcome.verdict, Verdict::Failed { .. })
            {
                &mut sorted.ended_before
            } else {
                &mut sorted.noticed
            };
            if !list.contains(&outcome.id) {
                list.push(outcome.id.clone());
            }
        }
        sorted
    }

    /// Whether each case of which something was left out noticed.
    pub fn by_all(&self) -> bool {
        self.missed.is_empty() && self.ended_before.is_empty()
    }
}

/// Whether a case got as far as the part that was left out. One that ended for another reason, such
/// as a baseline that is not healthy, has an outcome that is not on record either; so has one that
/// could not be carried through.
fn came_to(mutation: Mutation, outcome: &ScenarioOutcome) -> bool {
    match mutation {
        Mutation::NoFault => outcome.case.as_ref().is_some_and(|c| c.started_healthy()),
        Mutation::NoRemedy => outcome.symptom().is_some_and(|s| s != Symptom::Undecided),
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
        if !self.ended_before.is_empty() {
            let ids = named(&self.ended_before);
            write!(f, "; NOT by {ids}, which ended before they came to it")?;
        }
        if !self.without.is_empty() {
            write!(f, "; nothing to leave out of {}", named(&self.without))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use meshproof_harness::outcome::{
        CaseClaim, CaseRecord, Check, ExpectationResult, Observed, Standing,
    };

    use super::*;
    use crate::sample;

    fn outcome(id: &str, verdict: Verdict, symptom: Symptom, green: bool) -> ScenarioOutcome {
        let record = CaseRecord {
            baseline: vec![Check::answered(
                Standing::Truth,
                "all is well",
                true,
                "2",
                vec![],
            )],
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
            case: Some(Box::new(record)),
            expectation: ExpectationResult {
                green,
                ..ExpectationResult::default()
            },
            ..sample::outcome(id, verdict)
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
        assert!(Noticed::of(&outcomes, Mutation::NoRemedy).by_all());
        assert!(!Noticed::of(&outcomes, Mutation::NoFault).by_all());
    }

    #[test]
    fn who_ended_before_the_part_that_was_left_out_has_not_noticed() {
        let invalid = || Verdict::Invalid {
            because: "b".into(),
        };
        let mut ill = outcome("T2a", invalid(), Symptom::Split, false);
        let before = Noticed::of(std::slice::from_ref(&ill), Mutation::NoFault);
        assert!(before.by_all(), "{before}");
        if let Some(record) = &mut ill.case {
            record.baseline.clear();
            record.observed = None;
        }
        let undecided = outcome("T2b", invalid(), Symptom::Undecided, false);
        let told = of(&[ill.clone(), undecided.clone()], Mutation::NoRemedy);
        assert_eq!(
            told,
            "no-remedy: noticed by none; NOT by T2a, T2b, which ended before they came to it"
        );
        let told = of(&[ill, undecided], Mutation::NoFault);
        assert_eq!(
            told,
            "no-fault: noticed by T2b; NOT by T2a, which ended before they came to it"
        );
    }
}
