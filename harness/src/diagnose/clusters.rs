//! Which of a namespace's nodes are meant to be one cluster: a namespace may hold several, and nodes
//! of two of them are not split.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Snapshot;
use super::services::is_headless;
use super::view::{NODE_PORTS, View, object};
use crate::outcome::Symptom;

/// Nodes that are meant to find together, and by what they are known to be.
struct Group<'a> {
    ties: BTreeSet<String>,
    nodes: Vec<&'a str>,
}

impl<'a> View<'a> {
    /// A view of each cluster of the namespace; one of all nodes where they are one cluster, or where
    /// nothing tells that they are meant to be several.
    pub fn clusters(snapshot: &'a Snapshot) -> Vec<Self> {
        let whole = Self::of(snapshot);
        let groups = groups(&whole);
        if groups.len() < 2 || whole.is_in(Symptom::Healthy) {
            return vec![whole];
        }
        let of_group = |group: &Group<'_>| {
            let mut view = Self::of(snapshot);
            let all = std::mem::take(&mut view.product).into_iter();
            (view.product, view.elsewhere) = all.partition(|pod| group.nodes.contains(&pod.name));
            view
        };
        groups.iter().map(of_group).collect()
    }
}

/// Nodes of one StatefulSet or Deployment belong together, and nodes that one Service leads to for each
/// other's sake. A pod that no such object makes may belong to any of them.
fn groups<'a>(view: &View<'a>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = vec![];
    for pod in &view.product {
        let Some(maker) = view.maker_of(pod.pod) else {
            return vec![];
        };
        let services = view
            .services_of(pod.pod)
            .filter(|s| leads_nodes_together(s));
        let mut group = Group {
            ties: services.map(object).chain([maker]).collect(),
            nodes: vec![pod.name],
        };
        let (tied, others): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|known| !known.ties.is_disjoint(&group.ties));
        groups = others;
        for known in tied {
            group.ties.extend(known.ties);
            group.nodes.extend(known.nodes);
        }
        groups.push(group);
    }
    groups
}

/// Whether nodes may find each other by a Service: one for scrapers or clients may lead to several clusters.
fn leads_nodes_together(service: &Value) -> bool {
    let entries = service["spec"]["ports"].as_array().into_iter().flatten();
    let mut ports = entries.map(|entry| &entry["port"]);
    is_headless(service) || ports.any(|port| NODE_PORTS.iter().any(|own| *port == own.number()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::diagnose;
    use crate::diagnose::written::{beside, healthy, object as first, pods, split};
    use crate::outcome::{Remedy, Weight};
    use serde_json::json;

    fn clusters(snapshot: &Snapshot) -> Vec<Vec<&str>> {
        let views = View::clusters(snapshot).into_iter();
        let names = views.map(|view| view.product.into_iter().map(|pod| pod.name));
        names.map(Iterator::collect).collect()
    }

    #[test]
    fn two_clusters_of_a_namespace_are_no_split() {
        let mut snapshot = healthy();
        beside(&mut snapshot);
        assert_eq!(
            clusters(&snapshot),
            [vec!["ignite-0", "ignite-1"], vec!["other-0"]]
        );
        let said = diagnose(&snapshot);
        assert_eq!((said.findings, said.unknown), (vec![], vec![]));
    }

    #[test]
    fn a_split_is_of_its_own_clusters_nodes() {
        let mut snapshot = healthy();
        split(&mut snapshot);
        beside(&mut snapshot);
        let said = diagnose(&snapshot);
        assert_eq!(said.codes(), ["MP020"]);
        let delete = "kubectl delete pod ignite-0 ignite-1 -n ignite";
        let delete = Remedy::Command {
            command: delete.into(),
        };
        assert!(said.findings[0].remedies.contains(&delete), "{said:#?}");
    }

    #[test]
    fn what_one_service_leads_to_belongs_together() {
        let mut snapshot = healthy();
        beside(&mut snapshot);
        let labels = json!({ "example.com/of": "both" });
        for pod in pods(&mut snapshot) {
            pod["metadata"]["labels"]["example.com/of"] = json!("both");
        }
        first(&mut snapshot, "Service")["spec"]["selector"] = labels;
        assert_eq!(clusters(&snapshot).len(), 1);
        assert!(diagnose(&snapshot).codes().contains(&"MP020"));
        let service = first(&mut snapshot, "Service");
        service["spec"]["clusterIP"] = json!("10.96.0.7");
        service["spec"]["ports"] = json!([{ "name": "http-metrics", "port": 8080 }]);
        assert_eq!(clusters(&snapshot).len(), 2);
    }

    #[test]
    fn a_pod_that_nothing_makes_may_belong_to_any() {
        let mut snapshot = healthy();
        beside(&mut snapshot);
        let other = pods(&mut snapshot).nth(2).expect("the other cluster's pod");
        let metadata = other["metadata"].as_object_mut().expect("metadata");
        metadata.remove("ownerReferences");
        assert_eq!(clusters(&snapshot).len(), 1);
        // One that has done its work, as a script's in the product's image, belongs to none.
        let other = pods(&mut snapshot).nth(2).expect("the other cluster's pod");
        other["status"]["phase"] = json!("Succeeded");
        assert_eq!(clusters(&snapshot), [["ignite-0", "ignite-1"]]);
    }

    #[test]
    fn what_one_cluster_lacks_is_not_the_others() {
        let mut snapshot = healthy();
        beside(&mut snapshot);
        let other = |kind: &str, o: &Value| o["kind"] == kind && o["metadata"]["name"] == "other";
        let mut sets = snapshot.objects.iter_mut();
        let set = sets.find(|o| other("StatefulSet", o)).expect("the other's");
        set["spec"]["replicas"] = json!(2);
        let views = View::clusters(&snapshot);
        let missing: Vec<bool> = views.iter().map(|v| v.missing_pods().is_some()).collect();
        assert_eq!(missing, [false, true]);
        assert!(views.iter().all(|view| view.other_proxies().is_empty()));
        assert!(
            views
                .iter()
                .all(|view| view.others_in_mesh().next().is_none())
        );
    }

    #[test]
    fn what_is_found_twice_is_told_once_with_its_greater_weight() {
        let mut snapshot = healthy();
        split(&mut snapshot);
        beside(&mut snapshot);
        for sample in &mut snapshot.proxies[0].samples {
            let stats = &mut sample.stats;
            *stats = stats.replace("lds.update_rejected: 0", "lds.update_rejected: 1");
        }
        let said = diagnose(&snapshot);
        let mut of_proxies = said.findings.iter().filter(|found| found.code == "MP036");
        let of_nodes = of_proxies.next().expect("it is found");
        assert!(of_nodes.object.ends_with("/ignite-0"), "{said:#?}");
        assert_eq!(of_nodes.weight, Weight::Cause);
        let again = of_proxies.find(|found| found.object == of_nodes.object);
        assert!(again.is_none(), "{said:#?}");
    }
}
