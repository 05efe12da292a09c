//! What the doctor says where making a lab would be refused.

use super::super::StandingLab;
use super::*;
// What a cluster is refused by, whatever the verdict goes by.
use crate::lab::memory::NEEDED_MIB;

/// What was seen of a 2-core machine with a lab.
const HEALTHY: &str = include_str!("../../../fixtures/lab/doctor-facts.json");

/// The machine without any lab.
fn without_labs() -> Facts {
    let mut facts: Facts = serde_json::from_str(HEALTHY).unwrap();
    facts.standing.clear();
    facts
}

fn with(facts: &Facts, lab: &str, own: bool) -> Facts {
    let cluster = lab.to_owned();
    let mut facts = facts.clone();
    facts.standing.push(StandingLab { cluster, own });
    facts
}

#[test]
fn what_a_cluster_is_refused_for_is_lacking_unless_a_lab_can_be_found() {
    let mut little = without_labs();
    little.memory_available_mib = NEEDED_MIB - 1;
    let mut few = without_labs();
    few.inotify.as_mut().unwrap().used = 128 - NEEDED + 1;
    for (facts, refused) in [
        (
            little,
            "a lab needs about 4 GiB of free memory, and there are 4.0",
        ),
        (
            few,
            "a lab needs about 45 inotify instances, and 44 of the 128 that this machine gives a user \
             are free",
        ),
    ] {
        let examined = Examination::of(&facts);
        assert!(!examined.can_run());
        assert_eq!(examined.lab.len(), 1, "{examined:?}");
        assert_eq!(examined.lab[0].what, refused);
        assert!(
            examined.lab[0].cure.starts_with("end other programs"),
            "{examined:?}"
        );

        let beside = format!("{refused} beside what stands: meshproof-x");
        let anothers = Examination::of(&with(&facts, "meshproof-x", false));
        assert_eq!(anothers.lab[0].what, beside);
        // The next run finds it and makes none.
        let own = Examination::of(&with(&facts, "meshproof-x", true));
        assert!(own.can_run(), "{own:?}");
        assert!(own.notes.iter().any(|note| note.what == beside), "{own:?}");
    }
}

#[test]
fn as_much_as_a_lab_takes_is_enough_for_the_doctor_too() {
    let mut facts = without_labs();
    facts.memory_mib = NEEDED_MIB;
    facts.memory_available_mib = NEEDED_MIB;
    facts.engine.as_mut().unwrap().memory_mib = NEEDED_MIB;
    facts.inotify.as_mut().unwrap().used = 128 - NEEDED;
    let examined = Examination::of(&facts);
    assert_eq!(examined.lab, []);
    // A machine that does not tell is given the benefit.
    facts.memory_available_mib = 0;
    facts.inotify = None;
    assert_eq!(Examination::of(&facts).lab, []);
}

#[test]
fn what_is_too_little_as_a_whole_is_told_once() {
    let mut facts = without_labs();
    facts.engine.as_mut().unwrap().memory_mib = NEEDED_MIB - 1;
    facts.memory_available_mib = 100;
    facts.inotify.as_mut().unwrap().instances = NEEDED - 1;
    let lacks = Examination::of(&facts).lab;
    assert_eq!(lacks.len(), 2, "{lacks:?}");
    assert!(
        lacks[0].what.ends_with("and a lab needs about 4"),
        "{lacks:?}"
    );
    assert!(
        lacks[1].what.contains("too few for a lab's nodes"),
        "{lacks:?}"
    );
}
