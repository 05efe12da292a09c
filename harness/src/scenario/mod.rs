//! What a scenario is, and how a walk of them is carried through.
//!
//! The scenarios themselves are a catalogue's business; verdicts are `outcome`'s.

mod definition;
mod error;
mod stand;
mod walk;

pub use definition::{About, Checkpoint, Scenario, Scope};
pub use error::StepError;
pub use stand::Stand;
pub use walk::Walk;
