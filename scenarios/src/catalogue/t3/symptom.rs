//! What two nodes without a sidecar become: one cluster in the clear, or two that never join.

use meshproof_harness::evidence::nodes::{self, NodeReading};
use meshproof_harness::outcome::{Check, Standing, Symptom};
use meshproof_harness::product::logs::{NodeLog, looks_in_vain};
use meshproof_harness::scenario::{Stand, StepError};

use super::HOLD;

/// What two nodes are: as they are read, unless they have no sidecar. Without one they are one cluster
/// whose traffic is in the clear, or each started, not one of them was ever in a topology, and one
/// says that it looks for the others in vain.
pub(super) fn symptom(bare: bool, read: Symptom, readings: &[NodeReading]) -> Symptom {
    match read {
        Symptom::Healthy if bare => Symptom::NoSidecar,
        Symptom::Undecided if bare && are_apart(readings) && in_vain(readings).is_some() => {
            Symptom::CannotJoin
        }
        other => other,
    }
}

fn are_apart(readings: &[NodeReading]) -> bool {
    let apart = |log: &NodeLog| log.snapshot().is_none() && log.local_node().is_none();
    readings.iter().all(|reading| apart(&reading.log))
}

/// A node's own words that it looks for the others in vain.
fn in_vain(readings: &[NodeReading]) -> Option<&str> {
    let mut lines = readings.iter().flat_map(|reading| reading.text.lines());
    lines.find(|line| looks_in_vain(line))
}

/// That nodes which did not join do not join a little later either.
pub(super) async fn still_apart(stand: &Stand) -> Result<Check, StepError> {
    let (state, readings) = nodes::settled(&stand.kube, &stand.namespace, HOLD).await?;
    let holds = state.symptom == Symptom::Undecided && are_apart(&readings);
    let said = in_vain(&readings).unwrap_or("no node says why");
    let statement = format!("no node joins within {HOLD} s more, and one says that it cannot");
    let seen = format!("{}: {}; {said}", state.symptom, state.reason);
    let evidence = readings.iter().flat_map(|r| r.evidence(&stand.namespace));
    Ok(Check::answered(
        Standing::Truth,
        statement,
        holds,
        seen,
        evidence.collect(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(text: &str) -> NodeReading {
        NodeReading {
            pod: "ignite-0".into(),
            log: NodeLog::read(text),
            text: text.into(),
            top: None,
            top_text: String::new(),
        }
    }

    #[test]
    fn only_nodes_that_say_so_and_were_never_in_a_topology_cannot_join() {
        let joined = reading(
            "[03:19:46,648][INFO][main][GridDiscoveryManager] Topology snapshot [ver=1, \
             locNode=7942242e, servers=1, clients=0, state=ACTIVE, CPUs=1, offheap=0.3GB, \
             heap=0.36GB, aliveNodes=[]]\n",
        );
        assert!(joined.log.snapshot().is_some());
        let looks = reading(
            "[03:21:46,054][WARNING][main][TcpDiscoverySpi] Failed to resolve address from IP \
             finder (host is unknown): /10.244.0.21:47500\n",
        );
        let silent = reading("");
        let is = |bare, read, [one, two]: [&NodeReading; 2]| {
            symptom(bare, read, &[one.clone(), two.clone()])
        };
        use Symptom::{CannotJoin, Healthy, NoSidecar, Split, Undecided};
        assert_eq!(is(true, Healthy, [&joined, &joined]), NoSidecar);
        assert_eq!(is(true, Undecided, [&looks, &silent]), CannotJoin);
        assert_eq!(is(true, Undecided, [&silent, &silent]), Undecided);
        assert_eq!(is(true, Undecided, [&looks, &joined]), Undecided);
        assert_eq!(is(true, Split, [&joined, &joined]), Split);
        assert_eq!(is(false, Undecided, [&looks, &silent]), Undecided);
        assert_eq!(is(false, Healthy, [&joined, &joined]), Healthy);
    }
}
