//! Edits of where the node's container has GridGain's license.

use serde_json::{Value, json};

use super::{EditError, list, missing, pod_template};
use crate::product::gridgain::{LICENSE_FOLDER, LICENSE_SECRET};
use crate::product::manifest::Manifest;

/// The mounts of the node's container, in the pod template.
const MOUNTS: &str = "/spec/containers/0/volumeMounts";

/// Mounts the Secret with GridGain's license into the node's container, as the guide says it is for
/// GridGain, and changes nothing else.
///
/// # Errors
/// When the pod template has no volumes, or its container no mounts.
pub fn mount_license(manifest: &mut Manifest) -> Result<(), EditError> {
    let pod = pod_template(manifest)?;
    let volume = json!({ "name": LICENSE_SECRET, "secret": { "secretName": LICENSE_SECRET } });
    let mount = json!({ "mountPath": LICENSE_FOLDER, "name": LICENSE_SECRET });
    if list(pod, MOUNTS).is_none() {
        return Err(missing("volumeMounts"));
    }
    let volumes = list(pod, "/spec/volumes");
    volumes.ok_or_else(|| missing("volumes"))?.push(volume);
    let mounts = list(pod, MOUNTS);
    mounts.ok_or_else(|| missing("volumeMounts"))?.push(mount);
    Ok(())
}

/// Mounts the license in another folder than the one that `licenseUrl` names.
///
/// # Errors
/// When no license is mounted.
pub fn mount_license_at(manifest: &mut Manifest, folder: &str) -> Result<(), EditError> {
    let mount = list(pod_template(manifest)?, MOUNTS)
        .into_iter()
        .flatten()
        .find(|mount| mount["name"] == LICENSE_SECRET)
        .ok_or_else(|| missing(format!("mount of {LICENSE_SECRET}")))?;
    mount["mountPath"] = Value::from(folder);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{changed, edited};
    use super::*;
    use crate::product::guide;
    use crate::scenario::edit;

    #[test]
    fn the_license_is_mounted_and_moved_and_nothing_else() {
        let diff = edited(mount_license);
        let lines = changed(&diff);
        assert!(lines.iter().all(|line| line.starts_with('+')), "{diff}");
        assert_eq!(lines.len(), 5, "{diff}");
        let mut mounted = guide::ignite_cluster().unwrap();
        assert!(mount_license_at(&mut mounted, "/x").is_err());
        mount_license(&mut mounted).unwrap();
        let before = mounted.clone();
        mount_license_at(&mut mounted, "/x").unwrap();
        let diff = edit::diff(&before, &mounted, ["a", "b"]).unwrap();
        assert_eq!(changed(&diff).len(), 2, "{diff}");
        assert!(diff.contains("mountPath: /x"), "{diff}");
    }
}
