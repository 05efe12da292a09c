//! `guide` and `run`: a walk, its table and its report.

use std::process::ExitCode;

use meshproof_harness::lab::Paths;
use meshproof_harness::outcome::Run;
use meshproof_harness::progress::Progress;
use meshproof_harness::report::folder::{self, RunFolder};
use meshproof_harness::report::{checks, json, table};
use tokio::signal::unix::{SignalKind, signal};

use super::{LabArguments, Outcome, WalkArguments, terminal};
use crate::catalogue;
use crate::cleanup::Cleanup;
use crate::session::{Options, Session};

/// Walks up to the last step that the filter matches, or all of it.
pub async fn run(paths: Paths, filter: Option<String>, arguments: WalkArguments) -> Outcome {
    let last = match &filter {
        Some(filter) => last_match(filter)?,
        None => catalogue::checkpoints().len(),
    };
    let label = if filter.is_some() { "run" } else { "guide" };
    let options = options(&arguments.lab, arguments.gateway_port);
    let progress = terminal::progress();
    let cleanup = Cleanup::default();
    let (inner_paths, inner_cleanup) = (paths.clone(), cleanup.clone());
    let inner_progress = progress.clone();
    guarded(&paths, &cleanup, &progress, async move {
        let (paths, progress) = (inner_paths, inner_progress);
        let run_id = folder::run_id(jiff::Timestamp::now(), label);
        let scenarios: Vec<_> = catalogue::checkpoints().into_iter().take(last).collect();
        let mut session =
            Session::begin(&paths, options, scenarios, &inner_cleanup, &progress).await?;
        while session.walk.step().await.is_some() {}
        let run = session.finish(run_id, arguments.keep).await;
        let folder = RunFolder::create(&paths.state, &run.id)?;
        folder.write(&run)?;
        show(&run, &folder, &arguments)?;
        Ok(if run.is_green() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    })
    .await
}

/// The number of steps up to the last one that matches.
fn last_match(filter: &str) -> Result<usize, String> {
    let wanted = filter.to_lowercase();
    let matches = |about: &meshproof_harness::scenario::About| {
        about.id.to_lowercase().starts_with(&wanted) || about.title.to_lowercase().contains(&wanted)
    };
    let all = catalogue::checkpoints();
    all.iter()
        .rposition(|scenario| matches(&scenario.about))
        .map(|at| at + 1)
        .ok_or_else(|| {
            let ids: Vec<&str> = all.iter().map(|s| s.about.id).collect();
            format!(
                "no scenario matches {filter:?}; there are {}",
                ids.join(", ")
            )
        })
}

fn show(
    run: &Run,
    folder: &RunFolder,
    arguments: &WalkArguments,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if arguments.json {
        println!("{}", json::render(run)?);
        return Ok(());
    }
    let width = terminal::width();
    for outcome in &run.outcomes {
        if arguments.verbose || !outcome.expectation.green {
            println!("{}", checks::render(outcome, width));
        }
    }
    let next = if run.is_green() {
        "meshproof guide -v, for every check with its evidence"
    } else if arguments.keep {
        "meshproof status, for the kubeconfig of the cluster that was kept"
    } else {
        "meshproof guide --keep -v, to leave the namespaces standing for a look"
    };
    let view = table::View {
        width,
        colour: terminal::colour(),
        report_json: &folder.report_json(),
        junit_xml: &folder.junit_xml(),
        next,
    };
    println!("{}", table::render(run, &view));
    Ok(())
}

/// A session's options from the command line.
pub fn options(arguments: &LabArguments, gateway_port: u16) -> Options {
    Options {
        istio: arguments.istio,
        sidecar: arguments.sidecar.into(),
        fresh: arguments.fresh,
        timeout_scale: arguments.timeout_scale,
        gateway_port,
        command: std::iter::once("meshproof".to_owned())
            .chain(std::env::args().skip(1))
            .collect::<Vec<_>>()
            .join(" "),
    }
}

/// Does some work so that a signal, a panic or an error cleans up behind it.
pub async fn guarded(
    paths: &Paths,
    cleanup: &Cleanup,
    progress: &Progress,
    work: impl Future<Output = Outcome> + Send + 'static,
) -> Outcome {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut work = tokio::spawn(work);
    let (ending, code) = tokio::select! {
        done = &mut work => match done {
            Ok(Ok(code)) => return Ok(code),
            Ok(Err(error)) => (error.to_string(), 2),
            Err(panic) => (format!("Meshproof itself failed, which is a bug: {panic}"), 2),
        },
        _ = interrupt.recv() => ("interrupted (SIGINT)".to_owned(), 130),
        _ = terminate.recv() => ("asked to end (SIGTERM)".to_owned(), 143),
    };
    eprintln!("meshproof: {ending}");
    if !work.is_finished() {
        work.abort();
        // The aborted work ends when it is dropped, and its children and leases with it.
        let _ = work.await;
    }
    tokio::select! {
        cleaned = cleanup.run(paths, progress) => {
            for left in cleaned.err().into_iter().flatten() {
                eprintln!("meshproof: left behind: {left}");
            }
        }
        _ = interrupt.recv() => {
            eprintln!("meshproof: interrupted again; what is left is found by the next run");
        }
    }
    Ok(ExitCode::from(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_takes_ids_their_beginnings_and_parts_of_titles() {
        assert_eq!(last_match("c1"), Ok(2));
        assert_eq!(last_match("C3"), Ok(4));
        assert_eq!(last_match("two nodes"), Ok(4));
    }

    #[tokio::test]
    async fn work_that_fails_or_panics_ends_with_code_2() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().to_owned();
        let paths = Paths {
            cache: folder.clone(),
            state: folder,
        };
        let (cleanup, progress) = (Cleanup::default(), Progress::silent());
        let failing = async { Err("no lab to be had".into()) };
        let ended = guarded(&paths, &cleanup, &progress, failing).await.unwrap();
        assert_eq!(ended, ExitCode::from(2));
        let panicking = async { panic!("a bug") };
        let ended = guarded(&paths, &cleanup, &progress, panicking)
            .await
            .unwrap();
        assert_eq!(ended, ExitCode::from(2));
    }

    #[test]
    fn a_filter_without_a_match_names_the_ids() {
        let error = last_match("C99").unwrap_err();
        assert!(error.contains("C99") && error.contains("C1b"), "{error}");
    }
}
