//! The trials on the cluster: one session, opened before the first and finished after the last.
//!
//! The plan of all selected scenarios runs in the background, by its own order and side by side
//! where it may; each trial waits for its scenario's outcome and tells it. However the run ends (a
//! panic in a scenario, a closed standard output, Ctrl-C, SIGTERM), the session is finished: what
//! scenarios made is deleted and the report is written.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use libtest_mimic::{Arguments, Completion, Conclusion, Failed, Trial};
use meshproof::cleanup::Cleanup;
use meshproof::session::Session;
use meshproof::trials::{self, Asked, Told};
use meshproof::{catalogue, selection};
use meshproof_harness::lab::{self, Paths};
use meshproof_harness::outcome::Run;
use meshproof_harness::product::manifest::GUIDE_NAMESPACE;
use meshproof_harness::report::folder::{self, RunFolder};
use meshproof_harness::report::table;
use meshproof_harness::scenario::{About, Plan, Runner, Scenario};
use serial_test::file_serial;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::watch;
use tokio::time::timeout;

use super::interrupt::Interrupt;
use super::opening::Opening;

/// Long enough for a busy engine; an engine that hangs is told of within 5 s.
const LOOK_LIMIT: Duration = Duration::from_millis(4800);
/// As the test harness ends when a trial failed.
const FAILED: u8 = 101;

/// What each trial needs to wait for its outcome.
#[derive(Clone)]
struct Waiting {
    runner: Arc<Runner>,
    /// Becomes true when the plan has ended, whichever way.
    over: watch::Receiver<bool>,
    interrupt: Interrupt,
    on: Handle,
}

/// Looks whether a lab could be had, within [`LOOK_LIMIT`] and without making anything.
///
/// # Errors
/// What is lacking, with its cure.
pub fn look_for_one() -> Result<(), String> {
    let (paths, asked) = given()?;
    let look = async { timeout(LOOK_LIMIT, lab::available(&paths, &asked.options.images)).await };
    match runtime()?.block_on(look) {
        Ok(found) => found.map_err(|error| error.to_string()),
        Err(_) => Err(format!(
            "the container engine did not list its images within {LOOK_LIMIT:?}; restart it, or \
             run ci/setup"
        )),
    }
}

/// Opens the session, runs the trials, finishes the session.
///
/// The lab's own lease keeps clusters apart. This lock, the one of the tests that start a
/// container, keeps those away as well: on two cores a second Ignite beside the walk would shift
/// the very times that some scenarios are about. It matters only to runners that start test
/// programs side by side; `cargo test` runs one after the other.
///
/// # Errors
/// How the program is to end where not all went well.
#[file_serial(engine)]
pub fn run() -> Result<(), ExitCode> {
    let arguments = Arguments::from_args();
    try_run(&arguments).unwrap_or_else(|why| Err(super::fail_once(&arguments, &why)))
}

/// The outer error is why there is nothing to run on, the inner how a run ended.
fn try_run(arguments: &Arguments) -> Result<Result<(), ExitCode>, String> {
    let (paths, asked) = given()?;
    let runtime = runtime()?;
    let mut interrupt = runtime
        .block_on(async { Interrupt::listen() })
        .map_err(|error| {
            format!("signals cannot be listened for ({error}); report this as a defect")
        })?;
    let opening = Opening::default();
    let progress = opening.progress();
    let plan = Plan {
        jobs: asked.jobs,
        ..Plan::new(planned(arguments), vec![GUIDE_NAMESPACE.into()])
    };
    let cleanup = Cleanup::default();
    let run_id = folder::run_id(Timestamp::now(), "test");
    let begun = runtime.block_on(async {
        tokio::select! {
            biased;
            signal = interrupt.comes() => Err(format!("{} came while the lab was brought up", signal.name)),
            begun = Session::begin(&paths, run_id, asked.options.clone(), plan, &cleanup, &progress) => {
                begun.map_err(|error| error.to_string())
            }
        }
    });
    let session = match begun {
        Ok(session) => session,
        Err(why) => {
            // What was begun must not stay: a cluster half made, a namespace half filled.
            let left = runtime.block_on(cleanup.run(&paths, &progress)).err();
            let left = left.map_or(String::new(), |left| {
                format!("; left behind: {}", left.join("; "))
            });
            return Err(why + &left);
        }
    };
    if !arguments.nocapture {
        opening.is_over();
    }

    let (ended, over) = watch::channel(false);
    let plan = runtime.spawn({
        let runner = Arc::clone(&session.runner);
        async move {
            // The sender is dropped with this task, also when the plan panics or is aborted.
            let _ended = ended;
            runner.run().await;
        }
    });
    let waiting = Waiting {
        runner: Arc::clone(&session.runner),
        over,
        interrupt: interrupt.clone(),
        on: runtime.handle().clone(),
    };
    // A closed standard output makes the test harness panic; the cluster is cleaned up all the same.
    let conclusion = catch_unwind(AssertUnwindSafe(|| run_trials(arguments, &waiting)));
    plan.abort();
    let panicked = runtime.block_on(plan).is_err_and(|e| e.is_panic());
    let mut failed = panicked || conclusion.as_ref().map_or(true, Conclusion::has_failed);
    failed |= !finish(&runtime, session);
    Ok(match interrupt.came() {
        Some(signal) => Err(ExitCode::from(signal.exit_code())),
        None if failed => Err(ExitCode::from(FAILED)),
        None => Ok(()),
    })
}

fn given() -> Result<(Paths, Asked), String> {
    let paths = Paths::from_environment().map_err(|error| error.to_string())?;
    let asked = trials::asked(|name| std::env::var_os(name)).map_err(|error| error.to_string())?;
    Ok((paths, asked))
}

fn runtime() -> Result<Runtime, String> {
    Runtime::new().map_err(|error| format!("no threads to run on ({error}); free some memory"))
}

/// The scenarios that the selected trials need.
fn planned(arguments: &Arguments) -> Vec<Scenario> {
    let selected: Vec<&str> = super::selected(arguments).iter().map(|a| a.id).collect();
    selection::with_earlier_steps(catalogue::all(), |about| selected.contains(&about.id))
}

fn run_trials(arguments: &Arguments, waiting: &Waiting) -> Conclusion {
    let waits = |about: About| {
        let waiting = waiting.clone();
        let id = about.id;
        super::trial(&about, move || told(waiting, id))
    };
    let trials: Vec<Trial> = super::scenarios()
        .into_iter()
        .map(waits)
        .chain(super::interface::trials())
        .collect();
    // Trials only wait for the plan: more threads would tell of it out of order.
    let one_by_one = Arguments {
        test_threads: arguments.test_threads.or(Some(1)),
        ..arguments.clone()
    };
    libtest_mimic::run(&one_by_one, trials)
}

/// Waits for a scenario's outcome and tells it.
fn told(mut waiting: Waiting, id: &str) -> Result<Completion, Failed> {
    if let Some(signal) = waiting.interrupt.came() {
        return Ok(Completion::ignored_with(signal.name));
    }
    let told = waiting.on.block_on(async {
        tokio::select! {
            biased;
            signal = waiting.interrupt.comes() => Told::Failed(format!("{} came before its end", signal.name)),
            outcome = waiting.runner.outcome(id) => Told::of(&outcome),
            // Nothing is ever sent: an error means that the plan's task is gone.
            _ = waiting.over.changed() => Told::Failed("the plan ended before it came to this".into()),
        }
    });
    match told {
        Told::Passed => Ok(Completion::Completed),
        Told::Ignored(reason) => Ok(Completion::ignored_with(reason)),
        Told::Failed(story) => Err(story.into()),
    }
}

/// Cleans up and writes the report; whether both went well.
fn finish(runtime: &Runtime, session: Session) -> bool {
    let folder = session.folder.clone();
    let saved = session.save_snapshots();
    let run = runtime.block_on(session.finish());
    for left in &run.left_behind {
        eprintln!("left behind on the cluster: {left}");
    }
    let written = write_down(&run, &folder).and(saved.map_err(|error| error.to_string()));
    if let Err(error) = &written {
        eprintln!("{error}");
    }
    run.left_behind.is_empty() && written.is_ok()
}

/// Writes the run folder and shows the table, on standard error: standard output is the test
/// harness's, in a format that programs may read.
fn write_down(run: &Run, folder: &RunFolder) -> Result<(), String> {
    folder.write(run).map_err(|error| error.to_string())?;
    let view = table::View {
        width: table::DEFAULT_WIDTH,
        colour: false,
        report_html: &folder.report_html(),
        report_json: &folder.report_json(),
        junit_xml: &folder.junit_xml(),
        next: "cargo test -p meshproof --test catalogue -- C3",
    };
    eprintln!("{}", table::render(run, &view));
    match std::env::var_os("MESHPROOF_RUN_FOLDER") {
        Some(link) => link_to(Path::new(&link), folder.path()),
        None => Ok(()),
    }
}

/// Makes the link by which whoever called finds this run's folder: `MESHPROOF_RUN_FOLDER`.
fn link_to(link: &Path, folder: &Path) -> Result<(), String> {
    std::os::unix::fs::symlink(folder, link).map_err(|error| {
        format!(
            "{} cannot be linked to the run folder ({error}); let MESHPROOF_RUN_FOLDER name a path \
             that is free",
            link.display()
        )
    })
}
