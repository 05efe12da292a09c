//! One session on a lab: bring it up, stand a plan on it, clean up, tell what it came to.
//!
//! The command line and the trials both go through here, so that they prove the same.

mod bring_up;
mod early;
mod options;

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use meshproof_harness::expectation::{self, Expectations};
use meshproof_harness::lab::{Lab, Paths};
use meshproof_harness::mesh::Injection;
use meshproof_harness::outcome::{
    LabFacts, MeshFacts, PhaseTime, ProcessFacts, ProductFacts, Run, SCHEMA_VERSION,
};
use meshproof_harness::process::own_use;
use meshproof_harness::product::manifest::GUIDE_NAMESPACE;
use meshproof_harness::progress::Progress;
use meshproof_harness::report::folder::{CAPTURES, FolderError, RunFolder};
use meshproof_harness::scenario::{Keeping, Plan, RunLimit, Runner, Stand, StepError, namespaces};

use crate::cleanup::{self, Cleanup};
pub use bring_up::{bring_up_mesh, obtain};
use bring_up::{injection, install, mesh_and_first_steps};
pub use options::Options;

/// The expectations on record when this program was compiled.
pub const EXPECTATIONS: &str = include_str!("../expectations.toml");

/// What is done before the first scenario, for whoever is told that a run's limit was over.
pub const BRINGING_UP: &str = "bringing up the lab and its mesh";

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
            since: started,
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
