//! MP036: a proxy rejected what the control plane sent.

use super::{Answer, Rule, Said, advice, command, listed};
use crate::diagnose::view::View;
use crate::mesh::PROXY_CONTAINER;
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
                // Envoy tells there what it rejected and why.
                command(format!(
                    "kubectl logs {} -n {} -c {PROXY_CONTAINER} | grep -i reject",
                    record.pod, record.namespace
                )),
                command("kubectl get envoyfilter -A"),
                advice(
                    "it is an EnvoyFilter, as a rule, that makes istiod send what a proxy rejects, and a \
                     snapshot holds none: delete or mend the one that changes what the log names",
                ),
                command("istioctl proxy-status"),
                command(format!("istioctl analyze -n {}", view.namespace())),
            ],
        }));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::written::healthy;

    #[test]
    fn what_a_snapshot_does_not_hold_is_listed_by_a_command() {
        let mut snapshot = healthy();
        for sample in &mut snapshot.proxies[1].samples {
            sample.stats = sample
                .stats
                .replace("lds.update_rejected: 0", "lds.update_rejected: 2");
        }
        let answer = apply(&View::of(&snapshot));
        let remedies = &answer.findings[0].remedies;
        assert!(remedies.contains(&command("kubectl get envoyfilter -A")));
        let log = "kubectl logs ignite-1 -n ignite -c istio-proxy | grep -i reject";
        assert!(remedies.contains(&command(log)), "{remedies:?}");
    }
}
