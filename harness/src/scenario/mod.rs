//! What a scenario is, and how a plan of them is carried through.
//!
//! The scenarios themselves are a catalogue's business; verdicts are `outcome`'s.

mod case;
mod definition;
pub mod edit;
mod error;
#[cfg(test)]
mod fakes;
mod keeping;
mod limits;
pub mod namespaces;
mod plan;
mod runner;
mod stand;

pub use case::{Case, Fault, Mutation, Phase, Remedied};
pub use definition::{About, Checkpoint, Scenario, Scope};
pub use error::StepError;
pub use keeping::Keeping;
pub use limits::{NOT_RUN, RunLimit};
pub use plan::{Plan, jobs_for, jobs_here};
pub use runner::{CASE_NAMESPACES, NOT_AS_CLAIMED, Runner, namespace_of};
pub use stand::Stand;
