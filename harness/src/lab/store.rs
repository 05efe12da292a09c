//! Brings images into nodes without loading them: a containerd store that is prepared once.
//!
//! One containerd root is filled with every image, unpacked. Each node gets a copy made of hard
//! links, with the two databases as real files: blobs and committed snapshots are never written
//! in place. An engine that does not mount this machine's folders is told of: Kubernetes' own images
//! must be in a node before kubeadm starts, so loading them afterwards is no way out.

use std::path::{Path, PathBuf};

use super::images::{Cache, Images, Key, remove_folder};
use super::{Engine, LabError};
use crate::process::Program;
use crate::progress::Progress;

/// containerd's own databases, which every node writes to.
const DATABASES: [&str; 2] = [
    "io.containerd.metadata.v1.bolt/meta.db",
    "io.containerd.snapshotter.v1.overlayfs/metadata.db",
];

/// How many stores are kept: one for each of two Istio builds side by side.
const KEPT: usize = 2;

/// The file that tells whether a container sees a folder of ours.
const MARKER: &str = ".meshproof";

/// How images reach the nodes of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Nodes mount a hard-linked copy of this store.
    LinkedStore(PathBuf),
}

impl Delivery {
    /// One line for the report.
    pub fn explained(&self) -> &'static str {
        match self {
            Self::LinkedStore(_) => "linked store (nothing is loaded into nodes)",
        }
    }

    fn key(images: &Images) -> Key {
        let mut key = Key::over("store").add(&images.node.id);
        for image in &images.inside {
            key = key.add(&image.id).add(&image.lab_name);
        }
        key.finish()
    }

    /// What is prepared for these images, if anything is.
    pub fn find(cache: &Cache, images: &Images) -> Option<Self> {
        let key = Self::key(images);
        let store = cache.place("store", &key);
        store.is_dir().then_some(Self::LinkedStore(store))
    }

    /// Finds the store of these images, or prepares it.
    ///
    /// # Errors
    /// When the engine or containerd fails.
    pub async fn prepare(
        engine: &Engine,
        cache: &Cache,
        images: &Images,
        progress: &Progress,
    ) -> Result<Self, LabError> {
        if let Some(there) = Self::find(cache, images) {
            return Ok(there);
        }
        let _one_builder = cache.lock(progress).await?;
        // Another process may have made it while this one waited.
        if let Some(there) = Self::find(cache, images) {
            return Ok(there);
        }
        let key = Self::key(images);
        let stage = progress.stage("Preparing the nodes' image store");
        let visible = cache.root().join("partial").join(format!("visible-{key}"));
        std::fs::create_dir_all(&visible).map_err(LabError::file("making the folder", &visible))?;
        if !engine_sees(engine, images, &visible).await? {
            return Err(LabError::Unexpected {
                what: "the container engine".into(),
                found: "it does not mount this machine's folders".into(),
                cure: "use an engine that runs on this machine".into(),
            });
        }
        let store = cache
            .artifact("store", &key, async |at| fill(engine, images, &at).await)
            .await?;
        remove_folder(&visible)?;
        // A store is gigabytes; nodes have links of their own, so an old one can go while they run.
        cache.keep_newest("store", KEPT)?;
        stage.done();
        Ok(Self::LinkedStore(store))
    }

    /// Makes a node's own copy of the store at `to`.
    ///
    /// # Errors
    /// When the links cannot be made.
    pub async fn copy_for_node(&self, to: &Path) -> Result<(), LabError> {
        let Self::LinkedStore(store) = self;
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
}

async fn engine_sees(engine: &Engine, images: &Images, folder: &Path) -> Result<bool, LabError> {
    let marker = folder.join(MARKER);
    std::fs::write(&marker, "").map_err(LabError::file("writing", &marker))?;
    let mount = format!("{}:/seen:ro", folder.display());
    let look = format!("test -f /seen/{MARKER} && echo seen || echo unseen");
    let arguments = [
        "--rm",
        "--volume",
        &mount,
        "--entrypoint",
        "sh",
        &images.node.reference,
        "-c",
        &look,
    ];
    Ok(engine
        .run("asking whether the engine mounts our folders", &arguments)
        .await?
        == "seen")
}

/// Runs containerd of the node image over the folder `at` and imports everything there.
async fn fill(engine: &Engine, images: &Images, at: &Path) -> Result<(), LabError> {
    // A container that a killed run left would go on writing there.
    let left = format!("volume={}", at.display());
    let left = engine.containers(&["--all", "--filter", &left]).await?;
    let left: Vec<String> = left.into_iter().map(|(id, _)| id).collect();
    engine.remove_containers(&left).await?;
    let archive_folder = at.with_extension("archive");
    remove_folder(&archive_folder)?;
    std::fs::create_dir_all(&archive_folder)
        .map_err(LabError::file("making the folder", &archive_folder))?;
    engine
        .save(&references(images), &archive_folder.join("images.tar"))
        .await?;
    let (store, archive) = (
        format!("{}:/var/lib/containerd", at.display()),
        format!("{}:/archive:ro", archive_folder.display()),
    );
    let arguments = [
        "--detach",
        "--privileged",
        "--volume",
        &store,
        "--volume",
        &archive,
        "--entrypoint",
        "sleep",
        &images.node.reference,
        "infinity",
    ];
    let container = engine
        .run("starting containerd for the image store", &arguments)
        .await?;
    let script = format!(
        "containerd >/tmp/containerd.log 2>&1 & daemon=$!\n\
         for attempt in $(seq 300); do ctr version >/dev/null 2>&1 && break; sleep 0.1; done\n\
         ctr version >/dev/null || {{ tail /tmp/containerd.log >&2; exit 1; }}\n\
         {}kill $daemon; wait $daemon || true\n",
        import_script(images, "/archive/images.tar")
    );
    let filled = engine
        .script("filling the image store", &container, &script)
        .await;
    engine.remove_containers(&[container]).await?;
    remove_folder(&archive_folder)?;
    filled.map(drop)
}

/// Imports an archive and gives every image the name that the cluster asks for, and only that.
fn import_script(images: &Images, archive: &str) -> String {
    let mut script = format!("ctr --namespace k8s.io images import {archive} >/dev/null\n");
    for image in &images.inside {
        let (own, lab) = (&image.reference, &image.lab_name);
        script.push_str(&format!(
            "ctr --namespace k8s.io images tag --force {own} {lab} >/dev/null\n\
             ctr --namespace k8s.io images label {lab} io.cri-containerd.pinned=pinned >/dev/null\n\
             ctr --namespace k8s.io images rm {own} >/dev/null\n"
        ));
    }
    script
}

fn references(images: &Images) -> Vec<&str> {
    images
        .inside
        .iter()
        .map(|image| image.reference.as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::fake_client::FakeClient;
    use crate::lab::images::{Present, pins};

    #[tokio::test]
    async fn a_container_that_still_fills_the_store_is_ended_first() {
        let place = tempfile::tempdir().unwrap();
        let at = place.path().join("store-1");
        let client = FakeClient::new("docker")
            .answers("version*", "20.10.24 linux/amd64\n")
            .answers(
                &format!("ps*--filter volume={}", at.display()),
                "left some-name\n",
            )
            .answers("ps*", "left some-name\nours other-name\n")
            .answers("run*", "ours\n");
        let node = Present {
            reference: "node".into(),
            id: "sha256:node".into(),
            lab_name: "node".into(),
            origin: "a test".into(),
        };
        let images = Images {
            node,
            inside: vec![],
            istio: pins::ISTIO_AUGUST_2026,
            kind: "kind".into(),
            istioctl: "istioctl".into(),
        };
        fill(&client.engine().await, &images, &at).await.unwrap();
        let calls = client.calls();
        let at = |what: &str| calls.iter().position(|call| call.contains(what));
        let (ended, started) = (at("rm --force --volumes left"), at(" run "));
        assert!(ended.is_some() && ended < started, "{calls:?}");
        assert!(at("rm --force --volumes ours") > started, "{calls:?}");
    }
}
