//! Brings images into nodes without loading them: a containerd store that is prepared once.
//!
//! One containerd root is filled with every image, unpacked. Each node gets a copy made of hard
//! links, with the two databases as real files: blobs and committed snapshots are never written
//! in place. Where that cannot be (`linkable` says why not), nodes are made from a node image that
//! has the images in it (`preloaded`): Kubernetes' own must be in a node before kubeadm starts, so
//! loading them afterwards is no way out.

mod linkable;
mod listing;
mod preloaded;

use std::path::{Path, PathBuf};

use super::images::{Cache, Images, Key, canonical};
use super::{Engine, LabError, helpers};
use crate::process::Program;
use crate::progress::Progress;

/// containerd's own databases, which every node writes to.
const DATABASES: [&str; 2] = [
    "io.containerd.metadata.v1.bolt/meta.db",
    "io.containerd.snapshotter.v1.overlayfs/metadata.db",
];

/// The name of the stores' artifacts.
const STORE: &str = "store";

/// How many stores are kept: one for each of two Istio builds side by side.
const KEPT: usize = 2;

/// Where containerd keeps images in a node.
const CONTAINERD: &str = "/var/lib/containerd";

/// Where the container that fills a store sees it.
const FILLED: &str = "/meshproof-store";

/// How images reach the nodes of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Nodes mount a hard-linked copy of this store.
    LinkedStore(PathBuf),
    /// Nodes are made from a node image that has all images in it, and each copies them.
    PreloadedNode {
        /// That image's name in the engine.
        image: String,
        /// Why there is no linked store.
        why: String,
    },
}

impl Delivery {
    /// One line for the report.
    pub fn explained(&self) -> String {
        match self {
            Self::LinkedStore(_) => "linked store (nothing is loaded into nodes)".into(),
            Self::PreloadedNode { why, .. } => {
                format!("node image with all images in it, copied by each node, because {why}")
            }
        }
    }

    /// Names what is prepared, whichever it is: everything that it holds goes in.
    fn key(images: &Images) -> Key {
        let mut key = Key::over("store").add(&images.node.id);
        for image in &images.inside {
            key = key.add(&image.id).add(&image.lab_name);
        }
        key.finish()
    }

    /// What is prepared for these images, if anything is.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn find(
        engine: &Engine,
        cache: &Cache,
        images: &Images,
    ) -> Result<Option<Self>, LabError> {
        let store = cache.place(STORE, &Self::key(images));
        if store.is_dir() {
            return Ok(Some(Self::LinkedStore(store)));
        }
        preloaded::find(engine, cache, images).await
    }

    /// The artifacts and the image that may be prepared for these images: artifacts by name and key,
    /// the image by its name in the engine.
    pub(super) fn named(images: &Images) -> ([(&'static str, Key); 2], String) {
        let key = preloaded::key(images);
        let image = preloaded::reference(&key);
        ([(STORE, Self::key(images)), (preloaded::NAME, key)], image)
    }

    /// Finds what is prepared for these images, or prepares it: a linked store where this machine
    /// and its engine are able to, else a node image with the images in it.
    ///
    /// # Errors
    /// When the engine or containerd fails.
    pub async fn prepare(
        engine: &Engine,
        cache: &Cache,
        images: &Images,
        progress: &Progress,
    ) -> Result<Self, LabError> {
        if let Some(there) = Self::find(engine, cache, images).await? {
            return Ok(there);
        }
        let _one_builder = cache.lock(progress).await?;
        // One that a killed run left would go on, in an image or a store that is made anew here.
        helpers::remove_orphaned(engine).await?;
        // Another process may have made it while this one waited.
        if let Some(there) = Self::find(engine, cache, images).await? {
            return Ok(there);
        }
        let key = Self::key(images);
        let stage = progress.stage("Preparing the nodes' image store");
        if let Some(why) = linkable::hindrance(engine, images, cache.root()).await? {
            progress.line(format!(
                "There will be no linked store, and nodes get a node image with all images in it: \
                 {why}"
            ));
            let delivery = preloaded::prepare(engine, cache, images, why).await?;
            stage.done();
            return Ok(delivery);
        }
        let store = cache
            .artifact_without_digests(STORE, &key, async |at| {
                fill(engine, images, &at).await?;
                listing::take_down(&at).await
            })
            .await?;
        // A store is gigabytes; nodes have links of their own, so an old one can go while they run.
        cache.keep_newest(STORE, KEPT)?;
        stage.done();
        Ok(Self::LinkedStore(store))
    }

    /// As [`Delivery::prepare`]; what was changed since it was prepared is made anew.
    ///
    /// # Errors
    /// When the engine or containerd fails.
    pub async fn prepare_whole(
        engine: &Engine,
        cache: &Cache,
        images: &Images,
        progress: &Progress,
    ) -> Result<Self, LabError> {
        let prepared = Self::prepare(engine, cache, images, progress).await?;
        match prepared.compare().await {
            Ok(()) => Ok(prepared),
            Err(LabError::Damaged { path, what, folder }) => {
                progress.line(format!(
                    "{} is damaged: {what}; all is made anew",
                    path.display()
                ));
                let lock = cache.lock(progress).await?;
                // Whoever held the lock may have made it anew.
                if prepared.compare().await.is_err() {
                    cache.discard(&folder)?;
                }
                drop(lock);
                Self::prepare(engine, cache, images, progress).await
            }
            Err(error) => Err(error),
        }
    }

    /// Compares a linked store with what it was when it was made; what the engine has is the engine's.
    ///
    /// # Errors
    /// [`LabError::Damaged`], or a file error.
    pub async fn compare(&self) -> Result<(), LabError> {
        match self {
            Self::LinkedStore(store) => listing::compare(store).await,
            Self::PreloadedNode { .. } => Ok(()),
        }
    }

    /// The image that nodes are made from.
    pub fn node_image<'a>(&'a self, images: &'a Images) -> &'a str {
        match self {
            Self::LinkedStore(_) => &images.node.reference,
            Self::PreloadedNode { image, .. } => image,
        }
    }

    /// What one node mounts, and where; `to` is the node's own folder, which need not be there.
    ///
    /// # Errors
    /// When the node's copy of the store cannot be made.
    pub async fn mounts_for_node(
        &self,
        to: PathBuf,
    ) -> Result<Option<(PathBuf, &'static str)>, LabError> {
        match self {
            Self::LinkedStore(store) => {
                link_store(store, &to).await?;
                Ok(Some((to, CONTAINERD)))
            }
            Self::PreloadedNode { .. } => Ok(None),
        }
    }
}

/// Makes a node's own copy of a store at `to`.
async fn link_store(store: &Path, to: &Path) -> Result<(), LabError> {
    for database in DATABASES {
        let path = store.join(database);
        let empty = std::fs::metadata(&path).map_or(true, |data| data.len() == 0);
        if empty {
            return Err(LabError::Damaged {
                what: "containerd's database is missing or empty".into(),
                path,
                folder: store.to_owned(),
            });
        }
    }
    Program::new("cp")
        .args(["--archive", "--link"])
        .arg(store)
        .arg(to)
        .run()
        .await
        .map_err(LabError::program("linking a node's image store"))?;
    for database in DATABASES {
        let (from, to) = (store.join(database), to.join(database));
        std::fs::remove_file(&to).map_err(LabError::file("unlinking", &to))?;
        std::fs::copy(&from, &to).map_err(LabError::file("copying", &from))?;
    }
    Ok(())
}

/// Runs containerd of the node image over the folder `at` and imports everything there.
async fn fill(engine: &Engine, images: &Images, at: &Path) -> Result<(), LabError> {
    // A container that a killed run left would go on writing there.
    let left = format!("volume={}", at.display());
    let left = engine.containers(&["--all", "--filter", &left]).await?;
    let left: Vec<String> = left.into_iter().map(|(id, _)| id).collect();
    engine.remove_containers(&left).await?;
    let store = format!("{}:{FILLED}", at.display());
    // A released node image holds Kubernetes' images, which a mount over them would hide.
    let script = format!(
        "mkdir -p {CONTAINERD}\n\
         cp --archive {CONTAINERD}/. {FILLED}/\n\
         mount --bind {FILLED} {CONTAINERD}\n\
         {}",
        import_script(images, "")
    );
    let what = "starting containerd for the image store";
    in_node_container(
        engine,
        images,
        what,
        &["--volume", &store],
        async |container| engine.feed(container, &references(images), &script).await,
    )
    .await
}

/// Does some work in an idle container of the node image, which is removed whatever comes of it.
async fn in_node_container(
    engine: &Engine,
    images: &Images,
    what: &str,
    options: &[&str],
    work: impl AsyncFnOnce(&str) -> Result<(), LabError>,
) -> Result<(), LabError> {
    let idle = ["--entrypoint", "sleep", &images.node.reference, "infinity"];
    let arguments = [&["--detach", "--privileged"], options, &idle].concat();
    let container = engine.run(what, &arguments).await?;
    let done = work(&container).await;
    engine.remove_containers(&[container]).await?;
    done
}

/// Runs containerd in a container and imports what comes on standard input, with these options of
/// `ctr`; gives every image the name that the cluster asks for, and only that.
///
/// It is one script, because who starts containerd waits for its end: then its databases are whole.
fn import_script(images: &Images, options: &str) -> String {
    let mut script = format!(
        "containerd >/tmp/containerd.log 2>&1 </dev/null & daemon=$!\n\
         for attempt in $(seq 300); do ctr version >/dev/null 2>&1 && break; sleep 0.1; done\n\
         ctr version >/dev/null || {{ tail /tmp/containerd.log >&2; exit 1; }}\n\
         ctr --namespace k8s.io images import {options} - >/dev/null\n"
    );
    for image in &images.inside {
        // containerd completes names that engines shorten.
        let (own, lab) = (canonical(&image.reference), &image.lab_name);
        script.push_str(&format!(
            "ctr --namespace k8s.io images tag --force {own} {lab} >/dev/null\n\
             ctr --namespace k8s.io images label {lab} io.cri-containerd.pinned=pinned >/dev/null\n"
        ));
        // Some are asked for by the very name that the engine has them under.
        if own != *lab {
            script.push_str(&format!(
                "ctr --namespace k8s.io images rm {own} >/dev/null\n"
            ));
        }
    }
    script.push_str("kill $daemon; wait $daemon || true\nrm /tmp/containerd.log\n");
    script
}

impl Engine {
    /// Runs a shell script inside a container, with saved images on its standard input.
    async fn feed(
        &self,
        container: &str,
        references: &[&str],
        script: &str,
    ) -> Result<(), LabError> {
        let (reader, writer) =
            std::io::pipe().map_err(LabError::file("making a pipe for", container))?;
        let import = self
            .docker()
            .args(["exec", "--privileged", "--interactive", container])
            .args(["bash", "-euo", "pipefail", "-c", script])
            .input_from(reader)
            .run();
        let (saved, imported) = tokio::join!(self.save_into(references, writer), import);
        // Where the second fails, the first can only say that nobody reads.
        imported.map_err(LabError::program("importing images into containerd"))?;
        saved
    }
}

fn references(images: &Images) -> Vec<&str> {
    images
        .inside
        .iter()
        .map(|image| image.reference.as_str())
        .collect()
}

#[cfg(test)]
#[path = "store/tests.rs"]
mod tests;
