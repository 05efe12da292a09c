//! What can go wrong between a thin client and a node, each in one sentence with the cure.
//!
//! How the connection ended is kept apart from what the node answered: in front of a mesh proxy
//! a reset without a byte is a finding of its own.

use std::{io, time::Duration};

use super::codec::Version;

/// An error of the thin client.
#[derive(Debug, thiserror::Error)]
pub enum ThinError {
    /// TCP did not connect, or the name was not resolved.
    #[error(
        "cannot connect to the thin-client port at {address}: {source}; check that the node runs \
         and that the name and port are right"
    )]
    Connect {
        /// Host and port as they were given.
        address: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The connection ended before the answer was complete.
    #[error(
        "the connection was {how} after {received} bytes of the answer to {waiting_for}; check that \
         the node is alive and, under STRICT mutual TLS, that this client is inside the mesh"
    )]
    Closed {
        /// How it ended.
        how: HowClosed,
        /// The request whose answer was being read.
        waiting_for: &'static str,
        /// How many bytes of the answer had come.
        received: usize,
    },
    /// Reading or writing failed in another way.
    #[error("the connection failed during {waiting_for}: {source}; connect anew")]
    Io {
        /// The request that was under way.
        waiting_for: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// The node does not accept our protocol version.
    #[error(
        "the node refused thin-client protocol {ours} (it offers {server}, status {status}): {reason}; \
         use an Ignite 2 or GridGain 8 node",
        ours = super::codec::VERSION
    )]
    HandshakeRefused {
        /// The version that the node offers.
        server: Version,
        /// The node's status code.
        status: i32,
        /// The node's own words.
        reason: String,
    },
    /// The node answered a request with an error.
    #[error("the node answered {operation} with status {code}: {reason}; its log says more")]
    Status {
        /// The request.
        operation: &'static str,
        /// Ignite's status code, never 0; 1000 says that the cache does not exist.
        code: i32,
        /// The node's own words.
        reason: String,
    },
    /// Bytes that do not follow the protocol.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The limit was reached.
    #[error(
        "no answer to {waiting_for} within {limit:?}; check the node's log for a stalled exchange, or \
         raise the limit"
    )]
    Timeout {
        /// What was waited for.
        waiting_for: &'static str,
        /// For how long.
        limit: Duration,
    },
    /// An earlier request was broken off, so that answers would no longer fit requests.
    #[error("this connection was left in the middle of a request; connect anew")]
    Unusable,
}

impl ThinError {
    /// Whether the connection itself ended, as a pooled one does that went stale.
    pub fn is_connection_lost(&self) -> bool {
        matches!(self, Self::Closed { .. } | Self::Io { .. } | Self::Unusable)
    }
}

/// How the other side ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HowClosed {
    /// In order (FIN).
    InOrder,
    /// By a reset (RST).
    Reset,
}

impl std::fmt::Display for HowClosed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::InOrder => "closed",
            Self::Reset => "reset",
        })
    }
}

/// A message that does not follow the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed {message}: {problem}; check that the port is Ignite's thin-client port")]
pub struct Malformed {
    /// Which message.
    pub message: &'static str,
    /// What is wrong with it.
    pub problem: String,
}
