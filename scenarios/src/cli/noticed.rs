//! Whether cases noticed that a part of them was left out (`--mutate`): a case that says the same
//! without its fault, or without its remedy, as with it shows nothing.

use std::fmt;

use meshproof_harness::outcome::{Cure, ScenarioOutcome, Symptom, Verdict};
use meshproof_harness::scenario::Mutation;

/// Which cases noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noticed {
    /// Those whose outcome is neither on record nor `Confirmed`, by what was left out.
    noticed: Vec<String>,
    /// Those that say what they say when nothing is left out: they are broken.
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
            } else if matches!(outcome.verdict, Verdict::Failed { .. }) {
                &mut sorted.ended_before
            } else {
                match lacks_what_was_left_out(mutation, outcome) {
                    None => &mut sorted.ended_before,
                    Some(true) => &mut sorted.noticed,
                    Some(false) => &mut sorted.missed,
                }
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

/// Whether a case found lacking what was left out of it; none if it ended before it came to that. An
/// outcome that is not on record for another reason, such as a baseline that is not healthy or a symptom
/// that was not seen as it should be, tells nothing of it.
fn lacks_what_was_left_out(mutation: Mutation, outcome: &ScenarioOutcome) -> Option<bool> {
    let case = outcome.case.as_deref()?;
    match mutation {
        Mutation::NoFault if case.in_force.is_empty() => None,
        Mutation::NoFault => {
            Some(!case.fault_in_force() || outcome.symptom() == Some(Symptom::Healthy))
        }
        Mutation::NoRemedy => case.cure_that_counts().map(|cure| cure == Cure::None),
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

    fn check(holds: bool) -> Check {
        Check::answered(Standing::Truth, "it is so", holds, "2", vec![])
    }

    /// A case whose part that is left out was found lacking, be it the fault or the remedy.
    fn outcome(id: &str, verdict: Verdict, symptom: Symptom, green: bool) -> ScenarioOutcome {
        let record = CaseRecord {
            baseline: vec![check(true)],
            in_force: vec![check(false)],
            observed: Some(Observed {
                symptom,
                because: "so".into(),
                checks: vec![],
            }),
            cure: Some(Cure::None),
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

    fn invalid() -> Verdict {
        Verdict::Invalid {
            because: "b".into(),
        }
    }

    fn changed(outcome: &ScenarioOutcome, change: fn(&mut CaseRecord)) -> ScenarioOutcome {
        let mut changed = outcome.clone();
        change(changed.case.as_deref_mut().expect("it has one"));
        changed
    }

    fn of(outcomes: &[ScenarioOutcome], mutation: Mutation) -> String {
        Noticed::of(outcomes, mutation).to_string()
    }

    #[test]
    fn what_is_on_record_all_the_same_has_not_noticed() {
        let outcomes = [
            outcome("T2a", invalid(), Symptom::Split, false),
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
        let whole = outcome("T2a", invalid(), Symptom::Split, false);
        let ill = changed(&whole, |case| case.in_force.clear());
        let told = of(&[ill], Mutation::NoFault);
        let before = "noticed by none; NOT by T2a, which ended before they came to it";
        assert_eq!(told, format!("no-fault: {before}"));
        let untried = changed(&whole, |case| case.cure = None);
        let told = of(&[untried], Mutation::NoRemedy);
        assert_eq!(told, format!("no-remedy: {before}"));
    }

    #[test]
    fn what_is_invalid_for_another_reason_has_not_noticed() {
        let whole = outcome("T2b", invalid(), Symptom::Stall, false);
        let broken = "noticed by none; NOT by T2b, which show nothing";
        let in_force = changed(&whole, |case| case.in_force = vec![check(true)]);
        let told = of(std::slice::from_ref(&in_force), Mutation::NoFault);
        assert_eq!(told, format!("no-fault: {broken}"));
        let cured = changed(&whole, |case| case.cure = Some(Cure::ByTheRemedy));
        let told = of(&[cured], Mutation::NoRemedy);
        assert_eq!(told, format!("no-remedy: {broken}"));
        let harmless = changed(&in_force, |case| {
            case.observed.as_mut().expect("it was").symptom = Symptom::Healthy;
        });
        assert!(Noticed::of(&[harmless], Mutation::NoFault).by_all());
    }
}
