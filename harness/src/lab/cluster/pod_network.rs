//! Whether pods find each other: on every node a route to the pods of every other, and the cluster's
//! DNS behind its Service.
//!
//! A node says that it is Ready before that. A pod that comes in between waits for DNS in vain, and its
//! proxy then writes errors that look like the mesh's (seen three times in some hundred clusters: the
//! gateway's lookups of istiod timed out or were refused for ten seconds).

use futures::future::try_join_all;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Node, Service};
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use super::Cluster;
use crate::kube::{Kube, KubeError, SYSTEM_NAMESPACE, Seen, Watch, asked_until, until};
use crate::lab::{Engine, LabError};

/// How long all of it may take, before scaling, in seconds.
const LIMIT_SECONDS: u64 = 60;
/// The Service of the cluster's DNS, and the label of its Deployment, whatever program answers.
const DNS: &str = "kube-dns";

/// A node, as the others reach its pods.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hop {
    node: String,
    pods: String,
    address: String,
}

impl Cluster {
    /// Waits until pods on every node find the others and the cluster's DNS.
    ///
    /// # Errors
    /// [`KubeError::TimedOut`] with what is still in the way, or what the engine said.
    pub async fn pods_find_each_other(&self, engine: &Engine, kube: &Kube) -> Result<(), LabError> {
        until(
            &Api::<Deployment>::namespaced(kube.client(), SYSTEM_NAMESPACE),
            Watch::default().labels(&format!("k8s-app={DNS}")),
            "the cluster's DNS to be Ready",
            kube.limit(LIMIT_SECONDS),
            |seen| dns_stands(seen.values()),
        )
        .await?;
        let dns = Api::<Service>::namespaced(kube.client(), SYSTEM_NAMESPACE)
            .get(DNS)
            .await
            .map_err(KubeError::api("reading the Service of the cluster's DNS"))?;
        let dns = dns
            .spec
            .and_then(|spec| spec.cluster_ip)
            .unwrap_or_default();
        let name = "every node to know the way to the others' pods and to the cluster's DNS";
        asked_until(name, kube.limit(LIMIT_SECONDS), || async {
            let lacking = lacking(engine, kube, &dns).await?;
            Ok(match lacking.is_empty() {
                true => Seen::Met(()),
                false => Seen::NotYet(lacking.join(", ")),
            })
        })
        .await
    }
}

/// What the nodes lack at this moment.
async fn lacking(engine: &Engine, kube: &Kube, dns: &str) -> Result<Vec<String>, LabError> {
    let nodes = Api::<Node>::all(kube.client())
        .list(&ListParams::default())
        .await
        .map_err(KubeError::api("listing the nodes"))?;
    let hops: Vec<Hop> = nodes.iter().filter_map(hop).collect();
    if hops.len() < nodes.items.len() {
        return Ok(vec!["a node without an address or pods' addresses".into()]);
    }
    let asked = hops.iter().map(|own| async {
        let what = format!("asking the node {} for its routes", own.node);
        let script = script(own, &hops, dns);
        let said = engine.script(&what, &own.node, &script).await?;
        Ok::<_, LabError>(said.stdout.lines().map(str::to_owned).collect::<Vec<_>>())
    });
    Ok(try_join_all(asked).await?.concat())
}

/// Whether the DNS is served by the pods that its Deployment asks for now, each of them Ready. Pods of an
/// earlier state answer too, but say nothing of the time after them.
fn dns_stands<'a>(mut seen: impl Iterator<Item = &'a Deployment>) -> Seen<()> {
    let Some(dns) = seen.next() else {
        return Seen::NotYet("no Deployment of it".into());
    };
    let status = dns.status.clone().unwrap_or_default();
    if status.observed_generation < dns.metadata.generation {
        return Seen::NotYet("its Deployment has changed and is not looked at yet".into());
    }
    let wanted = dns
        .spec
        .as_ref()
        .and_then(|spec| spec.replicas)
        .unwrap_or(1);
    let ready = status.ready_replicas.unwrap_or(0);
    let updated = status.updated_replicas.unwrap_or(0);
    let all = status.replicas.unwrap_or(0);
    match [ready, updated, all] == [wanted; 3] {
        true => Seen::Met(()),
        false => Seen::NotYet(format!(
            "of {wanted} pods {updated} are made and {ready} of all {all} are Ready"
        )),
    }
}

/// A node as a hop, once it has what that takes.
fn hop(node: &Node) -> Option<Hop> {
    let addresses = node.status.as_ref()?.addresses.as_ref()?;
    let internal = addresses.iter().find(|a| a.type_ == "InternalIP")?;
    Some(Hop {
        node: node.name_any(),
        pods: node.spec.as_ref()?.pod_cidr.clone()?,
        address: internal.address.clone(),
    })
}

/// A script for a node, which prints a line for each thing that it lacks.
fn script(own: &Hop, all: &[Hop], dns: &str) -> String {
    let node = &own.node;
    let mut script = String::new();
    for Hop { pods, address, .. } in all.iter().filter(|other| *other != own) {
        script.push_str(&format!(
            "ip route show {pods} | grep -qF 'via {address} ' || echo '{node} has no route to {pods} by {address}'\n"
        ));
    }
    // DNS is served over TCP too, where a connection shows that somebody is there.
    script.push_str(&format!(
        "timeout 1 bash -c '</dev/tcp/{dns}/53' 2>/dev/null || echo '{node} does not reach DNS at {dns}'\n"
    ));
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(observed: i64, [all, updated, ready]: [i32; 3]) -> Deployment {
        serde_json::from_value(serde_json::json!({
            "metadata": { "name": "coredns", "generation": 2 },
            "spec": { "replicas": 1, "selector": {}, "template": {} },
            "status": {
                "observedGeneration": observed,
                "replicas": all, "updatedReplicas": updated, "readyReplicas": ready,
            },
        }))
        .unwrap()
    }

    #[test]
    fn dns_stands_once_the_pods_that_are_asked_for_now_are_ready_and_alone() {
        let told = |of: &[Deployment]| match dns_stands(of.iter()) {
            Seen::Met(()) => "it stands".to_owned(),
            Seen::NotYet(told) => told,
        };
        let of = |observed, pods| told(&[deployment(observed, pods)]);
        assert_eq!(of(2, [1, 1, 1]), "it stands");
        assert_eq!(told(&[]), "no Deployment of it");
        // Two Ready pods of before, of which the Deployment's controller does not know yet that they go.
        insta::assert_snapshot!(of(1, [1, 1, 1]), @"its Deployment has changed and is not looked at yet");
        insta::assert_snapshot!(of(2, [2, 1, 1]), @"of 1 pods 1 are made and 1 of all 2 are Ready");
        insta::assert_snapshot!(of(2, [1, 1, 0]), @"of 1 pods 1 are made and 0 of all 1 are Ready");
        insta::assert_snapshot!(of(2, [1, 0, 1]), @"of 1 pods 0 are made and 1 of all 1 are Ready");
    }

    fn node(name: &str, subnet: Option<&str>, address: &str) -> Node {
        serde_json::from_value(serde_json::json!({
            "metadata": { "name": name },
            "spec": { "podCIDR": subnet },
            "status": { "addresses": [
                { "type": "Hostname", "address": name },
                { "type": "InternalIP", "address": address },
            ] },
        }))
        .unwrap()
    }

    #[test]
    fn a_node_is_asked_for_the_way_to_every_other_and_to_dns() {
        let nodes = [
            node("a", Some("10.244.0.0/24"), "172.18.0.2"),
            node("b", Some("10.244.1.0/24"), "172.18.0.3"),
        ];
        let hops: Vec<_> = nodes.iter().filter_map(hop).collect();
        insta::assert_snapshot!(script(&hops[0], &hops, "10.96.0.10"), @r"
        ip route show 10.244.1.0/24 | grep -qF 'via 172.18.0.3 ' || echo 'a has no route to 10.244.1.0/24 by 172.18.0.3'
        timeout 1 bash -c '</dev/tcp/10.96.0.10/53' 2>/dev/null || echo 'a does not reach DNS at 10.96.0.10'
        ");
        assert_eq!(hop(&node("c", None, "172.18.0.4")), None);
    }
}
