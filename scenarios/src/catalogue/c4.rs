//! C4: STRICT is in force, plaintext is refused on every port, and the cluster lives on under it.

mod refused;
mod rejoins;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use meshproof_harness::evidence::intruder::{self, Intrusion};
use meshproof_harness::evidence::log_gate;
use meshproof_harness::evidence::nodes;
use meshproof_harness::kube::{KubeError, pods};
use meshproof_harness::outcome::{Check, Evidence, Standing};
use meshproof_harness::product::guide;
use meshproof_harness::report::kubectl_table;
use meshproof_harness::scenario::{About, Checkpoint, Scenario, Scope, Stand, StepError};
use meshproof_protocol::ports::ProductPort;

use super::{c3, guide_cluster as cluster};
use refused::{connections_gained, refused};
use rejoins::rejoins;

/// The scenario.
pub fn scenario() -> Scenario {
    let about = About {
        id: "C4",
        title: "STRICT mutual TLS is enforced",
        section: "Enforce STRICT mutual TLS",
        claim: "With a PeerAuthentication in STRICT mode every connection in the namespace must \
                present a mesh certificate; the pods stay Running and 2/2, so traffic between the \
                nodes still flows.",
        scope: Scope::Namespace,
        alone: None,
        remarks: &[
            "The guide takes 2/2 as the sign that traffic flows. Nodes that cannot reach \
                    each other stay 2/2, so here data is written and read, a node is made to join \
                    again, and a plaintext client outside the mesh is refused.",
        ],
    };
    Scenario::checkpoint(about, Strict)
}

struct Strict;

/// What was seen before the policy and at the moment it came into force.
struct Enforced {
    addresses: Vec<String>,
    /// Uid and Ready time of each pod before the policy.
    pods_before: Vec<(String, Option<i64>)>,
    permissive: Intrusion,
    /// From when on the policy was in force on both proxies.
    since: Timestamp,
    /// What the nodes' logs gained from the permissive attempts.
    permissive_log: Vec<String>,
}

impl Checkpoint for Strict {
    type Arranged = Enforced;

    async fn arrange(&self, stand: &Stand) -> Result<Enforced, StepError> {
        intruder::ready(&stand.kube).await?;
        let found = cluster::listed(stand).await?;
        let addresses: Vec<String> = found.iter().filter_map(pods::ip).collect();
        let before = nodes::read(&stand.kube, &stand.namespace).await?;
        let permissive = intruder::intrude(&stand.kube, &addresses, &ProductPort::ALL).await?;
        let after = nodes::read(&stand.kube, &stand.namespace).await?;
        let policy = guide::peer_authentication()?.in_namespace(&stand.namespace);
        stand.kube.apply(&policy.objects).await?;
        in_force(stand, &addresses).await?;
        Ok(Enforced {
            since: Timestamp::now(),
            addresses,
            pods_before: found
                .iter()
                .map(|p| (pods::uid(p), pods::ready_since(p)))
                .collect(),
            permissive,
            permissive_log: connections_gained(&before, &after),
        })
    }

    async fn check(&self, stand: &Stand, enforced: Enforced) -> Result<Vec<Check>, StepError> {
        let since = enforced.since;
        let mut checks = vec![listed(stand).await?];
        checks.extend(refused(stand, &enforced).await?);
        let found = cluster::listed(stand).await?;
        checks.push(undisturbed(stand, &enforced, &found));
        let readings = nodes::read(&stand.kube, &stand.namespace).await?;
        let failed: Vec<String> = readings
            .iter()
            .flat_map(|r| {
                r.log
                    .failed_nodes()
                    .into_iter()
                    .map(|n| format!("{}: {n:?}", r.pod))
            })
            .collect();
        checks.push(Check::answered(
            Standing::Truth,
            "no node is reported as failed",
            failed.is_empty(),
            if failed.is_empty() {
                "no `Node FAILED` in either log".into()
            } else {
                failed.join("; ")
            },
            readings
                .iter()
                .flat_map(|r| r.evidence(&stand.namespace))
                .collect(),
        ));
        let [first, second] = nodes::PODS;
        checks.push(c3::data_flows(stand, first, second, "under-strict-a").await);
        checks.push(c3::data_flows(stand, second, first, "under-strict-b").await);
        let (rejoined, made_anew) = rejoins(stand, second).await?;
        checks.extend(rejoined);
        let quiet = log_gate::Logs::of_nodes(&stand.product, &stand.namespace, since)
            .nodes_since(made_anew.unwrap_or(since))
            .check(&stand.kube, &[])
            .await?;
        checks.insert(checks.len().saturating_sub(1), quiet);
        Ok(checks)
    }
}

/// Waits until the policy has reached both proxies: until each refuses a plaintext request.
async fn in_force(stand: &Stand, addresses: &[String]) -> Result<(), StepError> {
    let mut last = String::new();
    let limit = stand.kube.limit(60);
    let trying = async {
        loop {
            let tried = intruder::intrude(&stand.kube, addresses, &[ProductPort::Rest]).await?;
            if tried
                .attempts
                .iter()
                .all(|attempt| attempt.was_reset_without_a_byte())
            {
                return Ok(());
            }
            last = tried
                .attempts
                .iter()
                .map(intruder::in_words)
                .collect::<Vec<_>>()
                .join(", ");
        }
    };
    match tokio::time::timeout(limit, trying).await {
        Ok(result) => result,
        Err(_) => Err(KubeError::TimedOut {
            name: "STRICT to reach both proxies".into(),
            limit,
            last_seen: last,
        }
        .into()),
    }
}

async fn listed(stand: &Stand) -> Result<Check, StepError> {
    let namespace = &stand.namespace;
    let path = format!("/apis/security.istio.io/v1/namespaces/{namespace}/peerauthentications");
    let policies = stand.kube.raw(&path).await?;
    let mode = policies["items"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|policy| policy["metadata"]["name"] == "default")
        .and_then(|policy| policy["spec"]["mtls"]["mode"].as_str())
        .unwrap_or("absent")
        .to_owned();
    let printed = kubectl_table::render(
        &stand.kube.table(&path).await?,
        kubectl_table::Columns::default(),
    )
    .map_err(StepError::other("printing the policies as kubectl does"))?;
    let seen = format!("policy default: {mode}");
    let evidence = Evidence::now(
        format!("kubectl get peerauthentication -n {namespace}"),
        printed,
        seen.clone(),
    );
    let statement = "the default policy is listed, in STRICT mode";
    Ok(Check::answered(
        Standing::Guide,
        statement,
        mode == "STRICT",
        seen,
        vec![evidence],
    ))
}

/// The pods are the same, 2/2, and were Ready all along.
fn undisturbed(stand: &Stand, enforced: &Enforced, found: &[Pod]) -> Check {
    let lines = found.iter().map(pods::line).collect::<Vec<_>>().join(", ");
    let now: Vec<_> = found
        .iter()
        .map(|pod| (pods::uid(pod), pods::ready_since(pod)))
        .collect();
    let holds =
        now == enforced.pods_before && found.iter().all(|pod| pods::readiness(pod) == (2, 2));
    let evidence = Evidence::now(
        format!("kubectl get pods -n {}", stand.namespace),
        format!("{now:?}\nbefore the policy: {:?}", enforced.pods_before),
        lines.clone(),
    );
    let statement = "the cluster pods remain Running and 2/2";
    Check::answered(Standing::Guide, statement, holds, lines, vec![evidence])
}
