//! `up`, `down` and `status`: the lab without scenarios.

use std::process::ExitCode;

use meshproof_harness::lab::{self, Paths};
use meshproof_harness::scenario::{RunLimit, StepError};

use super::arguments::LabArguments;
use super::guarded::guarded;
use super::run::lab_options;
use super::{Outcome, terminal};
use crate::cleanup::Cleanup;
use crate::session;

/// Brings up lab and mesh.
pub async fn up(paths: Paths, arguments: LabArguments) -> Outcome {
    let options = lab_options(&arguments)?;
    let progress = terminal::progress();
    let (inner_paths, inner_progress) = (paths.clone(), progress.clone());
    guarded(&paths, &Cleanup::default(), &progress, async move {
        let both = async {
            let lab = session::obtain(&inner_paths, &options, &inner_progress).await?;
            let (mesh, _) = session::bring_up_mesh(&lab, &options, &inner_progress).await?;
            Ok::<_, StepError>((lab, mesh))
        };
        let limit = RunLimit::from_now(options.limit);
        let (lab, mesh) = limit.within(session::BRINGING_UP, both).await?;
        let how = if lab.reused {
            "was there and is healthy"
        } else {
            "is up"
        };
        print_line!(
            "The cluster {} {how}: {}.",
            lab.cluster.record.name,
            lab.topology.why
        );
        print_line!("Istio {} is installed on it.", mesh.build);
        print_line!(
            "Look at it:  kubectl --kubeconfig {} get pods -A",
            lab.cluster.kubeconfig().display()
        );
        print_line!("Next:        meshproof guide");
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// Deletes every cluster of ours that nobody holds.
pub async fn down(paths: &Paths) -> Outcome {
    let down = lab::down(paths, &terminal::progress()).await?;
    for name in &down.deleted {
        print_line!("The cluster {name} is deleted.");
    }
    for (name, holder) in &down.held {
        print_line!("The cluster {name} stays: it is held by {holder}.");
    }
    if down.deleted.is_empty() && down.held.is_empty() {
        print_line!("There is no cluster of ours.");
    }
    Ok(if down.held.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Shows every cluster of ours.
pub async fn status(paths: &Paths, json: bool) -> Outcome {
    let all = lab::status(paths).await?;
    if json {
        print_line!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(ExitCode::SUCCESS);
    }
    if all.is_empty() {
        print_line!("No cluster stands. Next: meshproof up, or meshproof guide");
    }
    for cluster in all {
        print_line!("{}  {}", cluster.name, cluster.purpose);
        match cluster.unhealthy {
            None => print_line!("  healthy"),
            Some(why) => print_line!("  not usable: {why}; the next run makes it anew"),
        }
        if let Some(holder) = cluster.holder {
            print_line!("  held by {holder}");
        }
        print_line!("  kubeconfig: {}", cluster.kubeconfig.display());
    }
    Ok(ExitCode::SUCCESS)
}
