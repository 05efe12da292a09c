//! The catalogue: a file for each checkpoint, for each of the guide's troubleshooting cases with its
//! variants, and for X1, which is ours.

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
mod first_start;
mod guide_cluster;
mod in_force;
mod joiner;
mod license_case;
mod license_in_force;
mod shown;
mod t1;
mod t2;
mod t3;
mod t4;
mod t5;
mod taken_port;
mod x1;

use meshproof_harness::scenario::Scenario;

/// The whole catalogue: the checkpoints, then the troubleshooting cases.
pub fn all() -> Vec<Scenario> {
    let mut all = checkpoints();
    all.extend(cases());
    all
}

/// The guide's troubleshooting cases and their variants, then our own.
pub fn cases() -> Vec<Scenario> {
    [
        t1::scenarios(),
        t2::scenarios(),
        t3::scenarios(),
        t4::scenarios(),
        t5::scenarios(),
        x1::scenarios(),
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

#[cfg(test)]
mod tests {
    use meshproof_harness::diagnose::table;
    use meshproof_harness::product::gridgain::{GridGain, NO_EXPIRED_LICENSE, NO_IMAGE};
    use meshproof_harness::product::license_file::License;
    use meshproof_harness::product::{NOT_GRIDGAIN, Product};

    use super::*;

    fn blocked(product: &Product) -> Vec<(&'static str, Option<String>)> {
        let all = all();
        all.iter()
            .map(|s| (s.about.id, s.blocked(product)))
            .collect()
    }

    #[test]
    fn diagnosis_is_held_against_the_fault_of_each_case() {
        for case in cases() {
            let id = case.about.id;
            assert!(table::of(id).is_some(), "{id} has no row in the table");
        }
    }

    #[test]
    fn without_a_gridgain_image_all_but_what_needs_no_product_is_blocked() {
        let product = Product::GridGain(GridGain::default());
        let (free, lacking): (Vec<_>, Vec<_>) = blocked(&product)
            .into_iter()
            .partition(|(_, reason)| reason.is_none());
        let free: Vec<_> = free.into_iter().map(|(id, _)| id).collect();
        assert_eq!(free, ["C1", "C1b", "C2", "T4a"]);
        for (id, reason) in lacking {
            assert_eq!(reason.as_deref(), Some(NO_IMAGE), "{id}");
        }
    }

    #[test]
    fn with_image_and_license_only_the_expired_one_is_lacking() {
        let mut given = GridGain {
            image: Some("i".into()),
            license: Some(License::of("<l/>").unwrap()),
            expired_license: None,
        };
        let lacking: Vec<_> = blocked(&Product::GridGain(given.clone()))
            .into_iter()
            .filter_map(|(id, reason)| Some((id, reason?)))
            .collect();
        assert_eq!(lacking, [("T4d", NO_EXPIRED_LICENSE.to_owned())]);
        given.expired_license.clone_from(&given.license);
        let whole = blocked(&Product::GridGain(given));
        assert!(whole.iter().all(|(_, reason)| reason.is_none()));
    }

    #[test]
    fn a_run_of_ignite_lacks_gridgain_where_only_gridgain_can_show_it() {
        let lacking: Vec<_> = blocked(&Product::Ignite)
            .into_iter()
            .filter_map(|(id, reason)| Some((id, reason?)))
            .collect();
        let reason = || NOT_GRIDGAIN.to_owned();
        assert_eq!(
            lacking,
            [("T4b", reason()), ("T4c", reason()), ("T4d", reason())]
        );
    }
}
