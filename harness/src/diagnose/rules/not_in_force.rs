//! MP039: a policy says STRICT, and a proxy takes plaintext.

use super::{Answer, Rule, Said, command, listed};
use crate::diagnose::view::{MtlsMode, ProductPod, Served, View};
use crate::mesh::Demand;
use crate::outcome::{Finding, Weight};
use meshproof_protocol::ports::ProductPort;

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP039",
    title: "a proxy takes plaintext where the policy is STRICT",
    apply,
};

/// What a proxy demands is read from its listener. A file that was recorded before that was has none,
/// and of a proxy that answers nothing MP032 tells.
fn apply(view: &View<'_>) -> Answer {
    let mut answer = Answer::found(view.in_mesh().filter_map(|pod| finding(view, pod)));
    let unread = |pod: &&ProductPod<'_>| {
        let proxy = pod.proxy.as_ref();
        proxy.is_some_and(|proxy| proxy.record.dump_unread)
    };
    for pod in view.in_mesh().filter(unread) {
        answer.lacks(format!(
            "the proxy of {} did not show its listeners' configuration, by which plaintext is let in or not",
            pod.name
        ));
    }
    answer
}

fn finding(view: &View<'_>, pod: &ProductPod<'_>) -> Option<Finding> {
    let demands = pod.proxy.as_ref()?.record.demands.as_ref()?;
    let taken = ProductPort::ALL.into_iter().filter_map(|port| {
        let served: Served = pod.served(port);
        let strict = view.mtls_mode(pod.pod, served.number()) == MtlsMode::Strict;
        let demand = demands.get(&served.number())?;
        (strict && *demand != Demand::Certificate).then(|| format!("{served}: {demand}"))
    });
    let taken: Vec<String> = taken.collect();
    (!taken.is_empty()).then(|| {
        RULE.finding(Said {
            weight: Weight::Exposure,
            object: pod.object(),
            seen: format!("Its proxy's listener takes {}.", listed(taken)),
            why:
                "The policy has not reached the proxy, or its listener is made by something else: \
                  anything that reaches the pod's address is let in without encryption."
                    .into(),
            remedies: vec![
                command("istioctl proxy-status"),
                command(format!(
                    "istioctl proxy-config listeners {} -n {} --port 15006 -o json",
                    pod.name,
                    view.namespace()
                )),
            ],
        })
    })
}
