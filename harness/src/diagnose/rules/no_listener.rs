//! MP013: a node's sidecar has no listener for a port of another node that a Service declares.
//!
//! What keeps a Service from a sidecar is `visibility`'s; a port that no Service declares is
//! `undeclared_port`'s.

use meshproof_protocol::ports::ProductPort;
use serde_json::Value;

use super::{
    Answer, Rule, Said, advice, command, listed, no_control_plane, rejected_configuration, restart,
};
use crate::diagnose::pods::PATIENCE_SECONDS;
use crate::diagnose::proxy::ProxyView;
use crate::diagnose::services::target;
use crate::diagnose::view::{MtlsMode, NODE_PORTS, ProductPod, View, name, object, selects};
use crate::diagnose::visibility::{EXPORT_TO, Hider};
use crate::mesh::ISTIO_NAMESPACE;
use crate::outcome::{Finding, Remedy, Symptom, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP013",
    title: "a node's sidecar does not know a declared port of another node",
    apply,
};

/// Whose sidecar it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sender {
    Node,
    Client,
}

/// Pods whose sidecars lack the same for the same reason.
struct Blind<'a> {
    sender: Sender,
    pods: Vec<&'a str>,
    lacks: Lacks<'a>,
}

/// Ports that a sidecar does not know, and what keeps them from it.
#[derive(PartialEq)]
struct Lacks<'a> {
    ports: Vec<ProductPort>,
    hider: Option<Hider<'a>>,
}

/// Istio makes a listener at each address of a headless Service's pods (measured with builds of April
/// and August 2026), or one at all addresses where the port is declared as HTTP. A sidecar that has
/// neither treats what goes there as it does any address outside the mesh. Which of the other pods are
/// clients of the nodes, only their connections tell.
fn apply(view: &View<'_>) -> Answer {
    let mut answer = Answer::nothing();
    let mut all: Vec<Blind<'_>> = vec![];
    for pod in view.in_mesh() {
        match told(view, pod) {
            Ok(proxy) if pod.ran_seconds(view) >= Some(PATIENCE_SECONDS) => {
                let lacks = lacking(view, pod.pod, proxy, &NODE_PORTS);
                add(&mut all, Sender::Node, pod.name, lacks);
            }
            Ok(_) => {}
            Err(because) => answer.lacks(because),
        }
    }
    for pod in view.others_in_mesh() {
        let proxy = view.proxy(view.namespace(), name(pod));
        let proxy = proxy.filter(|proxy| proxy.is_configured() && sends_past(view, proxy));
        if let Some(proxy) = proxy {
            let lacks = lacking(view, pod, &proxy, &[ProductPort::ThinClient]);
            add(&mut all, Sender::Client, name(pod), lacks);
        }
    }
    answer
        .findings
        .extend(all.iter().map(|blind| finding(view, blind)));
    answer
}

fn add<'a>(all: &mut Vec<Blind<'a>>, sender: Sender, pod: &'a str, lacking: Vec<Lacks<'a>>) {
    for lacks in lacking {
        let alike = |blind: &&mut Blind<'_>| blind.sender == sender && blind.lacks == lacks;
        match all.iter_mut().find(alike) {
            Some(blind) => blind.pods.push(pod),
            None => all.push(Blind {
                sender,
                pods: vec![pod],
                lacks,
            }),
        }
    }
}

/// Whether a proxy has a connection to a node's thin-client port past every Service.
fn sends_past(view: &View<'_>, proxy: &ProxyView<'_>) -> bool {
    let hosts = proxy.passing_by().unwrap_or_default();
    let of_node = |address: &str| {
        let mut nodes = view.product.iter();
        nodes.any(|node| node.addresses().contains(&address))
    };
    hosts
        .iter()
        .any(|host| host.port == ProductPort::ThinClient.number() && of_node(host.address))
}

/// A node's proxy, which has told its listeners, or why it has not.
fn told<'v>(view: &View<'_>, pod: &'v ProductPod<'_>) -> Result<&'v ProxyView<'v>, String> {
    let name = pod.name;
    let Some(proxy) = &pod.proxy else {
        return Err(format!("the proxy of {name} did not answer"));
    };
    if !proxy.has_told_listeners() {
        return Err(format!("the proxy of {name} did not list its listeners"));
    }
    if !proxy.is_configured() && pod.ran_seconds(view) >= Some(PATIENCE_SECONDS) {
        return Err(format!(
            "the proxy of {name} has nothing from the control plane yet"
        ));
    }
    Ok(proxy)
}

/// Those of these ports of other nodes for which a pod's sidecar has no listener, each once. istiod gathers
/// changes, and a sidecar needs a moment for them, so that only nodes count that have been there for a while.
fn lacking<'a>(
    view: &View<'a>,
    pod: &'a Value,
    proxy: &ProxyView<'_>,
    ports: &[ProductPort],
) -> Vec<Lacks<'a>> {
    let mut all: Vec<Lacks<'a>> = vec![];
    let others = view.product.iter().filter(|other| other.name != name(pod));
    for other in others.filter(|other| !other.is_leaving()) {
        for port in ports {
            let declared = view.headless_declarations(*port);
            let leads = |(service, entry): &&(&'a Value, &'a Value)| {
                publishes(view, service, other) && target(entry, other.pod).is_some()
            };
            let Some(&(service, _)) = declared.iter().find(leads) else {
                continue;
            };
            let mut addresses = other.addresses().into_iter();
            if addresses.any(|address| proxy.listens_at(address, port.number())) {
                continue;
            }
            let hider = view.hider(service, port.number(), pod);
            match all.iter_mut().find(|lacks| lacks.hider == hider) {
                Some(lacks) if lacks.ports.contains(port) => {}
                Some(lacks) => lacks.ports.push(*port),
                None => all.push(Lacks {
                    ports: vec![*port],
                    hider,
                }),
            }
        }
    }
    all
}

/// Whether a Service has had a pod among its endpoints for long enough.
fn publishes(view: &View<'_>, service: &Value, pod: &ProductPod<'_>) -> bool {
    let since = if service["spec"]["publishNotReadyAddresses"] == true {
        pod.ran_seconds(view)
    } else {
        pod.ready_seconds(view)
    };
    selects(&service["spec"]["selector"], pod.pod) && since >= Some(PATIENCE_SECONDS)
}

fn finding(view: &View<'_>, blind: &Blind<'_>) -> Finding {
    let ports = listed(
        blind
            .lacks
            .ports
            .iter()
            .map(|port| format!("{} ({})", port.name(), port.number())),
    );
    let pods = listed(&blind.pods);
    let have = if blind.pods.len() == 1 { "has" } else { "have" };
    let (of, sends) = match blind.sender {
        Sender::Node => ("another node", ""),
        Sender::Client => ("a node", ", and sends there"),
    };
    let because = match blind.lacks.hider {
        Some(Hider::Service(service)) => format!(
            "the Service's annotation {EXPORT_TO} is {:?}",
            exported_to(service)
        ),
        Some(Hider::Sidecar(sidecar)) => {
            format!("{} does not import the Service", object(sidecar))
        }
        None => "nothing that was read tells why".into(),
    };
    let found_on = match blind.lacks.hider {
        Some(Hider::Service(hider) | Hider::Sidecar(hider)) => object(hider),
        None => format!("Namespace {}", view.namespace()),
    };
    RULE.finding(Said {
        weight: weight(view, blind),
        object: found_on,
        seen: format!(
            "{pods} {have} a sidecar without a listener for {ports} of {of}, which a Service \
             declares{sends}: {because}."
        ),
        why: "What goes there does not get the mesh's TLS. It leaves in plaintext through the \
              PassthroughCluster, and STRICT resets or holds it on the other side; in a mesh whose \
              outboundTrafficPolicy is REGISTRY_ONLY it does not leave at all."
            .into(),
        remedies: remedies(view, blind),
    })
}

/// Connections that were made before the sidecar forgot the port may still hold the cluster together.
fn weight(view: &View<'_>, blind: &Blind<'_>) -> Weight {
    if blind.sender == Sender::Node && !view.is_in(Symptom::Healthy) {
        return Weight::Cause;
    }
    let unread = |namespace| view.unread(namespace, "PeerAuthentication").is_some();
    let unread = unread(view.namespace()) || unread(ISTIO_NAMESPACE);
    let refuses = |port: &ProductPort| {
        let mut modes = view.in_mesh().map(|p| view.mtls_mode(p.pod, port.number()));
        unread || modes.any(|mode| mode == MtlsMode::Strict)
    };
    match (blind.lacks.ports.iter().all(refuses), blind.sender) {
        (false, _) => Weight::Exposure,
        (true, Sender::Node) => Weight::Risk,
        (true, Sender::Client) => Weight::Cause,
    }
}

fn exported_to(service: &Value) -> &str {
    let annotation = &service["metadata"]["annotations"][EXPORT_TO];
    annotation.as_str().unwrap_or_default()
}

fn remedies(view: &View<'_>, blind: &Blind<'_>) -> Vec<Remedy> {
    let mut remedies = match blind.lacks.hider {
        Some(Hider::Service(service)) => vec![export(view, service)],
        Some(Hider::Sidecar(sidecar)) => import(sidecar),
        None => look(view, blind),
    };
    if blind.sender == Sender::Node && !view.is_in(Symptom::Healthy) {
        remedies.extend(restart(view));
    }
    remedies
}

/// Exports the Service to its own namespace as well.
fn export(view: &View<'_>, service: &Value) -> Remedy {
    let others = exported_to(service).split(',').map(str::trim);
    let others = others.filter(|to| !to.is_empty() && *to != "~");
    let all: Vec<&str> = others.chain(["."]).collect();
    command(format!(
        "kubectl annotate service {} -n {} {EXPORT_TO}={} --overwrite",
        name(service),
        view.namespace(),
        all.join(",")
    ))
}

/// Adds the pods' own namespace to what a Sidecar object imports for every port. A merge would replace
/// the list.
fn import(sidecar: &Value) -> Vec<Remedy> {
    let namespace = sidecar["metadata"]["namespace"].as_str();
    let namespace = namespace.unwrap_or_default();
    let mut listeners = sidecar["spec"]["egress"].as_array().into_iter().flatten();
    let whole = |listener: &Value| listener["port"].is_null() && listener["hosts"].is_array();
    let (path, value) = match listeners.position(whole) {
        Some(n) => (format!("/spec/egress/{n}/hosts/-"), r#""./*""#),
        None => ("/spec/egress/-".into(), r#"{"hosts": ["./*"]}"#),
    };
    let patch = command(format!(
        "kubectl patch sidecars.networking.istio.io {} -n {namespace} --type json -p \
         '[{{\"op\": \"add\", \"path\": \"{path}\", \"value\": {value}}}]'",
        name(sidecar),
    ));
    let of_mesh = advice(
        "it is the whole mesh's: each namespace that has no Sidecar of its own will know its own Services \
         by it",
    );
    match namespace {
        ISTIO_NAMESPACE => vec![of_mesh, patch],
        _ => vec![patch],
    }
}

/// What there is to look at where no object tells why.
fn look(view: &View<'_>, blind: &Blind<'_>) -> Vec<Remedy> {
    let mut remedies = vec![];
    let others = [no_control_plane::RULE, rejected_configuration::RULE];
    let of_another = |finding: &Finding| {
        let (kind, name) = finding.object.rsplit_once('/').unwrap_or_default();
        kind.starts_with("Pod ") && !blind.pods.contains(&name)
    };
    let mut others: Vec<String> = others
        .iter()
        .flat_map(|rule| (rule.apply)(view).findings)
        .filter(|finding| !of_another(finding))
        .map(|finding| finding.code)
        .collect();
    others.dedup();
    if !others.is_empty() {
        remedies.push(advice(format!(
            "do first what {} says, which keeps the configuration from the sidecar",
            listed(others)
        )));
    }
    for namespace in [view.namespace(), ISTIO_NAMESPACE] {
        if let Some(because) = view.unread(namespace, "Sidecar") {
            remedies.push(advice(format!(
                "see whether a Sidecar object imports the Service: {because}"
            )));
        }
    }
    remedies.push(command("istioctl proxy-status"));
    remedies.extend(blind.lacks.ports.iter().map(|port| {
        command(format!(
            "istioctl proxy-config listeners {} -n {} --port {}",
            blind.pods[0],
            view.namespace(),
            port.number()
        ))
    }));
    remedies
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diagnose::Snapshot;
    use crate::diagnose::faults::edits::{client, forgets_the_other, imports_istio_only};
    use crate::diagnose::written::{healthy, object as first, pods, split};

    fn commands(snapshot: &Snapshot) -> Vec<String> {
        let answer = apply(&View::of(snapshot));
        let [finding] = answer.findings.as_slice() else {
            panic!("{answer:#?}");
        };
        let remedies = finding.remedies.iter();
        remedies
            .filter_map(|remedy| match remedy {
                Remedy::Command { command } => Some(command.clone()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_sidecar_object_is_given_the_namespace_beside_what_it_imports() {
        let mut snapshot = healthy();
        forgets_the_other(&mut snapshot);
        imports_istio_only(&mut snapshot);
        let patch = |path: &str, value: &str| {
            format!(
                "kubectl patch sidecars.networking.istio.io default -n ignite --type json -p \
                 '[{{\"op\": \"add\", \"path\": \"{path}\", \"value\": {value}}}]'"
            )
        };
        assert_eq!(
            commands(&snapshot),
            [patch("/spec/egress/0/hosts/-", r#""./*""#)]
        );
        let spec = &mut snapshot.objects.last_mut().expect("the Sidecar")["spec"];
        spec["egress"][0]["port"] = json!({ "number": 443 });
        assert_eq!(
            commands(&snapshot),
            [patch("/spec/egress/-", r#"{"hosts": ["./*"]}"#)]
        );
    }

    #[test]
    fn a_service_is_exported_to_its_own_namespace_beside_the_others() {
        let mut snapshot = healthy();
        forgets_the_other(&mut snapshot);
        split(&mut snapshot);
        for (list, expected) in [("~", "."), ("a, b", "a,b,.")] {
            let service = first(&mut snapshot, "Service");
            service["metadata"]["annotations"] = json!({ EXPORT_TO: list });
            let commands = commands(&snapshot);
            let annotate = format!(
                "kubectl annotate service ignite-headless -n ignite \
                 networking.istio.io/exportTo={expected} --overwrite"
            );
            assert_eq!(commands[0], annotate);
            assert_eq!(
                commands[1],
                "kubectl delete pod ignite-0 ignite-1 -n ignite"
            );
        }
    }

    #[test]
    fn without_a_reason_there_are_commands_that_find_it() {
        let mut snapshot = healthy();
        forgets_the_other(&mut snapshot);
        let commands = commands(&snapshot);
        assert_eq!(commands[0], "istioctl proxy-status");
        let listeners = "istioctl proxy-config listeners ignite-0 -n ignite --port 47500";
        assert!(commands.iter().any(|c| c == listeners), "{commands:?}");
    }

    #[test]
    fn a_node_that_has_only_just_come_is_not_missed_yet() {
        let mut snapshot = healthy();
        forgets_the_other(&mut snapshot);
        let started = |at: &str| json!({ "running": { "startedAt": at } });
        let pod = pods(&mut snapshot).nth(1).expect("the other node");
        pod["status"]["containerStatuses"][0]["state"] = started("2026-11-24T00:09:10Z");
        assert_eq!(apply(&View::of(&snapshot)), Answer::nothing());
        let pod = pods(&mut snapshot).nth(1).expect("the other node");
        pod["status"]["containerStatuses"][0]["state"] = started("2026-11-24T00:08:50Z");
        assert_eq!(apply(&View::of(&snapshot)).findings.len(), 1);
        let service = first(&mut snapshot, "Service");
        service["spec"]["publishNotReadyAddresses"] = json!(false);
        assert_eq!(apply(&View::of(&snapshot)).findings.len(), 1);
        let pod = pods(&mut snapshot).nth(1).expect("the other node");
        pod["status"]["conditions"][0]["status"] = json!("False");
        assert_eq!(apply(&View::of(&snapshot)), Answer::nothing());
    }

    #[test]
    fn a_client_counts_once_it_is_seen_to_send() {
        let mut snapshot = healthy();
        client(&mut snapshot);
        imports_istio_only(&mut snapshot);
        let proxy = snapshot.proxies.last_mut().expect("the client's");
        proxy.listeners = "virtualOutbound::0.0.0.0:15001\n".into();
        assert_eq!(apply(&View::of(&snapshot)), Answer::nothing());
        let line = "PassthroughCluster::10.244.0.8:10800::cx_active::3\n";
        let proxy = snapshot.proxies.last_mut().expect("the client's");
        proxy.clusters.push_str(line);
        let said = crate::diagnose::diagnose(&snapshot);
        let told: Vec<(&str, Weight)> = said
            .findings
            .iter()
            .map(|found| (found.code.as_str(), found.weight))
            .collect();
        assert_eq!(told, [("MP013", Weight::Cause), ("MP031", Weight::Cause)]);
        assert!(said.findings[0].seen.starts_with("ignite-client-0 has"));
        let remedies = serde_json::to_string(&said.findings[1].remedies).expect("plain data");
        assert!(remedies.contains("do first what MP013 says"), "{remedies}");
    }

    #[test]
    fn a_sidecar_without_its_first_configuration_has_told_nothing() {
        let mut snapshot = healthy();
        snapshot.proxies[0].listeners = "0.0.0.0_15021::0.0.0.0:15021\n".into();
        let answer = apply(&View::of(&snapshot));
        assert_eq!(answer.findings, vec![]);
        assert!(answer.unknown[0].contains("control plane"), "{answer:?}");
    }

    #[test]
    fn each_port_is_told_with_what_keeps_it() {
        let mut snapshot = healthy();
        forgets_the_other(&mut snapshot);
        let ports = first(&mut snapshot, "Service")["spec"]["ports"].as_array_mut();
        ports.expect("ports").retain(|entry| entry["port"] != 47500);
        let mut hidden = first(&mut snapshot, "Service").clone();
        hidden["metadata"]["name"] = json!("discovery");
        hidden["metadata"]["annotations"] = json!({ EXPORT_TO: "~" });
        hidden["spec"]["ports"] = json!([{ "name": "tcp-discovery", "port": 47500 }]);
        snapshot.objects.push(hidden);
        let findings = apply(&View::of(&snapshot)).findings;
        let told: Vec<(bool, bool)> = findings
            .iter()
            .map(|found| (found.seen.contains("47500"), found.seen.contains(EXPORT_TO)))
            .collect();
        assert_eq!(told, [(false, false), (true, true)], "{findings:#?}");
    }

    #[test]
    fn what_another_pod_rejected_is_no_reason() {
        let mut snapshot = healthy();
        forgets_the_other(&mut snapshot);
        for (proxy, expected) in [(1, false), (0, true)] {
            for sample in &mut snapshot.proxies[proxy].samples {
                let stats = &mut sample.stats;
                *stats = stats.replace("lds.update_rejected: 0", "lds.update_rejected: 1");
            }
            let answer = apply(&View::of(&snapshot));
            let told = serde_json::to_string(&answer.findings[0].remedies).expect("plain data");
            assert_eq!(told.contains("MP036"), expected, "{told}");
        }
    }

    #[test]
    fn a_sidecar_object_of_the_mesh_is_told_to_be_the_meshs() {
        let mut snapshot = healthy();
        forgets_the_other(&mut snapshot);
        imports_istio_only(&mut snapshot);
        let mut sidecar = snapshot.objects.pop().expect("the Sidecar");
        sidecar["metadata"]["namespace"] = json!(ISTIO_NAMESPACE);
        snapshot.mesh_objects.push(sidecar);
        let answer = apply(&View::of(&snapshot));
        let told = serde_json::to_string(&answer.findings[0].remedies).expect("plain data");
        assert!(told.contains("the whole mesh's"), "{told}");
        assert!(told.contains("default -n istio-system"), "{told}");
    }
}
