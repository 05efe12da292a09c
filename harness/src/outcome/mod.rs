//! What a run found, as plain data: evidence, checks, verdicts, the run itself.
//!
//! Nothing here does I/O or decides how a scenario runs. `report` is written from these types
//! alone, so whatever a reader must see has to be in them.

mod case;
mod check;
mod conclusion;
mod evidence;
mod finding;
mod order;
mod run;
mod scenario;
mod symptom;
mod verdict;

pub use case::{CaseClaim, CaseRecord, Cure, Observed, judge_case};
pub use check::{Check, CheckResult, Standing};
pub use conclusion::{Conclusion, NOT_JOINED, SPLIT, STALL};
pub use evidence::Evidence;
pub use finding::{Diagnosis, Finding, Remedy, Unknown, Weight};
pub use order::by_id;
pub use run::{
    ImageFact, LabFacts, MeshFacts, Overlay, ProcessFacts, ProductFacts, Run, SCHEMA_VERSION,
};
pub use scenario::{ExpectationResult, PhaseTime, ScenarioOutcome};
pub use symptom::Symptom;
pub use verdict::{Verdict, judge_checkpoint};
