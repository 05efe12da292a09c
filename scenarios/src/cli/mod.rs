//! The command line: what can be asked, and which module answers.
//!
//! Exit codes: 0 as expected, 1 news, 2 could not run, 130 and 143 after SIGINT and SIGTERM.

mod again;
mod behaviour;
mod bench;
mod diagnose;
mod doctor;
mod guarded;
mod images;
mod lab;
mod list;
pub mod logging;
mod logs;
mod noticed;
mod own_cluster;
mod reap;
mod record;
mod run;
mod shell;
mod tally;
mod terminal;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use meshproof_harness::lab::images::pins;
use meshproof_harness::lab::{IstioBuild, Paths};
use meshproof_harness::mesh::SidecarMode;
use meshproof_harness::scenario::Mutation;

use crate::gridgain_options::ProductArguments;
use crate::images_options::ImagesArguments;
use crate::trials;

/// Proves, on a real cluster, that an Istio mesh encrypts an Apache Ignite 2 cluster as its guide
/// says.
#[derive(Debug, Parser)]
#[command(name = "meshproof", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Does the guide's six checkpoints on a cluster and proves each.
    Guide(RunArguments),
    /// Runs the scenarios that match a filter, with the earlier steps they build on; all without one.
    Run {
        /// An id (`C5`), the beginning of one (`T2`), or a part of a title.
        filters: Vec<String>,
        #[command(flatten)]
        plan: PlanArguments,
        #[command(flatten)]
        arguments: RunArguments,
    },
    /// Lists the scenarios. Touches no engine and no cluster.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Lists the Istio builds that `--istio` knows, the default first.
    Builds,
    /// Brings up the lab with its mesh and leaves it standing.
    Up(LabArguments),
    /// Deletes the lab's clusters.
    Down,
    /// Removes all that is ours and that no live run holds, clusters that stand too: what is left
    /// when Meshproof, the engine or the machine was killed.
    Reap {
        /// Only tell what would be removed.
        #[arg(long)]
        dry_run: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Tells what this machine has and lacks for a lab, from each source of images.
    Doctor {
        /// The Istio build whose images are looked for.
        #[arg(long, value_parser = istio_build, default_value = pins::DEFAULT_ISTIO)]
        istio: IstioBuild,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Starts your shell with KUBECONFIG and PATH set to the lab's cluster.
    Shell {
        /// The lab's cluster, where more than one stands.
        #[arg(long, value_name = "NAME")]
        cluster: Option<String>,
    },
    /// Prints what the containers of a scenario that was kept or captured wrote.
    Logs(logs::LogsArguments),
    /// Shows the lab's clusters.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Says what is wrong with the cluster in a namespace, why it matters and what to do.
    Diagnose(diagnose::DiagnoseArguments),
    /// Writes down what a diagnosis reads of a namespace, without secrets.
    Record(diagnose::RecordArguments),
    /// Makes the lab's images, carries them to another machine, lists them, removes old ones.
    Images {
        #[command(subcommand)]
        command: images::ImagesCommand,
    },
    /// Checks that a run's trials on a cluster are as many as the catalogue expects.
    Tally {
        /// The run's `report.json`.
        report: std::path::PathBuf,
        /// The commit whose turn of cases was run; without one, all were.
        #[arg(long, value_name = "COMMIT", env = trials::ROTATE)]
        rotate: Option<String>,
    },
    /// Prints, as Markdown, what the guide says and what happens. Touches no engine and no cluster.
    Behaviour {
        /// The expectations to tell of; by default those of the checkout that compiled this program.
        #[arg(long, value_name = "FILE")]
        expectations: Option<std::path::PathBuf>,
        /// Put it into this document, between its two marks, and print nothing.
        #[arg(long, value_name = "DOCUMENT")]
        into: Option<std::path::PathBuf>,
    },
    /// Measures the guide from no cluster and on a warm one.
    Bench {
        /// How often each.
        #[arg(long, default_value_t = 3)]
        runs: u32,
    },
}

/// What decides the lab under a command.
#[derive(Debug, Clone, Args)]
pub struct LabArguments {
    #[command(flatten)]
    images: ImagesArguments,
    /// Install values of your own, an IstioOperator as for istioctl install -f.
    #[arg(long, value_name = "FILE")]
    mesh_values: Option<std::path::PathBuf>,
    /// How pods get their sidecar.
    #[arg(long, value_enum, default_value_t = Sidecar::Auto)]
    sidecar: Sidecar,
    /// Delete the existing cluster and make a new one.
    #[arg(long)]
    fresh: bool,
    /// Multiply every limit, for slow machines.
    #[arg(long, default_value_t = 1.0, value_parser = scale)]
    timeout_scale: f64,
    /// How long all of it may take, such as 20m or 1h30m; what is not done by then is not done, and
    /// what was begun is cleaned up.
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse)]
    limit: Option<std::time::Duration>,
}

impl LabArguments {
    /// The options that are given and ask for parts beside those that an Istio's id tells of.
    fn other_parts(&self) -> Vec<&'static str> {
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
    jobs: Option<usize>,
    /// Do everything so often.
    #[arg(long, default_value_t = 1, value_parser = at_least_one::<u32>)]
    repeat: u32,
    /// Run again what was news in the last run, with the earlier steps it builds on.
    #[arg(long, conflicts_with = "filters")]
    failed: bool,
    /// Leave out a part of every case, to see that the case notices.
    #[arg(long, value_enum)]
    mutate: Option<Mutate>,
    /// Put the outcomes on record, with the reason why they are right. Rewrites the file of
    /// expectations: comments other than the one at its top are lost. Refused in CI.
    #[arg(long, value_name = "REASON", conflicts_with = "mutate")]
    accept: Option<String>,
}

/// What decides a run.
#[derive(Debug, Clone, Args)]
pub struct RunArguments {
    #[command(flatten)]
    lab: LabArguments,
    #[command(flatten)]
    product: ProductArguments,
    /// Leave the namespaces standing for a look.
    #[arg(long)]
    keep: bool,
    /// The local port for the gateway's port-forward; 0 takes any that is free (the guide: 8443).
    #[arg(long, default_value_t = 0)]
    gateway_port: u16,
    /// The expectations to measure by; by default those of the checkout that compiled this program.
    #[arg(long, value_name = "FILE")]
    expectations: Option<std::path::PathBuf>,
    /// Print every check with what was seen.
    #[arg(long, short)]
    verbose: bool,
    /// Print the report as JSON instead of the table.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Sidecar {
    Auto,
    Native,
    Classic,
}

impl From<Sidecar> for SidecarMode {
    fn from(sidecar: Sidecar) -> Self {
        match sidecar {
            Sidecar::Auto => Self::Auto,
            Sidecar::Native => Self::Native,
            Sidecar::Classic => Self::Classic,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mutate {
    /// Do not make the fault.
    NoFault,
    /// Do not apply the remedy.
    NoRemedy,
}

impl From<Mutate> for Mutation {
    fn from(mutate: Mutate) -> Self {
        match mutate {
            Mutate::NoFault => Self::NoFault,
            Mutate::NoRemedy => Self::NoRemedy,
        }
    }
}

fn at_least_one<N: std::str::FromStr + PartialOrd + From<u8>>(text: &str) -> Result<N, String> {
    match text.parse::<N>() {
        Ok(number) if number >= N::from(1) => Ok(number),
        _ => Err("a whole number of 1 or more is needed".into()),
    }
}

fn istio_build(id: &str) -> Result<IstioBuild, String> {
    pins::istio_build(id)
        .ok_or_else(|| format!("no such Istio build; known: {}", pins::known_builds()))
}

fn scale(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(scale) if scale.is_finite() && scale > 0.0 => Ok(scale),
        _ => Err("a number above 0 is needed".into()),
    }
}

/// The command line of this process, for reports and for whoever waits for what it holds.
fn own_command() -> String {
    let arguments = std::env::args().skip(1);
    let words: Vec<_> = std::iter::once("meshproof".to_owned())
        .chain(arguments)
        .collect();
    words.join(" ")
}

/// A command that could not do its work: told in one sentence, exit code 2.
pub type Outcome = Result<ExitCode, Box<dyn std::error::Error + Send + Sync>>;

impl Cli {
    /// Does what was asked.
    pub async fn run(self) -> ExitCode {
        let outcome = match Paths::from_environment() {
            Err(error) => Err(error.into()),
            Ok(paths) => match self.command {
                Command::Guide(arguments) => run::guide(paths, arguments).await,
                Command::Run {
                    filters,
                    plan,
                    arguments,
                } => run::run(paths, filters, plan, arguments).await,
                Command::List { json } => list::run(json),
                Command::Builds => {
                    for build in pins::ISTIO_BUILDS {
                        println!("{}", build.id);
                    }
                    Ok(ExitCode::SUCCESS)
                }
                Command::Up(arguments) => lab::up(paths, arguments).await,
                Command::Down => lab::down(&paths).await,
                Command::Reap { dry_run, json } => reap::run(&paths, dry_run, json).await,
                Command::Doctor { istio, json } => doctor::run(&paths, &istio, json).await,
                Command::Shell { cluster } => shell::run(&paths, cluster.as_deref()).await,
                Command::Logs(arguments) => logs::run(&paths, arguments).await,
                Command::Status { json } => lab::status(&paths, json).await,
                Command::Diagnose(arguments) => diagnose::diagnose(&paths, arguments).await,
                Command::Record(arguments) => diagnose::record(&paths, arguments).await,
                Command::Images { command } => images::run(paths, command).await,
                Command::Tally { report, rotate } => tally::run(&report, rotate.as_deref()),
                Command::Behaviour { expectations, into } => {
                    behaviour::run(expectations.as_deref(), into.as_deref())
                }
                Command::Bench { runs } => bench::run(runs).await,
            },
        };
        outcome.unwrap_or_else(|error| {
            eprintln!("meshproof: {error}");
            ExitCode::from(2)
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

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

    #[test]
    fn an_unknown_build_names_the_known_ones() {
        let error = istio_build("1.2.3").unwrap_err();
        assert!(error.contains(pins::DEFAULT_ISTIO), "{error}");
    }

    #[test]
    fn a_scale_must_be_a_number_above_zero() {
        assert_eq!(scale("2.5"), Ok(2.5));
        for wrong in ["0", "-1", "NaN", "inf", "x"] {
            assert!(scale(wrong).is_err(), "{wrong}");
        }
    }
}
