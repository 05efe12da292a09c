//! Whether a license's fault is in force: the Secret and its mount, read back from the API.
//!
//! No check shows what a Secret holds.

use meshproof_harness::outcome::{Check, Evidence, Standing};
use meshproof_harness::product::gridgain::{LICENSE_FOLDER, LICENSE_SECRET};
use meshproof_harness::scenario::{Stand, StepError};
use serde_json::Value;

/// That there is no Secret of the license.
pub(super) async fn no_secret(stand: &Stand) -> Result<Check, StepError> {
    let namespace = &stand.namespace;
    // As a table: the answer then carries names and sizes, and no data.
    let path = format!(
        "/api/v1/namespaces/{namespace}/secrets?fieldSelector=metadata.name%3D{LICENSE_SECRET}"
    );
    let table = stand.kube.table(&path).await?;
    let found = table["rows"].as_array().map_or(0, Vec::len);
    let seen = match found {
        0 => format!("there is no Secret {LICENSE_SECRET}"),
        _ => format!("there is a Secret {LICENSE_SECRET}"),
    };
    let command = format!(
        "kubectl get secret -n {namespace} --field-selector metadata.name={LICENSE_SECRET}"
    );
    let evidence = Evidence::now(command, format!("{found} rows"), seen.clone());
    let statement = "the license's Secret does not exist";
    Ok(truth(statement, found == 0, seen, evidence))
}

/// That the Secret holds what the fault put there.
pub(super) async fn secret_is(stand: &Stand, wanted: &Value) -> Result<Check, StepError> {
    let namespace = &stand.namespace;
    let path = format!("/api/v1/namespaces/{namespace}/secrets/{LICENSE_SECRET}");
    let found = stand.kube.raw(&path).await?;
    let holds = !wanted["data"].is_null() && found["data"] == wanted["data"];
    let seen = if holds {
        "it does"
    } else {
        "it holds something else"
    };
    let command = format!("kubectl get secret {LICENSE_SECRET} -n {namespace} -o yaml");
    let evidence = Evidence::now(command, "(compared, and not shown)", seen);
    let statement = "the license's Secret holds what the fault puts there";
    Ok(truth(statement, holds, seen.into(), evidence))
}

/// That the license is mounted in this folder, which is not where `licenseUrl` names it.
pub(super) async fn mounted_at(stand: &Stand, folder: &str) -> Result<Check, StepError> {
    let namespace = &stand.namespace;
    let path = format!("/apis/apps/v1/namespaces/{namespace}/statefulsets/ignite");
    let set = stand.kube.raw(&path).await?;
    let mounts = &set["spec"]["template"]["spec"]["containers"][0]["volumeMounts"];
    let mount = mounts
        .as_array()
        .into_iter()
        .flatten()
        .find(|mount| mount["name"] == LICENSE_SECRET);
    let found = mount.and_then(|mount| mount["mountPath"].as_str());
    let seen = match found {
        Some(path) => format!("mounted at {path}, licenseUrl names a file in {LICENSE_FOLDER}"),
        None => "not mounted".to_owned(),
    };
    let command = format!("kubectl get statefulset ignite -n {namespace} -o yaml");
    let evidence = Evidence::now(command, mounts.to_string(), seen.clone());
    let statement = "the license is mounted where licenseUrl does not name it";
    let holds = found == Some(folder) && folder != LICENSE_FOLDER;
    Ok(truth(statement, holds, seen, evidence))
}

fn truth(statement: &str, holds: bool, seen: String, evidence: Evidence) -> Check {
    Check::answered(Standing::Truth, statement, holds, seen, vec![evidence])
}
