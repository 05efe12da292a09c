//! Installs Istio with istioctl: the default profile, our overlays, one sidecar mode.

use std::path::PathBuf;

use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use serde_json::json;

use super::{MeshError, MeshValues, ingress_gateway};
use crate::kube::{Kube, Seen, Watch, pods, until};
use crate::outcome::Overlay;
use crate::process::Program;
use crate::progress::Progress;

/// Istio's own namespace.
pub const ISTIO_NAMESPACE: &str = "istio-system";
/// The profile of the guide's `istioctl install`.
pub const DEFAULT_PROFILE: &str = "default";
/// Where an install of ours is written down inside the cluster.
const INSTALL_RECORD: &str = "meshproof-install";

/// How pods get their sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SidecarMode {
    /// As Istio decides from the kubelets' version.
    Auto,
    /// As a restartable init container.
    Native,
    /// As a container beside the application.
    Classic,
}

impl SidecarMode {
    /// The name on the command line and in keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Native => "native",
            Self::Classic => "classic",
        }
    }

    /// The install values that make it so; none leaves Istio's default. A file and no `--set`: istiod's
    /// environment takes strings only, and istioctl passes a quoted one of `--set` on as broken YAML.
    fn values(self) -> Option<String> {
        let setting = match self {
            Self::Auto => return None,
            Self::Native => "true",
            Self::Classic => "false",
        };
        Some(format!(
            "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  values:\n    \
             pilot:\n      env:\n        ENABLE_NATIVE_SIDECARS: \"{setting}\"\n"
        ))
    }
}

/// An Istio to be installed.
#[derive(Debug, Clone)]
pub struct Install {
    /// The `istioctl` program of the build.
    pub istioctl: PathBuf,
    /// The kubeconfig of the cluster.
    pub kubeconfig: PathBuf,
    /// The cluster's context in it: the current one may be another by the time istioctl reads it.
    pub context: String,
    /// The build's id, which is the tag of its images as well.
    pub build: String,
    /// How pods get their sidecar.
    pub sidecar_mode: SidecarMode,
    /// Whether the proxies of this build carry Istio's own filters.
    pub istio_filters: bool,
    /// Somebody's own values, laid after our overlays.
    pub values: Option<MeshValues>,
}

impl Install {
    /// The overlays on the default profile, in the order they are laid.
    pub fn overlays(&self) -> Vec<Overlay> {
        let overlay = |name: &str, yaml: &str| Overlay {
            name: name.into(),
            yaml: yaml.into(),
        };
        let mut overlays = vec![overlay(
            "instrumentation",
            include_str!("overlays/instrumentation.yaml"),
        )];
        if !self.istio_filters {
            overlays.push(overlay("offline", include_str!("overlays/offline.yaml")));
        }
        if let Some(values) = &self.values {
            overlays.push(overlay("mesh-values", &values.yaml));
        }
        overlays
    }

    /// Installs it, unless the cluster has this very install already.
    ///
    /// # Errors
    /// What istioctl said, or an API error.
    pub async fn ensure(&self, kube: &Kube, progress: &Progress) -> Result<(), MeshError> {
        let fingerprint = self.fingerprint();
        let record = format!("/api/v1/namespaces/{ISTIO_NAMESPACE}/configmaps/{INSTALL_RECORD}");
        match kube.raw(&record).await {
            Ok(found) if found["data"]["install"] == fingerprint => return Ok(()),
            Ok(_) => {}
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
        let stage = progress.stage(format!("Installing Istio {}", self.build));
        self.install_profile(DEFAULT_PROFILE, |line| {
            if let Some(message) = line.split('\r').next_back().map(str::trim) {
                stage.message(message);
            }
        })
        .await?;
        // An install leaves a Deployment that was scaled to 0 as it is (measured), so that a run that was
        // killed in between would leave no gateway for good.
        ingress_gateway::scale_up_from_none(kube).await?;
        kube.apply(&[self.record(&fingerprint)]).await?;
        stage.done();
        Ok(())
    }

    /// Runs `istioctl install` with a profile, our overlays and the sidecar mode; returns what it
    /// printed. The cluster's record of a complete install is left as it is.
    ///
    /// # Errors
    /// What istioctl said.
    pub async fn install_profile(
        &self,
        profile: &str,
        line: impl FnMut(&str),
    ) -> Result<String, MeshError> {
        let folder = tempfile::tempdir().map_err(MeshError::Overlay)?;
        let mut istioctl = self
            .on_the_cluster("install")
            .args(["--skip-confirmation", "--set"])
            .arg(format!("profile={profile}"));
        for overlay in self.overlays() {
            let file = folder.path().join(format!("{}.yaml", overlay.name));
            std::fs::write(&file, overlay.yaml).map_err(MeshError::Overlay)?;
            istioctl = istioctl.arg("--filename").arg(file);
        }
        if let Some(values) = self.sidecar_mode.values() {
            let file = folder.path().join("sidecar-mode.yaml");
            std::fs::write(&file, values).map_err(MeshError::Overlay)?;
            istioctl = istioctl.arg("--filename").arg(file);
        }
        let output = istioctl.run_with(line).await.map_err(MeshError::Install)?;
        Ok(output.stdout)
    }

    /// A command of istioctl on the cluster.
    pub(super) fn on_the_cluster(&self, command: &str) -> Program {
        Program::new(&self.istioctl)
            .args([command, "--kubeconfig"])
            .arg(&self.kubeconfig)
            .args(["--context", &self.context])
    }

    /// What istioctl says of a profile that it does not have; none if it has it.
    pub async fn lacks_profile(&self, profile: &str) -> Option<String> {
        let asked = Program::new(&self.istioctl)
            .args(["manifest", "generate", "--set"])
            .arg(format!("profile={profile}"))
            .run();
        asked.await.err().map(|error| error.to_string())
    }

    /// Notes in the cluster that the install is no longer as it was made, so that whoever comes next
    /// makes it anew, also after a kill.
    ///
    /// # Errors
    /// An API error.
    pub async fn is_disturbed(&self, kube: &Kube) -> Result<(), MeshError> {
        Ok(kube.delete(&[self.record("")]).await?)
    }

    fn record(&self, fingerprint: &str) -> serde_json::Value {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": INSTALL_RECORD, "namespace": ISTIO_NAMESPACE },
            "data": { "install": fingerprint },
        })
    }

    /// Waits until istiod injects sidecars: its pod is Ready and the API server trusts its webhook.
    /// istioctl itself goes on to wait for the gateway.
    ///
    /// # Errors
    /// When that does not come in time.
    pub async fn injecting(kube: &Kube) -> Result<(), MeshError> {
        let limit = kube.limit(300);
        let pods_api: Api<Pod> = Api::namespaced(kube.client(), ISTIO_NAMESPACE);
        let istiod = Watch::default().labels("app=istiod");
        until(
            &pods_api,
            istiod,
            "istiod to be Ready",
            limit,
            |seen| match seen.values().find(|pod| pods::is_ready(pod)) {
                Some(_) => Seen::Met(()),
                None => Seen::NotYet(seen.values().map(pods::line).collect::<Vec<_>>().join(", ")),
            },
        )
        .await?;
        let webhooks: Api<MutatingWebhookConfiguration> = Api::all(kube.client());
        let injector = Watch::default().labels("app=sidecar-injector");
        until(
            &webhooks,
            injector,
            "the injector's webhook to be trusted",
            limit,
            |seen| {
                let mut hooks = seen
                    .values()
                    .flat_map(|c| c.webhooks.iter().flatten())
                    .peekable();
                let there = hooks.peek().is_some();
                if there && hooks.all(|hook| hook.client_config.ca_bundle.is_some()) {
                    Seen::Met(())
                } else {
                    Seen::NotYet("its certificate authority is not set".into())
                }
            },
        )
        .await?;
        Ok(())
    }

    /// Everything that decides the install, as text.
    fn fingerprint(&self) -> String {
        let overlays: String = self.overlays().into_iter().map(|o| o.yaml).collect();
        format!("{}\n{}\n{overlays}", self.build, self.sidecar_mode.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(istio_filters: bool) -> Install {
        Install {
            istioctl: "istioctl".into(),
            kubeconfig: "kubeconfig".into(),
            context: "kind-x".into(),
            build: "1.31.0-dev.20260827".into(),
            sidecar_mode: SidecarMode::Auto,
            istio_filters,
            values: None,
        }
    }

    #[tokio::test]
    async fn istioctl_is_told_the_cluster_by_its_context() {
        let place = tempfile::tempdir().unwrap();
        let istioctl = place.path().join("istioctl");
        let notes = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/lab/fake-client");
        std::os::unix::fs::symlink(notes, &istioctl).unwrap();
        let install = Install {
            istioctl,
            ..install(true)
        };
        install.install_profile("default", |_| {}).await.unwrap();
        // It printed nothing.
        install.analyze("ignite").await.unwrap_err();
        let calls = std::fs::read_to_string(place.path().join("calls")).unwrap();
        let calls: Vec<&str> = calls.lines().collect();
        let cluster = "--kubeconfig kubeconfig --context kind-x";
        assert!(
            calls[0].starts_with(&format!("istioctl install {cluster} ")),
            "{calls:?}"
        );
        assert!(
            calls[1].starts_with(&format!("istioctl analyze {cluster} ")),
            "{calls:?}"
        );
    }

    #[test]
    fn somebodys_own_values_are_laid_last_and_are_another_install() {
        let yaml = "kind: IstioOperator\nspec: {}\n".to_owned();
        let own = Install {
            values: Some(MeshValues { yaml: yaml.clone() }),
            ..install(false)
        };
        let last = own.overlays().pop().unwrap();
        assert_eq!((last.name.as_str(), last.yaml), ("mesh-values", yaml));
        assert_ne!(own.fingerprint(), install(false).fingerprint());
    }

    #[test]
    fn the_offline_overlay_is_only_for_proxies_without_istios_filters() {
        let names = |install: Install| -> Vec<String> {
            install.overlays().into_iter().map(|o| o.name).collect()
        };
        assert_eq!(names(install(true)), ["instrumentation"]);
        assert_eq!(names(install(false)), ["instrumentation", "offline"]);
    }

    #[test]
    fn a_sidecar_mode_is_a_string_among_the_install_values() {
        assert_eq!(SidecarMode::Auto.values(), None);
        let values = SidecarMode::Classic.values().unwrap();
        let read: serde_json::Value = serde_saphyr::from_str(&values).unwrap();
        let env = &read["spec"]["values"]["pilot"]["env"];
        assert_eq!(env["ENABLE_NATIVE_SIDECARS"], json!("false"), "{values}");
    }

    #[test]
    fn another_sidecar_mode_is_another_install() {
        let classic = Install {
            sidecar_mode: SidecarMode::Classic,
            ..install(true)
        };
        assert_ne!(install(true).fingerprint(), classic.fingerprint());
    }
}
