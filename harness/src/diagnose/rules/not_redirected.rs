//! MP037: the redirection of a pod's connections to its sidecar leaves a port of the nodes out.
//!
//! What makes it leave one out is `diagnose::redirection`'s; that connections go past a sidecar for
//! a reason nobody reads is `past_sidecar`'s.

use meshproof_protocol::ports::ProductPort;
use serde_json::Value;

use super::{Answer, Rule, Said, advice, listed, with_change};
use crate::diagnose::redirection::{Redirection, Told};
use crate::diagnose::view::{NODE_PORTS, ProductPod, Served, View, name, object};
use crate::outcome::{Finding, Remedy, Symptom, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP037",
    title: "a port of the nodes is left out of a pod's redirection to its sidecar",
    apply,
};

/// What a pod's redirection leaves out, and by which settings.
#[derive(Debug, Default, PartialEq, Eq)]
struct LeftOut<'a> {
    inbound: Vec<Served>,
    outbound: Vec<Served>,
    by: Vec<Told<'a>>,
}

/// Pods of one workload whose redirection leaves the same out.
struct Alike<'a> {
    workload: Option<&'a Value>,
    pods: Vec<&'a Value>,
    nodes: bool,
    left_out: LeftOut<'a>,
}

/// Of a node everything that reaches it counts, and what it sends to other nodes; of another pod
/// what it would send as a thin client. Whether it does cannot be seen: the sidecar that could tell
/// is not asked.
fn apply(view: &View<'_>) -> Answer {
    let nodes = view
        .in_mesh()
        .map(|pod| (pod.pod, true, of_node(view, pod)));
    let others = view
        .others_in_mesh()
        .map(|pod| (pod, false, of_client(view, pod)));
    let mut all: Vec<Alike<'_>> = vec![];
    for (pod, nodes, left_out) in nodes.chain(others) {
        if left_out.by.is_empty() {
            continue;
        }
        let workload = view.workload_of(pod);
        let known = all.iter_mut().find(|alike| {
            let owner = |workload: Option<&Value>| workload.map(object);
            workload.is_some()
                && owner(alike.workload) == owner(workload)
                && alike.left_out == left_out
        });
        match known {
            Some(alike) => alike.pods.push(pod),
            None => all.push(Alike {
                workload,
                pods: vec![pod],
                nodes,
                left_out,
            }),
        }
    }
    Answer::found(all.iter().map(|alike| finding(view, alike)))
}

/// Whether the redirection of a node's pod leaves a port between nodes out, in either direction.
pub(super) fn leaves_out(view: &View<'_>, pod: &ProductPod<'_>, port: ProductPort) -> bool {
    let left_out = of_node(view, pod);
    let mut ports = left_out.inbound.iter().chain(&left_out.outbound);
    ports.any(|served| served.port == port)
}

fn of_node<'a>(view: &View<'a>, pod: &ProductPod<'a>) -> LeftOut<'a> {
    let redirection = Redirection::of(pod.pod);
    let mut left_out = LeftOut::default();
    for port in ProductPort::ALL.map(|port| pod.served(port)) {
        let told = redirection.inbound(port.number());
        add(&mut left_out.inbound, &mut left_out.by, port, told);
    }
    for peer in view.product.iter().filter(|peer| peer.name != pod.name) {
        sent_to(peer, &NODE_PORTS, &redirection, &mut left_out);
    }
    left_out
}

fn of_client<'a>(view: &View<'a>, pod: &'a Value) -> LeftOut<'a> {
    let redirection = Redirection::of(pod);
    let mut left_out = LeftOut::default();
    for node in &view.product {
        sent_to(
            node,
            &[ProductPort::ThinClient],
            &redirection,
            &mut left_out,
        );
    }
    left_out
}

fn sent_to<'a>(
    node: &ProductPod<'_>,
    ports: &[ProductPort],
    redirection: &Redirection<'a>,
    left_out: &mut LeftOut<'a>,
) {
    for port in ports.iter().map(|port| node.served(*port)) {
        for address in node.addresses() {
            let told = redirection.outbound(address, port.number());
            add(&mut left_out.outbound, &mut left_out.by, port, told);
        }
    }
}

fn add<'a>(ports: &mut Vec<Served>, by: &mut Vec<Told<'a>>, port: Served, told: Option<Told<'a>>) {
    let Some(told) = told else { return };
    if !ports.contains(&port) {
        ports.push(port);
    }
    if !by.contains(&told) {
        by.push(told);
    }
}

fn finding(view: &View<'_>, alike: &Alike<'_>) -> Finding {
    let LeftOut {
        inbound, outbound, ..
    } = &alike.left_out;
    let between = |served: &Served| NODE_PORTS.contains(&served.port);
    let parts_nodes = inbound.iter().chain(outbound).any(between);
    let weight = match alike.nodes {
        false => Weight::Risk,
        // What cannot be told to work is taken not to.
        true if parts_nodes && !view.is_in(Symptom::Healthy) => Weight::Cause,
        true => Weight::Exposure,
    };
    let mut what = vec![];
    if !inbound.is_empty() {
        what.push(format!(
            "what reaches {} there comes past the sidecar",
            listed(inbound)
        ));
    }
    if !outbound.is_empty() {
        let of = if alike.nodes {
            "another node"
        } else {
            "a node, if anything,"
        };
        what.push(format!(
            "what is sent to {} of {of} leaves in plaintext past the sidecar",
            listed(outbound)
        ));
    }
    let mut why: Vec<&str> = vec![];
    if !inbound.is_empty() {
        why.push(
            "No policy of the mesh is enforced there: whoever reaches the pod's address is let in \
             without mutual TLS, and a sidecar that sends it is not understood.",
        );
    }
    if !outbound.is_empty() {
        why.push(
            "What leaves past the sidecar is not encrypted, no statistic of a proxy shows it, and a \
             node that takes only mutual TLS resets it.",
        );
    }
    let pods = listed(alike.pods.iter().map(|pod| name(pod)));
    let found_on = alike.workload.unwrap_or(alike.pods[0]);
    RULE.finding(Said {
        weight,
        object: object(found_on),
        seen: format!(
            "{pods}: {}, so that {}.",
            listed(alike.left_out.by.iter().map(said)),
            listed(what)
        ),
        why: why.join(" "),
        remedies: remedies(view, alike),
    })
}

fn said(told: &Told<'_>) -> String {
    let annotation = told.setting.annotation();
    if told.annotated {
        format!("the annotation {annotation} is {:?}", told.value)
    } else {
        format!(
            "the mesh's setting in place of the annotation {annotation} is {:?}",
            told.value
        )
    }
}

fn remedies(view: &View<'_>, alike: &Alike<'_>) -> Vec<Remedy> {
    let Some(workload) = alike.workload else {
        let annotations = alike
            .left_out
            .by
            .iter()
            .map(|told| told.setting.annotation());
        return vec![advice(format!(
            "make the pod anew without {}",
            listed(annotations)
        ))];
    };
    let patch = Remedy::Patch {
        object: object(workload),
        yaml: patch(workload, &alike.left_out.by),
    };
    if !alike.nodes {
        return vec![patch];
    }
    with_change(view, patch).to_vec()
}

/// Takes the annotations out of a workload's template. What is not there comes from elsewhere (the
/// mesh's settings, something that annotates pods as they are made), and only an annotation of the
/// workload's own says otherwise.
fn patch(workload: &Value, by: &[Told<'_>]) -> String {
    let own = &workload["spec"]["template"]["metadata"]["annotations"];
    let lines: String = by
        .iter()
        .map(|told| {
            let annotation = told.setting.annotation();
            let value = if own[annotation].is_string() {
                "null".to_owned()
            } else {
                format!("{:?}", told.setting.harmless())
            };
            format!("        {annotation}: {value}\n")
        })
        .collect();
    format!("spec:\n  template:\n    metadata:\n      annotations:\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::diagnose;
    use crate::diagnose::faults::edits::{annotate, client};
    use crate::diagnose::redirection::Setting;
    use crate::diagnose::written::{healthy, object as first, pods, split};
    use serde_json::json;

    const PORTS: &str = "47100,47500";

    fn found(snapshot: &crate::diagnose::Snapshot) -> Finding {
        let said = diagnose(snapshot);
        let mut of_rule = said.findings.into_iter().filter(|f| f.code == RULE.code);
        of_rule.next().expect("it is found")
    }

    #[test]
    fn an_annotation_of_the_template_is_taken_out_and_any_other_overruled() {
        let mut snapshot = healthy();
        let annotations = [
            (Setting::ExcludeInboundPorts, PORTS),
            (Setting::ExcludeOutboundPorts, PORTS),
        ];
        for (setting, value) in annotations {
            pods(&mut snapshot).for_each(|pod| annotate(pod, setting, value));
        }
        let template = &mut first(&mut snapshot, "StatefulSet")["spec"]["template"];
        annotate(template, Setting::ExcludeInboundPorts, PORTS);
        let finding = found(&snapshot);
        assert_eq!(finding.object, "StatefulSet ignite/ignite");
        let [Remedy::Advice { .. }, Remedy::Patch { yaml, .. }, _] = finding.remedies.as_slice()
        else {
            panic!("{finding:#?}");
        };
        assert!(yaml.contains("excludeInboundPorts: null\n"), "{yaml}");
        assert!(yaml.contains("excludeOutboundPorts: \"\"\n"), "{yaml}");
    }

    #[test]
    fn it_is_the_cause_where_the_nodes_are_apart() {
        let mut snapshot = healthy();
        split(&mut snapshot);
        let pod = pods(&mut snapshot).next().expect("a pod");
        annotate(pod, Setting::ExcludeOutboundPorts, "47500");
        assert_eq!(found(&snapshot).weight, Weight::Cause);
        let pod = pods(&mut snapshot).next().expect("a pod");
        annotate(pod, Setting::ExcludeOutboundPorts, "");
        annotate(pod, Setting::ExcludeInboundPorts, "8080");
        assert_eq!(found(&snapshot).weight, Weight::Exposure);
    }

    #[test]
    fn a_pod_that_is_no_node_is_told_of_as_one_that_may_be_a_client() {
        let mut snapshot = healthy();
        let pod = client(&mut snapshot);
        annotate(pod, Setting::IncludeOutboundIpRanges, "10.96.0.0/12");
        let finding = found(&snapshot);
        assert_eq!(finding.weight, Weight::Risk);
        assert!(finding.seen.contains("10800"), "{}", finding.seen);
        assert!(!finding.seen.contains("47100"), "{}", finding.seen);
    }

    #[test]
    fn the_meshs_own_setting_is_told_as_such() {
        let mut snapshot = healthy();
        for pod in pods(&mut snapshot) {
            let containers = pod["spec"]["initContainers"].as_array_mut();
            containers
                .expect("a sidecar")
                .push(json!({ "name": "istio-init", "args": ["istio-iptables", "-o", "47100"] }));
        }
        let finding = found(&snapshot);
        assert!(finding.seen.contains("mesh's setting"), "{}", finding.seen);
    }
}
