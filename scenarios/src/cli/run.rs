//! `guide` and `run`: scenarios on a lab, their table and their report.

use std::process::ExitCode;

use meshproof_harness::lab::{Allowed, Paths};
use meshproof_harness::outcome::{Run, ScenarioOutcome};
use meshproof_harness::product::Product;
use meshproof_harness::product::manifest::GUIDE_NAMESPACE;
use meshproof_harness::report::folder::{self, RunFolder};
use meshproof_harness::report::{checks, json, table};
use meshproof_harness::scenario::{Mutation, Plan, Scenario, jobs_here};

use super::again::Again;
use super::arguments::{LabArguments, PlanArguments, RunArguments};
use super::guarded::guarded;
use super::noticed::Noticed;
use super::record::{Record, says_nothing};
use super::{Outcome, own_command, terminal};
use crate::cleanup::Cleanup;
use crate::gateway_port;
use crate::images_options::mesh_values;
use crate::selection;
use crate::session::{EXPECTATIONS, Options, Session};
use crate::told::tell;

/// Nothing was asked for that `--mutate` could leave something out of.
const ONLY_STEPS: &str = "--mutate leaves a part of a troubleshooting case out, and only steps of the \
                          walk were asked for; name a case, such as T2b";

/// Does the guide's checkpoints.
pub async fn guide(paths: Paths, arguments: RunArguments) -> Outcome {
    let plan = Plan::new(
        crate::catalogue::checkpoints(),
        vec![GUIDE_NAMESPACE.into()],
    );
    run_plan(paths, "guide", plan, None, arguments).await
}

/// Does the scenarios that filters select, or that were news; the whole catalogue where neither is
/// asked for.
pub async fn run(
    paths: Paths,
    filters: Vec<String>,
    plan: PlanArguments,
    arguments: RunArguments,
) -> Outcome {
    let accept = plan.accept;
    let mutation = plan.mutate.map(Into::into);
    let scenarios = if plan.failed {
        let again = Again::of_the_last(&paths.state)?;
        tell(format_args!("meshproof: {}", again.told));
        if again.scenarios.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        again.scenarios
    } else {
        selection::select(&filters)?
    };
    let scenarios = mutable(scenarios, mutation)?;
    let plan = Plan {
        jobs: plan.jobs.unwrap_or_else(jobs_here),
        repeat: plan.repeat,
        mutation,
        ..Plan::new(scenarios, vec![GUIDE_NAMESPACE.into()])
    };
    run_plan(paths, "run", plan, accept, arguments).await
}

/// Those of the scenarios that are cases if a part is to be left out: nothing is left out of a step.
///
/// # Errors
/// One sentence where there is nothing that a part could be left out of.
fn mutable(
    mut scenarios: Vec<Scenario>,
    mutation: Option<Mutation>,
) -> Result<Vec<Scenario>, String> {
    if mutation.is_some() {
        scenarios.retain(|scenario| !scenario.is_step());
        if scenarios.is_empty() {
            return Err(ONLY_STEPS.into());
        }
    }
    Ok(scenarios)
}

async fn run_plan(
    paths: Paths,
    label: &str,
    plan: Plan,
    accept: Option<String>,
    arguments: RunArguments,
) -> Outcome {
    let record = Record::find(arguments.expectations.as_deref())?;
    if let Some(reason) = &accept {
        let other_parts = arguments.lab.other_parts();
        Record::is_for(arguments.expectations.as_deref(), &other_parts)?;
        record.may_accept(reason, std::env::var("CI").ok().as_deref())?;
    }
    gateway_port::check(arguments.gateway_port)?;
    let mutation = plan.mutation;
    let options = Options {
        expectations: record.text.clone(),
        ..options(&arguments.lab, &arguments)?
    };
    let progress = terminal::progress();
    let cleanup = Cleanup::default();
    let (inner_paths, inner_cleanup) = (paths.clone(), cleanup.clone());
    let (inner_progress, label) = (progress.clone(), label.to_owned());
    guarded(&paths, &cleanup, &progress, async move {
        let (paths, progress) = (inner_paths, inner_progress);
        let run_id = folder::run_id(jiff::Timestamp::now(), &label);
        let session =
            Session::begin(&paths, run_id, options, plan, &inner_cleanup, &progress).await?;
        session.runner.run().await;
        let saved = session.save_snapshots();
        let (ground, product) = {
            let stand = session.runner.stand();
            (stand.ground(), stand.product.clone())
        };
        let folder = session.folder.clone();
        let run = session.finish().await;
        folder.write(&run)?;
        saved?;
        show(&run, &folder, &arguments)?;
        let mut as_expected = run.is_green();
        if let Some(reason) = accept {
            // On standard error, since standard output may be JSON.
            let told = record.accept(&product, &ground, &run, &reason)?;
            tell(format_args!("meshproof: {told}"));
            // What could not be accepted is as little expected as before.
            let accepted = |o: &ScenarioOutcome| !says_nothing(&o.verdict);
            as_expected = run.left_behind.is_empty() && run.outcomes.iter().all(accepted);
        }
        if let Some(mutation) = mutation {
            let noticed = Noticed::of(&run.outcomes, mutation);
            tell(format_args!("meshproof: {noticed}"));
            as_expected = noticed.by_all() && run.left_behind.is_empty();
        }
        Ok(if as_expected {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    })
    .await
}

fn show(
    run: &Run,
    folder: &RunFolder,
    arguments: &RunArguments,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if arguments.json {
        print_line!("{}", json::render(run)?);
        return Ok(());
    }
    let width = terminal::width();
    for outcome in &run.outcomes {
        if arguments.verbose || !outcome.expectation.green {
            print_line!("{}", checks::render(outcome, width));
        }
    }
    let next = if run.is_green() {
        "meshproof run -v, for every check with its evidence"
    } else if arguments.keep {
        "meshproof status, for the kubeconfig of the cluster that was kept"
    } else {
        "meshproof run ID --keep -v, to leave a scenario's namespace standing for a look"
    };
    let view = table::View {
        width,
        colour: terminal::colour(),
        report_html: &folder.report_html(),
        report_json: &folder.report_json(),
        junit_xml: &folder.junit_xml(),
        next,
    };
    print_line!("{}", table::render(run, &view));
    Ok(())
}

/// A session's options from the command line.
///
/// # Errors
/// What of the product cannot be meant or used.
fn options(lab: &LabArguments, arguments: &RunArguments) -> Result<Options, OptionsError> {
    Ok(Options {
        product: arguments.product.product()?,
        gateway_port: arguments.gateway_port,
        keep: arguments.keep,
        ..lab_options(lab)?
    })
}

/// An option that cannot be meant or used.
type OptionsError = Box<dyn std::error::Error + Send + Sync>;

/// A session's options as far as they decide the lab.
///
/// # Errors
/// What of the images or the mesh's values cannot be meant or used.
pub fn lab_options(lab: &LabArguments) -> Result<Options, OptionsError> {
    Ok(Options {
        product: Product::default(),
        images: lab.images.wish()?,
        allowed: Allowed::ToPull,
        mesh_values: mesh_values(lab.mesh_values.as_ref())?,
        sidecar: lab.sidecar.into(),
        fresh: lab.fresh,
        timeout_scale: lab.timeout_scale,
        limit: lab.limit,
        gateway_port: 0,
        keep: false,
        expectations: EXPECTATIONS.to_owned(),
        command: own_command(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(filter: &str, mutation: Option<Mutation>) -> Result<Vec<&'static str>, String> {
        let chosen = mutable(selection::select(&[filter.to_owned()])?, mutation)?;
        Ok(chosen.iter().map(|s| s.about.id).collect())
    }

    #[test]
    fn a_part_is_left_out_of_cases_alone() {
        assert_eq!(ids("C1", None).unwrap(), ["C1", "C1b"]);
        for mutation in [Mutation::NoFault, Mutation::NoRemedy] {
            assert_eq!(ids("C1", Some(mutation)).unwrap_err(), ONLY_STEPS);
            let of = |letter| ids(letter, Some(mutation)).unwrap().len();
            assert_eq!(of("t") + of("x"), crate::catalogue::cases().len());
        }
    }
}
