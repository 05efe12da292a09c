//! MP053: the gateway runs and does not listen on a Gateway's port.

use serde_json::Value;

use super::{Answer, Rule, Said, command};
use crate::diagnose::gateways::{is_ready, namespace_of};
use crate::diagnose::services::target;
use crate::diagnose::view::{View, name, object, selects};
use crate::outcome::Weight;

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP053",
    title: "the gateway runs and does not serve a Gateway's port",
    apply,
};

/// A gateway's proxy listens on the port of its pod to which the Service's port leads; on the
/// Gateway's own number where no Service has it.
fn apply(view: &View<'_>) -> Answer {
    let mut answer = Answer::nothing();
    for gateway in view.needed_gateways() {
        let services = view.gateway_services(gateway);
        let pods = view.gateway_pods(gateway);
        let Some(pod) = pods.iter().find(|pod| is_ready(pod)) else {
            // That nothing runs is another rule's finding.
            continue;
        };
        let (namespace, pod_name) = (namespace_of(pod), name(pod));
        let Some(proxy) = view.proxy(namespace, pod_name) else {
            answer.lacks(format!(
                "the gateway's proxy {namespace}/{pod_name} did not answer"
            ));
            continue;
        };
        let servers = gateway["spec"]["servers"].as_array().into_iter().flatten();
        for number in servers.filter_map(|server| server["port"]["number"].as_u64()) {
            let entry = services
                .iter()
                .find_map(|service| entry(service, pod, number));
            let Some((service, inner)) = entry else {
                answer.findings.push(RULE.finding(Said {
                    weight: Weight::Cause,
                    object: object(gateway),
                    seen: format!(
                        "It asks for port {number}, and no Service of the gateway has it."
                    ),
                    why: "Outside the gateway's own pod there is no way to that port.".into(),
                    remedies: vec![command(format!("kubectl get services -n {namespace}"))],
                }));
                continue;
            };
            let Ok(inner) = u16::try_from(inner) else {
                continue;
            };
            match proxy.listens_on(inner) {
                Some(true) => {}
                None => answer.lacks(format!(
                    "the gateway's proxy {namespace}/{pod_name} did not list its listeners"
                )),
                Some(false) => answer.findings.push(RULE.finding(Said {
                    weight: Weight::Symptom,
                    object: object(gateway),
                    seen: format!(
                        "It asks for port {number}, which the Service {} leads to {inner} of the \
                         pod, and {namespace}/{pod_name} does not listen there.",
                        name(service)
                    ),
                    why: "The gateway is Running and Ready all the same; a connection to the port is \
                          refused or closed."
                        .into(),
                    remedies: vec![
                        command(format!("istioctl analyze -n {}", view.namespace())),
                        command(format!(
                            "istioctl proxy-config listeners {pod_name} -n {namespace}"
                        )),
                    ],
                })),
            }
        }
    }
    answer
}

/// The port of the pod to which a Service's port leads.
fn entry<'a>(service: &&'a Value, pod: &Value, number: u64) -> Option<(&'a Value, u64)> {
    if !selects(&service["spec"]["selector"], pod) {
        return None;
    }
    let ports = service["spec"]["ports"].as_array()?;
    let entry = ports.iter().find(|entry| entry["port"] == number)?;
    Some((service, target(entry, pod)?))
}
