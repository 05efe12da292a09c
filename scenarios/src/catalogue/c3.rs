//! C3: the two-node cluster comes up, one cluster of two, each node with its sidecar.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use meshproof_harness::evidence::{intruder, keys, log_gate, nodes};
use meshproof_harness::kube::{Kube, KubeError, Objects, Seen, Watch, pods, until};
use meshproof_harness::outcome::{Check, Evidence, Standing, Symptom};
use meshproof_harness::product::{Product, client};
use meshproof_harness::report::kubectl_table;
use meshproof_harness::scenario::{About, Checkpoint, Scenario, Scope, Stand, StepError};

use super::guide_cluster as cluster;

/// The labels of the guide's pods.
pub(super) const IGNITE_PODS: &str = "app=ignite,type=server";
/// The keys that C3 writes and later steps look for.
pub(super) const KEYS: &str = "written-in-c3";
/// How many.
pub(super) const KEY_COUNT: u32 = 100;

/// Seconds within which nodes whose pods are ready have to be one cluster. A pod without a startup probe is
/// Ready before its JVM is up: on a busy machine 54 s have been seen.
pub(super) const BECOME_ONE: u64 = 120;

/// The scenario.
pub fn scenario() -> Scenario {
    let about = About {
        id: "C3",
        title: "Two nodes form one cluster",
        section: "Deploy the two-node cluster",
        claim: "Both pods come up one after the other and settle at 2/2 and Running, which confirms \
                that each has its sidecar.",
        scope: Scope::Namespace,
        alone: None,
        remarks: &[
            "2/2 says that containers are ready, not that the nodes are one cluster: a split \
                    and a stalled cluster show 2/2 as well. The nodes' own logs and REST tell.",
        ],
    };
    Scenario::checkpoint(about, TwoNodes)
}

struct TwoNodes;

impl Checkpoint for TwoNodes {
    type Arranged = Result<(), KubeError>;

    async fn start_early(
        &self,
        kube: &Kube,
        namespace: &str,
        product: &Product,
    ) -> Result<(), StepError> {
        // Not one of the manifest's objects: those are shown in reports, a license never is.
        if let Some(license) = product.license_secret(namespace) {
            kube.apply(&[license]).await?;
        }
        let cluster = product.cluster_manifest()?.in_namespace(namespace);
        kube.apply(&cluster.objects).await?;
        Ok(())
    }

    async fn arrange(&self, stand: &Stand) -> Result<Self::Arranged, StepError> {
        self.start_early(&stand.kube, &stand.namespace, &stand.product)
            .await?;
        let api: Api<Pod> = Api::namespaced(stand.kube.client(), &stand.namespace);
        let limit = stand.kube.limit(180);
        let ready = until(
            &api,
            ignite_pods(),
            "both Ignite pods to be 2/2",
            limit,
            both_ready,
        )
        .await;
        let ready = match ready {
            Err(error) if !matches!(error, KubeError::TimedOut { .. }) => return Err(error.into()),
            ready => ready,
        };
        // What later steps use starts meanwhile, so that nobody waits for it there.
        intruder::apply(&stand.kube).await?;
        let application = client::application()?.in_namespace(&stand.namespace);
        stand.kube.apply(&application.objects).await?;
        Ok(ready)
    }

    async fn check(&self, stand: &Stand, ready: Self::Arranged) -> Result<Vec<Check>, StepError> {
        let namespace = &stand.namespace;
        let path = format!(
            "/api/v1/namespaces/{namespace}/pods?labelSelector={}",
            IGNITE_PODS.replace('=', "%3D").replace(',', "%2C")
        );
        let table = stand.kube.table(&path).await?;
        let columns = kubectl_table::Columns {
            wide: true,
            ..Default::default()
        };
        let printed = kubectl_table::render(&table, columns)
            .map_err(StepError::other("printing the pods as kubectl does"))?;
        let api: Api<Pod> = Api::namespaced(stand.kube.client(), namespace);
        let listed = api
            .list(&kube::api::ListParams::default().labels(IGNITE_PODS))
            .await
            .map_err(KubeError::api("listing the Ignite pods"))?
            .items;
        let lines = listed.iter().map(pods::line).collect::<Vec<_>>().join(", ");
        let seen = match &ready {
            Ok(()) => lines,
            Err(error) => error.to_string(),
        };
        let mut checks = vec![Check::answered(
            Standing::Guide,
            "both pods report 2/2 and Running",
            ready.is_ok(),
            seen.clone(),
            vec![Evidence::now(
                format!("kubectl get pods -n {namespace} -o wide"),
                printed,
                seen,
            )],
        )];
        if ready.is_err() {
            return Ok(checks);
        }
        checks.push(in_order(&listed));
        // Both: nodes that were apart find each other only when one of them starts.
        let anew = |_| cluster::start_anew(stand, cluster::READY);
        let ports = cluster::on_own_ports(stand, anew).await?;
        let now = cluster::listed(stand).await?;
        let restarts: i32 = now.iter().map(pods::restarts).sum();
        checks.push(Check::answered(
            Standing::Truth,
            "no container restarted",
            restarts == 0,
            format!("{restarts} restarts"),
            vec![],
        ));
        checks.extend(ports.check);
        let (state, readings) =
            nodes::becomes(&stand.kube, namespace, Symptom::Healthy, BECOME_ONE).await?;
        let healthy = state.symptom == Symptom::Healthy;
        checks.push(Check::answered(
            Standing::Truth,
            "both nodes see servers=2, finished the exchange, and REST agrees",
            healthy,
            format!("{}: {}", state.symptom, state.reason),
            readings
                .iter()
                .flat_map(|reading| reading.evidence(namespace))
                .collect(),
        ));
        if healthy {
            checks.push(data_flows(stand, nodes::PODS[0], nodes::PODS[1], KEYS).await);
        }
        let made = listed
            .iter()
            .filter_map(|pod| pod.metadata.creation_timestamp.as_ref());
        if let Some(first) = made.map(|time| time.0).min() {
            let quiet = log_gate::Logs::of_nodes(&stand.product, namespace, first)
                .check(&stand.kube, &[])
                .await?;
            checks.insert(checks.len().saturating_sub(1), quiet);
        }
        Ok(checks)
    }
}

/// Writes keys through one node and reads them through the other.
pub(super) async fn data_flows(stand: &Stand, from: &str, to: &str, prefix: &str) -> Check {
    let (kube, namespace) = (&stand.kube, &stand.namespace);
    let flows = async {
        keys::write_keys(kube, namespace, from, prefix, KEY_COUNT).await?;
        keys::read_keys(kube, namespace, to, prefix, KEY_COUNT).await
    };
    let (holds, seen) = match flows.await {
        Ok(found) => (
            found == KEY_COUNT,
            format!("{found} of {KEY_COUNT} keys written through {from} read through {to}"),
        ),
        Err(error) => (false, error),
    };
    let evidence = Evidence::now(
        format!(
            "thin client on 10800 of {from}, then of {to}, cache {}",
            keys::CACHE
        ),
        format!("keys {prefix}-0 to {prefix}-{}", KEY_COUNT - 1),
        seen.clone(),
    );
    let statement = format!("{KEY_COUNT} keys written through {from} are read through {to}");
    Check::answered(Standing::Truth, statement, holds, seen, vec![evidence])
}

/// A watch over the guide's pods.
pub(super) fn ignite_pods() -> Watch {
    Watch::default().labels(IGNITE_PODS)
}

/// Both pods are there, 2/2 and not ending.
pub(super) fn both_ready(seen: &Objects<Pod>) -> Seen<()> {
    both_are(seen, (2, 2), |_| true)
}

/// Both pods are there and no other, each with this many ready containers, Ready, not ending, and as
/// wanted.
pub(super) fn both_are(
    seen: &Objects<Pod>,
    ready: (usize, usize),
    wanted: impl Fn(&Pod) -> bool,
) -> Seen<()> {
    let lines: Vec<String> = seen.values().map(pods::line).collect();
    let good = seen.values().filter(|pod| {
        pods::readiness(pod) == ready
            && pods::is_ready(pod)
            && pod.metadata.deletion_timestamp.is_none()
            && wanted(pod)
    });
    if good.count() == nodes::PODS.len() && seen.len() == nodes::PODS.len() {
        Seen::Met(())
    } else if lines.is_empty() {
        Seen::NotYet("no pod yet".into())
    } else {
        Seen::NotYet(lines.join(", "))
    }
}

/// How many of the keys of a prefix are read through a node, as a check that none lacks.
pub(super) async fn no_key_lacks(
    stand: &Stand,
    through: &str,
    prefix: &str,
    statement: impl Into<String>,
    told: impl Fn(u32) -> String,
) -> Check {
    let read = keys::read_keys(&stand.kube, &stand.namespace, through, prefix, KEY_COUNT).await;
    let seen = match &read {
        Ok(found) => told(*found),
        Err(error) => error.clone(),
    };
    let source = format!("thin client on 10800 of {through}");
    let evidence = vec![Evidence::now(source, "", seen.clone())];
    match read {
        Ok(found) => {
            let holds = found == KEY_COUNT;
            Check::answered(Standing::Truth, statement, holds, seen, evidence)
        }
        // Keys that could not be asked for are not lost.
        Err(_) => Check::unproven(Standing::Truth, statement, seen, evidence),
    }
}

/// The first pod was Ready before the second was made, as a StatefulSet's pods are by default.
fn in_order(listed: &[Pod]) -> Check {
    let named = |name: &str| {
        listed
            .iter()
            .find(|pod| pod.metadata.name.as_deref() == Some(name))
    };
    let ready = named(nodes::PODS[0]).and_then(pods::ready_since);
    let made = named(nodes::PODS[1])
        .and_then(|pod| pod.metadata.creation_timestamp.as_ref())
        .map(|time| time.0.as_second());
    let (holds, seen) = match (ready, made) {
        (Some(ready), Some(made)) => (
            ready <= made,
            format!("ignite-0 Ready {} s before ignite-1 was made", made - ready),
        ),
        _ => (false, "a time is missing".to_owned()),
    };
    Check::answered(
        Standing::Truth,
        "ignite-0 is Ready before ignite-1 is made",
        holds,
        seen,
        vec![Evidence::now(
            "status.conditions of ignite-0, metadata.creationTimestamp of ignite-1",
            format!("Ready at {ready:?}, made at {made:?} (seconds since 1970)"),
            "the pods came up one after the other",
        )],
    )
}
