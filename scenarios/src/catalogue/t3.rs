//! T3: the namespace was not labelled when the pods were made, so that they have no sidecar.

mod in_force;
mod joined;

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::StatefulSet;
use kube::Api;
use kube::api::{Patch, PatchParams};
use meshproof_harness::evidence::{intruder, nodes};
use meshproof_harness::kube::{FIELD_MANAGER, KubeError, Seen, asked_until, pods};
use meshproof_harness::mesh::{Demand, Injection, injection_trial};
use meshproof_harness::outcome::{CaseClaim, Check, Cure, Observed, Standing, Symptom};
use meshproof_harness::scenario::edit::sidecar::without_injection_label;
use meshproof_harness::scenario::{
    About, Case, Fault, Phase, Remedied, Scenario, Scope, Stand, StepError, edit,
};
use meshproof_protocol::ports::ProductPort;
use serde_json::json;

use super::c3;
use super::guide_cluster::{self as cluster, Deployment, HOLD, READY, SETTLE};
use super::in_force::demands;
use super::shown::Shown;

/// The scenario.
pub fn scenarios() -> Vec<Scenario> {
    let about = About {
        id: "T3",
        title: "The namespace is not labelled",
        section: "Troubleshooting: Pods stay at 1/1 instead of 2/2",
        claim: "Without istio-injection=enabled on the namespace pods stay at 1/1; the label and a \
                rollout restart of the StatefulSet bring the sidecars.",
        scope: Scope::Namespace,
        alone: None,
        remarks: &[
            "The guide does not say what becomes of the data: the cluster is in memory, with one \
             backup, and the restart goes through a moment in which one node has a sidecar and the \
             other has none.",
            "Without a sidecar to wait for, a node may look up the headless Service before its own \
             address is in it. Ignite then takes the list for other nodes' only, and two such nodes \
             wait for each other for ever, at 1/1 (5 of 44 rounds under load, 9 of 14 on a quiet \
             machine). Or both begin a cluster of their own (3 of 44). That is told; one node is then \
             started again in its pod, then the other, so that the rest can be asked.",
        ],
    };
    vec![Scenario::case(about, NotLabelled::default())]
}

#[derive(Default)]
struct NotLabelled {
    /// Whether keys are written, which nodes without a sidecar take once they joined.
    written: AtomicBool,
}

/// The keys that are written while there is no sidecar.
const KEYS: &str = "written-without-a-sidecar";
/// Seconds within which nodes without a sidecar join, if they do at all.
const JOIN: u64 = 45;
/// The pods' containers without a sidecar.
const WITHOUT: (usize, usize) = (1, 1);

impl Case for NotLabelled {
    fn claim(&self) -> CaseClaim {
        CaseClaim {
            symptom: Symptom::NoSidecar,
            remedy: "label the namespace, then kubectl rollout restart statefulset/ignite".into(),
            remedy_restarts: true,
            found_by: vec!["MP010".into()],
        }
    }

    fn baseline<'a>(&'a self, stand: &'a Stand) -> Phase<'a, Vec<Check>> {
        Box::pin(async move {
            intruder::apply(&stand.kube).await?;
            let guides = Deployment::of_the_guide(stand, true)?;
            guides.deploy(stand, READY).await?;
            let mut checks = cluster::healthy(stand, "baseline").await?;
            // Without a sidecar nothing is left that could tell of the policy.
            checks.extend(demands(stand, Demand::Certificate).await?);
            Ok(checks)
        })
    }

    fn fault<'a>(&'a self, stand: &'a Stand, make: bool) -> Phase<'a, Fault> {
        Box::pin(async move {
            let guides = Deployment::of_the_guide(stand, true)?;
            let mut unlabelled = guides.clone();
            without_injection_label(&mut unlabelled.namespace).map_err(cluster::editing())?;
            let names = [cluster::GUIDES, cluster::FAULTY];
            let fault = edit::diff(&guides.namespace, &unlabelled.namespace, names)?;
            let shown = guides.shown_with(&fault)?;
            if make {
                cluster::undeploy(stand).await?;
                stand.kube.apply(&unlabelled.namespace.objects).await?;
                until_nothing_is_injected(stand).await?;
                unlabelled.deploy(stand, WITHOUT).await?;
            }
            Ok(Fault {
                shown,
                in_force: in_force::checks(stand).await?,
            })
        })
    }

    fn observe<'a>(&'a self, stand: &'a Stand) -> Phase<'a, Observed> {
        Box::pin(async move {
            self.written.store(false, Ordering::Relaxed);
            let listed = cluster::listed(stand).await?;
            let lines = listed.iter().map(pods::line).collect::<Vec<_>>().join(", ");
            let bare = listed.iter().all(|pod| pods::readiness(pod) == WITHOUT);
            let (kube, namespace) = (&stand.kube, &stand.namespace);
            let (mut state, mut readings) =
                nodes::becomes(kube, namespace, Symptom::Healthy, JOIN).await?;
            if !bare {
                return Ok(Observed {
                    symptom: state.symptom,
                    because: format!("{lines}; {}", state.reason),
                    checks: vec![],
                });
            }
            let (mut because, mut checks) = (lines, vec![]);
            if state.symptom != Symptom::Healthy {
                because.push_str(&format!(
                    "; after {JOIN} s the nodes had not joined ({}: {}), so one was started again until they \
                     did",
                    state.symptom, state.reason
                ));
                let helped = joined::made_to(stand).await?;
                checks.push(helped.check());
                joined::Helped {
                    state,
                    readings,
                    ..
                } = helped;
            }
            if state.symptom == Symptom::Healthy {
                checks.push(cluster::stays(stand, &readings, state.symptom, HOLD).await?);
                checks.extend(joined::asked(stand).await?);
                self.written.store(true, Ordering::Relaxed);
            }
            Ok(Observed {
                symptom: Symptom::NoSidecar,
                because,
                checks,
            })
        })
    }

    fn remedy<'a>(&'a self, stand: &'a Stand, make: bool) -> Phase<'a, Remedied> {
        Box::pin(async move {
            let (mut done, mut consequences, mut recovery) = (vec![], vec![], vec![]);
            let begun = Timestamp::now();
            if make {
                let guides = Deployment::of_the_guide(stand, true)?;
                stand.kube.apply(&guides.namespace.objects).await?;
                rollout_restart(stand).await?;
                done.push(
                    "the namespace is labelled and the StatefulSet restarted, one pod after the other"
                        .to_owned(),
                );
                cluster::both_ready(stand, READY).await?;
            }
            let (kube, namespace) = (&stand.kube, &stand.namespace);
            let limit = if make { SETTLE } else { HOLD };
            let (mut state, _) = nodes::becomes(kube, namespace, Symptom::Healthy, limit).await?;
            // Before that, nodes logged what the restart of the others did to them.
            let mut since = Timestamp::now();
            let exits = no_node_exits(stand).await?;
            let keys = match self.written.load(Ordering::Relaxed) {
                true => Some(keys_left(stand).await),
                // Nodes that never joined took no keys, so none could be lost.
                false => None,
            };
            let sidecars = cluster::listed(stand).await?;
            let sidecars = sidecars.iter().all(|pod| pods::readiness(pod) == READY);
            let mut cure = Cure::None;
            if sidecars && state.symptom == Symptom::Healthy {
                cure = Cure::ByTheRemedy;
            } else if make {
                let first = format!("{}: {}", state.symptom, state.reason);
                consequences.push(Check::answered(
                    Standing::Truth,
                    "after the rollout restart the nodes are one cluster",
                    false,
                    first,
                    vec![],
                ));
                let restarted = cluster::restart(stand, READY).await?;
                since = restarted.gone;
                done.push(format!(
                    "{}, of which the guide does not speak here",
                    restarted.told()
                ));
                (state, _) = nodes::becomes(kube, namespace, Symptom::Healthy, SETTLE).await?;
                if state.symptom == Symptom::Healthy {
                    cure = Cure::WithARestart;
                }
            }
            if cure != Cure::None {
                let since = cluster::Since {
                    remedy: begun,
                    healed: since,
                    gateway: false,
                };
                recovery.extend(cluster::recovered(stand, since).await?);
                for port in [ProductPort::Discovery, ProductPort::Communication] {
                    recovery.push(Shown::Encrypted(port).check(stand).await?);
                }
                consequences.extend(keys.into_iter().chain([exits]));
            }
            Ok(Remedied {
                done: done.join("; "),
                cure,
                recovery,
                consequences,
            })
        })
    }
}

/// Waits until the API server, which keeps namespaces' labels by itself, goes by the one that is gone.
async fn until_nothing_is_injected(stand: &Stand) -> Result<(), StepError> {
    let trial = injection_trial(&stand.namespace);
    let name = "the API server to inject nothing into an unlabelled namespace";
    asked_until(name, stand.kube.limit(30), || async {
        let injection = Injection::of(&stand.kube.dry_run(&trial).await?);
        Ok(match injection {
            Injection::Absent => Seen::Met(()),
            other => Seen::NotYet(format!("a pod comes back with a sidecar: {}", other.name())),
        })
    })
    .await
}

/// A rollout restart goes on when a pod is Ready, and a node's pod is that before its node has joined: the
/// node that is joined may be the next to be restarted, and then the joining one gives up.
async fn no_node_exits(stand: &Stand) -> Result<Check, StepError> {
    let listed = cluster::listed(stand).await?;
    let exits: Vec<String> = listed
        .iter()
        .filter_map(|pod| {
            let ended = pods::ended(pod, nodes::NODE_CONTAINER)?;
            let name = pod.metadata.name.as_deref().unwrap_or_default();
            Some(format!("{name} exited with code {}", ended.exit_code))
        })
        .collect();
    let seen = match exits.as_slice() {
        [] => "none exited".to_owned(),
        exits => format!("{}, and the kubelet started it again", exits.join(", ")),
    };
    Ok(Check::answered(
        Standing::Truth,
        "no node exits while the others are restarted",
        exits.is_empty(),
        seen,
        vec![],
    ))
}

/// How many of the keys that were written without a sidecar are there.
async fn keys_left(stand: &Stand) -> Check {
    let through = nodes::PODS[1];
    let statement = "the keys written before the restart are there after it";
    let told = |found| {
        let of = c3::KEY_COUNT;
        format!("{found} of {of} keys are left, read through {through}")
    };
    c3::no_key_lacks(stand, through, KEYS, statement, told).await
}

/// As `kubectl rollout restart` does: a new annotation makes a new template.
async fn rollout_restart(stand: &Stand) -> Result<(), StepError> {
    let sets: Api<StatefulSet> = Api::namespaced(stand.kube.client(), &stand.namespace);
    let now = Timestamp::now().to_string();
    let patch = json!({ "spec": { "template": { "metadata": { "annotations": {
        "kubectl.kubernetes.io/restartedAt": now
    } } } } });
    let parameters = PatchParams {
        field_manager: Some(FIELD_MANAGER.into()),
        ..PatchParams::default()
    };
    sets.patch("ignite", &parameters, &Patch::Strategic(patch))
        .await
        .map_err(KubeError::api("restarting StatefulSet ignite"))?;
    Ok(())
}
