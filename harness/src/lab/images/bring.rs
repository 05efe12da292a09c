//! Brings released images into the engine: asks for all of them first, so that a wrong version is told
//! within seconds and before anything is downloaded.

use futures::future::join_all;

use super::part::Part;
use super::reference::{Mirror, registry_of};
use super::registry::Answer;
use super::released::Released;
use crate::lab::{Engine, LabError};
use crate::progress::Progress;

/// One image to be brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bringing {
    /// Which part of the lab it is.
    pub part: Part,
    /// The name that it is to have in the engine.
    pub name: String,
    /// The name under which a registry serves it, with its digest if that is known.
    pub from: String,
    /// The option that asks for another.
    pub option: &'static str,
    /// Whether its registry may answer without TLS too.
    pub lenient: bool,
}

impl Bringing {
    /// A released image, from its own registry or from the mirror.
    pub fn released(image: &Released, mirror: Option<&Mirror>) -> Self {
        let name = &image.name;
        let mut from = mirror.map_or_else(|| name.clone(), |mirror| mirror.of(name));
        if let Some(digest) = image.digest {
            from.push_str(&format!("@{digest}"));
        }
        Self {
            part: image.part,
            name: name.clone(),
            from,
            option: match image.part {
                Part::Node => "--k8s",
                Part::Ignite => "--ignite",
                Part::Pilot | Part::Proxyv2 | Part::Istioctl => "--istio",
            },
            lenient: mirror.is_some(),
        }
    }
}

/// Asks for these images, all at once; changes nothing.
///
/// # Errors
/// The first that its registry does not serve.
pub async fn ask(engine: &Engine, all: &[Bringing]) -> Result<(), LabError> {
    let answers = join_all(
        all.iter()
            .map(|one| engine.registry_answer(&one.from, one.lenient)),
    )
    .await;
    for (one, answer) in all.iter().zip(answers) {
        let (image, registry) = (one.from.clone(), registry_of(&one.from).to_owned());
        match answer {
            Answer::Has => {}
            Answer::Lacks(said) => {
                let option = one.option;
                return Err(LabError::RegistryLacks {
                    registry,
                    image,
                    said,
                    option,
                });
            }
            Answer::Silent(why) => {
                return Err(LabError::RegistrySilent {
                    registry,
                    image,
                    why,
                });
            }
        }
    }
    Ok(())
}

/// Brings these images.
///
/// # Errors
/// A pull that failed.
pub async fn bring(engine: &Engine, all: &[Bringing], progress: &Progress) -> Result<(), LabError> {
    for one in all {
        let stage = progress.stage(format!("Pulling {}", one.from));
        engine
            .pull(&one.from, |line| stage.message(line.trim()))
            .await?;
        engine.tag(&one.from, &one.name).await?;
        stage.done();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::fake_client::FakeClient;
    use crate::lab::images::released;

    fn two() -> [Bringing; 2] {
        let mirror: Mirror = "h:5000".parse().unwrap();
        [Part::Pilot, Part::Proxyv2]
            .map(|part| Bringing::released(&released::image(part, "1"), Some(&mirror)))
    }

    #[tokio::test]
    async fn asking_names_the_one_that_is_not_served_and_pulls_nothing() {
        let client = FakeClient::new("docker")
            .answers("version*", "20.10.24 linux/amd64\n")
            .answers("manifest*pilot*", "{}\n")
            .fails("manifest*", "no such manifest: h:5000/istio/proxyv2:1\n");
        let asked = ask(&client.engine().await, &two()).await;
        let told = asked.unwrap_err().to_string();
        assert!(
            told.starts_with("h:5000 has no h:5000/istio/proxyv2:1 (no such manifest: "),
            "{told}"
        );
        assert!(told.contains("--istio"), "{told}");
        assert!(
            !client
                .calls()
                .iter()
                .any(|call| call.contains("docker pull"))
        );
    }

    #[tokio::test]
    async fn what_the_mirror_serves_bears_the_released_name() {
        let client = FakeClient::new("docker")
            .answers("version*", "20.10.24 linux/amd64\n")
            .answers("manifest*", "{}\n");
        let brought = bring(&client.engine().await, &two(), &Progress::silent()).await;
        brought.unwrap();
        let calls = client.calls();
        let done: Vec<&str> = calls
            .iter()
            .filter(|call| call.contains("docker pull") || call.contains("docker tag"))
            .map(String::as_str)
            .collect();
        let expected = [
            "docker pull h:5000/istio/pilot:1",
            "docker tag h:5000/istio/pilot:1 istio/pilot:1",
            "docker pull h:5000/istio/proxyv2:1",
            "docker tag h:5000/istio/proxyv2:1 istio/proxyv2:1",
        ];
        assert_eq!(done, expected);
    }

    #[test]
    fn a_known_digest_is_asked_of_whoever_serves_it() {
        let mirror: Mirror = "h:5000/hub".parse().unwrap();
        let node = Released {
            name: "kindest/node:v1".into(),
            digest: Some("sha256:0"),
            ..released::node()
        };
        let from = |mirror| Bringing::released(&node, mirror);
        assert_eq!(from(None).from, "kindest/node:v1@sha256:0");
        assert_eq!(
            from(Some(&mirror)).from,
            "h:5000/hub/kindest/node:v1@sha256:0"
        );
    }
}
