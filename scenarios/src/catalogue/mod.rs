//! The catalogue: one file per scenario of the guide.

mod c1;
mod c1_api;
mod c2;
mod c3;
mod c4;
mod c5;
mod c6a;
mod c6b;
mod client;
mod cluster_case;
mod guide_cluster;
mod in_force;
mod shown;
mod t1;
mod t2;
mod t3;
mod t5;

use meshproof_harness::scenario::Scenario;

/// The whole catalogue: the checkpoints, then the troubleshooting cases.
pub fn all() -> Vec<Scenario> {
    let mut all = checkpoints();
    all.extend(cases());
    all
}

/// The guide's troubleshooting cases and their variants.
pub fn cases() -> Vec<Scenario> {
    [
        t1::scenarios(),
        t2::scenarios(),
        t3::scenarios(),
        t5::scenarios(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The guide's checkpoints, in the order in which a reader does them.
pub fn checkpoints() -> Vec<Scenario> {
    vec![
        c1::scenario(),
        c1_api::scenario(),
        c2::scenario(),
        c3::scenario(),
        c4::scenario(),
        c5::scenario(),
        c6a::scenario(),
        c6b::scenario(),
    ]
}
