//! T3: the namespace was not labelled when the pods were made, so that they have no sidecar.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::StatefulSet;
use kube::Api;
use kube::api::{Patch, PatchParams};
use meshproof_harness::evidence::intruder;
use meshproof_harness::evidence::nodes::{self, NodeReading};
use meshproof_harness::kube::{FIELD_MANAGER, KubeError, pods};
use meshproof_harness::mesh::{Injection, injection_trial};
use meshproof_harness::outcome::{CaseClaim, Check, Cure, Observed, Standing, Symptom};
use meshproof_harness::product::logs::{NodeLog, looks_in_vain};
use meshproof_harness::scenario::edit::sidecar::{INJECTION_LABEL, without_injection_label};
use meshproof_harness::scenario::{
    About, Case, Fault, Phase, Remedied, Scenario, Scope, Stand, StepError, edit,
};
use meshproof_protocol::ports::ProductPort;
use serde_json::json;

use super::c3;
use super::guide_cluster::{self as cluster, Deployment, HOLD, READY, SETTLE};
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
             wait for each other for ever, at 1/1 (measured; seen under load).",
        ],
    };
    vec![Scenario::case(about, NotLabelled::default())]
}

#[derive(Default)]
struct NotLabelled {
    /// Whether the nodes joined without a sidecar, so that keys could be written.
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
            stand.kube.apply(&intruder::manifest()?.objects).await?;
            let guides = Deployment::of_the_guide(stand, true)?;
            guides.deploy(stand, READY).await?;
            cluster::healthy(stand, "baseline").await
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
                unlabelled.redeploy(stand, WITHOUT).await?;
            }
            Ok(Fault {
                shown,
                in_force: not_injecting(stand).await?,
            })
        })
    }

    fn observe<'a>(&'a self, stand: &'a Stand) -> Phase<'a, Observed> {
        Box::pin(async move {
            let listed = cluster::listed(stand).await?;
            let lines = listed.iter().map(pods::line).collect::<Vec<_>>().join(", ");
            let bare = listed.iter().all(|pod| pods::readiness(pod) == WITHOUT);
            let (state, readings) = nodes::settled(&stand.kube, &stand.namespace, JOIN).await?;
            let joined = state.symptom == Symptom::Healthy;
            let mut checks = vec![];
            self.written.store(joined, Ordering::Relaxed);
            if joined {
                checks.push(cluster::stays(stand, &readings, state.symptom, HOLD).await?);
                checks.push(c3::data_flows(stand, nodes::PODS[0], nodes::PODS[1], KEYS).await);
                checks.push(strict_refuses_nothing(stand).await?);
            }
            let symptom = symptom(bare, state.symptom, &readings);
            if symptom == Symptom::CannotJoin {
                checks.push(still_apart(stand).await?);
            }
            let because = match symptom {
                Symptom::NoSidecar => lines,
                _ => format!("{lines}; after {JOIN} s {}", state.reason),
            };
            Ok(Observed {
                symptom,
                because,
                checks,
            })
        })
    }

    fn remedy<'a>(&'a self, stand: &'a Stand, make: bool) -> Phase<'a, Remedied> {
        Box::pin(async move {
            let mut done = vec![];
            if make {
                let guides = Deployment::of_the_guide(stand, true)?;
                stand.kube.apply(&guides.namespace.objects).await?;
                rollout_restart(stand).await?;
                done.push("the namespace is labelled and the StatefulSet restarted, one pod after the other");
                cluster::both_ready(stand, READY).await?;
            }
            // Before that, the nodes without a sidecar logged what became of them.
            let mut since = Timestamp::now();
            let (kube, namespace) = (&stand.kube, &stand.namespace);
            let limit = if make { SETTLE } else { HOLD };
            let (mut state, _) = nodes::settled(kube, namespace, limit).await?;
            let keys = match self.written.load(Ordering::Relaxed) {
                true => Some(keys_left(stand).await),
                // Nodes that never joined took no keys, so none could be lost.
                false => None,
            };
            let sidecars = cluster::listed(stand).await?;
            let sidecars = sidecars.iter().all(|pod| pods::readiness(pod) == READY);
            let mut recovery = vec![];
            let mut cure = Cure::None;
            if sidecars && state.symptom == Symptom::Healthy {
                cure = Cure::ByTheRemedy;
            } else if make {
                let first = format!("{}: {}", state.symptom, state.reason);
                recovery.push(Check::answered(
                    Standing::Truth,
                    "after the rollout restart the nodes are one cluster",
                    false,
                    first,
                    vec![],
                ));
                since = cluster::restart(stand, READY).await?;
                done.push("both pods are deleted at once, of which the guide does not speak here");
                (state, _) = nodes::settled(kube, namespace, SETTLE).await?;
                if state.symptom == Symptom::Healthy {
                    cure = Cure::WithARestart;
                }
            }
            if cure != Cure::None {
                let mut again = cluster::recovered(stand, since).await?;
                for port in [ProductPort::Discovery, ProductPort::Communication] {
                    again.push(Shown::Encrypted(port).check(stand).await?);
                }
                if !again.iter().all(Check::holds) {
                    cure = Cure::None;
                }
                recovery.extend(keys);
                recovery.extend(again);
            }
            Ok(Remedied {
                done: done.join("; "),
                cure,
                recovery,
            })
        })
    }
}

/// What two nodes are: as they are read, unless they have no sidecar. Without one they are one cluster
/// whose traffic is in the clear, or each started, not one of them was ever in a topology, and one
/// says that it looks for the others in vain.
fn symptom(bare: bool, read: Symptom, readings: &[NodeReading]) -> Symptom {
    match read {
        Symptom::Healthy if bare => Symptom::NoSidecar,
        Symptom::Undecided if bare && are_apart(readings) && in_vain(readings).is_some() => {
            Symptom::CannotJoin
        }
        other => other,
    }
}

fn are_apart(readings: &[NodeReading]) -> bool {
    let apart = |log: &NodeLog| log.snapshot().is_none() && log.local_node().is_none();
    readings.iter().all(|reading| apart(&reading.log))
}

/// A node's own words that it looks for the others in vain.
fn in_vain(readings: &[NodeReading]) -> Option<&str> {
    let mut lines = readings.iter().flat_map(|reading| reading.text.lines());
    lines.find(|line| looks_in_vain(line))
}

/// That nodes which did not join do not join a little later either.
async fn still_apart(stand: &Stand) -> Result<Check, StepError> {
    let (state, readings) = nodes::settled(&stand.kube, &stand.namespace, HOLD).await?;
    let holds = state.symptom == Symptom::Undecided && are_apart(&readings);
    let said = in_vain(&readings).unwrap_or("no node says why");
    let statement = format!("no node joins within {HOLD} s more, and one says that it cannot");
    let seen = format!("{}: {}; {said}", state.symptom, state.reason);
    let evidence = readings.iter().flat_map(|r| r.evidence(&stand.namespace));
    Ok(Check::answered(
        Standing::Truth,
        statement,
        holds,
        seen,
        evidence.collect(),
    ))
}

/// That the namespace carries no label and injects nothing, by the API server's own word.
async fn not_injecting(stand: &Stand) -> Result<Vec<Check>, StepError> {
    let name = &stand.namespace;
    let namespace = stand
        .kube
        .raw(&format!("/api/v1/namespaces/{name}"))
        .await?;
    let label = &namespace["metadata"]["labels"][INJECTION_LABEL];
    let returned = stand.kube.dry_run(&injection_trial(name)).await?;
    let injection = Injection::of(&returned);
    let listed = cluster::listed(stand).await?;
    let lines = listed.iter().map(pods::line).collect::<Vec<_>>().join(", ");
    Ok(vec![
        Check::answered(
            Standing::Truth,
            "the namespace carries no istio-injection label",
            label.is_null(),
            format!("labels: {}", namespace["metadata"]["labels"]),
            vec![],
        ),
        Check::answered(
            Standing::Truth,
            "a pod made in the namespace gets no sidecar",
            injection == Injection::Absent,
            format!("sidecar: {}", injection.name()),
            vec![],
        ),
        Check::answered(
            Standing::Guide,
            "the pods are at 1/1",
            listed.iter().all(|pod| pods::readiness(pod) == WITHOUT),
            lines,
            vec![],
        ),
    ])
}

/// What the policy does where there is no proxy: nothing. A plaintext client is answered.
async fn strict_refuses_nothing(stand: &Stand) -> Result<Check, StepError> {
    intruder::ready(&stand.kube).await?;
    let addresses: Vec<String> = cluster::listed(stand)
        .await?
        .iter()
        .filter_map(pods::ip)
        .collect();
    let tried = intruder::intrude(&stand.kube, &addresses, &ProductPort::ALL).await?;
    let answered = tried.attempts.iter().filter(|a| a.was_answered()).count();
    Ok(Check::answered(
        Standing::Truth,
        "under STRICT a plaintext client outside the mesh is answered on every port",
        answered == tried.attempts.len() && answered > 0,
        format!("{answered} of {} attempts answered", tried.attempts.len()),
        vec![tried.evidence],
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

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(text: &str) -> NodeReading {
        NodeReading {
            pod: "ignite-0".into(),
            log: NodeLog::read(text),
            text: text.into(),
            top: None,
            top_text: String::new(),
        }
    }

    #[test]
    fn only_nodes_that_say_so_and_were_never_in_a_topology_cannot_join() {
        let joined = reading(
            "[03:19:46,648][INFO][main][GridDiscoveryManager] Topology snapshot [ver=1, \
             locNode=7942242e, servers=1, clients=0, state=ACTIVE, CPUs=1, offheap=0.3GB, \
             heap=0.36GB, aliveNodes=[]]\n",
        );
        assert!(joined.log.snapshot().is_some());
        let looks = reading(
            "[03:21:46,054][WARNING][main][TcpDiscoverySpi] Failed to resolve address from IP \
             finder (host is unknown): /10.244.0.21:47500\n",
        );
        let silent = reading("");
        let is = |bare, read, [one, two]: [&NodeReading; 2]| {
            symptom(bare, read, &[one.clone(), two.clone()])
        };
        use Symptom::{CannotJoin, Healthy, NoSidecar, Split, Undecided};
        assert_eq!(is(true, Healthy, [&joined, &joined]), NoSidecar);
        assert_eq!(is(true, Undecided, [&looks, &silent]), CannotJoin);
        assert_eq!(is(true, Undecided, [&silent, &silent]), Undecided);
        assert_eq!(is(true, Undecided, [&looks, &joined]), Undecided);
        assert_eq!(is(true, Split, [&joined, &joined]), Split);
        assert_eq!(is(false, Undecided, [&looks, &silent]), Undecided);
        assert_eq!(is(false, Healthy, [&joined, &joined]), Healthy);
    }
}
