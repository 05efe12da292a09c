//! Edits that decide whether a pod has a sidecar, of which kind, and whether the node waits for it.

use serde_json::Value;

use super::{EditError, missing, pod_template};
use crate::product::manifest::Manifest;

/// The annotation by which a pod carries settings of its proxy.
pub const PROXY_CONFIG: &str = "proxy.istio.io/config";
/// The annotation by which a pod chooses how its sidecar is placed.
pub const NATIVE_SIDECAR: &str = "sidecar.istio.io/nativeSidecar";
/// The annotation by which a pod limits its proxy's CPU.
pub const PROXY_CPU_LIMIT: &str = "sidecar.istio.io/proxyCPULimit";
/// The annotation by which a pod asks for its proxy's CPU.
pub const PROXY_CPU: &str = "sidecar.istio.io/proxyCPU";
/// The label of the namespace that switches injection on.
pub const INJECTION_LABEL: &str = "istio-injection";

/// Takes `holdApplicationUntilProxyStarts` out of the pod template.
///
/// # Errors
/// When it is not there.
pub fn without_hold(manifest: &mut Manifest) -> Result<(), EditError> {
    let removed = pod_template(manifest)?
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut)
        .and_then(|annotations| annotations.remove(PROXY_CONFIG));
    removed
        .map(drop)
        .ok_or_else(|| missing(format!("annotation {PROXY_CONFIG}")))
}

/// Annotates the pod template.
///
/// # Errors
/// When there is no StatefulSet.
pub fn annotate(manifest: &mut Manifest, name: &str, value: &str) -> Result<(), EditError> {
    let annotations = pod_template(manifest)?.pointer_mut("/metadata/annotations");
    let annotations = annotations.and_then(Value::as_object_mut);
    annotations
        .ok_or_else(|| missing("annotations of the pod template"))?
        .insert(name.to_owned(), Value::from(value));
    Ok(())
}

/// Takes the injection label off a Namespace.
///
/// # Errors
/// When no Namespace carries it.
pub fn without_injection_label(manifest: &mut Manifest) -> Result<(), EditError> {
    let namespace = manifest
        .objects
        .iter_mut()
        .find(|o| o["kind"] == "Namespace");
    let removed = namespace
        .and_then(|n| n.pointer_mut("/metadata/labels"))
        .and_then(Value::as_object_mut)
        .and_then(|labels| labels.remove(INJECTION_LABEL));
    removed
        .map(drop)
        .ok_or_else(|| missing(format!("label {INJECTION_LABEL}")))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{changed, edited};
    use super::*;
    use crate::product::guide;

    #[test]
    fn the_hold_is_taken_out() {
        let diff = edited(without_hold);
        let gone = |line: &&str| line.starts_with('-') && line.contains("holdApplication");
        assert_eq!(
            changed(&diff).iter().filter(|l| gone(l)).count(),
            1,
            "{diff}"
        );
        let mut twice = guide::ignite_cluster().unwrap();
        without_hold(&mut twice).unwrap();
        let again = without_hold(&mut twice).unwrap_err().to_string();
        assert!(again.contains(PROXY_CONFIG), "{again}");
    }

    #[test]
    fn the_label_is_taken_off() {
        let mut namespace = guide::namespace().unwrap();
        without_injection_label(&mut namespace).unwrap();
        assert!(without_injection_label(&mut namespace).is_err());
    }
}
