//! The command line: what can be asked, and which module answers.
//!
//! Exit codes: 0 as expected, 1 news, 2 could not run; 129, 130 and 143 after SIGHUP, SIGINT
//! and SIGTERM.

// First, since its macros are for the modules after it.
#[macro_use]
mod printing;

mod again;
mod arguments;
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
mod values;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use meshproof_harness::diagnose::table;
use meshproof_harness::lab::images::pins;
use meshproof_harness::lab::{IstioBuild, Paths};

use crate::images_options::MirrorArgument;
use crate::told::tell;
use crate::trials;
use arguments::{LabArguments, PlanArguments, RunArguments};
use values::istio_build;

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
        #[command(flatten)]
        mirror: MirrorArgument,
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
    /// Prints, as Markdown, what each rule of diagnosis tells and which finds which fault. Touches no
    /// engine and no cluster.
    Rules,
    /// Measures the guide from no cluster and on a warm one.
    Bench {
        /// How often each.
        #[arg(long, default_value_t = 3)]
        runs: u32,
    },
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
                        print_line!("{}", build.id);
                    }
                    Ok(ExitCode::SUCCESS)
                }
                Command::Up(arguments) => lab::up(paths, arguments).await,
                Command::Down => lab::down(&paths).await,
                Command::Reap { dry_run, json } => reap::run(&paths, dry_run, json).await,
                Command::Doctor {
                    istio,
                    mirror,
                    json,
                } => doctor::run(&paths, &istio, &mirror, json).await,
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
                Command::Rules => {
                    print_text!("{}", table::markdown());
                    Ok(ExitCode::SUCCESS)
                }
                Command::Bench { runs } => bench::run(runs).await,
            },
        };
        outcome.unwrap_or_else(|error| {
            tell(format_args!("meshproof: {error}"));
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
}
