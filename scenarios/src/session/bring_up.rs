//! Bringing up what a session stands on: the lab, the mesh on it, and what need not wait for both.

use meshproof_harness::kube::Kube;
use meshproof_harness::lab::{Lab, LabError, Paths, Wish};
use meshproof_harness::mesh::{Capabilities, Injection, Install, injection_trial};
use meshproof_harness::outcome::Overlay;
use meshproof_harness::progress::Progress;
use meshproof_harness::scenario::{Scenario, StepError};

use super::{Options, early};
use crate::cleanup;
use crate::images_options::is_measurable;

/// Obtains the lab that a session's options wish for.
///
/// # Errors
/// When there is no lab to be had.
pub async fn obtain(
    paths: &Paths,
    options: &Options,
    progress: &Progress,
) -> Result<Lab, LabError> {
    let wish = Wish {
        images: options.images.clone(),
        allowed: options.allowed,
        mesh_values: options
            .mesh_values
            .as_ref()
            .map(|values| values.yaml.clone()),
        sidecar_mode: options.sidecar.name(),
        istio_fits: is_measurable,
        fresh: options.fresh,
        timeout_scale: options.timeout_scale,
        command: options.command.clone(),
    };
    Lab::obtain(paths, &wish, progress).await
}

/// Installs Istio on a lab, or finds it installed, and probes what came of it.
///
/// # Errors
/// When istioctl fails, pods do not find each other, or the mesh cannot be probed.
pub async fn bring_up_mesh(
    lab: &Lab,
    options: &Options,
    progress: &Progress,
) -> Result<(Capabilities, Vec<Overlay>), StepError> {
    // istioctl waits for istiod and then starts the gateway, whatever becomes of its lookups.
    lab.pods_find_each_other().await?;
    let install = install(lab, options);
    install.ensure(&lab.kube, progress).await?;
    Ok((Capabilities::probe(&lab.kube).await?, install.overlays()))
}

/// How Istio is installed on a lab.
pub(super) fn install(lab: &Lab, options: &Options) -> Install {
    Install {
        istioctl: lab.images.istioctl.clone(),
        kubeconfig: lab.cluster.kubeconfig(),
        context: lab.cluster.context(),
        build: lab.images.istio.id.clone(),
        sidecar_mode: options.sidecar,
        istio_filters: lab.images.istio.filters,
        values: options.mesh_values.clone(),
    }
}

/// Brings up the mesh and, as soon as it injects, starts what the steps let start early.
pub(super) async fn mesh_and_first_steps(
    lab: &Lab,
    options: &Options,
    scenarios: &[Scenario],
    progress: &Progress,
) -> Result<(Capabilities, Vec<Overlay>), StepError> {
    cleanup::everything(&lab.kube).await?;
    let mut mesh = std::pin::pin!(bring_up_mesh(lab, options, progress));
    let mut early = std::pin::pin!(early::start(lab, &options.product, scenarios));
    // A mesh that cannot be installed will never inject: nothing is waited for then.
    let brought = tokio::select! {
        brought = &mut mesh => {
            let brought = brought?;
            early.await;
            brought
        }
        () = &mut early => mesh.await?,
    };
    early::take_back_if_spoilt(&lab.kube, progress).await?;
    Ok(brought)
}

/// How this mesh injects sidecars, tried on a namespace that need not exist before.
pub(super) async fn injection(kube: &Kube) -> Result<Injection, StepError> {
    let trial = injection_trial("default");
    let mut labelled = trial.clone();
    labelled["metadata"]["labels"] = serde_json::json!({ "sidecar.istio.io/inject": "true" });
    Ok(Injection::of(&kube.dry_run(&labelled).await?))
}
