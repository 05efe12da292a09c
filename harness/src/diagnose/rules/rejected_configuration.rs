//! MP036: a proxy rejected what the control plane sent.

use super::{Answer, Rule, Said, command, listed};
use crate::diagnose::view::View;
use crate::outcome::{Symptom, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP036",
    title: "a proxy rejected its configuration",
    apply,
};

/// A rejected update leaves what was there before. Whether it has been mended since, no counter
/// tells, so it counts for more where the cluster is not healthy or the counter still rises.
fn apply(view: &View<'_>) -> Answer {
    let mut answer = Answer::nothing();
    for pod in view.in_mesh().filter(|pod| pod.proxy.is_none()) {
        answer.lacks(format!("the proxy of {} did not answer", pod.name));
    }
    let healthy = view.is_in(Symptom::Healthy);
    for record in &view.snapshot.proxies {
        let proxy = crate::diagnose::proxy::ProxyView::of(record);
        let of = format!("{}/{}", record.namespace, record.pod);
        let Some(counters) = proxy.ending(".update_rejected") else {
            answer.lacks(format!("the proxy of {of} told of no update"));
            continue;
        };
        let rejected: Vec<&(String, u64)> = counters.iter().filter(|(_, n)| *n > 0).collect();
        if rejected.is_empty() {
            continue;
        }
        let rises = rejected
            .iter()
            .any(|(name, _)| proxy.rose(name).is_some_and(|rose| rose > 0));
        let seen = listed(rejected.iter().map(|(name, n)| format!("{name} is {n}")));
        answer.findings.push(RULE.finding(Said {
            weight: if rises || !healthy {
                Weight::Cause
            } else {
                Weight::Risk
            },
            object: format!("Pod {of}"),
            seen: format!("{seen}{}.", if rises { ", and it rises" } else { "" }),
            why: "The proxy keeps what it had before, so that what objects say and what it does are \
                  not the same."
                .into(),
            remedies: vec![
                command("istioctl proxy-status"),
                command(format!("istioctl analyze -n {}", view.namespace())),
            ],
        }));
    }
    answer
}
