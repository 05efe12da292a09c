//! The catalogue: one file per scenario of the guide.

mod c1;
mod c1_api;
mod c2;
mod c3;
mod c4;

use meshproof_harness::scenario::Scenario;

/// The guide's checkpoints, in the order in which a reader does them.
pub fn checkpoints() -> Vec<Scenario> {
    vec![
        c1::scenario(),
        c1_api::scenario(),
        c2::scenario(),
        c3::scenario(),
        c4::scenario(),
    ]
}
