//! Putting outcomes on record: what a run adds to the expectations, and the text of their file.
//!
//! Counts accumulate, so that the record says how often an outcome was seen and not only that it
//! was. Whether accepting is allowed where a run takes place, and where the file lies, is the
//! caller's.

use serde::Serialize;

use super::{Entry, Expectations, Ground, KnownOutcome, KnownVerdict};
use crate::outcome::{Cure, ScenarioOutcome, Symptom, Verdict, by_id};

/// How many runs an outcome names: enough to look one up, since older run folders are gone.
const RUNS_KEPT: usize = 3;

/// Why outcomes were not put on record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcceptError {
    /// Some of them say nothing of the guide.
    #[error(
        "{0} cannot be put on record, so nothing of this run is: mend what caused it and run again"
    )]
    Never(
        /// Each with its verdict.
        String,
    ),
    /// Nobody said why.
    #[error("no reason is given; say in one sentence why these outcomes are right")]
    NoReason,
    /// The run came to nothing.
    #[error("the run has no outcome to put on record; select a scenario that can be run")]
    NoOutcome,
}

impl Expectations {
    /// The expectations with a run's outcomes put on record, under what the run stood on.
    ///
    /// An outcome that is on record is counted once more, a new one is added; a scenario may have
    /// several in one run. Each outcome names the last runs that saw it, each entry the `reason`
    /// that it was accepted with last.
    ///
    /// # Errors
    /// An outcome that is `Invalid` or `Failed`, no outcome at all, a blank reason.
    pub fn accept(
        &self,
        ground: &Ground,
        outcomes: &[ScenarioOutcome],
        run: &str,
        reason: &str,
    ) -> Result<Self, AcceptError> {
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        if reason.is_empty() {
            return Err(AcceptError::NoReason);
        }
        if outcomes.is_empty() {
            return Err(AcceptError::NoOutcome);
        }
        let mut never: Vec<String> = vec![];
        let mut new = self.clone();
        for outcome in outcomes {
            let Some(verdict) = known(&outcome.verdict) else {
                let told = format!("{} ({})", outcome.id, outcome.verdict.name());
                if !never.contains(&told) {
                    never.push(told);
                }
                continue;
            };
            let entry = new.entry(ground, &outcome.id);
            entry.reason = Some(reason.clone());
            let seen = (verdict, outcome.symptom(), outcome.cure());
            count(&mut entry.outcomes, seen, run);
        }
        if !never.is_empty() {
            return Err(AcceptError::Never(never.join(", ")));
        }
        new.entries.sort_by(in_order);
        Ok(new)
    }

    /// The entry of a scenario, made if there is none.
    fn entry(&mut self, ground: &Ground, scenario: &str) -> &mut Entry {
        let key = ground.key(scenario);
        let at = self.entries.iter().position(|entry| entry.key == key);
        let at = at.unwrap_or_else(|| {
            self.entries.push(Entry {
                key,
                reason: None,
                outcomes: vec![],
            });
            self.entries.len() - 1
        });
        &mut self.entries[at]
    }

    /// The text of the file: the header, then every entry in the order of scenario, build, sidecar
    /// mode and proxy kind. It reads back equal.
    ///
    /// # Errors
    /// When a value cannot be written as TOML.
    pub fn render(&self, header: &str) -> Result<String, toml::ser::Error> {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_by(|a, b| in_order(a, b));
        let file = WrittenFile {
            expectation: entries.into_iter().map(WrittenEntry::of).collect(),
        };
        let entries = toml::to_string(&file)?;
        Ok(match header.trim_end() {
            "" => entries,
            header => format!("{header}\n\n{entries}"),
        })
    }
}

/// The comment that a file of expectations begins with, to be kept when it is written anew.
pub fn header(text: &str) -> &str {
    let comment = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with('#');
    let length = text.split_inclusive('\n').take_while(comment);
    text[..length.map(str::len).sum()].trim_end()
}

/// A verdict as it may be on record; none for one that says nothing of the guide.
fn known(verdict: &Verdict) -> Option<KnownVerdict> {
    match verdict {
        Verdict::Confirmed => Some(KnownVerdict::Confirmed),
        Verdict::Differs => Some(KnownVerdict::Differs),
        Verdict::NotReproduced => Some(KnownVerdict::NotReproduced),
        Verdict::Blocked { reason } => Some(KnownVerdict::Blocked {
            reason: reason.clone(),
        }),
        Verdict::Invalid { .. } | Verdict::Failed { .. } => None,
    }
}

/// Counts an outcome that a run saw.
fn count(
    outcomes: &mut Vec<KnownOutcome>,
    (verdict, symptom, cure): (KnownVerdict, Option<Symptom>, Option<Cure>),
    run: &str,
) {
    let same = |o: &KnownOutcome| (&o.verdict, o.symptom, o.cure) == (&verdict, symptom, cure);
    let at = outcomes.iter().position(same).unwrap_or_else(|| {
        outcomes.push(KnownOutcome {
            verdict,
            symptom,
            cure,
            count: 0,
            runs: vec![],
        });
        outcomes.len() - 1
    });
    let outcome = &mut outcomes[at];
    outcome.count = outcome.count.saturating_add(1);
    outcome.runs.retain(|id| id != run);
    outcome.runs.push(run.to_owned());
    let old = outcome.runs.len().saturating_sub(RUNS_KEPT);
    outcome.runs.drain(..old);
}

fn in_order(one: &Entry, other: &Entry) -> std::cmp::Ordering {
    let (a, b) = (&one.key, &other.key);
    by_id(&a.scenario, &b.scenario)
        .then_with(|| a.build.cmp(&b.build))
        .then_with(|| (a.sidecar, a.proxy).cmp(&(b.sidecar, b.proxy)))
}

/// The file as TOML writes it, field for field what `store` reads.
#[derive(Serialize)]
struct WrittenFile<'a> {
    expectation: Vec<WrittenEntry<'a>>,
}

#[derive(Serialize)]
struct WrittenEntry<'a> {
    scenario: &'a str,
    build: String,
    sidecar: String,
    proxy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    outcome: Vec<WrittenOutcome<'a>>,
}

impl<'a> WrittenEntry<'a> {
    fn of(entry: &'a Entry) -> Self {
        Self {
            scenario: &entry.key.scenario,
            build: entry.key.build.to_string(),
            sidecar: entry.key.sidecar.to_string(),
            proxy: entry.key.proxy.to_string(),
            reason: entry.reason.as_deref(),
            outcome: entry.outcomes.iter().map(WrittenOutcome::of).collect(),
        }
    }
}

#[derive(Serialize)]
struct WrittenOutcome<'a> {
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    symptom: Option<Symptom>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cure: Option<Cure>,
    count: u32,
    runs: &'a [String],
}

impl<'a> WrittenOutcome<'a> {
    fn of(outcome: &'a KnownOutcome) -> Self {
        let (verdict, reason) = match &outcome.verdict {
            KnownVerdict::Confirmed => ("Confirmed", None),
            KnownVerdict::Differs => ("Differs", None),
            KnownVerdict::NotReproduced => ("NotReproduced", None),
            KnownVerdict::Blocked { reason } => ("Blocked", Some(reason.as_str())),
        };
        Self {
            verdict,
            reason,
            symptom: outcome.symptom,
            cure: outcome.cure,
            count: outcome.count,
            runs: &outcome.runs,
        }
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
