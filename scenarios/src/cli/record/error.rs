//! Why there is no record to measure a run by, or why it was not changed.

use std::path::PathBuf;

use meshproof_harness::expectation::{AcceptError, ExpectationsError};
use meshproof_harness::report::folder::FolderError;

/// The committed record, as a person knows it.
pub(super) const OF_THE_REPOSITORY: &str = "scenarios/expectations.toml";

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
