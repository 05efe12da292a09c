//! The typed state of the product behind the mesh, as a scenario observes it.

use serde::{Deserialize, Serialize};

/// What the guide's cluster, or the way to it, is seen to be.
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
    /// A node waits to join and cannot: it has started, and serves nobody.
    CannotJoin,
    /// Pods run without a sidecar, so that nothing is encrypted.
    NoSidecar,
    /// A pod's containers are never started, so that there is not even a log.
    NeverStarts,
    /// A node's process ends soon after it started.
    Exits,
    /// A connection to the gateway is refused, or there is nothing to connect to.
    Refused,
    /// The gateway is there and does not serve the asked for port.
    NotServed,
    /// None of the above yet: too little was said.
    Undecided,
}

impl Symptom {
    /// The word in tables and expectations; serde writes the same.
    pub fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Split => "split",
            Self::Stall => "stall",
            Self::CannotJoin => "cannot-join",
            Self::NoSidecar => "no-sidecar",
            Self::NeverStarts => "never-starts",
            Self::Exits => "exits",
            Self::Refused => "refused",
            Self::NotServed => "not-served",
            Self::Undecided => "undecided",
        }
    }
}

impl std::fmt::Display for Symptom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
