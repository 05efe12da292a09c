//! The trials on the cluster: one session, opened before the first and finished after the last.
//!
//! However the run ends (a panic in a scenario, a closed standard output, Ctrl-C, SIGTERM), the
//! session is finished: what the walk made is deleted and the report is written.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use libtest_mimic::{Arguments, Completion, Conclusion, Failed, Trial};
use meshproof::catalogue;
use meshproof::cleanup::Cleanup;
use meshproof::session::Session;
use meshproof::trials::{self, Asked, Told};
use meshproof_harness::lab::{self, Paths};
use meshproof_harness::outcome::Run;
use meshproof_harness::report::folder::{self, RunFolder};
use meshproof_harness::report::table;
use meshproof_harness::scenario::About;
use serial_test::file_serial;
use tokio::runtime::{Handle, Runtime};
use tokio::time::timeout;

use super::interrupt::Interrupt;
use super::opening::Opening;

/// Long enough for a busy engine; an engine that hangs is told of within 5 s.
const LOOK_LIMIT: Duration = Duration::from_millis(4800);
/// As the test harness ends when a trial failed.
const FAILED: u8 = 101;

/// A session that trials walk.
struct Walked {
    session: Session,
    interrupt: Interrupt,
    on: Handle,
}

/// Looks whether a lab could be had, within [`LOOK_LIMIT`] and without making anything.
///
/// # Errors
/// What is lacking, with its cure.
pub fn look_for_one() -> Result<(), String> {
    let (paths, asked) = given()?;
    let look = async { timeout(LOOK_LIMIT, lab::available(&paths, &asked.options.istio)).await };
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
    let scenarios = catalogue::checkpoints();
    let cleanup = Cleanup::default();
    let begun = runtime.block_on(async {
        tokio::select! {
            biased;
            signal = interrupt.comes() => Err(format!("{} came while the lab was brought up", signal.name)),
            begun = Session::begin(&paths, asked.options.clone(), scenarios, &cleanup, &progress) => {
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

    let walked = Walked {
        session,
        interrupt: interrupt.clone(),
        on: runtime.handle().clone(),
    };
    let walked = Arc::new(Mutex::new(Some(walked)));
    // A closed standard output makes the test harness panic; the cluster is cleaned up all the same.
    let conclusion = catch_unwind(AssertUnwindSafe(|| run_trials(arguments, &walked)));
    let session = walked.lock().unwrap_or_else(PoisonError::into_inner).take();
    let mut failed = conclusion.as_ref().map_or(true, Conclusion::has_failed);
    if let Some(Walked { session, .. }) = session {
        failed |= !finish(&runtime, session, &paths, &asked);
    }
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

fn run_trials(arguments: &Arguments, walked: &Arc<Mutex<Option<Walked>>>) -> Conclusion {
    let on_the_walk = |about: About| {
        let walked = Arc::clone(walked);
        let id = about.id;
        super::trial(&about, move || step(&walked, id))
    };
    let trials: Vec<Trial> = super::scenarios()
        .into_iter()
        .map(on_the_walk)
        .chain(super::interface::trials())
        .collect();
    // There is one walk: more threads would only wait for it and tell of it out of order.
    let one_by_one = Arguments {
        test_threads: arguments.test_threads.or(Some(1)),
        ..arguments.clone()
    };
    libtest_mimic::run(&one_by_one, trials)
}

/// Walks as far as this step, unless that was done before, and tells what came of it.
fn step(walked: &Mutex<Option<Walked>>, id: &str) -> Result<Completion, Failed> {
    // A panic in a step leaves the lock poisoned, and a cluster of which nothing is known.
    let Ok(mut walked) = walked.lock() else {
        return Ok(Completion::ignored_with("an earlier step panicked"));
    };
    let Some(Walked {
        session,
        interrupt,
        on,
    }) = walked.as_mut()
    else {
        return Err("the session is finished already".into());
    };
    if let Some(signal) = interrupt.came() {
        return Ok(Completion::ignored_with(signal.name));
    }
    let told = on.block_on(async {
        tokio::select! {
            biased;
            signal = interrupt.comes() => Told::Failed(format!("{} came before its end", signal.name)),
            outcome = session.walk.advance_to(id) => match outcome {
                Some(outcome) => Told::of(outcome),
                None => Told::Failed(format!("the walk has no step {id}")),
            },
        }
    });
    match told {
        Told::Passed => Ok(Completion::Completed),
        Told::Ignored(reason) => Ok(Completion::ignored_with(reason)),
        Told::Failed(story) => Err(story.into()),
    }
}

/// Cleans up and writes the report; whether both went well.
fn finish(runtime: &Runtime, session: Session, paths: &Paths, asked: &Asked) -> bool {
    let run_id = folder::run_id(Timestamp::now(), "test");
    let run = runtime.block_on(session.finish(run_id, asked.keep));
    for left in &run.left_behind {
        eprintln!("left behind on the cluster: {left}");
    }
    let written = write_down(&run, paths);
    if let Err(error) = &written {
        eprintln!("{error}");
    }
    run.left_behind.is_empty() && written.is_ok()
}

/// Writes the run folder and shows the table, on standard error: standard output is the test
/// harness's, in a format that programs may read.
fn write_down(run: &Run, paths: &Paths) -> Result<(), String> {
    let folder = RunFolder::create(&paths.state, &run.id).map_err(|error| error.to_string())?;
    folder.write(run).map_err(|error| error.to_string())?;
    let view = table::View {
        width: table::DEFAULT_WIDTH,
        colour: false,
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
