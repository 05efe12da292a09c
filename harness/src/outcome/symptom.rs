//! The typed state of an Ignite cluster, as its nodes show it.

use serde::{Deserialize, Serialize};

/// What the two nodes of the guide's cluster are, together.
///
/// `kubectl get pods` shows 2/2 for [`Healthy`](Self::Healthy), [`Split`](Self::Split) and
/// [`Stall`](Self::Stall) alike (measured: all three with Ignite 2.16.0 under Istio 1.31 builds).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Symptom {
    /// One cluster: every node sees all servers and finished its partition map exchange.
    Healthy,
    /// Clusters of their own: each node serves, none sees the other.
    Split,
    /// Discovery joined them, the partition map exchange does not end.
    Stall,
    /// None of the above yet: a node has said too little.
    Undecided,
}

impl std::fmt::Display for Symptom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Healthy => "healthy",
            Self::Split => "split",
            Self::Stall => "stall",
            Self::Undecided => "undecided",
        })
    }
}
