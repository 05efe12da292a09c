//! `--expectations`: which record measures a run, and where its file lies.
//!
//! Putting a run's outcomes on it is `accept`'s.

mod accept;
mod error;

use std::path::{Path, PathBuf};

use meshproof_harness::expectation::Expectations;

use crate::session;
pub use accept::says_nothing;
pub use error::RecordError;

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
}

fn read(path: &Path) -> Result<String, RecordError> {
    std::fs::read_to_string(path).map_err(|source| RecordError::Read {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use meshproof_harness::expectation::header;

    use super::error::OF_THE_REPOSITORY;
    use super::*;

    /// A folder with a file of expectations that is empty but for its header.
    pub(super) fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.toml");
        std::fs::write(&file, "# Mine.\n").unwrap();
        (folder, file)
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
