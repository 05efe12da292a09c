//! C2: the namespace is labelled, and a pod made in it gets a sidecar.

use jiff::Timestamp;
use meshproof_harness::evidence::log_gate;
use meshproof_harness::kube::Kube;
use meshproof_harness::mesh::{Injection, injection_trial};
use meshproof_harness::outcome::{Check, Evidence, Standing};
use meshproof_harness::product::{Product, guide};
use meshproof_harness::report::kubectl_table;
use meshproof_harness::scenario::{About, Checkpoint, Scenario, Scope, Stand, StepError};

/// The scenario.
pub fn scenario() -> Scenario {
    let about = About {
        id: "C2",
        title: "The namespace injects sidecars",
        section: "Create the namespace with sidecar injection",
        claim: "The namespace carries istio-injection=enabled, and pods made in it get a sidecar.",
        scope: Scope::Namespace,
        alone: None,
        remarks: &[],
    };
    Scenario::checkpoint(about, Injecting)
}

struct Injecting;

impl Checkpoint for Injecting {
    /// When the step began.
    type Arranged = Timestamp;

    /// No product runs yet.
    fn blocked(&self, _: &Product) -> Option<String> {
        None
    }

    async fn start_early(
        &self,
        kube: &Kube,
        namespace: &str,
        _: &Product,
    ) -> Result<(), StepError> {
        kube.apply(&guide::namespace()?.in_namespace(namespace).objects)
            .await?;
        Ok(())
    }

    async fn arrange(&self, stand: &Stand) -> Result<Timestamp, StepError> {
        let begun = Timestamp::now();
        self.start_early(&stand.kube, &stand.namespace, &stand.product)
            .await?;
        Ok(begun)
    }

    async fn check(&self, stand: &Stand, begun: Timestamp) -> Result<Vec<Check>, StepError> {
        let name = &stand.namespace;
        let path = format!("/api/v1/namespaces/{name}?includeObject=Metadata");
        let table = stand.kube.table(&path).await?;
        let columns = kubectl_table::Columns {
            labels: true,
            ..Default::default()
        };
        let printed = kubectl_table::render(&table, columns)
            .map_err(StepError::other("printing the namespace as kubectl does"))?;
        let label = table["rows"][0]["object"]["metadata"]["labels"]["istio-injection"]
            .as_str()
            .unwrap_or("absent")
            .to_owned();
        let seen = format!("istio-injection={label}");
        let labelled = Check::answered(
            Standing::Guide,
            "the namespace labels include istio-injection=enabled",
            label == "enabled",
            seen.clone(),
            vec![Evidence::now(
                format!("kubectl get namespace {name} --show-labels"),
                printed,
                seen,
            )],
        );
        let trial = injection_trial(name);
        let returned = stand.kube.dry_run(&trial).await?;
        let injection = Injection::of(&returned);
        let seen = match injection {
            Injection::Absent => "a pod comes back without a sidecar".to_owned(),
            found => format!("a pod comes back with a {} sidecar", found.name()),
        };
        let containers = serde_json::json!({
            "initContainers": names(&returned["spec"]["initContainers"]),
            "containers": names(&returned["spec"]["containers"]),
        });
        let evidence = Evidence::now(
            format!("kubectl apply --dry-run=server -n {name} -f <a pod of one container>"),
            containers.to_string(),
            seen.clone(),
        );
        let injected = Check::answered(
            Standing::Truth,
            "a pod made in the namespace gets a sidecar",
            injection != Injection::Absent,
            seen,
            vec![evidence],
        );
        // The injector is istiod, and tells there what it could not inject.
        let logs = log_gate::Logs::of_istiod(&stand.product, begun);
        let quiet = logs.check(&stand.kube, &[]).await?;
        // What decides is told last.
        Ok(vec![labelled, quiet, injected])
    }
}

fn names(containers: &serde_json::Value) -> Vec<&str> {
    containers
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|c| c["name"].as_str())
        .collect()
}
