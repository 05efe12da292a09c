//! Asks registries and takes images from them, through the engine's own client.

use std::time::Duration;

use super::reference::{self, registry_of};
use crate::lab::{Engine, LabError};
use crate::process::ProcessError;

/// How long a registry may take to answer one question: a person waits for it.
pub const LIMIT: Duration = Duration::from_secs(4);

/// How much of a client's complaint is told, in characters: some print whole manifests.
const QUOTED: usize = 240;

/// What a registry says of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It serves it.
    Has,
    /// It answers, and does not serve it; what it said.
    Lacks(String),
    /// It does not answer; why.
    Silent(String),
}

impl Engine {
    /// Asks the registry of this image whether it serves it.
    ///
    /// `lenient` takes an answer without TLS too, as an engine does of registries that it is set to
    /// trust; what is then pulled is still up to the engine.
    pub async fn registry_answer(&self, image: &str, lenient: bool) -> Answer {
        let mut asked = self.docker().args(["manifest", "inspect"]);
        if lenient {
            asked = asked.arg("--insecure");
        }
        // Asked by both, a client may compare the digest with whatever bears the tag.
        let image = reference::without_tag(image);
        match tokio::time::timeout(LIMIT, asked.arg(image).run()).await {
            Err(_) => Answer::Silent(format!("no answer within {LIMIT:?}")),
            // An engine's client that knows no manifests may say nothing, and well.
            Ok(Ok(said)) if !said.stdout.trim_start().starts_with(['{', '[']) => {
                Answer::Silent("what came is no manifest".into())
            }
            Ok(Ok(_)) => Answer::Has,
            Ok(Err(error)) => understood(&error),
        }
    }

    /// Takes an image from its registry.
    ///
    /// # Errors
    /// When the registry or the engine refuses.
    pub async fn pull(&self, image: &str, line: impl FnMut(&str)) -> Result<(), LabError> {
        let pulled = self.docker().args(["pull", image]).run_with(line).await;
        pulled.map(drop).map_err(LabError::program(format!(
            "pulling {image} from {}",
            registry_of(image)
        )))
    }

    /// Gives an image one more name.
    ///
    /// # Errors
    /// When the engine has no such image.
    pub async fn tag(&self, image: &str, name: &str) -> Result<(), LabError> {
        let tagged = self.docker().args(["tag", image, name]).run().await;
        tagged
            .map(drop)
            .map_err(LabError::program(format!("naming {image} {name}")))
    }

    /// The id of an image by any name of it, a digest too; none if the engine lacks it.
    ///
    /// # Errors
    /// When the client cannot be run.
    pub async fn id_by_any_name(&self, image: &str) -> Result<Option<String>, LabError> {
        let asked = self
            .docker()
            .args(["image", "inspect", "--format", "{{.Id}}", image])
            .run()
            .await;
        match asked {
            Ok(output) => Ok(Some(output.stdout.trim().to_owned())),
            Err(ProcessError::Ended { .. }) => Ok(None),
            Err(error) => Err(LabError::program(format!("looking for {image}"))(error)),
        }
    }

    /// The digests under which registries serve an image that the engine has, with their names there.
    ///
    /// # Errors
    /// When the engine has no such image.
    pub async fn served_as(&self, image: &str) -> Result<Vec<String>, LabError> {
        let format = "{{range .RepoDigests}}{{println .}}{{end}}";
        let asked = self
            .docker()
            .args(["image", "inspect", "--format", format, image])
            .run()
            .await
            .map_err(LabError::program(format!("asking where {image} came from")))?;
        let lines = asked.stdout.lines().map(str::trim);
        Ok(lines
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect())
    }
}

/// What the client's failure says of the registry: whether it answered at all.
fn understood(error: &ProcessError) -> Answer {
    let text = error.to_string();
    let last = text.lines().rfind(|line| !line.trim().is_empty());
    let last: String = last
        .unwrap_or_default()
        .trim()
        .chars()
        .take(QUOTED)
        .collect();
    // Docker Hub refuses what it does not have as it refuses what is private.
    let lacks = [
        "no such manifest",
        "manifest unknown",
        "not found",
        "denied",
        "unauthorized",
    ];
    match lacks.iter().any(|said| last.contains(said)) {
        true => Answer::Lacks(last),
        false => Answer::Silent(last),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::fake_client::FakeClient;

    async fn answer(client: FakeClient) -> Answer {
        let client = client.answers("version*", "20.10.24 linux/amd64\n");
        let engine = client.engine().await;
        engine
            .registry_answer("127.0.0.1:5000/istio/pilot:2", true)
            .await
    }

    #[tokio::test]
    async fn a_registry_that_lacks_an_image_is_told_from_one_that_is_silent() {
        // As Docker's client 28.2 says it of a registry that lacks the tag, and of none at all.
        let lacks = "no such manifest: 127.0.0.1:5000/istio/pilot:2\n";
        let silent = "failed to configure transport: error pinging v2 registry: Get \
                      \"https://127.0.0.1:5000/v2/\": dial tcp 127.0.0.1:5000: connect: connection \
                      refused\n";
        let of = |said: &str| FakeClient::new("docker").fails("manifest*", said);
        assert!(matches!(answer(of(lacks)).await, Answer::Lacks(_)));
        let Answer::Silent(why) = answer(of(silent)).await else {
            panic!("nobody answered");
        };
        assert!(why.ends_with("connection refused"), "{why}");
        let long = format!("unsupported manifest format: {}\n", "1 ".repeat(2000));
        let Answer::Silent(why) = answer(of(&long)).await else {
            panic!("that says nothing of the image");
        };
        assert_eq!(why.len(), QUOTED);
        let has = FakeClient::new("docker").answers("manifest inspect --insecure*", "{}\n");
        assert_eq!(answer(has).await, Answer::Has);
    }

    #[tokio::test]
    async fn a_registry_that_hangs_is_waited_for_no_longer_than_the_limit() {
        let begun = std::time::Instant::now();
        let hanging = answer(FakeClient::new("docker").hangs("manifest*")).await;
        assert_eq!(hanging, Answer::Silent("no answer within 4s".into()));
        assert!(begun.elapsed() < LIMIT + Duration::from_secs(1));
    }
}
