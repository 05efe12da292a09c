//! A container that takes a port of the pod before the node starts, and what keeps it from that.
//!
//! The port is not bound on purpose: the container makes outgoing connections until the kernel gives
//! one of them this port to come from, as it now and then does for a sidecar's. The program is the
//! probe's `take-port`.

use meshproof_protocol::ports::ProductPort;
use serde_json::{Value, json};

use super::{EditError, list, missing, pod_template};
use crate::product::manifest::Manifest;
use crate::product::reserved_ports::{self, IN_EPHEMERAL_RANGE};

/// The container's name.
pub const PORT_TAKER: &str = "port-taker";
const PROGRAM: &str = "/usr/local/bin/meshproof-probe";

/// Puts the container before the node's: it is done trying when the node is started, and holds on.
///
/// # Errors
/// When there is no StatefulSet.
pub fn take_port(manifest: &mut Manifest, port: u16) -> Result<(), EditError> {
    let pod = &mut pod_template(manifest)?["spec"];
    if !pod.is_object() {
        return Err(missing("spec of the pod template"));
    }
    pod["initContainers"] = json!([{
        "name": PORT_TAKER,
        "image": "meshproof.local/probe:lab",
        "args": ["take-port", port.to_string()],
        "restartPolicy": "Always",
        "startupProbe": {
            "exec": { "command": [PROGRAM, "take-port-done"] },
            "periodSeconds": 1,
            "failureThreshold": 120,
        },
        "resources": { "requests": { "cpu": "10m", "memory": "16Mi" } },
        "securityContext": {
            "runAsNonRoot": true,
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": { "drop": ["ALL"] },
        },
    }]);
    Ok(())
}

/// Has the container take another port.
///
/// # Errors
/// When there is no such container.
pub fn take_another_port(manifest: &mut Manifest, port: u16) -> Result<(), EditError> {
    let taker = list(pod_template(manifest)?, "/spec/initContainers")
        .and_then(|all| all.iter_mut().find(|c| c["name"] == PORT_TAKER))
        .and_then(|taker| taker.pointer_mut("/args/1"));
    *taker.ok_or_else(|| missing(format!("container {PORT_TAKER}")))? =
        Value::from(port.to_string());
    Ok(())
}

/// Reserves the product's ports, so that the kernel gives them to no outgoing connection.
///
/// # Errors
/// When there is no StatefulSet.
pub fn reserve_ports(manifest: &mut Manifest) -> Result<(), EditError> {
    reserve(manifest, reserved_ports::with(None))
}

/// Leaves one of them to outgoing connections, and reserves the others.
///
/// # Errors
/// When there is no StatefulSet.
pub fn reserve_ports_but(manifest: &mut Manifest, free: ProductPort) -> Result<(), EditError> {
    let others = IN_EPHEMERAL_RANGE.iter().filter(|port| **port != free);
    let others: Vec<String> = others.map(|port| port.number().to_string()).collect();
    reserve(manifest, others.join(","))
}

fn reserve(manifest: &mut Manifest, ports: String) -> Result<(), EditError> {
    let pod = &mut pod_template(manifest)?["spec"];
    if !pod.is_object() {
        return Err(missing("spec of the pod template"));
    }
    pod["securityContext"]["sysctls"] = json!([{ "name": reserved_ports::SYSCTL, "value": ports }]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::guide;
    use crate::scenario::edit::diff;

    #[test]
    fn the_fault_frees_the_port_and_takes_it_and_the_cure_is_one_setting() {
        let mut healthy = guide::ignite_cluster().unwrap();
        let untouched = healthy.clone();
        assert!(take_another_port(&mut healthy, 1).is_err());
        take_port(&mut healthy, 40000).unwrap();
        reserve_ports(&mut healthy).unwrap();
        let added = diff(&untouched, &healthy, ["guide", "throughout"]).unwrap();
        assert!(!added.contains("\n-"), "{added}");
        let mut faulty = healthy.clone();
        take_another_port(&mut faulty, 47500).unwrap();
        reserve_ports_but(&mut faulty, ProductPort::Discovery).unwrap();
        let mut cured = faulty.clone();
        reserve_ports(&mut cured).unwrap();
        let fault = diff(&healthy, &faulty, ["healthy", "fault"]).unwrap();
        let cure = diff(&faulty, &cured, ["fault", "cured"]).unwrap();
        insta::assert_snapshot!(fault + &cure);
    }

    #[test]
    fn what_has_no_pod_template_is_not_edited() {
        let text = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: ignite}\n\
                    spec: {template: {spec: text}}\n";
        for edit in [
            (|m| take_port(m, 1)) as fn(&mut Manifest) -> Result<(), EditError>,
            |m| take_another_port(m, 1),
            reserve_ports,
            |m| reserve_ports_but(m, ProductPort::Discovery),
        ] {
            let mut manifest = Manifest::parse(text).unwrap();
            let before = manifest.clone();
            edit(&mut manifest).unwrap_err();
            assert_eq!(manifest, before);
        }
    }
}
