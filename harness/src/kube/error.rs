//! What can go wrong between us and an API server.

use std::time::Duration;

/// An error of the Kubernetes layer.
#[derive(Debug, thiserror::Error)]
pub enum KubeError {
    /// A kubeconfig could not be read or used.
    #[error(
        "the kubeconfig {path} cannot be used: {reason}; name another with --kubeconfig or --context"
    )]
    Kubeconfig {
        /// Its path.
        path: String,
        /// Why not.
        reason: String,
    },
    /// The API server refused or did not answer.
    #[error("{action}: {}", in_words(source))]
    Api {
        /// What was asked for.
        action: String,
        /// What came back.
        source: Box<kube::Error>,
    },
    /// A condition did not come in time.
    #[error("waited {limit:?} for {name}; last seen: {last_seen}")]
    TimedOut {
        /// What was waited for.
        name: String,
        /// How long.
        limit: Duration,
        /// The last state seen.
        last_seen: String,
    },
    /// A state that should have held changed.
    #[error("{name} did not hold for {limit:?}; after {after:.1?}: {seen}")]
    DidNotHold {
        /// What should have held.
        name: String,
        /// How long it should have held.
        limit: Duration,
        /// When it changed.
        after: Duration,
        /// What was seen then.
        seen: String,
    },
    /// A watch broke and could not be taken up again.
    #[error("the watch for {name} broke: {reason}")]
    Watch {
        /// What was waited for.
        name: String,
        /// What the watch said.
        reason: String,
    },
    /// A command inside a container failed.
    #[error("`{command}` in {container} ended with code {code}: {stderr}")]
    Exec {
        /// The command.
        command: String,
        /// Pod and container.
        container: String,
        /// Its exit code.
        code: i32,
        /// What it said on standard error.
        stderr: String,
    },
    /// A stream into a pod broke.
    #[error("the connection to {to} broke: {reason}")]
    Stream {
        /// Pod and port, or pod and container.
        to: String,
        /// What happened.
        reason: String,
    },
    /// A Service is there, and behind it no pod that could be forwarded to.
    #[error("no pod of the Service {service} is Ready")]
    NoReadyPod {
        /// Namespace and name.
        service: String,
    },
    /// An object is not what it has to be.
    #[error("{what} is not usable: {reason}")]
    Object {
        /// Which object.
        what: String,
        /// Why not.
        reason: String,
    },
}

impl KubeError {
    /// Wraps an API error with what was asked for.
    pub fn api(action: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let action = action.into();
        move |source| Self::Api {
            action,
            source: Box::new(source),
        }
    }

    /// Whether the API server said that the object is not there.
    pub fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// Whether the API server said that we may not do that.
    pub fn is_forbidden(&self) -> bool {
        self.code() == Some(403)
    }

    fn code(&self) -> Option<u16> {
        match self {
            Self::Api { source, .. } => match &**source {
                kube::Error::Api(status) => Some(status.code),
                _ => None,
            },
            _ => None,
        }
    }
}

/// What came back, without the fields that say the same again.
fn in_words(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => format!("{} ({})", status.message, status.code),
        other => other.to_string(),
    }
}
