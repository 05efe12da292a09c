//! The names that an `istioctl` gives the images it installs: nodes get them under those very names,
//! so that nothing of the install has to be changed for it.

use std::path::Path;

use super::LabError;
use super::cache::{Artifact, Cache};
use super::key::Key;
use super::part::Part;
use super::reference::canonical;
use crate::process::Program;

/// The names of istiod's and the proxy's image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// istiod's.
    pub pilot: String,
    /// The proxy's.
    pub proxyv2: String,
}

/// The artifact that remembers what the `istioctl` of this identity said.
pub fn artifact(identity: &str) -> Artifact {
    let name = "istioctl-names";
    (name, Key::over(name).add(identity).finish())
}

/// Asks an `istioctl`; `identity` names the program, which is asked once.
///
/// # Errors
/// When the program fails, or installs something that is no Istio.
pub async fn names(cache: &Cache, istioctl: &Path, identity: &str) -> Result<Names, LabError> {
    let (name, key) = artifact(identity);
    let folder = cache
        .artifact(name, &key, async |at| {
            cache.compare(istioctl).await?;
            let asked = Program::new(istioctl).args(["manifest", "generate"]).run();
            let output = asked.await.map_err(LabError::program(format!(
                "asking {} what it installs",
                istioctl.display()
            )))?;
            let lines = Part::ALL
                .iter()
                .filter_map(|part| image(&output.stdout, *part));
            let text = lines.collect::<Vec<_>>().join("\n");
            let path = at.join("images");
            std::fs::write(&path, text).map_err(LabError::file("writing", &path))
        })
        .await?;
    let path = folder.join("images");
    let text = std::fs::read_to_string(&path).map_err(LabError::file("reading", &path))?;
    let of = |part| {
        let found = text.lines().find(|line| is_of(line, part));
        found.map(canonical).ok_or_else(|| LabError::Unexpected {
            what: format!("what {} installs", istioctl.display()),
            found: format!("no image {part}"),
            cure: "use the istioctl of an Istio release".into(),
        })
    };
    Ok(Names {
        pilot: of(Part::Pilot)?,
        proxyv2: of(Part::Proxyv2)?,
    })
}

/// The image of a part in a text of manifests.
fn image(manifests: &str, part: Part) -> Option<String> {
    let values = manifests
        .lines()
        .filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("image:"))
        .map(|value| value.trim().trim_matches(['"', '\'']));
    let mut of_part = values.filter(|value| is_of(value, part));
    of_part.next().map(str::to_owned)
}

/// Whether an image's name is a part's: its repository ends so.
fn is_of(image: &str, part: Part) -> bool {
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split(':').next() == Some(part.name()) && image.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::fake_client::FakeClient;

    /// As `istioctl manifest generate` prints it, its templates included.
    const MANIFESTS: &str = "        image: \"{{ .ProxyImage }}\"\n      - image: busybox:1.28\n        \
        image: hub.example/istio/proxyv2:1.2.3\n        image: \"hub.example/istio/pilot:1.2.3\"\n";

    #[tokio::test]
    async fn a_program_is_asked_once_and_its_templates_are_not_taken_for_names() {
        let client = FakeClient::new("istioctl").answers("manifest generate", MANIFESTS);
        let cache = Cache::at(client.folder().join("cache"));
        let program = std::path::PathBuf::from(client.program());
        for _ in 0..2 {
            let found = names(&cache, &program, "1").await.unwrap();
            assert_eq!(found.pilot, "hub.example/istio/pilot:1.2.3");
            assert_eq!(found.proxyv2, "hub.example/istio/proxyv2:1.2.3");
        }
        assert_eq!(client.calls().len(), 1);
    }

    #[tokio::test]
    async fn what_installs_no_istio_is_told() {
        let client = FakeClient::new("istioctl").answers("manifest*", "image: a/pilot:1\n");
        let cache = Cache::at(client.folder().join("cache"));
        let program = std::path::PathBuf::from(client.program());
        let error = names(&cache, &program, "1").await.unwrap_err().to_string();
        assert!(error.contains("no image proxyv2; "), "{error}");
    }
}
