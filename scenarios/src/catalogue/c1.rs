//! C1: the control plane and the ingress gateway run, and they are the build that was asked for.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use meshproof_harness::evidence::log_gate;
use meshproof_harness::kube::{KubeError, pods, read_until};
use meshproof_harness::mesh::{ISTIO_NAMESPACE, sync_states};
use meshproof_harness::outcome::{Check, Evidence, Standing};
use meshproof_harness::product::Product;
use meshproof_harness::report::kubectl_table;
use meshproof_harness::scenario::{About, Checkpoint, Scenario, Scope, Stand, StepError};

/// The scenario.
pub fn scenario() -> Scenario {
    let about = About {
        id: "C1",
        title: "The control plane runs",
        section: "Install Istio",
        claim: "After `istioctl install -y` with the default profile, istiod and the ingress gateway \
                are Running and 1/1, and the control plane is ready to inject sidecars.",
        scope: Scope::Mesh,
        alone: None,
        remarks: &[],
    };
    Scenario::checkpoint(about, ControlPlane)
}

struct ControlPlane;

impl Checkpoint for ControlPlane {
    type Arranged = ();

    /// No product runs yet.
    fn blocked(&self, _: &Product) -> Option<String> {
        None
    }

    /// Istio was installed, or found as installed, when the mesh was brought up.
    async fn arrange(&self, _: &Stand) -> Result<(), StepError> {
        Ok(())
    }

    async fn check(&self, stand: &Stand, (): ()) -> Result<Vec<Check>, StepError> {
        let path = format!("/api/v1/namespaces/{ISTIO_NAMESPACE}/pods");
        let table = stand.kube.table(&path).await?;
        let printed = kubectl_table::render(&table, kubectl_table::Columns::default())
            .map_err(StepError::other("printing the pods as kubectl does"))?;
        let table = Evidence::now(
            format!("kubectl get pods -n {ISTIO_NAMESPACE}"),
            printed,
            "istiod and the ingress gateway are Running and 1/1",
        );
        let api: Api<Pod> = Api::namespaced(stand.kube.client(), ISTIO_NAMESPACE);
        let found = api
            .list(&ListParams::default())
            .await
            .map_err(KubeError::api("listing Istio's pods"))?
            .items;
        let mut checks = vec![];
        for (label, value, name) in [
            ("app", "istiod", "istiod"),
            ("istio", "ingressgateway", "the ingress gateway"),
        ] {
            let of: Vec<&Pod> = found
                .iter()
                .filter(|pod| labelled(pod, label, value))
                .collect();
            let running = !of.is_empty()
                && of
                    .iter()
                    .all(|pod| pods::readiness(pod) == (1, 1) && pods::state(pod) == "Running");
            let seen = of
                .iter()
                .map(|pod| pods::line(pod))
                .collect::<Vec<_>>()
                .join(", ");
            let seen = if seen.is_empty() {
                "no such pod".to_owned()
            } else {
                seen
            };
            checks.push(Check::answered(
                Standing::Guide,
                format!("{name} is Running and 1/1"),
                running,
                seen,
                vec![table.clone()],
            ));
        }
        checks.push(digests(stand, &found));
        checks.push(in_sync(stand).await?);
        let logs = log_gate::Logs::of_istiod(&stand.product, stand.since).and_gateway();
        checks.push(logs.check(&stand.kube, &[]).await?);
        checks.push(Check::answered(
            Standing::Truth,
            "istiod is the build that was asked for",
            stand.mesh.build == stand.istio_build.to_string(),
            format!(
                "istiod tells {}, asked for {}",
                stand.mesh.build, stand.istio_build
            ),
            vec![Evidence::now(
                "GET /version on istiod:15014",
                stand.mesh.build.clone(),
                format!("istiod is {}", stand.mesh.build),
            )],
        ));
        Ok(checks)
    }
}

/// Every running container's image has the digest of the image that the lab was given.
fn digests(stand: &Stand, found: &[Pod]) -> Check {
    let mut lines = vec![];
    let mut wrong = vec![];
    for pod in found {
        let pod_name = pod.metadata.name.as_deref().unwrap_or("?");
        for container in pods::counted(pod) {
            let (image, id) = (&container.image, &container.image_id);
            lines.push(format!("{pod_name}/{}: {image} {id}", container.name));
            let known = stand.images.iter().find(|known| known.name == *image);
            match known {
                Some(known) if id.ends_with(&known.digest) => {}
                Some(known) => wrong.push(format!("{image} runs {id}, not {}", known.digest)),
                None => wrong.push(format!("{image} is none of the lab's images")),
            }
        }
    }
    let holds = wrong.is_empty() && !lines.is_empty();
    let seen = if holds {
        format!(
            "{} containers run the digests of {}",
            lines.len(),
            stand.istio_build
        )
    } else if lines.is_empty() {
        "no container runs".to_owned()
    } else {
        wrong.join("; ")
    };
    let evidence = Evidence::now(
        format!("status.containerStatuses of the pods in {ISTIO_NAMESPACE}"),
        lines.join("\n"),
        seen.clone(),
    );
    Check::answered(
        Standing::Truth,
        "the running image digests are those of the asked build",
        holds,
        seen,
        vec![evidence],
    )
}

/// Every proxy has acknowledged what it was sent. A push is under way whenever anything changes, so
/// a proxy that is behind may still come up with it until the limit.
async fn in_sync(stand: &Stand) -> Result<Check, StepError> {
    let limit = stand.kube.limit(30);
    let (states, raw) = read_until(
        limit,
        || sync_states(&stand.kube),
        |(states, _)| !states.is_empty() && states.iter().all(|state| state.behind.is_empty()),
    )
    .await?;
    let behind: Vec<String> = states
        .iter()
        .filter(|state| !state.behind.is_empty())
        .map(|state| format!("{} lacks {}", state.proxy, state.behind.join(", ")))
        .collect();
    let seen = match (states.len(), behind.is_empty()) {
        (0, _) => "istiod knows no proxy".to_owned(),
        (n, true) => format!("{n} of {n} proxies acknowledged what they were sent"),
        (_, false) => format!("after {limit:?}: {}", behind.join("; ")),
    };
    let evidence = Evidence::now("GET /debug/syncz on istiod:15014", raw, seen.clone());
    Ok(Check::answered(
        Standing::Truth,
        "every proxy is in sync",
        !states.is_empty() && behind.is_empty(),
        seen,
        vec![evidence],
    ))
}

fn labelled(pod: &Pod, label: &str, value: &str) -> bool {
    pod.metadata
        .labels
        .as_ref()
        .and_then(|l| l.get(label))
        .is_some_and(|v| v == value)
}
