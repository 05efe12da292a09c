//! How nodes are made anew, and what that costs.
//!
//! Every rule whose cure needs it takes it from here, so that none says it without its price.

use super::view::View;
use crate::outcome::{Remedy, Symptom};

/// Nodes that came up apart, or stalled, do not find together by themselves: the commands that make
/// them anew, after what there is to think of first. In a stall the joining node is enough.
pub(super) fn restart(view: &View<'_>) -> [Remedy; 2] {
    match joining(view).as_slice() {
        [] => {
            let all: Vec<&str> = view.product.iter().map(|pod| pod.name).collect();
            [first(view, WITH_ALL), delete(view, &all)]
        }
        joining => [
            Remedy::Advice {
                text: "the node that joins has no data yet, so to make it anew loses none; if it \
                       stalls again, the nodes that it joins have to be made anew as well"
                    .into(),
            },
            delete(view, joining),
        ],
    }
}

/// The command that makes a StatefulSet's pods anew, one after the other; without one, all at once.
pub(super) fn roll_out(view: &View<'_>) -> [Remedy; 2] {
    let mut makers = view.product.iter().filter_map(|pod| view.maker_of(pod.pod));
    let set = makers.find_map(|maker| {
        let (_, name) = maker.strip_prefix("StatefulSet ")?.split_once('/')?;
        Some(name.to_owned())
    });
    match set {
        Some(name) => {
            let command = format!(
                "kubectl rollout restart statefulset/{name} -n {}",
                view.namespace()
            );
            [first(view, ONE_BY_ONE), Remedy::Command { command }]
        }
        None => restart(view),
    }
}

/// A change of what makes the pods, which by itself makes them anew, one after the other, and gives each its
/// sidecar.
pub(super) fn rolled_out_by(view: &View<'_>, change: Remedy) -> [Remedy; 2] {
    [first(view, ONE_BY_ONE), change]
}

/// A change of what makes the pods, which makes them anew by itself: its price stands before it. Nodes of
/// which one has the change and one has not do not always find together, so all of them are made anew after
/// it.
pub(super) fn with_change(view: &View<'_>, change: Remedy) -> [Remedy; 3] {
    let all: Vec<&str> = view.product.iter().map(|pod| pod.name).collect();
    [first(view, WITH_ALL), change, delete(view, &all)]
}

/// What ends with the nodes' memory.
const WITH_ALL: &str = "when all nodes restart, what only their memory holds is gone";
/// Measured with one backup of each key: nothing was left (case T3).
const ONE_BY_ONE: &str = "a node with a sidecar and one without do not join under STRICT, so what \
                          only their memory holds is gone after a rolling restart as well, with \
                          backups too";

fn first(view: &View<'_>, cost: &str) -> Remedy {
    let claims = |pod: &serde_json::Value| {
        let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
        volumes
            .into_iter()
            .any(|volume| volume["persistentVolumeClaim"].is_object())
    };
    let volumes = match view.product.iter().any(|pod| claims(pod.pod)) {
        true => "they have persistent volumes: see that the caches are in a persistent data region",
        false => "their pods have no persistent volume",
    };
    Remedy::Advice {
        text: format!("save the data first: {cost}; {volumes}"),
    }
}

fn delete(view: &View<'_>, pods: &[&str]) -> Remedy {
    Remedy::Command {
        command: format!(
            "kubectl delete pod {} -n {}",
            pods.join(" "),
            view.namespace()
        ),
    }
}

/// The nodes whose join stalls, as far as they are known from those that hold data. Such a one says nothing
/// of having joined in a log that has its beginning, and its REST interface does not answer; the nodes that
/// it joins have and do.
fn joining<'a>(view: &View<'a>) -> Vec<&'a str> {
    let mut joining = vec![];
    for pod in &view.product {
        let Some(log) = &pod.log else {
            return vec![];
        };
        if pod.top.is_some() || log.has_joined() {
            continue;
        }
        if !log.has_its_beginning() {
            return vec![];
        }
        joining.push(pod.name);
    }
    let some_hold_data = joining.len() < view.product.len();
    joining.retain(|_| some_hold_data && view.is_in(Symptom::Stall));
    joining
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::Snapshot;
    use crate::diagnose::written::{BEGINNING, healthy, split, stall};

    fn deleted(snapshot: &Snapshot) -> String {
        let [_, Remedy::Command { command }] = restart(&View::of(snapshot)) else {
            panic!("the second is no command");
        };
        command
    }

    #[test]
    fn only_a_joiner_that_is_known_from_the_others_is_made_anew_alone() {
        const ALL: &str = "kubectl delete pod ignite-0 ignite-1 -n ignite";
        let mut snapshot = healthy();
        assert_eq!(deleted(&snapshot), ALL);
        split(&mut snapshot);
        assert_eq!(deleted(&snapshot), ALL);
        stall(&mut snapshot);
        let alone = "kubectl delete pod ignite-1 -n ignite";
        assert_eq!(deleted(&snapshot), alone);
        let mut unread = snapshot.clone();
        unread.nodes[0].log = None;
        assert_eq!(deleted(&unread), ALL);
        // Without its beginning a log may be that of a node which has joined and holds data.
        let mut old = snapshot.clone();
        let log = old.nodes[1].log.as_mut().expect("a log");
        *log = log.replace(BEGINNING, "");
        assert_eq!(deleted(&old), ALL);
        snapshot.nodes[0] = crate::diagnose::NodeRecord {
            pod: "ignite-0".into(),
            ..snapshot.nodes[1].clone()
        };
        assert_eq!(deleted(&snapshot), ALL);
    }
}
