//! MP051: a VirtualService names a Gateway that is not there.

use super::{Answer, Rule, Said, command, listed};
use crate::diagnose::gateways::Reference;
use crate::diagnose::view::{View, name, object};
use crate::outcome::{Remedy, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP051",
    title: "a VirtualService names a Gateway that is not there",
    apply,
};

fn apply(view: &View<'_>) -> Answer {
    let mut answer = Answer::nothing();
    if let Some(because) = view.unread(view.namespace(), "VirtualService") {
        answer.lacks(because);
    }
    let there: Vec<&str> = view.objects("Gateway").map(name).collect();
    for (service, reference) in view.gateway_references() {
        match view.gateway(reference) {
            Reference::Found(_) => {}
            Reference::Unread(because) => answer.lacks(format!(
                "whether the Gateway {reference} is there is not known: {because}"
            )),
            Reference::Absent => {
                let others = if there.is_empty() {
                    "there is no Gateway in the namespace".to_owned()
                } else {
                    format!("the namespace has {}", listed(&there))
                };
                let remedy = match there.as_slice() {
                    [only] => Remedy::Patch {
                        object: object(service),
                        yaml: format!("spec:\n  gateways:\n  - {only}\n"),
                    },
                    _ => command(format!(
                        "kubectl get gateways.networking.istio.io -n {}",
                        view.namespace()
                    )),
                };
                answer.findings.push(RULE.finding(Said {
                    weight: Weight::Cause,
                    object: object(service),
                    seen: format!("It names the Gateway {reference}, which is not there; {others}."),
                    why: "The gateway's proxy gets no listener for these routes, so that nothing \
                          answers although it runs."
                        .into(),
                    remedies: vec![remedy],
                }));
            }
        }
    }
    answer
}
