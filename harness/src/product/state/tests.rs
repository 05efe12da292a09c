//! The state of recorded clusters of two real nodes.

use super::*;
use crate::product::logs::EventKind;
use crate::product::recorded::{body, file};
use crate::product::rest::answer;

struct Recorded {
    logs: Vec<NodeLog>,
    tops: Vec<Option<Vec<TopNode>>>,
}

impl Recorded {
    fn new(nodes: [(&str, Option<&str>); 2]) -> Self {
        Self {
            logs: nodes.iter().map(|(log, _)| NodeLog::read(log)).collect(),
            tops: nodes
                .iter()
                .map(|(_, top)| top.map(|text| answer::top(body(text)).expect("a real answer")))
                .collect(),
        }
    }

    fn state(&self) -> ClusterState {
        cluster_state(&self.views())
    }

    fn likely(&self) -> ClusterState {
        likely_state(&self.views())
    }

    fn views(&self) -> Vec<NodeView<'_>> {
        ["ignite-0", "ignite-1"]
            .iter()
            .zip(self.logs.iter().zip(&self.tops))
            .map(|(name, (log, top))| NodeView {
                name,
                log,
                top: top.as_deref(),
            })
            .collect()
    }
}

fn healthy() -> Recorded {
    Recorded::new([
        (
            file!("healthy/before-intruder.log"),
            Some(file!("healthy/top-0.json")),
        ),
        (
            file!("healthy/node-1.log"),
            Some(file!("healthy/top-1.json")),
        ),
    ])
}

fn split() -> Recorded {
    Recorded::new([
        (file!("split/node-0.log"), Some(file!("split/top-0.json"))),
        (file!("split/node-1.log"), Some(file!("split/top-1.json"))),
    ])
}

#[test]
fn a_node_that_started_late_counts_by_rest_and_its_log_does_not_contradict() {
    let late = Recorded::new([
        (
            file!("late-snapshot/node-0.log"),
            Some(file!("late-snapshot/top-0.json")),
        ),
        (
            file!("late-snapshot/node-1.log"),
            Some(file!("late-snapshot/top-1.json")),
        ),
    ]);
    assert_eq!(late.logs[0].servers(), None);
    let state = late.state();
    assert_eq!(state.symptom, Symptom::Healthy, "{}", state.reason);
    // The same log with the answer of a node that is alone is no healthy cluster.
    let mut apart = late;
    apart.tops[0].as_mut().unwrap().truncate(1);
    assert_ne!(apart.state().symptom, Symptom::Healthy);
}

#[test]
fn a_split_tells_who_bound_another_port() {
    let taken = Recorded::new([
        (
            file!("taken-port/node-0.log"),
            Some(file!("taken-port/top-0.json")),
        ),
        (
            file!("taken-port/node-1.log"),
            Some(file!("taken-port/top-1.json")),
        ),
    ]);
    let state = taken.state();
    assert_eq!(state.symptom, Symptom::Split, "{}", state.reason);
    assert!(
        state
            .reason
            .ends_with("; ignite-1 bound 47501 in place of 47500"),
        "{}",
        state.reason
    );
    let reason = split().state().reason;
    assert!(!reason.contains("bound"), "{reason}");
}

#[test]
fn a_stall_tells_who_bound_another_port() {
    let whole = file!("slow-exchange/node-0.log");
    let (before, from) = whole.split_once("Failed to wait for").unwrap();
    let line = from.lines().next().unwrap();
    let stalled = format!("{before}Failed to wait for{line}\n");
    let state =
        Recorded::new([(&stalled, None), (file!("slow-exchange/node-1.log"), None)]).state();
    assert_eq!(state.symptom, Symptom::Stall, "{}", state.reason);
    assert!(
        state
            .reason
            .ends_with("; ignite-0 bound 47101 in place of 47100"),
        "{}",
        state.reason
    );
}

#[test]
fn two_nodes_that_agree_are_healthy() {
    let state = healthy().state();
    assert_eq!(state.symptom, Symptom::Healthy, "{}", state.reason);
    assert!(state.reason.contains("servers=2"), "{}", state.reason);
}

#[test]
fn a_node_that_took_anothers_place_makes_it_healthy_again() {
    let top = Some(file!("healthy/top-rejoined.json"));
    let state = Recorded::new([
        (file!("healthy/node-0-rejoined.log"), top),
        (file!("healthy/node-1-rejoined.log"), top),
    ])
    .state();
    assert_eq!(state.symptom, Symptom::Healthy, "{}", state.reason);
    assert!(state.reason.contains("version 4"), "{}", state.reason);
}

#[test]
fn the_log_of_a_replaced_node_is_no_health() {
    let top = Some(file!("healthy/top-rejoined.json"));
    let state = Recorded::new([
        (file!("healthy/node-0-rejoined.log"), top),
        (file!("healthy/node-1.log"), top),
    ])
    .state();
    assert_eq!(state.symptom, Symptom::Undecided, "{}", state.reason);
}

#[test]
fn two_clusters_of_one_are_a_split() {
    let state = split().state();
    assert_eq!(state.symptom, Symptom::Split, "{}", state.reason);
    assert!(
        state.reason.contains("ignite-1 sees servers=1"),
        "{}",
        state.reason
    );
}

#[test]
fn an_exchange_that_does_not_end_is_a_stall_by_either_nodes_log() {
    let top = Some(file!("stall/top-0.json"));
    for (zero, one) in [
        (file!("stall/node-0.log"), file!("stall/node-1.log")),
        (file!("stall/node-0.log"), file!("stall/node-1-early.log")),
        (file!("stall/node-0-early.log"), file!("stall/node-1.log")),
    ] {
        let state = Recorded::new([(zero, top), (one, None)]).state();
        assert_eq!(state.symptom, Symptom::Stall, "{}", state.reason);
        assert!(
            state.reason.contains("partition map exchange"),
            "{}",
            state.reason
        );
        assert!(!state.reason.contains('\n') && state.reason.len() < 260);
    }
}

#[test]
fn two_servers_on_the_coordinator_alone_are_not_health() {
    let state = Recorded::new([
        (
            file!("stall/node-0-early.log"),
            Some(file!("stall/top-0.json")),
        ),
        (file!("stall/node-1-early.log"), None),
    ])
    .state();
    assert_eq!(state.symptom, Symptom::Undecided, "{}", state.reason);
}

#[test]
fn a_node_that_has_not_started_leaves_it_undecided() {
    let state = Recorded::new([
        (file!("split/node-0.log"), Some(file!("split/top-0.json"))),
        ("", None),
    ])
    .state();
    assert_eq!(state.symptom, Symptom::Undecided);
    assert_eq!(state.reason, "ignite-1 has printed no topology snapshot");
}

#[test]
fn logs_without_rest_prove_neither_health_nor_a_split() {
    for mut recorded in [healthy(), split()] {
        recorded.tops[1] = None;
        let state = recorded.state();
        assert_eq!(state.symptom, Symptom::Undecided);
        assert_eq!(state.reason, "ignite-1 gave no answer to REST top");
    }
}

#[test]
fn logs_without_rest_tell_what_is_likely() {
    for (mut recorded, expected) in [(healthy(), Symptom::Healthy), (split(), Symptom::Split)] {
        recorded.tops[1] = None;
        let state = recorded.likely();
        assert_eq!(state.symptom, expected, "{}", state.reason);
        recorded.tops[0] = None;
        let state = recorded.likely();
        assert_eq!(state.symptom, expected, "{}", state.reason);
    }
    assert!(healthy().likely().reason.ends_with("REST top agrees"));
}

/// The other node's log is not there to tell that it has joined.
#[test]
fn one_log_without_rest_is_no_health() {
    let mut recorded = healthy();
    recorded.tops = vec![None, None];
    recorded.logs[1] = NodeLog::default();
    assert_eq!(recorded.likely().symptom, Symptom::Undecided);
    let half = Recorded::new([
        (file!("stall/node-0-early.log"), None),
        (file!("stall/node-1-early.log"), None),
    ]);
    assert_eq!(half.likely().symptom, Symptom::Undecided);
}

#[test]
fn sizes_that_do_not_add_up_are_no_split() {
    let of = |servers: usize| Settled {
        name: "",
        id: "",
        version: 1,
        servers,
        clients: 0,
        members: None,
    };
    for (sizes, expected) in [
        (vec![1, 1], true),
        (vec![2, 2, 1], true),
        (vec![2, 2, 2], false),
        (vec![2, 1, 1], false),
    ] {
        let nodes: Vec<Settled<'_>> = sizes.iter().copied().map(of).collect();
        assert_eq!(add_up(&nodes), expected, "{sizes:?}");
    }
}

#[test]
fn sums_tell_no_split_where_there_are_clients() {
    let mut recorded = split();
    recorded.tops = vec![None, None];
    for log in &mut recorded.logs {
        for event in &mut log.events {
            if let EventKind::Snapshot(snapshot) = &mut event.kind {
                snapshot.clients = 1;
            }
        }
    }
    assert_eq!(recorded.likely().symptom, Symptom::Undecided);
}

#[test]
fn servers_that_nobody_knows_are_told() {
    let mut recorded = healthy();
    for top in recorded.tops.iter_mut().flatten() {
        let mut third = top[0].clone();
        third.node_id = "third".into();
        top.push(third);
    }
    for log in &mut recorded.logs {
        for event in &mut log.events {
            if let EventKind::Snapshot(snapshot) = &mut event.kind {
                snapshot.servers += 1;
            }
        }
    }
    let state = recorded.state();
    assert_eq!(state.symptom, Symptom::Undecided);
    assert_eq!(
        state.reason,
        "ignite-0 sees servers=3, ignite-1 sees servers=3, and 2 of them are known"
    );
}

#[test]
fn rest_that_contradicts_the_log_is_not_health() {
    let mut recorded = healthy();
    recorded.tops[1].as_mut().expect("it answered").truncate(1);
    let state = recorded.state();
    assert_eq!(state.symptom, Symptom::Undecided, "{}", state.reason);
    assert!(
        state.reason.contains("REST top lists 1 node"),
        "{}",
        state.reason
    );
}

#[test]
fn one_node_read_twice_is_not_a_cluster_of_two() {
    let state = Recorded::new([
        (
            file!("healthy/node-1.log"),
            Some(file!("healthy/top-1.json")),
        ),
        (
            file!("healthy/node-1.log"),
            Some(file!("healthy/top-1.json")),
        ),
    ])
    .state();
    assert_eq!(state.symptom, Symptom::Undecided, "{}", state.reason);
}

#[test]
fn no_nodes_are_undecided() {
    assert_eq!(cluster_state(&[]).symptom, Symptom::Undecided);
}
