//! What `guide`, `run` and `up` can be told: about the lab, about the plan, about the run.
//!
//! Which images and which product is read in `images_options` and `gridgain_options`, as the trials
//! do from variables.

use clap::Args;

use super::values::{Mutate, Sidecar, at_least_one, scale};
use crate::gridgain_options::ProductArguments;
use crate::images_options::ImagesArguments;

/// What decides the lab under a command.
#[derive(Debug, Clone, Args)]
pub struct LabArguments {
    #[command(flatten)]
    pub(super) images: ImagesArguments,
    /// Install values of your own, an IstioOperator as for istioctl install -f.
    #[arg(long, value_name = "FILE")]
    pub(super) mesh_values: Option<std::path::PathBuf>,
    /// How pods get their sidecar.
    #[arg(long, value_enum, default_value_t = Sidecar::Auto)]
    pub(super) sidecar: Sidecar,
    /// Delete the existing cluster and make a new one.
    #[arg(long)]
    pub(super) fresh: bool,
    /// Multiply every limit, for slow machines.
    #[arg(long, default_value_t = 1.0, value_parser = scale)]
    pub(super) timeout_scale: f64,
    /// How long all of it may take, such as 20m or 1h30m; what is not done by then is not done, and
    /// what was begun is cleaned up.
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse)]
    pub(super) limit: Option<std::time::Duration>,
}

impl LabArguments {
    /// The options that are given and ask for parts beside those that an Istio's id tells of.
    pub(super) fn other_parts(&self) -> Vec<&'static str> {
        let mut options = self.images.other_parts();
        options.extend(self.mesh_values.as_ref().map(|_| "--mesh-values"));
        options
    }
}

/// What decides how scenarios are done.
#[derive(Debug, Clone, Args)]
pub struct PlanArguments {
    /// How many troubleshooting cases may run side by side; by default as many as CPU and memory
    /// allow.
    #[arg(long, value_parser = at_least_one::<usize>)]
    pub(super) jobs: Option<usize>,
    /// Do everything so often.
    #[arg(long, default_value_t = 1, value_parser = at_least_one::<u32>)]
    pub(super) repeat: u32,
    /// Run again what was news in the last run, with the earlier steps it builds on.
    #[arg(long, conflicts_with = "filters")]
    pub(super) failed: bool,
    /// Leave out a part of every case, to see that the case notices.
    #[arg(long, value_enum)]
    pub(super) mutate: Option<Mutate>,
    /// Put the outcomes on record, with the reason why they are right. Rewrites the file of
    /// expectations: comments other than the one at its top are lost. Refused in CI.
    #[arg(long, value_name = "REASON", conflicts_with = "mutate")]
    pub(super) accept: Option<String>,
}

/// What decides a run.
#[derive(Debug, Clone, Args)]
pub struct RunArguments {
    #[command(flatten)]
    pub(super) lab: LabArguments,
    #[command(flatten)]
    pub(super) product: ProductArguments,
    /// Leave the namespaces standing for a look.
    #[arg(long)]
    pub(super) keep: bool,
    /// The local port for the gateway's port-forward; 0 takes any that is free (the guide: 8443).
    #[arg(long, default_value_t = 0)]
    pub(super) gateway_port: u16,
    /// The expectations to measure by; by default those of the checkout that compiled this program.
    #[arg(long, value_name = "FILE")]
    pub(super) expectations: Option<std::path::PathBuf>,
    /// Print every check with what was seen.
    #[arg(long, short)]
    pub(super) verbose: bool,
    /// Print the report as JSON instead of the table.
    #[arg(long)]
    pub(super) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use meshproof_harness::lab::images::pins;

    use crate::cli::{Cli, Command};

    #[test]
    fn a_run_with_a_part_left_out_is_never_accepted() {
        let typed = ["meshproof", "run", "--accept", "why"];
        assert!(Cli::try_parse_from(typed).is_ok());
        let mutated = typed.into_iter().chain(["--mutate", "no-fault"]);
        assert!(Cli::try_parse_from(mutated).is_err());
    }

    #[test]
    fn options_that_ask_for_other_parts_are_known() {
        let other_parts = |more: &[&'static str]| {
            let typed = ["meshproof", "run", "--accept", "why"].iter().chain(more);
            match Cli::try_parse_from(typed).unwrap().command {
                Command::Run { arguments, .. } => arguments.lab.other_parts(),
                _ => unreachable!("run was typed"),
            }
        };
        let pinned = ["--source", "build", "--istio", pins::DEFAULT_ISTIO];
        assert_eq!(other_parts(&pinned), Vec::<&str>::new());
        for [option, value] in [
            ["--envoy", "1.39.0"],
            ["--k8s", "1.35.8"],
            ["--ignite", "2.17.0"],
            ["--image", "pilot=a/b:1"],
            ["--mesh-values", "mine.yaml"],
        ] {
            assert_eq!(other_parts(&[option, value]), [option]);
        }
    }

    #[test]
    fn what_is_run_again_is_not_filtered() {
        let typed = ["meshproof", "run", "--failed"];
        assert!(Cli::try_parse_from(typed).is_ok());
        assert!(Cli::try_parse_from(typed.into_iter().chain(["T2b"])).is_err());
    }
}
