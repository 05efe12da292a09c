//! A recorded healthy cluster whose connections are led past its sidecars: nothing in its state tells,
//! so that the rules have to.

use super::faults::edits::{annotate, nothing_shown};
use super::redirection::Setting;
use super::view::View;
use super::{Snapshot, diagnose};
use crate::outcome::Weight;

fn healthy() -> Snapshot {
    let text = include_str!("../../fixtures/snapshots/healthy.json");
    serde_json::from_str(text).expect("a snapshot")
}

#[test]
fn annotations_of_the_nodes_that_lead_past_are_found() {
    let mut snapshot = healthy();
    let nodes: Vec<String> = names(&snapshot);
    assert_eq!(nodes.len(), 2);
    for pod in snapshot.objects.iter_mut().filter(|o| o["kind"] == "Pod") {
        if nodes.iter().any(|name| pod["metadata"]["name"] == **name) {
            annotate(pod, Setting::ExcludeInboundPorts, "47100,47500");
            annotate(pod, Setting::ExcludeOutboundPorts, "47100,47500");
        }
    }
    nothing_shown(&mut snapshot);
    let said = diagnose(&snapshot);
    assert_eq!(said.codes(), ["MP037"], "{said:#?}");
    let [finding] = said.findings.as_slice() else {
        panic!("{said:#?}");
    };
    assert_eq!(finding.weight, Weight::Exposure);
    for word in nodes.iter().map(String::as_str).chain(["47100", "47500"]) {
        assert!(finding.seen.contains(word), "{}", finding.seen);
    }
    assert_eq!(said.unknown, vec![]);
}

#[test]
fn one_cluster_of_which_the_proxies_show_nothing_is_found() {
    let mut snapshot = healthy();
    nothing_shown(&mut snapshot);
    let said = diagnose(&snapshot);
    assert_eq!(said.codes(), ["MP038"], "{said:#?}");
    assert_eq!(said.findings.len(), 2);
}

#[test]
fn a_recorded_client_that_passes_by_is_found() {
    let mut snapshot = healthy();
    let node = View::of(&snapshot).product[0].addresses()[0].to_owned();
    let client = snapshot
        .proxies
        .iter_mut()
        .find(|p| p.pod.contains("client"));
    let client = client.expect("its proxy is recorded");
    let pod = client.pod.clone();
    let line = format!("PassthroughCluster::{node}:10800::cx_active::3\n");
    client.clusters.push_str(&line);
    let said = diagnose(&snapshot);
    assert_eq!(said.codes(), ["MP031"], "{said:#?}");
    let object = &said.findings[0].object;
    assert!(object.ends_with(&pod), "{object}");
}

fn names(snapshot: &Snapshot) -> Vec<String> {
    let view = View::of(snapshot);
    view.product.iter().map(|pod| pod.name.to_owned()).collect()
}
