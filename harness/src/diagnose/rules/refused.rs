//! MP032: a node's proxy refuses connections, now.

use super::{Answer, Rule, Said, advice, command};
use crate::diagnose::view::View;
use crate::outcome::Weight;

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP032",
    title: "a node's proxy refuses connections",
    apply,
};

/// Counts connections for which no filter chain is there: plaintext under STRICT (measured: exactly
/// one for each such attempt).
const REFUSED: &str = "listener.0.0.0.0_15006.no_filter_chain_match";

fn apply(view: &View<'_>) -> Answer {
    let mut answer = Answer::nothing();
    for pod in view.in_mesh() {
        let Some(proxy) = &pod.proxy else {
            answer.lacks(format!("the proxy of {} did not answer", pod.name));
            continue;
        };
        match proxy.rose(REFUSED) {
            None => answer.lacks(format!(
                "the proxy of {} does not count refused connections, or was not read twice",
                pod.name
            )),
            // What it counted before is history.
            Some(0) => {}
            Some(rose) => answer.findings.push(RULE.finding(Said {
                weight: Weight::Symptom,
                object: pod.object(),
                seen: format!("It refused {rose} connections while it was looked at."),
                why: "Something sends plaintext to a node that takes only mutual TLS: another node \
                      whose connection passes its own proxy by, or a client outside the mesh."
                    .into(),
                remedies: vec![
                    advice(
                        "if a node sends it, remove that node's cause; if a client does, give it a \
                         sidecar",
                    ),
                    command(format!(
                        "kubectl logs {} -n {} -c istio-proxy",
                        pod.name,
                        view.namespace()
                    )),
                ],
            })),
        }
    }
    answer
}
