//! What becomes of the first node's pod: its volume cannot be mounted, its container ends, or all
//! is well. A StatefulSet makes the second pod only when the first is ready.

use k8s_openapi::api::core::v1::{Event, Pod};
use kube::Api;
use meshproof_harness::evidence::capture::redact::Redactor;
use meshproof_harness::evidence::nodes::{self, NODE_CONTAINER};
use meshproof_harness::kube::{KubeError, Objects, Seen, Watch, holds, pods, until};
use meshproof_harness::outcome::{Check, Evidence, Observed, Standing, Symptom};
use meshproof_harness::product::gridgain::LICENSE_SECRET;
use meshproof_harness::product::license;
use meshproof_harness::scenario::{Stand, StepError};

use super::c3;
use super::guide_cluster::{SETTLE, held_check};

/// The pod that is made first.
const FIRST: &str = nodes::PODS[0];
/// Seconds within which a pod has to start or to say why it does not.
const START: u64 = 180;

/// What was seen first.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Start {
    /// An event says that the license's Secret is not there to be mounted.
    NotMounted(String),
    /// The node's container ended.
    Ended(pods::Ended),
    /// Both pods are ready.
    BothReady,
}

/// Waits until it shows, and sees for so many seconds that it stays.
pub(super) async fn observe(stand: &Stand, hold: u64) -> Result<Observed, StepError> {
    match first_seen(stand).await {
        Ok(Start::NotMounted(event)) => Ok(Observed {
            symptom: Symptom::NeverStarts,
            checks: vec![
                stays(stand, hold, "no container is started", nothing_started).await?,
                no_log(stand).await,
            ],
            because: event,
        }),
        Ok(Start::Ended(ended)) => Ok(Observed {
            symptom: Symptom::Exits,
            because: format!("{NODE_CONTAINER} ended with exit code {}", ended.exit_code),
            checks: vec![
                stays(stand, hold, "the pod does not become ready", not_ready).await?,
                names_a_license(stand, ended).await?,
            ],
        }),
        Ok(Start::BothReady) => {
            let (state, _) = nodes::settled(&stand.kube, &stand.namespace, SETTLE).await?;
            Ok(Observed {
                symptom: state.symptom,
                because: state.reason,
                checks: vec![],
            })
        }
        Err(error @ KubeError::TimedOut { .. }) => Ok(Observed {
            symptom: Symptom::Undecided,
            because: error.to_string(),
            checks: vec![],
        }),
        Err(error) => Err(error.into()),
    }
}

/// Watches events and pods side by side: the first that tells decides.
async fn first_seen(stand: &Stand) -> Result<Start, KubeError> {
    let limit = stand.kube.limit(START);
    let events: Api<Event> = Api::namespaced(stand.kube.client(), &stand.namespace);
    let of_mounts = format!("involvedObject.name={FIRST},reason=FailedMount");
    let name = format!("{FIRST} to start, or to say why it does not");
    let not_mounted = until(
        &events,
        Watch::default().fields(&of_mounts),
        name.clone(),
        limit,
        secret_not_found,
    );
    let pods = pods_of(stand);
    let started = until(&pods, c3::ignite_pods(), name, limit, ended_or_ready);
    tokio::select! {
        event = not_mounted => event,
        pod = started => pod,
    }
}

/// The kubelet's own words: `secret "..." not found`.
fn secret_not_found(seen: &Objects<Event>) -> Seen<Start> {
    let wanted = format!("secret \"{LICENSE_SECRET}\" not found");
    let mut messages = seen.values().filter_map(|event| event.message.as_ref());
    match messages.find(|message| message.contains(&wanted)) {
        Some(message) => Seen::Met(Start::NotMounted(format!("FailedMount: {message}"))),
        None => Seen::NotYet(format!("{} other events FailedMount", seen.len())),
    }
}

fn ended_or_ready(seen: &Objects<Pod>) -> Seen<Start> {
    if let Some(ended) = seen.get(FIRST).and_then(|p| pods::ended(p, NODE_CONTAINER)) {
        return Seen::Met(Start::Ended(ended));
    }
    match c3::both_ready(seen) {
        Seen::Met(()) => Seen::Met(Start::BothReady),
        Seen::NotYet(seen) => Seen::NotYet(seen),
    }
}

fn nothing_started(seen: &Objects<Pod>) -> Seen<()> {
    held(seen, pods::none_started)
}

fn not_ready(seen: &Objects<Pod>) -> Seen<()> {
    held(seen, |pod| !pods::is_ready(pod))
}

fn held(seen: &Objects<Pod>, so: impl Fn(&Pod) -> bool) -> Seen<()> {
    match seen.get(FIRST) {
        Some(pod) if so(pod) => Seen::Met(()),
        Some(pod) => Seen::NotYet(pods::line(pod)),
        None => Seen::NotYet(format!("no pod {FIRST}")),
    }
}

async fn stays(
    stand: &Stand,
    seconds: u64,
    what: &str,
    so: fn(&Objects<Pod>) -> Seen<()>,
) -> Result<Check, StepError> {
    let limit = stand.kube.limit(seconds);
    let pods = pods_of(stand);
    let held = holds(&pods, c3::ignite_pods(), what, limit, so).await;
    let statement = format!("{what} of {FIRST}, for {seconds} s");
    Ok(held_check(statement, format!("so for {seconds} s"), held)?)
}

/// That the node has no log: where the guide sends its reader there is nothing to read.
async fn no_log(stand: &Stand) -> Check {
    let namespace = &stand.namespace;
    let asked = stand.kube.log(namespace, FIRST, NODE_CONTAINER).await;
    let (holds, seen) = match asked {
        Err(error) => (true, error.to_string()),
        Ok(text) => (false, format!("a log of {} lines", text.lines().count())),
    };
    let command = format!("kubectl logs {FIRST} -n {namespace} -c {NODE_CONTAINER}");
    let evidence = Evidence::now(command, seen.clone(), "no log");
    let statement = "there is no log of the node";
    Check::answered(Standing::Truth, statement, holds, seen, vec![evidence])
}

/// That the log of the container that ended tells of a license, as far as that can be read.
async fn names_a_license(stand: &Stand, ended: pods::Ended) -> Result<Check, StepError> {
    let (kube, namespace) = (&stand.kube, &stand.namespace);
    let log = if ended.replaced {
        kube.previous_log(namespace, FIRST, NODE_CONTAINER).await?
    } else {
        kube.log(namespace, FIRST, NODE_CONTAINER).await?
    };
    let secrets = stand.product.secrets();
    Ok(license_named(namespace, ended.exit_code, &log, &secrets))
}

/// The same of a log that was read: no secret of it comes into a report, nor any of the texts that are
/// known to be secret.
fn license_named(namespace: &str, exit_code: i32, log: &str, secrets: &[String]) -> Check {
    let log = Redactor::knowing(secrets).text(log).text;
    let failure = license::failure(Some(exit_code), &log);
    let seen = match &failure {
        Some(failure) => failure.to_string(),
        None => format!("no such line among {}", log.lines().count()),
    };
    let command = format!("kubectl logs {FIRST} -n {namespace} -c {NODE_CONTAINER}");
    let line = failure.as_ref().map_or("", |failure| &failure.text);
    let evidence = Evidence::now(command, line, seen.clone());
    let statement = format!(
        "the node's log names a license where it tells of an error ({})",
        license::UNVERIFIED
    );
    let holds = failure.is_some();
    Check::answered(Standing::Guide, statement, holds, seen, vec![evidence])
}

fn pods_of(stand: &Stand) -> Api<Pod> {
    Api::namespaced(stand.kube.client(), &stand.namespace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn objects<K: serde::de::DeserializeOwned>(all: serde_json::Value) -> Objects<K> {
        serde_json::from_value(all).unwrap()
    }

    fn event(message: &str) -> Objects<Event> {
        objects(json!({ "ignite-0.1": {
            "metadata": { "name": "ignite-0.1" }, "involvedObject": {}, "message": message,
        }}))
    }

    fn pod(state: serde_json::Value) -> Objects<Pod> {
        objects(json!({ "ignite-0": {
            "metadata": { "name": "ignite-0" },
            "spec": { "containers": [{ "name": "ignite-node" }] },
            "status": { "phase": "Pending", "containerStatuses": [{
                "name": "ignite-node", "ready": false, "restartCount": 0, "image": "i",
                "imageID": "", "state": state,
            }]},
        }}))
    }

    #[test]
    fn only_the_licenses_own_secret_counts() {
        let ours = "MountVolume.SetUp failed for volume \"license\" : secret \"gridgain-license\" \
                    not found";
        let Seen::Met(Start::NotMounted(told)) = secret_not_found(&event(ours)) else {
            panic!("it is not told");
        };
        assert!(told.ends_with("not found"), "{told}");
        let other = ours.replace("gridgain-license", "istio-token");
        assert!(matches!(secret_not_found(&event(&other)), Seen::NotYet(_)));
    }

    /// The logs are made up; none is, or resembles on purpose, GridGain output.
    #[test]
    fn no_secret_of_a_log_comes_into_the_report() {
        let given = "<l><id>planted-0000-1111</id></l>".to_owned();
        for line in [
            "made up: ERROR license id planted-0000-1111",
            "made up: ERROR no license <my-license><id>planted</id></my-license>",
            "made up: ERROR license key=planted",
            "made up: ERROR license\n<my-license>\nERROR license planted\n</my-license>",
        ] {
            let log = format!("made up: starts\n{line}\n");
            let check = license_named("n", 255, &log, std::slice::from_ref(&given));
            assert!(check.holds(), "{check:#?}");
            assert!(check.seen.contains("line 2 of the log"), "{}", check.seen);
            assert!(!format!("{check:?}").contains("planted"), "{check:#?}");
        }
    }

    #[test]
    fn a_container_that_ended_is_seen_and_one_that_waits_is_not() {
        let ended = pod(json!({ "terminated": { "exitCode": 255 } }));
        let expected = pods::Ended {
            exit_code: 255,
            replaced: false,
        };
        assert_eq!(ended_or_ready(&ended), Seen::Met(Start::Ended(expected)));
        assert!(matches!(nothing_started(&ended), Seen::NotYet(_)));
        let waits = pod(json!({ "waiting": { "reason": "PodInitializing" } }));
        assert!(matches!(ended_or_ready(&waits), Seen::NotYet(_)));
        assert_eq!(nothing_started(&waits), Seen::Met(()));
        assert!(matches!(nothing_started(&Objects::new()), Seen::NotYet(_)));
    }
}
