//! What came of reaping, as data.

use serde::Serialize;

/// What came of reaping.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Reaped {
    /// Whether nothing was removed, and this is only what would be.
    pub dry_run: bool,
    /// What is gone.
    pub removed: Vec<Removed>,
    /// What is ours and stays, and why.
    pub kept: Vec<Kept>,
    /// What should be gone and could not be removed, a sentence each.
    pub failed: Vec<String>,
}

impl Reaped {
    /// The bytes on disk that were freed.
    pub fn bytes_freed(&self) -> u64 {
        self.removed.iter().map(|removed| removed.bytes).sum()
    }
}

/// One thing that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// What it was.
    pub kind: Kind,
    /// Its name, id or path.
    pub name: String,
    /// Why it was dead.
    pub why: String,
    /// The bytes on disk that it freed, as far as this user may look into it.
    pub bytes: u64,
}

/// One thing that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// What it is.
    pub kind: Kind,
    /// Its name, id or path.
    pub name: String,
    /// Why it stays.
    pub because: String,
}

/// What can be left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A process that outlived its Meshproof.
    Process,
    /// A container of the engine.
    Container,
    /// A volume of the engine.
    Volume,
    /// The lab's network in the engine.
    Network,
    /// A cluster's record, with its kubeconfig, logs and locks.
    Cluster,
    /// A cluster's kubeconfig, which holds more than ours.
    Kubeconfig,
    /// The image stores of a cluster's nodes.
    NodeStores,
    /// Something of the cache whose making was broken off.
    HalfMade,
    /// The folder of a run that did not end.
    Run,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Process => "process",
            Self::Container => "container",
            Self::Volume => "volume",
            Self::Network => "network",
            Self::Cluster => "cluster",
            Self::Kubeconfig => "kubeconfig",
            Self::NodeStores => "node stores",
            Self::HalfMade => "half-made",
            Self::Run => "run",
        })
    }
}
