//! `--accept`: whether a run's outcomes may go on record, which of them, and putting them there.
//!
//! What accepting adds to an entry is `expectation`'s.

use std::path::Path;

use meshproof_harness::expectation::{AcceptError, Ground, header};
use meshproof_harness::outcome::{Run, ScenarioOutcome, Verdict};
use meshproof_harness::product::Product;
use meshproof_harness::report::folder::write_whole;
use meshproof_harness::scenario::{NOT_AS_CLAIMED, NOT_RUN};

use super::{Record, RecordError, read};

impl Record {
    /// Whether outcomes may be accepted at all, to be asked before a run takes its time.
    ///
    /// # Errors
    /// In CI (`CI` is set, and neither empty, 0 nor false), without a file, without a reason.
    pub fn may_accept(&self, reason: &str, ci: Option<&str>) -> Result<(), RecordError> {
        if ci.is_some_and(|value| !matches!(value, "" | "0" | "false")) {
            return Err(RecordError::InCi);
        }
        if self.file.is_none() {
            return Err(RecordError::NoFile);
        }
        if reason.trim().is_empty() {
            return Err(AcceptError::NoReason.into());
        }
        Ok(())
    }

    /// Whether outcomes on what these options name may go on this record, which `asked` may have named.
    ///
    /// # Errors
    /// With any such option, unless a file was named.
    pub fn is_for(asked: Option<&Path>, other_parts: &[&str]) -> Result<(), RecordError> {
        match asked.is_some() || other_parts.is_empty() {
            true => Ok(()),
            false => Err(RecordError::OtherParts(other_parts.join(", "))),
        }
    }

    /// Puts a run's outcomes on record and tells what that came to.
    ///
    /// The file is read again: somebody may have written it while the run went on.
    ///
    /// # Errors
    /// Outcomes that cannot be on record, a file that cannot be read or written; it stands as it
    /// was then.
    pub fn accept(
        &self,
        product: &Product,
        ground: &Ground,
        run: &Run,
        reason: &str,
    ) -> Result<String, RecordError> {
        let path = self.file.as_deref().ok_or(RecordError::NoFile)?;
        let text = read(path)?;
        let outcomes: Vec<ScenarioOutcome> = run
            .outcomes
            .iter()
            .map(|outcome| ScenarioOutcome {
                id: product.on_record_as(&outcome.id),
                ..outcome.clone()
            })
            .collect();
        let (spoilt, good) = apart(&outcomes);
        // With nothing good left the refusal tells why.
        let asked = if good.is_empty() { &outcomes } else { &good };
        let accepted = self.parse(&text)?.accept(ground, asked, &run.id, reason)?;
        let text = accepted
            .render(header(&text))
            .map_err(|error| RecordError::Format(error.to_string()))?;
        // A link stays one: what it points to is written.
        let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        write_whole(&target, &text)?;
        let new = good.iter().filter(|o| !o.expectation.green);
        let mut news: Vec<String> = vec![];
        for outcome in new {
            let told = format!("{} {}", outcome.id, outcome.verdict.name());
            if !news.contains(&told) {
                news.push(told);
            }
        }
        let news = match news.as_slice() {
            [] => "none of them new".to_owned(),
            some => format!("new: {}", some.join(", ")),
        };
        let accepted = match good.len() {
            1 => "1 outcome is".to_owned(),
            n => format!("{n} outcomes are"),
        };
        let left_out = match spoilt.as_slice() {
            [] => String::new(),
            ids => format!(
                "; never Invalid, Failed or stopped by an earlier step, so not {}",
                listed(ids, &outcomes)
            ),
        };
        Ok(format!(
            "{accepted} on record in {} ({news}){left_out}",
            path.display()
        ))
    }
}

/// The ids of scenarios of which an outcome says nothing of the guide, and all outcomes of the
/// others: an entry with half of its outcomes would be a false one.
fn apart(outcomes: &[ScenarioOutcome]) -> (Vec<String>, Vec<ScenarioOutcome>) {
    let mut spoilt: Vec<String> = vec![];
    for outcome in outcomes {
        if says_nothing(&outcome.verdict) && !spoilt.contains(&outcome.id) {
            spoilt.push(outcome.id.clone());
        }
    }
    let good = outcomes.iter().filter(|o| !spoilt.contains(&o.id));
    let good = good.cloned().collect();
    (spoilt, good)
}

/// Ids of which outcomes say nothing, with how many of how many where there were several.
fn listed(ids: &[String], outcomes: &[ScenarioOutcome]) -> String {
    let told = |id: &String| {
        let all = outcomes.iter().filter(|o| o.id == *id);
        let spoilt = all.clone().filter(|o| says_nothing(&o.verdict)).count();
        match all.count() {
            1 => id.clone(),
            count => format!("{id} ({spoilt} of {count})"),
        }
    };
    ids.iter().map(told).collect::<Vec<_>>().join(", ")
}

/// Whether a verdict can never be on record.
pub fn says_nothing(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Invalid { .. } | Verdict::Failed { .. } => true,
        // On record it would pass for as expected whatever breaks an earlier step, or takes long.
        Verdict::Blocked { reason } => {
            reason.ends_with(NOT_AS_CLAIMED) || reason.starts_with(NOT_RUN)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use meshproof_harness::expectation::{ProxyKind, SidecarMode};

    use super::super::tests::place;
    use super::*;
    use crate::sample;

    fn ground() -> Ground {
        Ground {
            build: "1.29.1".parse().unwrap(),
            sidecar: SidecarMode::Native,
            proxy: ProxyKind::CoreEnvoy,
        }
    }

    fn run(verdict: Verdict) -> Run {
        sample::run("r9", vec![sample::outcome("C3", verdict)])
    }

    #[test]
    fn in_ci_nothing_is_accepted() {
        let (_folder, file) = place();
        let record = Record::find(Some(&file)).unwrap();
        for ci in ["true", "1", "yes"] {
            let error = record.may_accept("why", Some(ci)).unwrap_err();
            assert!(matches!(error, RecordError::InCi), "{ci}: {error}");
        }
        for ci in [None, Some(""), Some("0"), Some("false")] {
            record.may_accept("why", ci).unwrap();
        }
        assert!(record.may_accept("  ", None).is_err());
    }

    #[test]
    fn what_is_not_pinned_needs_a_record_of_its_own() {
        let asked = Some(Path::new("mine.toml"));
        Record::is_for(None, &[]).unwrap();
        Record::is_for(asked, &["--envoy"]).unwrap();
        let told = Record::is_for(None, &["--envoy", "--k8s"]).unwrap_err();
        let told = told.to_string();
        assert!(
            told.starts_with("--accept with --envoy, --k8s would"),
            "{told}"
        );
        assert!(told.ends_with("--expectations FILE"), "{told}");
    }

    #[test]
    fn a_run_is_put_on_record_in_the_file_that_was_named() {
        let (folder, file) = place();
        let link = folder.path().join("link.toml");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let record = Record::find(Some(&link)).unwrap();
        let told = record.accept(
            &Product::Ignite,
            &ground(),
            &run(Verdict::Differs),
            "so it is",
        );
        let told = told.unwrap();
        assert!(told.starts_with("1 outcome is on record in "), "{told}");
        assert!(told.ends_with("(new: C3 Differs)"), "{told}");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("# Mine.\n\n[[expectation]]"), "{text}");
        assert!(text.contains("reason = \"so it is\""), "{text}");
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_step_that_an_earlier_one_stopped_is_never_on_record() {
        let (_folder, file) = place();
        let record = Record::find(Some(&file)).unwrap();
        let reason = format!("C4 {NOT_AS_CLAIMED}");
        let over = format!("{NOT_RUN}, 20s, was over");
        let outcomes = vec![
            sample::outcome("C4", Verdict::Differs),
            sample::outcome("C5", Verdict::Blocked { reason }),
            sample::outcome("C6b", Verdict::Blocked { reason: over }),
        ];
        let run = sample::run("r9", outcomes);
        let told = record
            .accept(&Product::Ignite, &ground(), &run, "why")
            .unwrap();
        assert!(told.ends_with("so not C5, C6b"), "{told}");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(
            text.contains("\"C4\"") && !text.contains("\"C5\""),
            "{text}"
        );
    }

    #[test]
    fn how_many_rounds_say_nothing_is_told() {
        let (_folder, file) = place();
        let record = Record::find(Some(&file)).unwrap();
        let invalid = || Verdict::Invalid {
            because: "the baseline is not healthy".into(),
        };
        let outcomes = vec![
            sample::outcome("C4", Verdict::Confirmed),
            sample::outcome("T2b", Verdict::Differs),
            sample::outcome("T2b", invalid()),
            sample::outcome("T2b", invalid()),
        ];
        let run = sample::run("r9", outcomes);
        let told = record
            .accept(&Product::Ignite, &ground(), &run, "why")
            .unwrap();
        assert!(told.ends_with("so not T2b (2 of 3)"), "{told}");
    }

    #[test]
    fn each_product_has_entries_of_its_own() {
        let (_folder, file) = place();
        let record = Record::find(Some(&file)).unwrap();
        let gridgain = Product::GridGain(Default::default());
        let run = run(Verdict::Differs);
        record.accept(&gridgain, &ground(), &run, "why").unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains("scenario = \"gridgain/C3\""), "{text}");
        assert!(!text.contains("scenario = \"C3\""), "{text}");
    }

    #[test]
    fn what_cannot_be_accepted_leaves_the_file_as_it_was() {
        let (_folder, file) = place();
        let record = Record::find(Some(&file)).unwrap();
        let failed = Verdict::Failed { error: "e".into() };
        let error = record
            .accept(&Product::Ignite, &ground(), &run(failed), "why")
            .unwrap_err();
        assert!(error.to_string().starts_with("C3 (Failed)"), "{error}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "# Mine.\n");
    }
}
