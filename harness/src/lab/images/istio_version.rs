//! Which Istio a program is, by what it says of itself: `istioctl` on this machine, and istiod out of an
//! image, which is remembered by the image's id.
//!
//! istiod is run as a pod would run it, in a container that reaches nobody.

use std::path::Path;

use super::Present;
use super::cache::{Artifact, Cache};
use super::key::Key;
use crate::lab::{Engine, LabError};
use crate::process::Program;

/// What either program is asked with.
const ASK: [&str; 3] = ["version", "--output", "json"];

/// The version that an `istioctl` tells of itself.
///
/// # Errors
/// When it fails, or tells none.
pub async fn of_istioctl(istioctl: &Path) -> Result<String, LabError> {
    let asked = Program::new(istioctl)
        .args(ASK)
        .arg("--remote=false")
        .run()
        .await
        .map_err(LabError::program(format!(
            "asking {} its version",
            istioctl.display()
        )))?;
    read(&asked.stdout).ok_or_else(|| LabError::Unexpected {
        what: istioctl.display().to_string(),
        found: "it tells no version".into(),
        cure: "use the istioctl of an Istio release or build".into(),
    })
}

/// The artifact that remembers the version of an istiod.
pub fn artifact(id: &str) -> Artifact {
    let name = "istiod-version";
    (name, Key::over(name).add(id).finish())
}

/// The version that istiod will tell of itself on a cluster.
///
/// # Errors
/// When the image runs no istiod, or the engine fails.
pub async fn of_istiod(
    engine: &Engine,
    cache: &Cache,
    image: &Present,
) -> Result<String, LabError> {
    let (name, key) = artifact(&image.id);
    let folder = cache
        .artifact(name, &key, async |at| {
            let what = format!("asking the image {} which Istio it is", image.origin);
            let arguments = [&["--rm", "--network", "none", &image.reference], &ASK[..]].concat();
            let said = engine.run(&what, &arguments).await?;
            let version = read(&said).ok_or_else(|| LabError::Unexpected {
                what: format!("the image {}", image.origin),
                found: "its program tells no version of Istio".into(),
                cure: "use an image of istiod, or say by --istio which Istio it is".into(),
            })?;
            let path = at.join("version");
            std::fs::write(&path, version).map_err(LabError::file("writing", &path))
        })
        .await?;
    let path = folder.join("version");
    std::fs::read_to_string(&path).map_err(LabError::file("reading", &path))
}

fn read(said: &str) -> Option<String> {
    let told: serde_json::Value = serde_json::from_str(said).ok()?;
    let version = told["clientVersion"]["version"].as_str();
    version.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::fake_client::FakeClient;

    fn pilot() -> Present {
        Present {
            reference: "meshproof.local/given/pilot:1".into(),
            id: "sha256:mine".into(),
            lab_name: String::new(),
            origin: "mine/pilot:1 (--image pilot=)".into(),
        }
    }

    fn client() -> FakeClient {
        FakeClient::new("docker").answers("version*", "20.10.24 linux/amd64\n")
    }

    #[tokio::test]
    async fn istiod_is_asked_once_without_a_network() {
        // As pilot-discovery of the default build prints it.
        let said = r#"{"clientVersion": {"version": "1.31.0-dev.20260827", "status": "Clean"}}"#;
        let asked = "run*--rm --network none meshproof.local/given/pilot:1 version --output json";
        let client = client().answers(asked, said);
        let cache = Cache::at(client.folder().join("cache"));
        let engine = client.engine().await;
        for _ in ["asked", "remembered"] {
            let told = of_istiod(&engine, &cache, &pilot()).await.unwrap();
            assert_eq!(told, "1.31.0-dev.20260827");
        }
        let runs = client.calls().into_iter();
        assert_eq!(runs.filter(|call| call.contains(" run ")).count(), 1);
    }

    #[tokio::test]
    async fn what_is_no_istiod_is_told_and_not_remembered() {
        let client = client().answers("run*", "nginx version: nginx/1.29.0\n");
        let cache = Cache::at(client.folder().join("cache"));
        let told = of_istiod(&client.engine().await, &cache, &pilot()).await;
        let told = told.unwrap_err().to_string();
        assert!(told.contains("mine/pilot:1 (--image pilot=)"), "{told}");
        assert!(told.ends_with("say by --istio which Istio it is"), "{told}");
        let (name, key) = artifact("sha256:mine");
        assert!(!cache.place(name, &key).exists());
    }
}
