//! What is inside an image and decides about the lab: looked at once, and remembered by the image's
//! id. Nothing of the image is run.

use std::fs::File;
use std::io::{BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::cache::{Artifact, Cache};
use super::key::Key;
use crate::lab::{Engine, LabError};

/// The name by which an Envoy registers the filter that keeps Istio's metrics. It stands in the
/// program's text if, and only if, the filter was compiled in; upstream's programs lack it.
const ISTIO_STATS: &[u8] = b"envoy.filters.http.istio_stats";

/// Where the proxy's program lies in every image of it.
const ENVOY: &str = "/usr/local/bin/envoy";
/// Where the image of istioctl has its program.
const ISTIOCTL: &str = "/usr/local/bin/istioctl";
/// Where a node image tells its Kubernetes version, for kind.
const NODE_VERSION: &str = "/kind/version";

/// The artifact that remembers a node image's version.
pub fn node_version(id: &str) -> Artifact {
    of_image("node-version", id)
}

/// The artifact that remembers whether a proxy's image has Istio's filters.
pub fn proxy_filters(id: &str) -> Artifact {
    of_image("proxy-filters", id)
}

/// The artifact that holds the program of an image of istioctl.
pub fn istioctl(id: &str) -> Artifact {
    of_image("istioctl", id)
}

fn of_image(name: &'static str, id: &str) -> Artifact {
    (name, Key::over(name).add(id).finish())
}

/// The version of Kubernetes that a node image carries, `v` in front.
///
/// # Errors
/// When the image is no node image, or the engine fails.
pub async fn kubernetes_of(engine: &Engine, cache: &Cache, id: &str) -> Result<String, LabError> {
    let (name, key) = node_version(id);
    let folder = cache
        .artifact(name, &key, async |at| {
            engine.copy_out(id, NODE_VERSION, &at.join("version")).await
        })
        .await?;
    let path = folder.join("version");
    let text = std::fs::read_to_string(&path).map_err(LabError::file("reading", &path))?;
    Ok(text.trim().to_owned())
}

/// Whether a proxy's image carries Istio's own filters.
///
/// # Errors
/// When the image is no proxy's, or the engine fails.
pub async fn has_istio_filters(engine: &Engine, cache: &Cache, id: &str) -> Result<bool, LabError> {
    let (name, key) = proxy_filters(id);
    let folder = cache
        .artifact(name, &key, async |at| {
            let envoy = at.join("envoy");
            engine.copy_out(id, ENVOY, &envoy).await?;
            let path = envoy.clone();
            let found = tokio::task::spawn_blocking(move || contains(&path, ISTIO_STATS));
            let found = found.await.expect("the search does not panic");
            let found = found.map_err(LabError::file("reading", &envoy))?;
            std::fs::remove_file(&envoy).map_err(LabError::file("removing", &envoy))?;
            let answer = at.join("istio-filters");
            std::fs::write(&answer, found.to_string()).map_err(LabError::file("writing", &answer))
        })
        .await?;
    let path = folder.join("istio-filters");
    let text = std::fs::read_to_string(&path).map_err(LabError::file("reading", &path))?;
    Ok(text == "true")
}

/// The `istioctl` program of an image, on this machine.
///
/// # Errors
/// When the image has none, or the engine fails.
pub async fn istioctl_of(engine: &Engine, cache: &Cache, id: &str) -> Result<PathBuf, LabError> {
    let (name, key) = istioctl(id);
    let folder = cache
        .artifact(name, &key, async |at| {
            let program = at.join("istioctl");
            engine.copy_out(id, ISTIOCTL, &program).await?;
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))
                .map_err(LabError::file("making executable", &program))
        })
        .await?;
    Ok(folder.join("istioctl"))
}

/// Whether a file holds these bytes anywhere. It is read piece by piece, each with the end of the
/// one before.
fn contains(path: &Path, sought: &[u8]) -> std::io::Result<bool> {
    let mut file = BufReader::new(File::open(path)?);
    let mut window: Vec<u8> = vec![];
    let mut piece = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(false);
        }
        window.extend_from_slice(&piece[..read]);
        if window.windows(sought.len()).any(|bytes| bytes == sought) {
            return Ok(true);
        }
        let keep = window.len().min(sought.len() - 1);
        window.drain(..window.len() - keep);
    }
}

impl Engine {
    /// Copies one file out of an image, through a container that is never started.
    async fn copy_out(&self, image: &str, from: &str, to: &Path) -> Result<(), LabError> {
        let what = format!("taking {from} out of the image {image}");
        let made = self.create(&what, image).await?;
        let copied = self
            .docker()
            .arg("cp")
            .arg("--follow-link")
            .arg(format!("{made}:{from}"))
            .arg(to)
            .run()
            .await
            .map_err(LabError::program(&what));
        self.remove_containers(std::slice::from_ref(&made)).await?;
        copied.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::fake_client::FakeClient;

    #[test]
    fn bytes_are_found_across_pieces_and_not_where_they_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        let mut text = vec![b'x'; (1 << 20) - 7];
        text.extend_from_slice(ISTIO_STATS);
        text.extend_from_slice(&[b'y'; 100]);
        std::fs::write(&path, &text).unwrap();
        assert!(contains(&path, ISTIO_STATS).unwrap());
        text[1 << 20] = b'!';
        std::fs::write(&path, &text).unwrap();
        assert!(!contains(&path, ISTIO_STATS).unwrap());
        std::fs::write(&path, "").unwrap();
        assert!(!contains(&path, ISTIO_STATS).unwrap());
    }

    #[tokio::test]
    async fn the_container_that_was_made_for_a_copy_is_removed_even_if_there_is_nothing_to_copy() {
        let client = FakeClient::new("docker")
            .answers("version*", "20.10.24 linux/amd64\n")
            .answers("create*", "helper\n")
            .answers("ps*", "helper some-name\n")
            .fails("cp*", "Error: no such file\n");
        let cache = Cache::at(client.folder().join("cache"));
        let engine = client.engine().await;
        let looked = istioctl_of(&engine, &cache, "sha256:1").await;
        assert!(looked.unwrap_err().to_string().contains("no such file"));
        let calls = client.calls();
        assert!(
            calls
                .last()
                .unwrap()
                .contains("rm --force --volumes helper"),
            "{calls:?}"
        );
    }
}
