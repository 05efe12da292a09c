//! Reads what a pod's status says, as `kubectl get pods` does.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Pod};

/// Whether the pod's Ready condition is true.
pub fn is_ready(pod: &Pod) -> bool {
    let conditions = pod
        .status
        .iter()
        .flat_map(|s| s.conditions.iter().flatten());
    conditions
        .into_iter()
        .any(|c| c.type_ == "Ready" && c.status == "True")
}

/// When the pod became Ready, in seconds since the epoch.
pub fn ready_since(pod: &Pod) -> Option<i64> {
    let conditions = pod
        .status
        .iter()
        .flat_map(|s| s.conditions.iter().flatten());
    let ready = conditions
        .into_iter()
        .find(|c| c.type_ == "Ready" && c.status == "True")?;
    ready.last_transition_time.as_ref().map(|t| t.0.as_second())
}

/// The statuses that count in kubectl's READY column: containers, and init containers that stay
/// (native sidecars).
pub fn counted(pod: &Pod) -> Vec<&ContainerStatus> {
    let stays = |name: &str| {
        let spec = pod
            .spec
            .iter()
            .flat_map(|s| s.init_containers.iter().flatten());
        spec.into_iter()
            .any(|c| c.name == name && c.restart_policy.as_deref() == Some("Always"))
    };
    let status = pod.status.as_ref();
    let init = status
        .iter()
        .flat_map(|s| s.init_container_statuses.iter().flatten())
        .filter(|c| stays(&c.name));
    let own = status
        .iter()
        .flat_map(|s| s.container_statuses.iter().flatten());
    init.chain(own).collect()
}

/// The READY column: how many containers are ready, of how many.
pub fn readiness(pod: &Pod) -> (usize, usize) {
    let statuses = counted(pod);
    let declared = pod.spec.as_ref().map_or(0, |spec| {
        let stays = spec.init_containers.iter().flatten();
        spec.containers.len()
            + stays
                .filter(|c| c.restart_policy.as_deref() == Some("Always"))
                .count()
    });
    (statuses.iter().filter(|c| c.ready).count(), declared)
}

/// Restarts of all containers together.
pub fn restarts(pod: &Pod) -> i32 {
    let status = pod.status.as_ref();
    let init = status
        .iter()
        .flat_map(|s| s.init_container_statuses.iter().flatten());
    let own = status
        .iter()
        .flat_map(|s| s.container_statuses.iter().flatten());
    init.chain(own).map(|c| c.restart_count).sum()
}

/// Whether no container of the pod was ever started, init containers included. A pod that has no
/// statuses yet counts as such.
pub fn none_started(pod: &Pod) -> bool {
    let status = pod.status.as_ref();
    let init = status.iter().flat_map(|s| &s.init_container_statuses);
    let own = status.iter().flat_map(|s| &s.container_statuses);
    init.chain(own).flatten().all(|c| {
        let state = c.state.as_ref();
        let started = state.is_some_and(|s| s.running.is_some() || s.terminated.is_some());
        !started && c.last_state.as_ref().is_none_or(|l| l.terminated.is_none())
    })
}

/// A container that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code.
    pub exit_code: i32,
    /// Whether another was started, or is about to be, in its place.
    pub replaced: bool,
}

/// When the pod's container of this name was started, while it runs.
pub fn running_since(pod: &Pod, container: &str) -> Option<Timestamp> {
    let statuses = pod.status.iter().flat_map(|s| &s.container_statuses);
    let status = statuses.flatten().find(|c| c.name == container)?;
    let running = status.state.as_ref()?.running.as_ref()?;
    running.started_at.as_ref().map(|time| time.0)
}

/// How the pod's container of this name ended last; none if it never did.
pub fn ended(pod: &Pod, container: &str) -> Option<Ended> {
    let statuses = pod.status.iter().flat_map(|s| &s.container_statuses);
    let status = statuses.flatten().find(|c| c.name == container)?;
    let of = |state: &Option<ContainerState>, replaced| {
        let exit_code = state.as_ref()?.terminated.as_ref()?.exit_code;
        Some(Ended {
            exit_code,
            replaced,
        })
    };
    of(&status.state, false).or_else(|| of(&status.last_state, true))
}

/// The pod's phase, or why it is not scheduled, or why a container of it waits.
pub fn state(pod: &Pod) -> String {
    let conditions = pod
        .status
        .iter()
        .flat_map(|s| s.conditions.iter().flatten());
    let unscheduled = conditions
        .into_iter()
        .find(|c| c.type_ == "PodScheduled" && c.status == "False")
        .and_then(|c| c.message.clone());
    if let Some(message) = unscheduled {
        return format!("Pending ({message})");
    }
    let waiting = counted(pod).into_iter().find_map(|c| {
        let waiting = c.state.as_ref()?.waiting.as_ref()?;
        waiting
            .reason
            .clone()
            .filter(|reason| reason != "PodInitializing")
    });
    let phase = || pod.status.as_ref().and_then(|s| s.phase.clone());
    waiting.or_else(phase).unwrap_or_else(|| "unknown".into())
}

/// One line about a pod: `ignite-0 2/2 Running`.
pub fn line(pod: &Pod) -> String {
    let (ready, of) = readiness(pod);
    let name = pod.metadata.name.as_deref().unwrap_or("?");
    let ending = if pod.metadata.deletion_timestamp.is_some() {
        " (terminating)"
    } else {
        ""
    };
    format!("{name} {ready}/{of} {}{ending}", state(pod))
}

/// The pod's IP.
pub fn ip(pod: &Pod) -> Option<String> {
    pod.status.as_ref()?.pod_ip.clone()
}

/// The pod's uid.
pub fn uid(pod: &Pod) -> String {
    pod.metadata.uid.clone().unwrap_or_default()
}

/// The number of a container port by its name.
pub fn named_port(pod: &Pod, name: &str) -> Option<i32> {
    let containers = pod.spec.iter().flat_map(|s| s.containers.iter());
    let mut ports = containers.flat_map(|c| c.ports.iter().flatten());
    ports
        .find(|p| p.name.as_deref() == Some(name))
        .map(|p| p.container_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod() -> Pod {
        serde_json::from_value(serde_json::json!({
            "metadata": { "name": "ignite-0", "uid": "u" },
            "spec": {
                "initContainers": [
                    { "name": "istio-init", "image": "i" },
                    { "name": "istio-proxy", "image": "i", "restartPolicy": "Always" }
                ],
                "containers": [{ "name": "ignite-node", "image": "i",
                    "ports": [{ "name": "rest", "containerPort": 8080 }] }]
            },
            "status": {
                "phase": "Running", "podIP": "10.244.1.2",
                "conditions": [{ "type": "Ready", "status": "True",
                    "lastTransitionTime": "2026-11-23T10:00:00Z" }],
                "initContainerStatuses": [
                    { "name": "istio-init", "ready": true, "restartCount": 0, "image": "i", "imageID": "" },
                    { "name": "istio-proxy", "ready": true, "restartCount": 1, "image": "i", "imageID": "" }
                ],
                "containerStatuses": [
                    { "name": "ignite-node", "ready": false, "restartCount": 2, "image": "i", "imageID": "",
                      "state": { "waiting": { "reason": "CrashLoopBackOff" } } }
                ]
            }
        }))
        .unwrap()
    }

    #[test]
    fn native_sidecars_count_and_init_containers_do_not() {
        assert_eq!(readiness(&pod()), (1, 2));
        assert_eq!(line(&pod()), "ignite-0 1/2 CrashLoopBackOff");
        assert_eq!(restarts(&pod()), 3);
    }

    #[test]
    fn a_pod_that_no_node_takes_says_why() {
        let mut pending = pod();
        pending.status = serde_json::from_value(serde_json::json!({
            "phase": "Pending",
            "conditions": [{ "type": "PodScheduled", "status": "False",
                             "message": "0/2 nodes are available: 2 Insufficient cpu." }]
        }))
        .unwrap();
        assert_eq!(
            line(&pending),
            "ignite-0 0/2 Pending (0/2 nodes are available: 2 Insufficient cpu.)"
        );
    }

    #[test]
    fn a_container_that_ended_is_told_with_its_exit_code() {
        assert_eq!(ended(&pod(), "ignite-node"), None);
        let mut crashed = pod();
        let of = |state: serde_json::Value| {
            serde_json::from_value(serde_json::json!({
                "phase": "Running",
                "containerStatuses": [state]
            }))
            .unwrap()
        };
        let over = serde_json::json!({ "terminated": { "exitCode": 255 } });
        let waits = serde_json::json!({ "waiting": { "reason": "CrashLoopBackOff" } });
        let status = |state: &serde_json::Value, last: &serde_json::Value| {
            serde_json::json!({ "name": "ignite-node", "ready": false, "restartCount": 1,
                "image": "i", "imageID": "", "state": state, "lastState": last })
        };
        crashed.status = of(status(&over, &serde_json::json!({})));
        let now = Ended {
            exit_code: 255,
            replaced: false,
        };
        assert_eq!(ended(&crashed, "ignite-node"), Some(now));
        assert_eq!(ended(&crashed, "istio-proxy"), None);
        crashed.status = of(status(&waits, &over));
        let before = Ended {
            replaced: true,
            ..now
        };
        assert_eq!(ended(&crashed, "ignite-node"), Some(before));
        assert!(!none_started(&crashed));
        crashed.status = of(status(&waits, &serde_json::json!({})));
        assert!(none_started(&crashed));
        crashed.status = of(status(
            &serde_json::json!({ "running": {} }),
            &serde_json::json!({}),
        ));
        assert!(!none_started(&crashed));
    }

    #[test]
    fn ports_are_found_by_name() {
        assert_eq!(named_port(&pod(), "rest"), Some(8080));
        assert_eq!(named_port(&pod(), "other"), None);
    }
}
