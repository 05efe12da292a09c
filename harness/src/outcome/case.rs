//! A troubleshooting case as it was observed, phase by phase, and the one pure function that maps
//! what was seen and what the guide claims to a verdict.

use serde::{Deserialize, Serialize};

use super::{Check, CheckResult, Diagnosis, Symptom, Verdict, Weight};

/// What the guide says of a failure, as typed values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseClaim {
    /// What a reader is told to see.
    pub symptom: Symptom,
    /// What a reader is told to do, in our words.
    pub remedy: String,
    /// Whether restarting the pods is part of that remedy.
    pub remedy_restarts: bool,
    /// The codes of the rules that have to find the cause.
    pub found_by: Vec<String>,
}

/// How a cluster was cured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cure {
    /// By the guide's remedy, as the guide has it.
    ByTheRemedy,
    /// By it, and by restarting the pods, of which the guide does not speak.
    WithARestart,
    /// Not by it, but by something of which the guide does not speak there.
    BySomethingElse,
    /// Not at all.
    None,
}

impl Cure {
    /// The word in expectations; serde writes the same.
    pub fn name(self) -> &'static str {
        match self {
            Self::ByTheRemedy => "by-the-remedy",
            Self::WithARestart => "with-a-restart",
            Self::BySomethingElse => "by-something-else",
            Self::None => "none",
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::ByTheRemedy => "the remedy cures it",
            Self::WithARestart => "the remedy cures it only with a restart of the pods",
            Self::BySomethingElse => "the remedy does not cure it, something else does",
            Self::None => "the remedy does not cure it",
        }
    }
}

/// The symptom, as it appeared and stayed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// What it is.
    pub symptom: Symptom,
    /// The fact that decided it.
    pub because: String,
    /// What else was asked of it: that it stayed, what the proxies and the nodes show.
    pub checks: Vec<Check>,
}

/// A case, as far as it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseRecord {
    /// What the guide says.
    pub claim: CaseClaim,
    /// Every difference from the guide's manifests, as a diff, or the action that is the fault.
    pub fault: String,
    /// Whether it was healthy first.
    pub baseline: Vec<Check>,
    /// Whether the fault is in force.
    pub in_force: Vec<Check>,
    /// What was seen then.
    pub observed: Option<Observed>,
    /// What diagnosis said of it.
    pub diagnosis: Option<Diagnosis>,
    /// Whether it told the state in which the nodes were seen, and no more than belongs to the fault, as
    /// far as that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnosed: Vec<Check>,
    /// What was done as remedy; none where there was nothing to cure.
    pub remedy: Option<String>,
    /// Whether it is healthy again, and stays so.
    pub recovery: Vec<Check>,
    /// What else came of the remedy, such as data that is lost: what fails there is not as the guide
    /// says, and takes no cure away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consequences: Vec<Check>,
    /// How it was cured; none where it did not come to that.
    pub cure: Option<Cure>,
}

impl CaseRecord {
    /// A case of which nothing is done yet.
    pub fn new(claim: CaseClaim) -> Self {
        Self {
            claim,
            fault: String::new(),
            baseline: vec![],
            in_force: vec![],
            observed: None,
            diagnosis: None,
            diagnosed: vec![],
            remedy: None,
            recovery: vec![],
            consequences: vec![],
            cure: None,
        }
    }

    /// Whether the baseline was asked and holds.
    pub fn started_healthy(&self) -> bool {
        !self.baseline.is_empty() && self.baseline.iter().all(Check::holds)
    }

    /// Whether the fault was asked for and is in force.
    pub fn fault_in_force(&self) -> bool {
        !self.in_force.is_empty() && self.in_force.iter().all(Check::holds)
    }

    /// The cure that expectations know: what does not come through its recovery is not cured,
    /// whatever was tried.
    pub fn cure_that_counts(&self) -> Option<Cure> {
        let recovered = self.recovery.iter().all(Check::holds);
        self.cure
            .map(|cure| if recovered { cure } else { Cure::None })
    }

    /// Every check of every phase, with the phase's name.
    pub fn checks(&self) -> impl Iterator<Item = (&'static str, &Check)> {
        let symptom = self.observed.iter().flat_map(|o| &o.checks);
        let of = |phase: &'static str| move |check| (phase, check);
        let before = self.baseline.iter().map(of("baseline"));
        let fault = self.in_force.iter().map(of("fault"));
        let diagnosis = self.diagnosed.iter().map(of("diagnosis"));
        let remedy = self.consequences.iter().map(of("remedy"));
        let recovery = self.recovery.iter().map(of("recovery"));
        before
            .chain(fault)
            .chain(symptom.map(of("symptom")))
            .chain(diagnosis)
            .chain(remedy)
            .chain(recovery)
    }

    /// The rules that had to find the cause and did not. Where harm was seen, what may do harm another
    /// time is no cause of it.
    fn missed(&self) -> Vec<&str> {
        let Some(diagnosis) = &self.diagnosis else {
            return vec![];
        };
        let harm = |seen: &Observed| seen.symptom != Symptom::Healthy;
        let harm = self.observed.as_ref().is_some_and(harm);
        let found = |code: &str| {
            let mut findings = diagnosis.findings.iter();
            findings.any(|f| f.code == code && !(harm && f.weight == Weight::Risk))
        };
        let wanted = self.claim.found_by.iter().map(String::as_str);
        wanted.filter(|code| !found(code)).collect()
    }
}

/// Maps a case to its verdict and the one fact that decided it.
///
/// A case that was not healthy first, or whose fault is not in force, shows nothing of either. A
/// cause that diagnosis does not find, or one that it finds besides, is our own failure. What is left
/// is a comparison: symptom and remedy both as the guide has them, or not.
pub fn judge_case(case: &CaseRecord) -> (Verdict, String) {
    let invalid = |because: String| {
        let fact = because.clone();
        (Verdict::Invalid { because }, fact)
    };
    if !case.started_healthy() {
        return invalid(format!(
            "the baseline is not healthy: {}",
            first_not_holding(&case.baseline)
        ));
    }
    if !case.fault_in_force() {
        return invalid(format!(
            "the fault is not in force: {}",
            first_not_holding(&case.in_force)
        ));
    }
    let Some(observed) = &case.observed else {
        return invalid("nothing was observed".into());
    };
    if observed.symptom == Symptom::Undecided {
        return invalid(format!("no symptom can be told: {}", observed.because));
    }
    if let Some(check) = observed.checks.iter().find(|c| !c.holds()) {
        return invalid(format!(
            "{} was seen, but not so: {}; seen: {}",
            observed.symptom, check.statement, check.seen
        ));
    }
    let missed = case.missed();
    if !missed.is_empty() {
        let found = case
            .diagnosis
            .as_ref()
            .map(Diagnosis::codes)
            .unwrap_or_default();
        let found = if found.is_empty() {
            "nothing".into()
        } else {
            found.join(", ")
        };
        let error = format!(
            "diagnosis did not find {} but {found}; mend the rule",
            missed.join(", ")
        );
        return (
            Verdict::Failed {
                error: error.clone(),
            },
            error,
        );
    }
    if let Some(check) = case.diagnosed.iter().find(|c| !c.holds()) {
        let error = format!(
            "not so: {}; seen: {}; mend the rule, or find what else is wrong",
            check.statement, check.seen
        );
        return (
            Verdict::Failed {
                error: error.clone(),
            },
            error,
        );
    }
    if observed.symptom == Symptom::Healthy && case.claim.symptom == Symptom::Healthy {
        let fact = format!("healthy as the guide says ({})", observed.because);
        return (Verdict::Confirmed, fact);
    }
    if observed.symptom == Symptom::Healthy {
        let fact = format!(
            "the fault is in force and does no harm: {}",
            observed.because
        );
        return (Verdict::NotReproduced, fact);
    }
    let as_claimed = observed.symptom == case.claim.symptom;
    let symptom = if as_claimed {
        format!(
            "{} as the guide says ({})",
            observed.symptom, observed.because
        )
    } else {
        format!(
            "{} where the guide says {} ({})",
            observed.symptom, case.claim.symptom, observed.because
        )
    };
    let Some(cure) = case.cure_that_counts() else {
        return invalid(format!("{symptom}; the remedy was not tried"));
    };
    let after = || case.recovery.iter().chain(&case.consequences);
    let unproven = |check: &&Check| matches!(check.result, CheckResult::Unproven { .. });
    if let Some(check) = after().find(unproven) {
        return invalid(format!(
            "{symptom}; whether {}: {}",
            check.statement, check.seen
        ));
    }
    let lacking = after().find(|check| !check.holds());
    let fact = match lacking {
        Some(check) => format!(
            "{symptom}; {}; not so: {}; seen: {}",
            cure.in_words(),
            check.statement,
            check.seen
        ),
        None => format!("{symptom}; {}", cure.in_words()),
    };
    if as_claimed && cure == Cure::ByTheRemedy && lacking.is_none() {
        (Verdict::Confirmed, fact)
    } else {
        (Verdict::Differs, fact)
    }
}

fn first_not_holding(checks: &[Check]) -> String {
    let Some(check) = checks.iter().find(|c| !c.holds()) else {
        return "nothing was asked".into();
    };
    match &check.result {
        CheckResult::Lacks { what } => format!("{} lacks", what),
        CheckResult::Unproven { because } => because.clone(),
        CheckResult::Holds | CheckResult::Fails => {
            format!("not so: {}; seen: {}", check.statement, check.seen)
        }
    }
}

#[cfg(test)]
#[path = "case_tests.rs"]
mod tests;
