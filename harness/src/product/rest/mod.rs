//! A node's REST interface (module `ignite-rest-http`, port 8080, `GET /ignite?cmd=..`).
//!
//! [`answer`] reads bodies and does no I/O, so that answers from any transport can be read;
//! [`client`] fetches them over HTTP. What several nodes' answers mean together is left to
//! [`super::state`].

pub mod answer;
pub mod client;
mod error;

pub use answer::{Baseline, TopNode, Written};
pub use client::RestClient;
pub use error::RestError;

/// One command of the REST interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command<'a> {
    /// The product's version.
    Version,
    /// The nodes of the topology, without attributes and metrics.
    Top,
    /// The baseline topology.
    Baseline,
    /// The state of the cluster, such as `ACTIVE`.
    State,
    /// Writes one string under a string key.
    Put {
        /// The cache, which has to exist.
        cache: &'a str,
        /// The key.
        key: &'a str,
        /// The value.
        value: &'a str,
    },
    /// Reads the string under a string key.
    Get {
        /// The cache, which has to exist.
        cache: &'a str,
        /// The key.
        key: &'a str,
    },
    /// Counts the entries of a cache over all nodes.
    Size {
        /// The cache, which has to exist.
        cache: &'a str,
    },
}

impl Command<'_> {
    /// The command's name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Top => "top",
            Self::Baseline => "baseline",
            Self::State => "state",
            Self::Put { .. } => "put",
            Self::Get { .. } => "get",
            Self::Size { .. } => "size",
        }
    }

    /// The query of `/ignite`, not yet percent-encoded.
    #[must_use]
    pub fn query(&self) -> Vec<(&'static str, &str)> {
        let mut query = vec![("cmd", self.name())];
        match *self {
            Self::Version | Self::Baseline | Self::State => {}
            Self::Top => query.extend([("attr", "false"), ("mtr", "false")]),
            Self::Put { cache, key, value } => {
                query.extend([("cacheName", cache), ("key", key), ("val", value)]);
            }
            Self::Get { cache, key } => query.extend([("cacheName", cache), ("key", key)]),
            Self::Size { cache } => query.push(("cacheName", cache)),
        }
        query
    }

    /// The page that asks for it, for commands whose query needs no percent-encoding: those without
    /// a cache, a key or a value.
    #[must_use]
    pub fn page(&self) -> String {
        let query: Vec<String> = self
            .query()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        format!("/ignite?{}", query.join("&"))
    }
}
