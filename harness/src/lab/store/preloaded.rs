//! The fallback where no linked store can be made: a node image with every image in it.
//!
//! A container of the node image runs containerd, is fed the images through a pipe and is then
//! committed. Nothing of this machine is mounted. kind gives each node a volume of its own for
//! `/var`, into which the engine copies what the image has there. The images are not unpacked:
//! containerd's snapshots cannot lie in a container's own layer, so each node unpacks what it runs.

use std::path::PathBuf;

use super::{Delivery, import_script, in_node_container, references};
use crate::lab::engine::MAKER_LABEL;
use crate::lab::images::{Cache, Images, Key};
use crate::lab::{Engine, LabError};

/// The name of the artifact that remembers the image, and of the image itself.
pub const NAME: &str = "preloaded-node";
/// The file in the artifact that says why there is no linked store.
const WHY: &str = "why";

/// What kind starts in a node; a container that only waited was committed.
const ENTRYPOINT: &str = r#"ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]"#;

/// Names the image: everything that it holds goes in, and how it is made.
pub fn key(images: &Images) -> Key {
    let store = Delivery::key(images);
    Key::over(NAME).add(store.as_str()).add(ENTRYPOINT).finish()
}

/// The image's name in the engine.
pub fn reference(key: &Key) -> String {
    format!("meshproof.local/{NAME}:{key}")
}

/// The image for these images, if it was made and is there.
///
/// # Errors
/// When the engine fails.
pub async fn find(
    engine: &Engine,
    cache: &Cache,
    images: &Images,
) -> Result<Option<Delivery>, LabError> {
    let key = key(images);
    let Ok(why) = std::fs::read_to_string(cache.place(NAME, &key).join(WHY)) else {
        return Ok(None);
    };
    let image = reference(&key);
    let there = engine.image_id(&image).await?.is_some();
    Ok(there.then_some(Delivery::PreloadedNode { image, why }))
}

/// Makes the image, and remembers why it was needed.
///
/// # Errors
/// When the engine or containerd fails.
pub async fn prepare(
    engine: &Engine,
    cache: &Cache,
    images: &Images,
    why: String,
) -> Result<Delivery, LabError> {
    let key = key(images);
    let image = reference(&key);
    // The image may be gone while its record is there.
    cache.discard(&cache.place(NAME, &key))?;
    cache
        .artifact(NAME, &key, async |at: PathBuf| {
            make(engine, images, &image).await?;
            let file = at.join(WHY);
            std::fs::write(&file, &why).map_err(LabError::file("writing", &file))
        })
        .await?;
    Ok(Delivery::PreloadedNode { image, why })
}

async fn make(engine: &Engine, images: &Images, image: &str) -> Result<(), LabError> {
    let script = import_script(images, "--no-unpack");
    let what = "starting containerd for the node image";
    in_node_container(engine, images, what, &[], async |container| {
        engine.feed(container, &references(images), &script).await?;
        engine.commit(container, image).await
    })
    .await
}

impl Engine {
    /// Makes a node image of a container.
    async fn commit(&self, container: &str, reference: &str) -> Result<(), LabError> {
        // The container bears the mark of who runs it, and its image must not: a node made from
        // it would pass for a helper whose maker is dead.
        let unmarked = format!("LABEL {MAKER_LABEL}=");
        self.docker()
            .args(["commit", "--change", ENTRYPOINT, "--change", &unmarked])
            .args([container, reference])
            .run()
            .await
            .map_err(LabError::program(format!("making the image {reference}")))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::fake_client::FakeClient;
    use crate::lab::store::tests::images;
    use crate::progress::Progress;

    fn client() -> FakeClient {
        let image = reference(&key(&images()));
        FakeClient::new("docker")
            .answers("version*", "20.10.24 linux/amd64\n")
            .answers("run*--rm*", "unseen\n")
            .answers("run*", "helper\n")
            .answers("images*", &format!("{image} sha256:made\n"))
            .answers("ps*", "helper some-name\n")
    }

    #[tokio::test]
    async fn without_a_linked_store_a_node_image_is_made_once_and_says_why() {
        let client = client();
        let (engine, images) = (client.engine().await, images());
        let cache = Cache::at(client.folder().join("cache"));
        let progress = Progress::silent();
        for _ in ["made", "found"] {
            let prepared = Delivery::prepare(&engine, &cache, &images, &progress).await;
            let prepared = prepared.unwrap();
            assert_eq!(
                prepared.explained(),
                "node image with all images in it, copied by each node, because the engine does \
                 not mount this machine's folders"
            );
            assert_eq!(prepared.node_image(&images), reference(&key(&images)));
            let mounts = prepared.mounts_for_node("/nowhere".into()).await.unwrap();
            assert_eq!(mounts, None);
        }
        let calls = client.calls();
        let at = |what: &str| calls.iter().position(|call| call.contains(what));
        // The script's lines follow the call, each noted as one of its own.
        let import = at("images import --no-unpack -");
        assert!(
            at("run --label").is_some() && import > at("exec --privileged"),
            "{calls:?}"
        );
        assert!(at("exec --privileged") > at("run --label"), "{calls:?}");
        assert!(at(" commit ") > import, "{calls:?}");
        assert!(
            at("rm --force --volumes helper") > at(" commit "),
            "{calls:?}"
        );
        let unmarked = "--change LABEL io.meshproof.maker= helper meshproof.local/preloaded-node:";
        assert!(at(unmarked).is_some(), "{calls:?}");
        let commits = calls.iter().filter(|call| call.contains(" commit "));
        assert_eq!(commits.count(), 1);
    }

    #[tokio::test]
    async fn a_container_that_fails_is_removed_and_nothing_is_remembered() {
        let client = client().fails("commit*", "no space left on device\n");
        let (engine, images) = (client.engine().await, images());
        let cache = Cache::at(client.folder().join("cache"));
        let prepared = Delivery::prepare(&engine, &cache, &images, &Progress::silent()).await;
        assert!(prepared.unwrap_err().to_string().contains("no space left"));
        let calls = client.calls();
        assert!(
            calls
                .last()
                .unwrap()
                .contains("rm --force --volumes helper"),
            "{calls:?}"
        );
        assert_eq!(find(&engine, &cache, &images).await.unwrap(), None);
    }
}
