//! An outcome as a reader follows it: one chapter for each phase that was reached.
//!
//! The verbose text, the Markdown and the HTML are all laid out from these.

use crate::outcome::{
    CaseRecord, Check, CheckResult, Cure, Diagnosis, Finding, Observed, Remedy, ScenarioOutcome,
    Standing,
};

/// One phase.
pub(super) struct Chapter<'a> {
    /// The phase's name, as design words have it.
    pub(super) name: &'static str,
    /// Facts beside labels.
    pub(super) facts: Vec<(&'static str, String)>,
    /// A difference from the guide, to be shown line by line.
    pub(super) diff: Option<&'a str>,
    /// What was asked.
    pub(super) checks: &'a [Check],
    /// What diagnosis said.
    pub(super) diagnosis: Option<&'a Diagnosis>,
}

impl<'a> Chapter<'a> {
    fn new(name: &'static str, checks: &'a [Check]) -> Self {
        Self {
            name,
            facts: vec![],
            diff: None,
            checks,
            diagnosis: None,
        }
    }
}

/// The phases of a case, in their order.
const PHASES: [&str; 5] = [
    "baseline",
    "fault",
    "symptom",
    "diagnosis",
    "remedy and recovery",
];

/// The chapter of what else came of the remedy: no phase, since most cases have none.
const CONSEQUENCES: &str = "consequences of the remedy";

/// The chapters of an outcome. A checkpoint has one, its checks; a case one for each phase that
/// was reached.
pub(super) fn of(outcome: &ScenarioOutcome) -> Vec<Chapter<'_>> {
    match &outcome.case {
        None => vec![Chapter::new("checks", &outcome.checks)],
        Some(case) => of_case(case),
    }
}

fn of_case(case: &CaseRecord) -> Vec<Chapter<'_>> {
    let mut chapters = vec![];
    if !case.baseline.is_empty() {
        chapters.push(Chapter::new(PHASES[0], &case.baseline));
    }
    if !case.fault.is_empty() || !case.in_force.is_empty() {
        chapters.push(Chapter {
            diff: (!case.fault.is_empty()).then_some(&*case.fault),
            ..Chapter::new(PHASES[1], &case.in_force)
        });
    }
    if let Some(observed) = &case.observed {
        chapters.push(Chapter {
            facts: symptom(case, observed),
            ..Chapter::new(PHASES[2], &observed.checks)
        });
    }
    if let Some(diagnosis) = &case.diagnosis {
        chapters.push(Chapter {
            diagnosis: Some(diagnosis),
            ..Chapter::new(PHASES[3], &case.diagnosed)
        });
    }
    if case.remedy.is_some() || case.cure.is_some() || !case.recovery.is_empty() {
        chapters.push(Chapter {
            facts: remedy(case),
            ..Chapter::new(PHASES[4], &case.recovery)
        });
    }
    if !case.consequences.is_empty() {
        chapters.push(Chapter::new(CONSEQUENCES, &case.consequences));
    }
    chapters
}

fn symptom(case: &CaseRecord, observed: &Observed) -> Vec<(&'static str, String)> {
    let claimed = case.claim.symptom;
    let seen = if observed.symptom == claimed {
        format!("{}, as the guide says", observed.symptom)
    } else {
        format!("{}; the guide says {claimed}", observed.symptom)
    };
    vec![("Seen", seen), ("Because", observed.because.clone())]
}

fn remedy(case: &CaseRecord) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Guide", case.claim.remedy.clone())];
    facts.extend(case.remedy.iter().map(|done| ("Done", done.clone())));
    facts.extend(
        case.cure_that_counts()
            .map(|cure| ("Cure", cure_in_words(cure).to_owned())),
    );
    facts
}

fn cure_in_words(cure: Cure) -> &'static str {
    match cure {
        Cure::ByTheRemedy => "by the guide's remedy as it stands",
        Cure::WithARestart => {
            "by the guide's remedy and a restart of the pods, which it leaves out"
        }
        Cure::BySomethingElse => "not by the guide's remedy, by what is told above",
        Cure::None => "none",
    }
}

/// The phases of a case that it did not come to, or for which there was nothing to do.
pub(super) fn not_reached(outcome: &ScenarioOutcome) -> Vec<&'static str> {
    let Some(case) = &outcome.case else {
        return vec![];
    };
    let reached = of_case(case);
    PHASES
        .into_iter()
        .filter(|name| !reached.iter().any(|chapter| chapter.name == *name))
        .collect()
}

/// The seconds of each phase: `baseline 21.3 s, fault 9.8 s`; none if no phase was timed.
pub(super) fn times(outcome: &ScenarioOutcome) -> Option<String> {
    let times = outcome.phases.iter();
    let times: Vec<String> = times
        .map(|phase| format!("{} {:.1} s", phase.phase, phase.seconds))
        .collect();
    (!times.is_empty()).then(|| times.join(", "))
}

/// What an outcome's reader needs first: labels and what stands beside them.
pub(super) fn head(outcome: &ScenarioOutcome) -> Vec<(&'static str, String)> {
    let mut head = vec![
        ("Guide", outcome.section.clone()),
        ("Claim", outcome.claim.clone()),
        ("Verdict", outcome.verdict.name().to_owned()),
        ("Fact", outcome.decided_by.clone()),
    ];
    head.extend(times(outcome).map(|times| ("Time", times)));
    head
}

/// How a check came out, in one word.
pub(super) fn mark(check: &Check) -> &'static str {
    match check.result {
        CheckResult::Holds => "holds",
        CheckResult::Fails => "FAILS",
        CheckResult::Lacks { .. } => "lacks",
        CheckResult::Unproven { .. } => "unproven",
    }
}

/// Whose question a check is.
pub(super) fn whose(check: &Check) -> &'static str {
    match check.standing {
        Standing::Guide => "guide's",
        Standing::Truth => "ours",
    }
}

/// A finding's first line: its code, how much it matters, what and where.
pub(super) fn found(finding: &Finding) -> String {
    let Finding {
        code,
        title,
        weight,
        object,
        ..
    } = finding;
    format!("{code} ({}) {title}: {object}", weight.name())
}

/// A remedy: what it is, and the text to be shown as it stands, if there is one.
pub(super) fn advised(remedy: &Remedy) -> (String, Option<&str>) {
    match remedy {
        Remedy::Command { command } => ("Type:".to_owned(), Some(command)),
        Remedy::Patch { object, yaml } => (format!("Change {object} to have:"), Some(yaml)),
        Remedy::Advice { text } => (text.clone(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Symptom;
    use crate::report::sample;

    #[test]
    fn what_else_came_of_a_remedy_has_a_chapter_and_a_cure_that_does_not_count_is_none() {
        let run = sample::repeated();
        let with_a_cure = |o: &&ScenarioOutcome| o.symptom() == Some(Symptom::Stall);
        let mut outcome = run.outcomes.iter().find(with_a_cure).cloned();
        let outcome = outcome.as_mut().expect("a stall is among them");
        let lost = Check::answered(Standing::Truth, "no key is lost", false, "0 of 100", vec![]);
        let case = outcome.case.as_mut().expect("it is a case");
        case.consequences.push(lost.clone());
        case.recovery.push(lost);
        let chapters = of(outcome);
        let last = chapters.last().expect("there are chapters");
        assert_eq!((last.name, last.checks.len()), (CONSEQUENCES, 1));
        let remedy = chapters.iter().find(|c| c.name == PHASES[4]);
        let facts = &remedy.expect("it was remedied").facts;
        assert!(facts.contains(&("Cure", "none".to_owned())), "{facts:?}");
    }
}
