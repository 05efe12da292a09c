//! Whether a container engine answers, and whether it is one that a lab can stand on.

use std::ffi::OsString;
use std::time::Duration;

use super::{Engine, LabError};
use crate::process::{ProcessError, Program};

/// An engine that needs longer to tell its version is not going to make a cluster.
const LIMIT: Duration = Duration::from_secs(3);

/// An engine's version, what it runs, and the names of its parts.
const VERSION: &str = "{{.Server.Version}} {{.Server.Os}}/{{.Server.Arch}} \
                       {{range .Server.Components}}{{.Name}};{{end}}";

/// How an engine is secured, which tells whether it runs as root.
const OPTIONS: &str = "{{json .SecurityOptions}}";

/// What an engine has to run.
const PLATFORM: &str = "linux/amd64";

impl Engine {
    /// Asks whether an engine of this machine answers.
    ///
    /// # Errors
    /// Why there is none to be used, with the cure: none answers, it hangs, it refuses this user,
    /// it is elsewhere, it is for other machines' programs, it is Podman, or it has no rights itself.
    pub async fn connect() -> Result<Self, LabError> {
        Self::connect_by("docker".into()).await
    }

    /// Asks through this client.
    pub(super) async fn connect_by(client: OsString) -> Result<Self, LabError> {
        if let Some(place) = place(&client).await?.filter(|place| is_elsewhere(place)) {
            return Err(LabError::EngineElsewhere(place));
        }
        let (answer, options) = tokio::join!(
            asked(&client, &["version", "--format", VERSION]),
            asked(&client, &["info", "--format", OPTIONS])
        );
        let answer = answer?.map_err(|error| refused(&error))?;
        let mut words = answer.splitn(3, ' ');
        let version = words.next().unwrap_or_default();
        let platform = words.next().unwrap_or(PLATFORM);
        if words.next().is_some_and(|parts| parts.contains("Podman")) {
            return Err(LabError::EngineIsPodman(version.to_owned()));
        }
        if platform != PLATFORM {
            return Err(LabError::WrongArchitecture(platform.to_owned()));
        }
        // An engine that answers and does not tell its options is taken as it is.
        if let Ok(Ok(options)) = options
            && options.contains("name=rootless")
        {
            return Err(LabError::EngineWithoutRoot);
        }
        Ok(Self {
            version: version.to_owned(),
            client,
        })
    }
}

/// Where the client looks for its engine; none where it does not know contexts.
async fn place(client: &OsString) -> Result<Option<String>, LabError> {
    let format = "{{.Endpoints.docker.Host}}";
    let told = asked(client, &["context", "inspect", "--format", format]).await?;
    Ok(told.ok().filter(|place| !place.is_empty()))
}

/// What the client answers, within the limit.
async fn asked(
    client: &OsString,
    arguments: &[&str],
) -> Result<Result<String, ProcessError>, LabError> {
    let asked = Program::new(client).args(arguments.iter().copied()).run();
    let answer = tokio::time::timeout(LIMIT, asked).await;
    let answer = answer.map_err(|_| LabError::EngineHangs(LIMIT))?;
    Ok(answer.map(|output| output.stdout.trim().to_owned()))
}

/// An address on a network is elsewhere unless it is this machine's own loopback.
fn is_elsewhere(place: &str) -> bool {
    let Some((scheme, rest)) = place.split_once("://") else {
        return false;
    };
    match scheme {
        "unix" | "fd" | "npipe" => false,
        _ => {
            let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
            let local = ["localhost", "127.", "[::1]"];
            !local.iter().any(|name| host.starts_with(name))
        }
    }
}

/// What a client's failure means.
fn refused(error: &ProcessError) -> LabError {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().to_owned();
    // Podman under Docker's name does not know all that is asked.
    if text.contains("Emulate Docker CLI using podman") {
        LabError::EngineIsPodman("under the name docker".into())
    } else if last.contains("permission denied") {
        LabError::EngineRefuses(last)
    } else {
        LabError::NoEngine(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::fake_client::FakeClient;

    async fn error(client: FakeClient) -> LabError {
        Engine::connect_by(client.program()).await.unwrap_err()
    }

    #[tokio::test]
    async fn an_engine_of_this_machine_is_taken() {
        let client = FakeClient::new("docker")
            .answers("context inspect*", "unix:///var/run/docker.sock\n")
            .answers("version*", "20.10.24+dfsg1 linux/amd64\n");
        assert_eq!(client.engine().await.version(), "20.10.24+dfsg1");
    }

    #[tokio::test]
    async fn each_way_of_not_having_one_is_told_apart() {
        let down = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the \
                    docker daemon running?\n";
        let down = error(FakeClient::new("docker").fails("version*", down)).await;
        assert!(matches!(&down, LabError::NoEngine(said) if said.starts_with("Cannot connect")));
        // What Docker's client 28.2 says to a user who is not in the socket's group.
        let denied = "permission denied while trying to connect to the Docker daemon socket at \
                      unix:///var/run/docker.sock: Get \
                      \"http://%2Fvar%2Frun%2Fdocker.sock/v1.50/version\": dial unix \
                      /var/run/docker.sock: connect: permission denied\n";
        let denied = error(FakeClient::new("docker").fails("version*", denied)).await;
        assert!(matches!(denied, LabError::EngineRefuses(_)), "{denied}");
        let arm = FakeClient::new("docker").answers("version*", "28.2.2 linux/arm64\n");
        let arm = error(arm).await.to_string();
        assert!(arm.contains("runs linux/arm64 programs"), "{arm}");
        let hanging = error(FakeClient::new("docker").hangs("version*")).await;
        assert!(matches!(hanging, LabError::EngineHangs(_)), "{hanging}");
    }

    #[tokio::test]
    async fn podman_is_told_by_its_parts_or_by_its_own_words() {
        let parts = "5.4.2 linux/amd64 Podman Engine;Conmon;OCI Runtime (crun);\n";
        let socket = error(FakeClient::new("docker").answers("version*", parts)).await;
        assert!(matches!(&socket, LabError::EngineIsPodman(version) if version == "5.4.2"));
        let said = "Emulate Docker CLI using podman. Create /etc/containers/nodocker to quiet msg.\n\
                    Error: template: version:1:35: can't evaluate field Components\n";
        let shim = error(FakeClient::new("docker").fails("version*", said)).await;
        assert!(matches!(shim, LabError::EngineIsPodman(_)), "{shim}");
    }

    #[tokio::test]
    async fn an_engine_that_does_not_run_as_root_is_told() {
        let version = "28.2.2 linux/amd64 Engine;containerd;runc;docker-init;rootlesskit;\n";
        let options = "[\"name=seccomp,profile=builtin\",\"name=rootless\",\"name=cgroupns\"]\n";
        let rootless = FakeClient::new("docker")
            .answers("version*", version)
            .answers("info*", options);
        let rootless = error(rootless).await;
        assert!(
            matches!(rootless, LabError::EngineWithoutRoot),
            "{rootless}"
        );
        let quiet = FakeClient::new("docker")
            .answers("version*", version)
            .fails("info*", "no such option\n");
        assert_eq!(quiet.engine().await.version(), "28.2.2");
    }

    #[tokio::test]
    async fn an_engine_on_another_machine_is_not_even_asked() {
        let client =
            FakeClient::new("docker").answers("context inspect*", "tcp://build.example:2376\n");
        let elsewhere = Engine::connect_by(client.program()).await.unwrap_err();
        assert!(matches!(elsewhere, LabError::EngineElsewhere(_)));
        assert_eq!(client.calls().len(), 1);
    }

    #[test]
    fn loopback_and_sockets_are_here() {
        for here in [
            "unix:///run/x.sock",
            "tcp://127.0.0.1:2375",
            "tcp://[::1]:1",
            "x",
        ] {
            assert!(!is_elsewhere(here), "{here}");
        }
        for elsewhere in [
            "tcp://192.0.2.1:2375",
            "ssh://u@host",
            "ssh://localhost@host",
        ] {
            assert!(is_elsewhere(elsewhere), "{elsewhere}");
        }
    }
}
