//! MP038: nodes are one cluster, and a sidecar shows no connection between them.
//!
//! It goes by what the proxies tell and names no cause: where a pod's redirection explains it, that
//! is `not_redirected`'s.

use meshproof_protocol::ports::ProductPort;

use super::not_redirected::leaves_out;
use super::{Answer, Rule, Said, advice, command, listed, restart};
use crate::diagnose::proxy::ProxyView;
use crate::diagnose::redirection::Redirection;
use crate::diagnose::view::{NODE_PORTS, ProductPod, View};
use crate::mesh::{PASSTHROUGH, Stats};
use crate::outcome::{Finding, Remedy, Symptom, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP038",
    title: "the nodes are one cluster past a sidecar that shows none of their connections",
    apply,
};

/// Whether a node's proxy shows a connection to or from another node's port, whatever its cluster.
enum Shown {
    /// It does, or could not.
    Yes,
    No,
    /// It cannot be told, because of this.
    Unknown(String),
}

/// Nodes that are apart, or alone, need have no connection.
fn apply(view: &View<'_>) -> Answer {
    let mut answer = Answer::nothing();
    if view.product.len() < 2 || !view.is_in(Symptom::Healthy) {
        return answer;
    }
    for pod in view.in_mesh() {
        let Some(proxy) = &pod.proxy else {
            answer.lacks(format!("the proxy of {} did not answer", pod.name));
            continue;
        };
        let mut past: Vec<ProductPort> = vec![];
        for port in NODE_PORTS {
            if leaves_out(view, pod, port) {
                continue;
            }
            match shown(view, pod, proxy, port) {
                Shown::Yes => {}
                Shown::No => past.push(port),
                Shown::Unknown(because) => answer.lacks(because),
            }
        }
        if !past.is_empty() {
            answer.findings.push(finding(view, pod, &past));
        }
    }
    answer
}

/// Every node of a cluster has its neighbours on 47500 all the time, and Envoy lists who is connected
/// whatever its settings. On 47100 nodes close what is idle, so that a count has to show that there
/// was one; it must be one that is kept, and goes back to when the node joined.
fn shown(view: &View<'_>, pod: &ProductPod<'_>, proxy: &ProxyView<'_>, port: ProductPort) -> Shown {
    let numbers: Vec<u16> = view
        .product
        .iter()
        .map(|p| p.served(port).number())
        .collect();
    let of = pod.name;
    let mut hosts = proxy.hosts();
    if hosts.any(|host| host.active > 0 && numbers.contains(&host.port)) {
        return Shown::Yes;
    }
    let stats = proxy.after.as_ref().or(proxy.before.as_ref());
    let counted = stats.and_then(|stats| counted(stats, &numbers));
    if counted.is_some_and(|counted| counted > 0) {
        return Shown::Yes;
    }
    if proxy.passing_by().is_none() {
        return Shown::Unknown(format!("the proxy of {of} did not list its clusters"));
    }
    if port == ProductPort::Discovery {
        return Shown::No;
    }
    let declared = !view.headless_declarations(port).is_empty();
    match counted {
        // Where no Service declares the port, it has no counter, and `undeclared_port` tells why.
        None if !declared => Shown::Yes,
        None => Shown::Unknown(format!(
            "the proxy of {of} keeps no counters of {port}, on which nodes close what is idle"
        )),
        Some(_) if pod.restarted_its_proxy() => Shown::Unknown(format!(
            "the proxy of {of} was restarted and counts {port} anew"
        )),
        Some(_) if stats.is_some_and(passed_by) => Shown::Unknown(format!(
            "the proxy of {of} counted connections through the {PASSTHROUGH}, which may have been to \
             {port}"
        )),
        Some(_) => Shown::No,
    }
}

/// How many connections the counters of these ports tell of; none where no counter of theirs is
/// listed. That of TLS is listed from the first moment, the other only once it has counted.
fn counted(stats: &Stats, numbers: &[u16]) -> Option<u64> {
    let kinds = ["cluster.outbound", "cluster.inbound"];
    let starts = kinds.iter().flat_map(|kind| {
        numbers
            .iter()
            .map(move |number| format!("{kind}|{number}|"))
    });
    let all: Vec<u64> = starts
        .flat_map(|start| {
            [".upstream_cx_total", ".ssl.handshake"]
                .into_iter()
                .flat_map(|end| values(stats, &start, end))
                .collect::<Vec<u64>>()
        })
        .collect();
    (!all.is_empty()).then(|| all.iter().sum())
}

/// Whether anything went through a cluster whose counters tell no port, in or out.
fn passed_by(stats: &Stats) -> bool {
    let clusters = [PASSTHROUGH, "InboundPassthroughCluster"];
    clusters.iter().any(|cluster| {
        let start = format!("cluster.{cluster}");
        values(stats, &start, ".upstream_cx_total")
            .iter()
            .any(|n| *n > 0)
    })
}

fn values(stats: &Stats, start: &str, end: &str) -> Vec<u64> {
    stats.between(start, end).map(|(_, value)| value).collect()
}

fn finding(view: &View<'_>, pod: &ProductPod<'_>, past: &[ProductPort]) -> Finding {
    let name = pod.name;
    RULE.finding(Said {
        weight: Weight::Exposure,
        object: pod.object(),
        seen: format!(
            "{name} is in one cluster with others, and its proxy shows no connection on {}, to it or \
             from it, neither open nor counted.",
            listed(past.iter().map(|port| pod.served(*port)))
        ),
        why: "What nodes say to each other there goes past the sidecar: it is not encrypted, and no \
              policy of the mesh is enforced."
            .into(),
        remedies: remedies(view, pod),
    })
}

/// What redirects the pod's connections, and then nodes that connect anew.
fn remedies(view: &View<'_>, pod: &ProductPod<'_>) -> Vec<Remedy> {
    let (name, namespace) = (pod.name, view.namespace());
    let log = Redirection::of(pod.pod)
        .made_by()
        .map(|container| command(format!("kubectl logs {name} -n {namespace} -c {container}")));
    let mut remedies = vec![advice(
        "see by the pod's annotations, and by the rules that its init container logs, what is left out \
         of its redirection; mend that in the pod template and make the nodes anew",
    )];
    remedies.extend(log);
    remedies.push(command(format!(
        "kubectl get pod {name} -n {namespace} -o jsonpath='{{.metadata.annotations}}'"
    )));
    remedies.extend(restart(view));
    remedies
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::Snapshot;
    use crate::diagnose::faults::edits::{nothing_shown, without_lines};
    use crate::diagnose::view::View;
    use crate::diagnose::written::{healthy, pods, split};
    use serde_json::json;

    fn said(snapshot: &Snapshot) -> (Vec<String>, Vec<String>) {
        let view = View::of(snapshot);
        let answer = apply(&view);
        let seen = answer.findings.into_iter().map(|f| f.seen).collect();
        (seen, answer.unknown)
    }

    #[test]
    fn discovery_is_told_without_any_counter_and_communication_is_not() {
        let mut snapshot = healthy();
        nothing_shown(&mut snapshot);
        for sample in snapshot.proxies.iter_mut().flat_map(|p| &mut p.samples) {
            sample.stats = "server.live: 1\n".into();
        }
        let (seen, unknown) = said(&snapshot);
        assert_eq!(seen.len(), 2, "{seen:?}");
        assert!(
            seen.iter()
                .all(|s| s.contains("47500") && !s.contains("47100"))
        );
        assert_eq!(unknown.len(), 2, "{unknown:?}");
        assert!(unknown.iter().all(|u| u.contains("keeps no counters")));
    }

    #[test]
    fn a_connection_that_is_counted_or_open_anywhere_is_shown() {
        for line in [
            "cluster.inbound|47100||;.upstream_cx_total: 1\n",
            "cluster.outbound|47100||x.y.svc.cluster.local;.upstream_cx_total: 1\n",
        ] {
            let mut snapshot = healthy();
            nothing_shown(&mut snapshot);
            snapshot.proxies[0].samples[1].stats.push_str(line);
            let (seen, _) = said(&snapshot);
            assert!(!seen[0].contains("47100"), "{line}: {}", seen[0]);
        }
        let mut snapshot = healthy();
        nothing_shown(&mut snapshot);
        let page = &mut snapshot.proxies[0].clusters;
        page.push_str("InboundPassthroughCluster::10.244.0.8:47100::cx_active::1\n");
        page.push_str("PassthroughCluster::10.244.0.7:47500::cx_active::1\n");
        assert_eq!(said(&snapshot).0.len(), 1);
    }

    #[test]
    fn what_counters_cannot_tell_is_unknown() {
        type Lack = (fn(&mut Snapshot), &'static str);
        let lacks: [Lack; 3] = [
            (
                |s| s.proxies[0].clusters.clear(),
                "did not list its clusters",
            ),
            (
                |s| {
                    let pod = pods(s).next().expect("a pod");
                    pod["status"]["initContainerStatuses"] =
                        json!([{ "name": "istio-proxy", "restartCount": 1 }]);
                },
                "was restarted",
            ),
            (
                |s| {
                    let line = "cluster.PassthroughCluster;.upstream_cx_total: 6\n";
                    s.proxies[0].samples[1].stats.push_str(line);
                },
                "may have been",
            ),
        ];
        for (edit, because) in lacks {
            let mut snapshot = healthy();
            nothing_shown(&mut snapshot);
            edit(&mut snapshot);
            let (seen, unknown) = said(&snapshot);
            let told = seen
                .iter()
                .any(|s| s.starts_with("ignite-0") && s.contains("47100"));
            assert!(!told, "{seen:?}");
            assert!(unknown.iter().all(|u| u.contains(because)), "{unknown:?}");
            assert!(!unknown.is_empty(), "{because}");
        }
    }

    #[test]
    fn a_port_that_no_service_declares_is_another_rules() {
        let mut snapshot = healthy();
        nothing_shown(&mut snapshot);
        crate::diagnose::faults::edits::drop_port(&mut snapshot, 47100);
        for sample in snapshot.proxies.iter_mut().flat_map(|p| &mut p.samples) {
            sample.stats = without_lines(&sample.stats, "|47100|");
        }
        let (seen, unknown) = said(&snapshot);
        assert!(seen.iter().all(|s| !s.contains("47100")), "{seen:?}");
        assert_eq!(unknown, [""; 0]);
    }

    #[test]
    fn nodes_that_are_apart_or_alone_need_no_connection() {
        let mut apart = healthy();
        nothing_shown(&mut apart);
        split(&mut apart);
        assert_eq!(said(&apart), (vec![], vec![]));
        let mut alone = healthy();
        nothing_shown(&mut alone);
        let mut first = true;
        alone
            .objects
            .retain(|o| o["kind"] != "Pod" || std::mem::take(&mut first));
        assert_eq!(said(&alone), (vec![], vec![]));
    }
}
