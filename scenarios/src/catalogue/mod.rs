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
mod deploy;

use meshproof_harness::scenario::Scenario;

/// The whole catalogue: the checkpoints, then the troubleshooting cases.
pub fn all() -> Vec<Scenario> {
    let mut all = checkpoints();
    all.extend(cases());
    all
}

/// The guide's troubleshooting cases and their variants.
pub fn cases() -> Vec<Scenario> {
    vec![]
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

#[cfg(test)]
mod tests {
    use meshproof_harness::product::Product;
    use meshproof_harness::product::gridgain::{GridGain, NO_IMAGE};

    use super::*;

    fn blocked(product: &Product) -> Vec<(&'static str, Option<String>)> {
        let all = all();
        all.iter()
            .map(|s| (s.about.id, s.blocked(product)))
            .collect()
    }

    #[test]
    fn without_a_gridgain_image_all_but_what_needs_no_product_is_blocked() {
        let product = Product::GridGain(GridGain::default());
        let (free, lacking): (Vec<_>, Vec<_>) = blocked(&product)
            .into_iter()
            .partition(|(_, reason)| reason.is_none());
        let free: Vec<_> = free.into_iter().map(|(id, _)| id).collect();
        assert_eq!(free, ["C1", "C1b", "C2"]);
        for (id, reason) in lacking {
            assert_eq!(reason.as_deref(), Some(NO_IMAGE), "{id}");
        }
    }
}
