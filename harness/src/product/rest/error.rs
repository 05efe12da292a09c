//! What can go wrong when a node is asked over REST.

use std::time::Duration;

/// A REST command that gave no answer of its kind.
///
/// [`RestError::Timeout`] is an observation in its own right: a node whose partition map exchange
/// does not end accepts the connection and never answers (measured, Ignite 2.16.0).
#[derive(Debug, thiserror::Error)]
pub enum RestError {
    /// Nothing came within the limit.
    #[error(
        "the node did not answer the REST command {command} within {limit:?}: it may be stalled, see its log"
    )]
    Timeout {
        /// The command's name.
        command: &'static str,
        /// How long was waited.
        limit: Duration,
    },
    /// There was no connection, or it broke.
    #[error(
        "the REST command {command} did not reach the node ({cause}): check that the node has started and that ignite-rest-http is among its OPTION_LIBS"
    )]
    Unreachable {
        /// The command's name.
        command: &'static str,
        /// What the transport said.
        cause: String,
    },
    /// An HTTP status other than 200.
    #[error(
        "the node answered the REST command {command} with HTTP status {status}: wait until it has started (503), or check the command"
    )]
    Status {
        /// The command's name.
        command: &'static str,
        /// The HTTP status.
        status: u16,
    },
    /// The command was understood and refused.
    #[error("the node refused the REST command {command}, act on what it says: {message}")]
    Refused {
        /// The command's name.
        command: &'static str,
        /// The first line of the node's reason.
        message: String,
    },
    /// A body that is not the command's answer.
    #[error(
        "the answer to the REST command {command} is not what Ignite 2.16.0 gives ({cause}): check that the address is a node's"
    )]
    Body {
        /// The command's name.
        command: &'static str,
        /// What was wrong with it.
        cause: String,
    },
    /// The base address is no URL.
    #[error("{base} is not a base URL, give one like http://127.0.0.1:8080")]
    Base {
        /// What was given.
        base: String,
    },
}
