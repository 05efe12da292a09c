//! Which scenarios a person means by a filter, and what these need before them.

use meshproof_harness::scenario::{About, Scenario};

use crate::catalogue;

/// The scenarios that any of the filters matches, with the earlier steps that a step of the walk
/// builds on, in the catalogue's order. Without a filter, all.
///
/// A filter is an id (`C5`), the beginning of one (`T2`), or else a part of a title.
///
/// # Errors
/// One sentence about a filter that matches nothing.
pub fn select(filters: &[String]) -> Result<Vec<Scenario>, String> {
    let all = catalogue::all();
    if filters.is_empty() {
        return Ok(all);
    }
    let meant = |filter: &String, about: &About| matches(filter, about, &all);
    for filter in filters {
        if !all.iter().any(|s| meant(filter, &s.about)) {
            let ids: Vec<&str> = all.iter().map(|s| s.about.id).collect();
            return Err(format!(
                "no scenario matches {filter:?}; there are {}",
                ids.join(", ")
            ));
        }
    }
    let ids: Vec<&str> = all
        .iter()
        .filter(|s| filters.iter().any(|filter| meant(filter, &s.about)))
        .map(|s| s.about.id)
        .collect();
    Ok(with_earlier_steps(all, |about| ids.contains(&about.id)))
}

/// The scenarios that are wanted, with the steps before the last wanted one.
pub fn with_earlier_steps(all: Vec<Scenario>, wanted: impl Fn(&About) -> bool) -> Vec<Scenario> {
    let last_step = all
        .iter()
        .rposition(|s| s.is_step() && wanted(&s.about))
        .map_or(0, |at| at + 1);
    all.into_iter()
        .enumerate()
        .filter(|(at, s)| wanted(&s.about) || (s.is_step() && *at < last_step))
        .map(|(_, scenario)| scenario)
        .collect()
}

/// What begins an id means ids alone: `C` is not every title with a c in it.
fn matches(filter: &str, about: &About, all: &[Scenario]) -> bool {
    let wanted = filter.to_lowercase();
    let begins = |about: &About| about.id.to_lowercase().starts_with(&wanted);
    if all.iter().any(|scenario| begins(&scenario.about)) {
        begins(about)
    } else {
        about.title.to_lowercase().contains(&wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(filters: &[&str]) -> Vec<&'static str> {
        let filters: Vec<String> = filters.iter().map(|f| (*f).to_owned()).collect();
        let selected = select(&filters).unwrap();
        selected.iter().map(|s| s.about.id).collect()
    }

    #[test]
    fn a_step_brings_the_steps_before_it() {
        assert_eq!(ids(&["c1"]), ["C1", "C1b"]);
        assert_eq!(ids(&["C3"]), ["C1", "C1b", "C2", "C3"]);
        assert_eq!(ids(&["two nodes form one cluster"]), ids(&["C3"]));
    }

    #[test]
    fn what_begins_an_id_means_no_title() {
        assert!(ids(&["c"]).iter().all(|id| id.starts_with('C')));
        assert!(ids(&["t5"]).iter().all(|id| id.starts_with("T5")));
    }

    #[test]
    fn without_a_filter_all_is_meant() {
        assert_eq!(ids(&[]).len(), catalogue::all().len());
    }

    #[test]
    fn a_filter_without_a_match_names_the_ids() {
        let error = select(&["C99".into()]).err().unwrap();
        assert!(error.contains("C99") && error.contains("C1b"), "{error}");
    }
}
