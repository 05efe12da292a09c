//! MP050: no ingress gateway serves the namespace's Gateway.

use serde_json::Value;

use super::{Answer, Rule, Said, command, listed};
use crate::diagnose::gateways::{is_ready, namespace_of, selector_text};
use crate::diagnose::view::{View, name, object};
use crate::mesh::ISTIO_NAMESPACE;
use crate::outcome::{Finding, Remedy, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP050",
    title: "no ingress gateway runs for a Gateway",
    apply,
};

fn apply(view: &View<'_>) -> Answer {
    let needed = view.needed_gateways();
    if needed.is_empty() {
        return Answer::nothing();
    }
    for kind in ["Pod", "Deployment", "Service"] {
        if let Some(because) = view.unread(ISTIO_NAMESPACE, kind) {
            return Answer::unknown(because);
        }
    }
    let everywhere = view.unread("", "Pod");
    let mut answer = Answer::nothing();
    for gateway in needed {
        let Some((seen, remedies)) = lacking(view, gateway) else {
            continue;
        };
        // Istio takes pods of any namespace; where only some were looked at, they may be elsewhere.
        if let Some(because) = &everywhere
            && view.gateway_pods(gateway).is_empty()
            && view.gateway_deployments(gateway).is_empty()
        {
            answer.lacks(format!(
                "no pod in {} or {ISTIO_NAMESPACE} is selected by {}, and {because}",
                view.namespace(),
                object(gateway)
            ));
            continue;
        }
        answer.findings.push(finding(gateway, seen, remedies));
    }
    answer
}

fn finding(gateway: &Value, seen: String, remedies: Vec<Remedy>) -> Finding {
    RULE.finding(Said {
        weight: Weight::Cause,
        object: object(gateway),
        seen,
        why: "A Gateway is configuration for proxies that run elsewhere. Without one there is nothing \
              to connect to: a port-forward does not begin, and `connection refused` is what a \
              request to its local port is told."
            .into(),
        remedies,
    })
}

/// What the gateway lacks in order to be reached, and what to do.
fn lacking(view: &View<'_>, gateway: &Value) -> Option<(String, Vec<Remedy>)> {
    let selector = selector_text(gateway);
    let pods = view.gateway_pods(gateway);
    let deployments = view.gateway_deployments(gateway);
    let install = || command("istioctl install -y");
    let Some(deployment) = deployments.first().copied() else {
        if pods.iter().any(|pod| is_ready(pod)) {
            return None;
        }
        let look = command(format!(
            "kubectl get pods -n {ISTIO_NAMESPACE} -l {selector}"
        ));
        return Some(if pods.is_empty() {
            (
                format!("It selects {selector}, and no Deployment and no pod has these labels."),
                vec![install(), look],
            )
        } else {
            (not_ready(&pods), vec![look])
        });
    };
    let (namespace, of) = (namespace_of(deployment), name(deployment));
    if deployment["spec"]["replicas"] == 0 {
        return Some((
            format!("{} is scaled to 0.", object(deployment)),
            vec![command(format!(
                "kubectl scale deployment {of} -n {namespace} --replicas=1"
            ))],
        ));
    }
    if pods.is_empty() {
        return Some((
            format!("{} has no pod.", object(deployment)),
            vec![command(format!(
                "kubectl describe deployment {of} -n {namespace}"
            ))],
        ));
    }
    if !pods.iter().any(|pod| is_ready(pod)) {
        let describe = command(format!(
            "kubectl describe pods -n {namespace} -l {selector}"
        ));
        return Some((not_ready(&pods), vec![describe]));
    }
    if view.gateway_services(gateway).is_empty() {
        return Some((
            format!("No Service leads to the pods of {}.", object(deployment)),
            vec![install()],
        ));
    }
    None
}

fn not_ready(pods: &[&Value]) -> String {
    let names = listed(pods.iter().map(|pod| name(pod)));
    let (verb, each) = if pods.len() == 1 {
        ("is", "it")
    } else {
        ("are", "they")
    };
    let phase = pods[0]["status"]["phase"].as_str().unwrap_or("unknown");
    format!("{names} {verb} not Ready; {each} {verb} {phase}.")
}
