//! The catalogue as `cargo test` trials: one for each scenario, all on one lab.
//!
//! `cargo test -p meshproof --test catalogue` runs them on a lab that is there; it builds and
//! installs nothing. With no lab to be had it fails once, in a trial `lab` that names the cure.
//! Where `MESHPROOF_ROTATE` names a commit, the cases that are not due on it are ignored.
//! What each trial is called and what its outcome means is `meshproof::trials`; `cluster` holds
//! the session and its end, `interface` the trials of this program itself, which need no lab.

mod cluster;
mod interface;
mod interrupt;
mod opening;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Trial};
use meshproof::rotation::Rotation;
use meshproof::{catalogue, trials};
use meshproof_harness::scenario::About;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if arguments.list || selected(&arguments).is_empty() {
        return without_a_lab(&arguments).exit_code();
    }
    match cluster::look_for_one() {
        Ok(()) => cluster::run().err().unwrap_or(ExitCode::SUCCESS),
        Err(why) => fail_once(&arguments, &why),
    }
}

/// The scenarios, as they tell of themselves, in the catalogue's order.
fn scenarios() -> Vec<About> {
    catalogue::all()
        .into_iter()
        .map(|scenario| scenario.about)
        .collect()
}

/// The cases that take turns. What is wrong with the environment is told once, by whoever looks for
/// a lab.
fn rotation() -> Rotation {
    let asked = trials::asked(|name| std::env::var_os(name));
    asked.map(|asked| asked.rotation).unwrap_or_default()
}

/// A trial for a scenario, ignored if it is not its turn.
fn trial<R>(about: &About, runner: R) -> Trial
where
    R: FnOnce() -> Result<Completion, libtest_mimic::Failed> + Send + 'static,
{
    let rotation = rotation();
    let left_out = rotation.left_out_told();
    let left_out = left_out.filter(|_| rotation.leaves_out(about.id));
    let runner = move || match left_out {
        Some(told) => Ok(Completion::ignored_with(told)),
        None => runner(),
    };
    Trial::ignorable_test(trials::name(about), runner).with_kind(trials::KIND)
}

/// The scenarios that these arguments would run.
fn selected(arguments: &Arguments) -> Vec<About> {
    let rotation = rotation();
    scenarios()
        .into_iter()
        .filter(|about| !rotation.leaves_out(about.id))
        .filter(|about| {
            let trial = trial(about, || Ok(Completion::Completed));
            !arguments.is_filtered_out(&trial) && !arguments.is_ignored(&trial)
        })
        .collect()
}

/// Lists, or runs what needs no lab. No scenario's trial is run here.
fn without_a_lab(arguments: &Arguments) -> libtest_mimic::Conclusion {
    let unasked = |about: &About| trial(about, || Err("no lab was looked for".into()));
    let scenarios = scenarios();
    libtest_mimic::run(
        arguments,
        scenarios
            .iter()
            .map(unasked)
            .chain(interface::trials())
            .collect(),
    )
}

/// Fails in one trial `lab`, whatever the filters say, and ignores what was selected because of it.
fn fail_once(arguments: &Arguments, why: &str) -> ExitCode {
    let message = why.to_owned();
    let lab = Trial::test("lab", move || Err(message.into()));
    let ignored = |about: &About| trial(about, || Ok(Completion::ignored_with("no lab")));
    let interface = interface::trials()
        .into_iter()
        .filter(|trial| !arguments.is_filtered_out(trial));
    let trials = std::iter::once(lab)
        .chain(selected(arguments).iter().map(ignored))
        .chain(interface)
        .collect();
    let unfiltered = Arguments {
        filter: None,
        skip: vec![],
        ..arguments.clone()
    };
    libtest_mimic::run(&unfiltered, trials).exit_code()
}
