//! One session on a lab: bring it up, stand a plan on it, clean up, tell what it came to.
//!
//! The command line and the trials both go through here, so that they prove the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use meshproof_harness::expectation::{self, Expectations};
use meshproof_harness::kube::Kube;
use meshproof_harness::lab::{Allowed, ImagesWish, Lab, LabError, Paths, Wish};
use meshproof_harness::mesh::{
    Capabilities, Injection, Install, MeshValues, SidecarMode, injection_trial,
};
use meshproof_harness::outcome::{
    LabFacts, MeshFacts, Overlay, PhaseTime, ProcessFacts, ProductFacts, Run, SCHEMA_VERSION,
};
use meshproof_harness::process::own_use;
use meshproof_harness::product::Product;
use meshproof_harness::product::manifest::GUIDE_NAMESPACE;
use meshproof_harness::progress::Progress;
use meshproof_harness::report::folder::{CAPTURES, FolderError, RunFolder};
use meshproof_harness::scenario::{
    Keeping, Plan, RunLimit, Runner, Scenario, Stand, StepError, namespaces,
};

use crate::cleanup::{self, Cleanup};
use crate::images_options::is_measurable;

/// The expectations on record when this program was compiled.
pub const EXPECTATIONS: &str = include_str!("../expectations.toml");

/// What is done before the first scenario, for whoever is told that a run's limit was over.
pub const BRINGING_UP: &str = "bringing up the lab and its mesh";

/// What a session is asked to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// The product to prove it with.
    pub product: Product,
    /// What its images are to be, the Istio to prove it on among them.
    pub images: ImagesWish,
    /// What may be done to have the images.
    pub allowed: Allowed,
    /// Install values of somebody's own.
    pub mesh_values: Option<MeshValues>,
    /// How pods get their sidecar.
    pub sidecar: SidecarMode,
    /// Delete a cluster that stands, and make a new one.
    pub fresh: bool,
    /// The factor on every limit.
    pub timeout_scale: f64,
    /// How long the whole run may take.
    pub limit: Option<Duration>,
    /// The local port for the gateway; 0 takes any.
    pub gateway_port: u16,
    /// Leave standing what scenarios make.
    pub keep: bool,
    /// The text of the expectations that outcomes are measured by.
    pub expectations: String,
    /// The command line, for reports and for whoever waits.
    pub command: String,
}

/// A lab with a mesh, and a plan on it.
pub struct Session {
    /// The plan, to be run.
    pub runner: Arc<Runner>,
    /// Where the run is written down.
    pub folder: RunFolder,
    run_id: String,
    lab: Lab,
    lab_facts: LabFacts,
    mesh_facts: MeshFacts,
    stages: Vec<PhaseTime>,
    options: Options,
    started: Timestamp,
    begun: Instant,
}

impl Session {
    /// Brings up lab and mesh, clears away what an earlier run left, and stands before the plan.
    ///
    /// # Errors
    /// When there is no lab to be had, the mesh cannot be installed, or the run's limit is over before
    /// they stand.
    pub async fn begin(
        paths: &Paths,
        run_id: String,
        options: Options,
        plan: Plan,
        cleanup: &Cleanup,
        progress: &Progress,
    ) -> Result<Self, StepError> {
        let limit = RunLimit::from_now(options.limit);
        let begun = Self::begin_within(limit, paths, run_id, options, plan, cleanup, progress);
        limit.within(BRINGING_UP, begun).await
    }

    async fn begin_within(
        limit: RunLimit,
        paths: &Paths,
        run_id: String,
        options: Options,
        plan: Plan,
        cleanup: &Cleanup,
        progress: &Progress,
    ) -> Result<Self, StepError> {
        let (started, begun) = (Timestamp::now(), Instant::now());
        if let Some(told) = plan.not_kept().filter(|_| options.keep) {
            progress.line(told);
        }
        let mut stages = vec![];
        let mut stage_done = |name: &str, since: Instant| {
            let seconds = since.elapsed().as_secs_f64();
            stages.push(PhaseTime {
                phase: name.to_owned(),
                seconds,
            });
        };
        let mut lab = obtain(paths, &options, progress).await?;
        stage_done("lab", begun);
        cleanup.scenarios_begin(&lab.kube, lab.cluster.folder());
        let since = Instant::now();
        let (mesh, overlays) =
            match mesh_and_first_steps(&lab, &options, &plan.scenarios, progress).await {
                Err(error) if lab.reused => {
                    progress.line(format!(
                        "The mesh on the cluster that stood is not usable: {error}"
                    ));
                    // The lease goes with the lab, and is taken anew.
                    drop(lab);
                    let fresh = Options {
                        fresh: true,
                        ..options.clone()
                    };
                    lab = obtain(paths, &fresh, progress).await?;
                    cleanup.scenarios_begin(&lab.kube, lab.cluster.folder());
                    mesh_and_first_steps(&lab, &options, &plan.scenarios, progress).await?
                }
                brought => brought?,
            };
        stage_done("mesh", since);
        let since = Instant::now();
        let lab_facts = lab.facts().await?;
        let injection = injection(&lab.kube).await?;
        let sidecar_mode = match injection {
            Injection::Classic => expectation::SidecarMode::Classic,
            _ => expectation::SidecarMode::Native,
        };
        stage_done("probe", since);
        let mesh_facts = MeshFacts {
            build: mesh.build.clone(),
            envoy: mesh
                .envoy
                .clone()
                .unwrap_or_else(|| "unknown: no gateway runs".into()),
            sidecar_mode: injection.name().to_owned(),
            istio_filters: mesh.istio_filters.unwrap_or(false),
            ingress_gateway: mesh.ingress_gateway,
            api_versions: mesh.api_versions.clone(),
            overlays,
        };
        let stand = Stand {
            kube: lab.kube.clone(),
            product: options.product.clone(),
            namespace: GUIDE_NAMESPACE.to_owned(),
            istio_build: lab
                .images
                .istio
                .id
                .parse()
                .map_err(StepError::other("reading the build's id"))?,
            sidecar_mode,
            images: lab_facts.images.clone(),
            mesh,
            install: install(&lab, &options),
            gateway_port: options.gateway_port,
            keep: options.keep,
            limit,
            progress: progress.clone(),
        };
        let folder = RunFolder::create(&paths.state, &run_id)
            .map_err(StepError::other("making the run's folder"))?;
        // What is left out on purpose is news on purpose.
        let keeping = plan.mutation.is_none().then(|| Keeping {
            folder: folder.path().join(CAPTURES),
            engine: lab.engine.clone(),
            cluster: lab.cluster.record.clone(),
            known_secrets: options.product.secrets(),
            since: started,
        });
        let expectations = Expectations::parse(&options.expectations)
            .map_err(StepError::other("reading the expectations on record"))?;
        Ok(Self {
            runner: Arc::new(Runner::new(plan, stand, expectations, keeping)),
            folder,
            run_id,
            lab,
            lab_facts,
            mesh_facts,
            stages,
            options,
            started,
            begun,
        })
    }

    /// Writes down what diagnosis read in the cases that are done, for whoever asks it anew later.
    ///
    /// # Errors
    /// A folder that cannot be made, a file that cannot be written.
    pub fn save_snapshots(&self) -> Result<(), FolderError> {
        for (name, snapshot) in self.runner.take_snapshots() {
            let name = format!("snapshots/{name}.json");
            let text =
                serde_json::to_string_pretty(&snapshot).map_err(|error| FolderError::Write {
                    path: self.folder.path().join(&name),
                    source: error.into(),
                })?;
            self.folder.add(&name, &text)?;
        }
        Ok(())
    }

    /// Cleans up, unless all is to be kept, and tells what the session came to.
    pub async fn finish(self) -> Run {
        let mut left_behind = self.runner.left_behind();
        if !self.options.keep {
            let kube = &self.lab.kube;
            let gone = async {
                cleanup::gateway_secret(kube).await?;
                namespaces::clear_pods(kube, &cleanup::ours(kube).await?).await
            };
            left_behind.extend(gone.await.err().map(|error| error.to_string()));
        }
        Run {
            schema_version: SCHEMA_VERSION,
            id: self.run_id,
            command: self.options.command,
            meshproof: env!("CARGO_PKG_VERSION").to_owned(),
            started: self.started,
            seconds: self.begun.elapsed().as_secs_f64(),
            stages: self.stages,
            lab: Some(self.lab_facts),
            mesh: Some(self.mesh_facts),
            product: self.runner.product_version().map(|version| ProductFacts {
                name: self.options.product.name().into(),
                version,
            }),
            outcomes: self.runner.outcomes(),
            process: own_use().map(|used| ProcessFacts {
                cpu_seconds: used.cpu_seconds,
                peak_memory_mib: used.peak_memory_mib,
            }),
            left_behind,
        }
    }
}

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
/// When istioctl fails or the mesh cannot be probed.
pub async fn bring_up_mesh(
    lab: &Lab,
    options: &Options,
    progress: &Progress,
) -> Result<(Capabilities, Vec<Overlay>), StepError> {
    let install = install(lab, options);
    install.ensure(&lab.kube, progress).await?;
    Ok((Capabilities::probe(&lab.kube).await?, install.overlays()))
}

fn install(lab: &Lab, options: &Options) -> Install {
    Install {
        istioctl: lab.images.istioctl.clone(),
        kubeconfig: lab.cluster.kubeconfig(),
        build: lab.images.istio.id.clone(),
        sidecar_mode: options.sidecar,
        istio_filters: lab.images.istio.filters,
        values: options.mesh_values.clone(),
    }
}

/// Brings up the mesh and, as soon as it injects, starts what the steps let start early.
async fn mesh_and_first_steps(
    lab: &Lab,
    options: &Options,
    scenarios: &[Scenario],
    progress: &Progress,
) -> Result<(Capabilities, Vec<Overlay>), StepError> {
    cleanup::everything(&lab.kube).await?;
    let early = async {
        Install::injecting(&lab.kube).await?;
        for scenario in scenarios {
            scenario
                .start_early(&lab.kube, GUIDE_NAMESPACE, &options.product)
                .await?;
        }
        Ok::<_, StepError>(())
    };
    let mesh = bring_up_mesh(lab, options, progress);
    let mut early = std::pin::pin!(early);
    let mut mesh = std::pin::pin!(mesh);
    // A mesh that cannot be installed will never inject: nothing is waited for then. What could
    // not be started early is met again by its own step, which tells.
    tokio::select! {
        brought = &mut mesh => {
            let brought = brought?;
            log_early(early.await);
            Ok(brought)
        }
        started = &mut early => {
            log_early(started);
            mesh.await
        }
    }
}

fn log_early(started: Result<(), StepError>) {
    if let Err(error) = started {
        tracing::info!(%error, "a step could not be started early");
    }
}

/// How this mesh injects sidecars, tried on a namespace that need not exist before.
async fn injection(kube: &Kube) -> Result<Injection, StepError> {
    let trial = injection_trial("default");
    let mut labelled = trial.clone();
    labelled["metadata"]["labels"] = serde_json::json!({ "sidecar.istio.io/inject": "true" });
    Ok(Injection::of(&kube.dry_run(&labelled).await?))
}
