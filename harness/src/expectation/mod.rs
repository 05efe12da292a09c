//! Expectations on record: which outcomes are known for a scenario on a build of Istio.
//!
//! A run is green when every outcome is in its scenario's set; anything else is news, in either
//! direction. Records are a file that people edit (`store`); what they are kept under is in
//! `key` and `build_id`, the comparison in `judge`, what a run adds to them and the file's text in
//! `record`. Nothing here reads files or runs anything.

mod build_id;
mod judge;
mod key;
mod record;
mod store;

pub use build_id::{BuildId, BuildIdError};
pub use judge::Outcome;
pub use key::{Ground, Key, ProxyKind, SidecarMode, UnknownWord};
pub use record::{AcceptError, header};
pub use store::{Entry, Expectations, ExpectationsError, KnownOutcome, KnownVerdict};
