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
    /// Pods run without a sidecar, so that nothing is encrypted.
    NoSidecar,
    /// A pod's containers are never started, so that there is not even a log.
    NeverStarts,
    /// A node's process ends soon after it started.
    Exits,
    /// A port-forward to the gateway does not begin: there is no Service of it, or no pod behind.
    NotForwarded,
    /// A port-forward begins, and inside the gateway's pod its connections are refused.
    Refused,
    /// The gateway takes the connection and gives no answer on it.
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
            Self::NoSidecar => "no-sidecar",
            Self::NeverStarts => "never-starts",
            Self::Exits => "exits",
            Self::NotForwarded => "not-forwarded",
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
