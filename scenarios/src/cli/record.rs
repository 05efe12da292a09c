//! `--expectations` and `--accept`: which record measures a run, and putting its outcomes on it.
//!
//! What accepting adds is `expectation`'s; here is where the file lies and when it may be written.

use std::path::{Path, PathBuf};

use meshproof_harness::expectation::{
    AcceptError, Expectations, ExpectationsError, Ground, header,
};
use meshproof_harness::outcome::{Run, ScenarioOutcome, Verdict};
use meshproof_harness::product::Product;
use meshproof_harness::report::folder::{FolderError, write_whole};

use meshproof_harness::scenario::{NOT_AS_CLAIMED, NOT_RUN};

use crate::session;

/// The record of the checkout that compiled this program.
const OF_THE_CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/expectations.toml");

/// The expectations that measure a run.
#[derive(Debug)]
pub struct Record {
    /// The text of the file.
    pub text: String,
    /// The file; none for the text that the program carries in itself.
    pub file: Option<PathBuf>,
}

/// Why there is no record, or why it was not changed.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file cannot be read.
    #[error("{path} cannot be read ({source}); let --expectations name a file of expectations")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is none of expectations.
    #[error("{path}: {source}")]
    Content {
        /// The file, or the program.
        path: String,
        /// What is wrong with it.
        source: ExpectationsError,
    },
    /// In CI nobody looks at what is accepted.
    #[error(
        "--accept is refused where CI is set: what is on record has to be looked at; run it on a \
         machine of your own and commit {OF_THE_REPOSITORY}"
    )]
    InCi,
    /// The record is of what is pinned alone.
    #[error(
        "--accept with {0} would put what was seen on other parts on the record of the pinned \
         ones; name a file of its own with --expectations FILE"
    )]
    OtherParts(String),
    /// The program was moved away from its checkout.
    #[error(
        "--accept needs a file to write and the checkout of this program is gone; name one with \
         --expectations FILE"
    )]
    NoFile,
    /// The outcomes cannot be accepted.
    #[error(transparent)]
    Accept(#[from] AcceptError),
    /// The record cannot be put into words. A defect of Meshproof's own.
    #[error("the expectations cannot be written as TOML ({0}); please report this as a defect")]
    Format(String),
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] FolderError),
}

/// The committed record, as a person knows it.
const OF_THE_REPOSITORY: &str = "scenarios/expectations.toml";

impl Record {
    /// The record of a file; without one that of the checkout that compiled this program, and that
    /// of the program itself where the checkout is gone.
    ///
    /// # Errors
    /// A file that cannot be read, or is none of expectations.
    pub fn find(asked: Option<&Path>) -> Result<Self, RecordError> {
        Self::from(asked, Path::new(OF_THE_CHECKOUT))
    }

    fn from(asked: Option<&Path>, checkout: &Path) -> Result<Self, RecordError> {
        let file = asked
            .or_else(|| checkout.is_file().then_some(checkout))
            .map(Path::to_owned);
        let text = match &file {
            Some(path) => read(path)?,
            None => session::EXPECTATIONS.to_owned(),
        };
        let record = Self { text, file };
        record.parse(&record.text)?;
        Ok(record)
    }

    /// The expectations of a text of this record's file.
    fn parse(&self, text: &str) -> Result<Expectations, RecordError> {
        Expectations::parse(text).map_err(|source| RecordError::Content {
            path: match &self.file {
                Some(path) => path.display().to_string(),
                None => "the expectations in this program".into(),
            },
            source,
        })
    }

    /// What this record holds.
    ///
    /// # Errors
    /// As [`Record::find`], which has read it once.
    pub fn expectations(&self) -> Result<Expectations, RecordError> {
        self.parse(&self.text)
    }

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
        let outcomes = match good.len() {
            1 => "1 outcome is".to_owned(),
            n => format!("{n} outcomes are"),
        };
        let left_out = match spoilt.as_slice() {
            [] => String::new(),
            ids => format!(
                "; never Invalid, Failed or stopped by an earlier step, so not {}",
                ids.join(", ")
            ),
        };
        Ok(format!(
            "{outcomes} on record in {} ({news}){left_out}",
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

fn read(path: &Path) -> Result<String, RecordError> {
    std::fs::read_to_string(path).map_err(|source| RecordError::Read {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use meshproof_harness::expectation::{ProxyKind, SidecarMode};

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

    /// A folder with a file of expectations that is empty but for its header.
    fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.toml");
        std::fs::write(&file, "# Mine.\n").unwrap();
        (folder, file)
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
    fn without_a_checkout_the_programs_own_record_measures_and_is_not_written() {
        let record = Record::from(None, Path::new("/no/such/checkout.toml")).unwrap();
        assert_eq!(record.text, session::EXPECTATIONS);
        let error = record.may_accept("why", None).unwrap_err();
        assert!(matches!(error, RecordError::NoFile), "{error}");
        assert!(Record::find(None).unwrap().file.is_some());
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
    fn a_file_that_is_none_is_told_before_a_run() {
        let (folder, file) = place();
        std::fs::write(&file, "[[expectation]]\nscenario = 1\n").unwrap();
        let error = Record::find(Some(&file)).unwrap_err().to_string();
        assert!(error.contains("mine.toml: the expectations"), "{error}");
        let error = Record::find(Some(&folder.path().join("none"))).unwrap_err();
        assert!(matches!(error, RecordError::Read { .. }), "{error}");
    }

    /// So accepting changes only what is new.
    #[test]
    fn the_committed_record_is_as_it_would_be_written() {
        let record = Record::from(None, Path::new(OF_THE_CHECKOUT)).unwrap();
        let read = record.expectations().unwrap();
        assert!(!read.entries().is_empty());
        assert_eq!(
            read.render(header(&record.text)).unwrap(),
            record.text,
            "{OF_THE_REPOSITORY} has to be as on the left"
        );
    }
}
