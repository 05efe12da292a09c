//! C4: STRICT is in force, plaintext is refused on every port, and the cluster lives on under it.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::DeleteParams;
use meshproof_harness::evidence::intruder::{self, Intrusion};
use meshproof_harness::evidence::log_gate;
use meshproof_harness::evidence::nodes::{self, NodeReading};
use meshproof_harness::kube::{KubeError, Seen, pods, until};
use meshproof_harness::mesh::{Proxy, Stats};
use meshproof_harness::outcome::{Check, Evidence, Standing, Symptom};
use meshproof_harness::product::guide;
use meshproof_harness::report::kubectl_table;
use meshproof_harness::scenario::{About, Checkpoint, Scenario, Scope, Stand, StepError};
use meshproof_protocol::ports::ProductPort;

use super::{c3, guide_cluster as cluster};

/// What a proxy under STRICT counts for each plaintext connection that it refuses.
const REFUSALS: &str = "listener.0.0.0.0_15006.no_filter_chain_match";

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
        checks.extend(rejoins(stand, second).await?);
        let quiet = log_gate::check(&stand.kube, &stand.namespace, since, &[]).await?;
        checks.insert(checks.len().saturating_sub(1), quiet);
        Ok(checks)
    }
}

/// Waits until the policy has reached both proxies: until each refuses a plaintext request.
async fn in_force(stand: &Stand, addresses: &[String]) -> Result<(), StepError> {
    let mut last = String::new();
    let limit = stand.kube.limit(30);
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

/// The intruder is refused on every port; what proves nothing says so.
async fn refused(stand: &Stand, enforced: &Enforced) -> Result<Vec<Check>, StepError> {
    let before = nodes::read(&stand.kube, &stand.namespace).await?;
    let counted_before = refusals(stand).await?;
    let strict = intruder::intrude(&stand.kube, &enforced.addresses, &ProductPort::ALL).await?;
    let counted_after = refusals(stand).await?;
    let after = nodes::read(&stand.kube, &stand.namespace).await?;
    let mut checks: Vec<Check> = ProductPort::ALL
        .into_iter()
        .map(|port| port_refused(port, &enforced.permissive, &strict))
        .collect();

    let gained = connections_gained(&before, &after);
    let statement = "the refused attempts leave nothing in the nodes' logs";
    let evidence = vec![
        Evidence::now(
            "log lines that tell of a connection, during the permissive attempts",
            enforced.permissive_log.join("\n"),
            format!("{} lines before STRICT", enforced.permissive_log.len()),
        ),
        Evidence::now(
            "log lines that tell of a connection, during the attempts under STRICT",
            gained.join("\n"),
            format!("{} lines under STRICT", gained.len()),
        ),
    ];
    checks.push(if enforced.permissive_log.is_empty() {
        let because = "the permissive attempts left nothing in the logs either";
        Check::unproven(Standing::Truth, statement, because, evidence)
    } else {
        let seen = format!(
            "{} lines before STRICT, {} under it",
            enforced.permissive_log.len(),
            gained.len()
        );
        Check::answered(
            Standing::Truth,
            statement,
            gained.is_empty(),
            seen,
            evidence,
        )
    });

    let made = ProductPort::ALL.len() as u64;
    let mut lines = vec![];
    let mut exact = true;
    let mut evidence = vec![];
    for ((pod, before), (_, after)) in counted_before.iter().zip(&counted_after) {
        let rise = after.get(REFUSALS).saturating_sub(before.get(REFUSALS));
        exact &= rise == made;
        lines.push(format!("{pod}: {rise} of {made}"));
        let proxy = Proxy::of(&stand.kube, &stand.namespace, *pod);
        evidence.push(Evidence::now(
            proxy.command(&format!("/stats?filter={REFUSALS}")),
            format!("before:\n{}after:\n{}", before.raw, after.raw),
            format!("{pod} refused {rise} connections"),
        ));
    }
    checks.push(Check::answered(
        Standing::Truth,
        "each proxy's count of refused connections rises by exactly the attempts made",
        exact,
        lines.join(", "),
        evidence,
    ));
    Ok(checks)
}

fn port_refused(port: ProductPort, permissive: &Intrusion, strict: &Intrusion) -> Check {
    let number = port.number();
    let statement = format!("a plaintext client outside the mesh is refused on {port}");
    let words = |intrusion: &Intrusion| {
        intrusion
            .on(port)
            .map(intruder::in_words)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let evidence = vec![permissive.evidence.clone(), strict.evidence.clone()];
    if !permissive.on(port).all(|attempt| attempt.was_answered()) {
        let because = format!(
            "no positive control on {number}: before STRICT it was not answered either ({})",
            words(permissive)
        );
        return Check::unproven(Standing::Truth, statement, because, evidence);
    }
    let holds = strict.on(port).count() > 0
        && strict
            .on(port)
            .all(|attempt| attempt.was_reset_without_a_byte());
    let seen = format!(
        "before STRICT: {}; under it: {}",
        words(permissive),
        words(strict)
    );
    Check::answered(Standing::Truth, statement, holds, seen, evidence)
}

async fn refusals(stand: &Stand) -> Result<Vec<(&'static str, Stats)>, StepError> {
    let read = nodes::PODS.map(|pod| async move {
        let proxy = Proxy::of(&stand.kube, &stand.namespace, pod);
        Ok::<_, StepError>((pod, proxy.stats("no_filter_chain_match").await?))
    });
    futures::future::try_join_all(read).await
}

/// The log lines that tell of a connection and came between two readings.
fn connections_gained(before: &[NodeReading], after: &[NodeReading]) -> Vec<String> {
    before
        .iter()
        .zip(after)
        .flat_map(|(before, after)| {
            let known = before.log.connections().len();
            let pod = &after.pod;
            let gained = after.log.connections().into_iter().skip(known);
            gained
                .map(|(_, event)| format!("{pod}: {}", event.text))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Deletes a node's pod: it joins again under STRICT, and no key is lost.
async fn rejoins(stand: &Stand, pod: &str) -> Result<Vec<Check>, StepError> {
    let api: Api<Pod> = Api::namespaced(stand.kube.client(), &stand.namespace);
    let action = || format!("deleting {}/{pod}", stand.namespace);
    let old = api.get(pod).await.map_err(KubeError::api(action()))?;
    api.delete(pod, &DeleteParams::default())
        .await
        .map_err(KubeError::api(action()))?;
    let limit = stand.kube.limit(120);
    let name = format!("a new {pod} to be 2/2");
    until(&api, c3::ignite_pods(), name, limit, |seen| {
        match seen.get(pod) {
            Some(new) if pods::uid(new) == pods::uid(&old) => {
                Seen::NotYet(format!("the old {}", pods::line(new)))
            }
            _ => c3::both_ready(seen),
        }
    })
    .await?;
    let (kube, namespace) = (&stand.kube, &stand.namespace);
    let (state, readings) =
        nodes::becomes(kube, namespace, Symptom::Healthy, c3::BECOME_ONE).await?;
    let mut checks = vec![Check::answered(
        Standing::Truth,
        format!("{pod} is deleted and rejoins under STRICT: servers=2 on both nodes"),
        state.symptom == Symptom::Healthy,
        format!("{}: {}", state.symptom, state.reason),
        readings
            .iter()
            .flat_map(|r| r.evidence(&stand.namespace))
            .collect(),
    )];
    for through in nodes::PODS {
        let statement = format!("no key is lost, read through {through}");
        let told = |found| {
            let of = c3::KEY_COUNT;
            format!("{found} of {of} keys read through {through} after the rejoin")
        };
        checks.push(c3::no_key_lacks(stand, through, c3::KEYS, statement, told).await);
    }
    Ok(checks)
}
