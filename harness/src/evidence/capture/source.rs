//! One thing that is read for a capture: into which file, how telling it is, how long it may take.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

/// How telling a source is; the first are read, and kept, first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Events, objects, istioctl's analysis: small, and most failures are seen there.
    State,
    /// Logs of the scenario's own containers.
    Logs,
    /// What proxies count and hold.
    Proxies,
    /// Proxies' whole configurations.
    Configurations,
    /// Logs of Istio's own containers.
    MeshLogs,
    /// What is beneath the mesh: Kubernetes' own pods, the nodes.
    Nodes,
}

/// What a source gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Text.
    Text(String),
    /// JSON, written with indentation.
    Json(Value),
    /// It holds nothing, and that is no failure: why.
    Nothing(String),
}

/// Something to be read.
pub struct Source<'a> {
    /// The file below the capture's folder.
    pub file: String,
    /// How telling it is.
    pub rank: Rank,
    /// How long reading it may take.
    pub limit: Duration,
    pub(super) read: BoxFuture<'a, Result<Content, String>>,
}

impl<'a> Source<'a> {
    /// A source; its error is one sentence for the index.
    pub fn new<E: std::fmt::Display>(
        file: impl Into<String>,
        rank: Rank,
        limit: Duration,
        read: impl Future<Output = Result<Content, E>> + Send + 'a,
    ) -> Self {
        Self {
            file: file.into(),
            rank,
            limit,
            read: read.map(|read| read.map_err(|e| e.to_string())).boxed(),
        }
    }

    /// Reads it within its limit.
    pub(super) async fn read(self) -> Result<Content, String> {
        let limit = self.limit;
        tokio::time::timeout(limit, self.read)
            .await
            .unwrap_or_else(|_| Err(format!("it did not answer within {limit:.1?}")))
    }
}
