//! `images`: making them, carrying them to another machine, looking at them, removing old ones.

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;
use meshproof_harness::lab::{self, ImagesWish, Inventory, LabError, Paths, Pruned};

use super::guarded::guarded;
use super::reap::size;
use super::{Outcome, terminal};
use crate::cleanup::Cleanup;
use crate::images_options::ImagesArguments;

/// What can be done with images.
#[derive(Debug, Subcommand)]
pub enum ImagesCommand {
    /// Gets what is missing, from the source that is asked for or chosen.
    Get(ImagesArguments),
    /// Makes what is missing: as get --source build.
    Build(ImagesArguments),
    /// Tells the source that is chosen, and why.
    Source(ImagesArguments),
    /// Tells what is missing; exit code 1 if anything is.
    Check(ImagesArguments),
    /// Writes the images and programs of a lab, built or pulled, into a file, for a machine without a
    /// network.
    Export {
        /// The file, which must not be there yet.
        file: std::path::PathBuf,
        #[command(flatten)]
        images: ImagesArguments,
    },
    /// Takes images and programs from such a file, once all of it has proved whole.
    Import {
        /// The file.
        file: std::path::PathBuf,
    },
    /// Lists what is there for each Istio build, and where it came from.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Removes images and cached artifacts of ours that no lab asks for any more.
    Prune {
        /// Only tell what would be removed.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Does what was asked.
pub async fn run(paths: Paths, command: ImagesCommand) -> Outcome {
    match command {
        ImagesCommand::Get(arguments) => get(&paths, arguments.wish()?).await,
        ImagesCommand::Build(arguments) => get(&paths, arguments.or_from("build").wish()?).await,
        ImagesCommand::Source(arguments) => source(&paths, &arguments.wish()?).await,
        ImagesCommand::Check(arguments) => check(&paths, &arguments.wish()?).await,
        ImagesCommand::Export { file, images } => export(&paths, images.wish()?, file).await,
        ImagesCommand::Import { file } => import(&paths, file).await,
        ImagesCommand::List { json } => list(&paths, json).await,
        ImagesCommand::Prune { dry_run } => prune(&paths, dry_run).await,
    }
}

async fn get(paths: &Paths, wish: ImagesWish) -> Outcome {
    let progress = terminal::progress();
    let (inner_paths, inner_progress) = (paths.clone(), progress.clone());
    guarded(paths, &Cleanup::default(), &progress, async move {
        let images = lab::make_images(&inner_paths, &wish, &inner_progress).await?;
        print_line!(
            "{} images are there for Istio {}, by {}.",
            images.facts().len(),
            images.istio.id,
            images.source.told()
        );
        Ok(ExitCode::SUCCESS)
    })
    .await
}

async fn source(paths: &Paths, wish: &ImagesWish) -> Outcome {
    let chosen = lab::choose_source(paths, wish, &terminal::progress()).await?;
    print_line!("{}", chosen.told());
    Ok(ExitCode::SUCCESS)
}

async fn check(paths: &Paths, wish: &ImagesWish) -> Outcome {
    match lab::available(paths, wish).await {
        Ok(()) => {
            print_line!("Every image is there.");
            Ok(ExitCode::SUCCESS)
        }
        Err(LabError::ImagesMissing(missing) | LabError::NotImported(missing)) => {
            print_line!("Missing: {}.", missing.join(", "));
            Ok(ExitCode::FAILURE)
        }
        Err(LabError::ProbeMissing) => {
            print_line!("Missing: meshproof-probe, the program that the images are named after.");
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error.into()),
    }
}

async fn export(paths: &Paths, wish: ImagesWish, file: std::path::PathBuf) -> Outcome {
    let progress = terminal::progress();
    let (inner_paths, inner_progress) = (paths.clone(), progress.clone());
    guarded(paths, &Cleanup::default(), &progress, async move {
        let done = lab::export_images(&inner_paths, &wish, &file, &inner_progress).await?;
        print_line!(
            "{} holds Istio {}: {} images, kind and istioctl, {} in {:.0} s.",
            done.path.display(),
            done.istio,
            done.images,
            size(done.bytes),
            done.took.as_secs_f64()
        );
        print_line!(
            "Next, on the other machine, with this meshproof and meshproof-probe beside it:  \
             meshproof images import {}",
            name(&done.path)
        );
        Ok(ExitCode::SUCCESS)
    })
    .await
}

async fn import(paths: &Paths, file: std::path::PathBuf) -> Outcome {
    let progress = terminal::progress();
    let (inner_paths, inner_progress) = (paths.clone(), progress.clone());
    guarded(paths, &Cleanup::default(), &progress, async move {
        let (images, options) = lab::import_images(&inner_paths, &file, &inner_progress).await?;
        print_line!(
            "{} images are there for Istio {}.",
            images.facts().len(),
            images.istio.id
        );
        let next = [vec!["meshproof guide".to_owned()], options].concat();
        print_line!("Next:  {}", next.join(" "));
        Ok(ExitCode::SUCCESS)
    })
    .await
}

async fn list(paths: &Paths, as_json: bool) -> Outcome {
    let all = lab::inventory(paths).await?;
    if as_json {
        print_line!("{}", serde_json::to_string_pretty(&all)?);
    } else {
        print_text!("{}", all.iter().map(told).collect::<Vec<_>>().join("\n"));
    }
    Ok(ExitCode::SUCCESS)
}

async fn prune(paths: &Paths, dry_run: bool) -> Outcome {
    let progress = terminal::progress();
    let (inner_paths, inner_progress) = (paths.clone(), progress.clone());
    guarded(paths, &Cleanup::default(), &progress, async move {
        let pruned = lab::prune(&inner_paths, dry_run, &inner_progress).await?;
        print_text!("{}", told_of_pruning(&pruned));
        Ok(match pruned.failed.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(2),
        })
    })
    .await
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// What a person reads of one Istio build's images.
fn told(of: &Inventory) -> String {
    let whole = match of.whole {
        true => "whole",
        false => "not whole",
    };
    let mut text = format!("Istio {}: {whole}\n", of.istio);
    if let Some(source) = &of.source {
        text.push_str(&format!("  by {source}\n"));
    }
    let names = of.images.iter().map(|image| image.name.len());
    let width = names.max().unwrap_or(0);
    for image in &of.images {
        let (bytes, id) = match (&image.id, image.bytes) {
            (Some(id), bytes) => (size(bytes.unwrap_or(0)), short(id)),
            (None, _) => ("-".into(), "missing"),
        };
        let source = image.source.unwrap_or_default();
        let line = format!("  {:width$}  {bytes:>9}  {id:12}  {source}", image.name);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    for program in &of.programs {
        let (bytes, place) = match program.bytes {
            Some(bytes) => (size(bytes), program.path.display().to_string()),
            None => ("-".into(), "missing".into()),
        };
        text.push_str(&format!("  {:width$}  {bytes:>9}  {place}\n", program.name));
    }
    let delivery = of.delivery.as_deref().unwrap_or("nothing is prepared");
    text.push_str(&format!("  to nodes: {delivery}\n"));
    text
}

/// An id as the engine's client shortens it.
fn short(id: &str) -> &str {
    let digits = id.trim_start_matches("sha256:");
    digits.get(..12).unwrap_or(digits)
}

/// What a person reads of a pruning.
fn told_of_pruning(pruned: &Pruned) -> String {
    let mut text = String::new();
    for asking in &pruned.pulled {
        text.push_str(&format!(
            "Stays: what the pulled lab of {} needs; {} gives it up.\n",
            asking.lab, asking.given_up_by
        ));
    }
    for removed in &pruned.removed {
        let bytes = size(removed.bytes);
        text.push_str(&format!(
            "{:8}  {bytes:>9}  {}\n",
            removed.kind, removed.name
        ));
    }
    for (name, why) in &pruned.kept {
        text.push_str(&format!("Stays: {name}: {why}.\n"));
    }
    for failed in &pruned.failed {
        text.push_str(&format!("Left: {failed}\n"));
    }
    let left = pruned.kept.len() + pruned.failed.len();
    text.push_str(&match (pruned.removed.len(), pruned.dry_run) {
        (0, _) if left == 0 => "There is nothing that no lab asks for.\n".to_owned(),
        (0, true) => "Nothing would be removed.\n".to_owned(),
        (0, false) => "Nothing was removed.\n".to_owned(),
        (count, true) => format!("{count} would be removed.\n"),
        (count, false) => format!("{count} removed.\n"),
    });
    text
}

#[cfg(test)]
mod tests {
    use meshproof_harness::lab::{Asking, ListedImage, ListedProgram, Pruning};

    use super::*;

    #[test]
    fn what_is_there_and_what_is_missing_is_a_table() {
        let image = |name, there: bool, source| ListedImage {
            name,
            reference: Some(format!("meshproof.local/{name}:0123456789ab")),
            id: there.then(|| format!("sha256:{}", "0a1b2c3d".repeat(8))),
            bytes: there.then_some(511_000_000),
            source,
            origin: "a test".into(),
        };
        let program = |name: &'static str, bytes| ListedProgram {
            name,
            path: format!("/c/artifacts/{name}-1/{name}").into(),
            bytes,
        };
        let inventory = Inventory {
            istio: "1.31.0-dev.20260827".into(),
            whole: false,
            source: Some("archive /media/lab.zip, exported 2026-11-25T12:00:00Z".into()),
            images: vec![
                image("node", true, Some("archive")),
                image("kube-controller-manager", true, Some("build")),
                image("probe", false, None),
            ],
            programs: vec![program("kind", Some(10_530_978)), program("istioctl", None)],
            delivery: None,
        };
        insta::assert_snapshot!(told(&inventory));
    }

    #[test]
    fn a_pruning_is_told_line_by_line() {
        let pruning = |kind, name: &str, bytes| Pruning {
            kind,
            name: name.into(),
            bytes,
        };
        let pruned = Pruned {
            dry_run: false,
            pulled: vec![Asking {
                lab: "Istio 1.30.5, Kubernetes v1.34.11, Ignite 2.16.0".into(),
                given_up_by: "docker rmi istio/pilot:1.30.5".into(),
            }],
            removed: vec![
                pruning("image", "meshproof.local/probe:0a474071d147", 24_300_000),
                pruning("artifact", "/c/artifacts/store-f1596a6ca701", 2_200_000_000),
            ],
            kept: vec![(
                "/c/artifacts/kind-a229396b66a5".into(),
                "the cluster meshproof-0a1b was made with it".into(),
            )],
            failed: vec!["removing the image x failed: it is in use".into()],
        };
        insta::assert_snapshot!(told_of_pruning(&pruned));
        let dry = Pruned {
            dry_run: true,
            ..pruned
        };
        assert!(told_of_pruning(&dry).ends_with("2 would be removed.\n"));
        let staying = Pruned {
            removed: vec![],
            ..dry
        };
        assert!(told_of_pruning(&staying).ends_with("Nothing would be removed.\n"));
        let nothing = told_of_pruning(&Pruned::default());
        assert_eq!(nothing, "There is nothing that no lab asks for.\n");
    }
}
