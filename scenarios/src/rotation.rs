//! Which cases CI runs on a commit: some always, the rest in turns.
//!
//! All cases on each commit would take too long. Which turn a commit has follows from its name
//! alone, so that whoever runs it again runs the same.

use meshproof_harness::scenario::About;
use sha2::{Digest, Sha256};

/// The cases that run on each commit: the two that a checkpoint's reader is most likely to meet, a
/// stall (one port is undeclared) and a split, neither of which pods that are 2/2 tell of.
pub const ALWAYS: &[&str] = &["T2a", "T2b"];

/// How many cases run on each commit at most, those of [`ALWAYS`] among them, beside those that nothing
/// can ask.
pub const BUDGET: usize = 6;

/// The cases of a catalogue, by whether they run now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rotation {
    /// The ids of those that run, in the catalogue's order.
    pub run: Vec<&'static str>,
    /// The ids of those that do not, in the catalogue's order.
    pub left_out: Vec<&'static str>,
}

impl Rotation {
    /// Whether a scenario is left out.
    pub fn leaves_out(&self, id: &str) -> bool {
        self.left_out.contains(&id)
    }

    /// What is left out and the command that runs it, in one sentence; none if nothing is.
    pub fn left_out_told(&self) -> Option<String> {
        (!self.left_out.is_empty()).then(|| {
            format!(
                "left out on this commit, since cases take turns; to run all that are: meshproof \
                 run {}",
                self.left_out.join(" ")
            )
        })
    }
}

/// The cases that run on a commit: those that always do, and of the others every n-th, from a place
/// that the commit decides.
///
/// At most `budget` cases run, but at least one of those that take turns. Each of these runs on one
/// in n commits, n being how many turns the budget makes necessary.
pub fn rotation(cases: &[About], always: &[&str], commit: &str, budget: usize) -> Rotation {
    let takes_turns = |id: &&str| !always.contains(id);
    let ids: Vec<&'static str> = cases.iter().map(|about| about.id).collect();
    let rest: Vec<&'static str> = ids.iter().copied().filter(takes_turns).collect();
    let room = budget.saturating_sub(ids.len() - rest.len()).max(1);
    let turns = rest.len().div_ceil(room).max(1);
    let turn = turn_of(commit, turns);
    let runs = |id: &str| {
        let at = rest.iter().position(|one| *one == id);
        at.is_none_or(|at| at % turns == turn)
    };
    let (run, left_out) = ids.into_iter().partition(|id| runs(id));
    Rotation { run, left_out }
}

/// A commit's turn, even over all commits.
fn turn_of(commit: &str, turns: usize) -> usize {
    let digest = Sha256::digest(commit.trim());
    let number = digest
        .iter()
        .take(8)
        .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    usize::try_from(number % turns as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use meshproof_harness::scenario::Scope;

    use super::*;
    use crate::catalogue;

    const IDS: [&str; 14] = [
        "T1a", "T1b", "T2a", "T2b", "T2c", "T2d", "T3a", "T3b", "T4a", "T4b", "T4c", "T5a", "T5b",
        "X1",
    ];

    fn cases(ids: &[&'static str]) -> Vec<About> {
        let about = |id: &&'static str| About {
            id,
            title: "t",
            section: "s",
            claim: "c",
            scope: Scope::Namespace,
            alone: None,
            remarks: &[],
        };
        ids.iter().map(about).collect()
    }

    /// A commit's name as git has it.
    fn commit(n: u32) -> String {
        let digest = Sha256::digest(n.to_be_bytes());
        digest.iter().take(20).map(|b| format!("{b:02x}")).collect()
    }

    fn of(n: u32, budget: usize) -> Rotation {
        rotation(&cases(&IDS), &["T2b", "T2a"], &commit(n), budget)
    }

    #[test]
    fn what_always_runs_does_and_the_budget_holds() {
        for n in 0..50 {
            let Rotation { run, left_out } = of(n, 6);
            assert!(run.contains(&"T2a") && run.contains(&"T2b"), "{run:?}");
            assert!(run.len() <= 6 && run.len() >= 5, "{run:?}");
            let mut all: Vec<&str> = run.iter().chain(&left_out).copied().collect();
            all.sort_unstable();
            assert_eq!(all, IDS);
            assert!(run.is_sorted() && left_out.is_sorted());
        }
    }

    #[test]
    fn the_same_commit_has_the_same_turn() {
        assert_eq!(of(7, 6), of(7, 6));
        let turns: BTreeSet<Vec<&str>> = (0..20).map(|n| of(n, 6).run).collect();
        assert_eq!(turns.len(), 3, "twelve cases, four at a time");
    }

    #[test]
    fn every_case_comes_up_within_few_commits_and_evenly() {
        let mut first: BTreeMap<&str, u32> = BTreeMap::new();
        let mut count: BTreeMap<&str, u32> = BTreeMap::new();
        for n in 0..600 {
            for id in of(n, 6).run {
                first.entry(id).or_insert(n);
                *count.entry(id).or_default() += 1;
            }
        }
        assert_eq!(first.len(), IDS.len());
        assert!(first.values().all(|n| *n < 12), "{first:?}");
        let mut turns = count.iter().filter(|(id, _)| !id.starts_with("T2"));
        assert!(turns.all(|(_, n)| (150..=250).contains(n)), "{count:?}");
    }

    #[test]
    fn without_room_one_case_at_a_time_takes_its_turn() {
        for budget in [0, 1, 2, 3] {
            assert_eq!(of(3, budget).run.len(), 3);
        }
    }

    #[test]
    fn with_room_for_all_nothing_is_left_out() {
        let rotation = of(3, 100);
        assert_eq!(rotation.run, IDS);
        assert_eq!(rotation.left_out_told(), None);
        assert_eq!(
            super::rotation(&[], ALWAYS, "x", BUDGET),
            Rotation::default()
        );
    }

    #[test]
    fn what_is_left_out_is_told_with_the_command_that_runs_it() {
        let rotation = Rotation {
            run: vec!["T2a"],
            left_out: vec!["T1a", "T3"],
        };
        let told = rotation.left_out_told().unwrap();
        assert!(told.ends_with("meshproof run T1a T3"), "{told}");
        assert!(rotation.leaves_out("T3") && !rotation.leaves_out("T2a"));
    }

    #[test]
    fn the_cases_that_always_run_are_in_the_catalogue() {
        let cases = catalogue::cases();
        let known = |id: &&str| cases.iter().any(|case| case.about.id == *id);
        assert!(cases.is_empty() || ALWAYS.iter().all(known), "{ALWAYS:?}");
    }
}
