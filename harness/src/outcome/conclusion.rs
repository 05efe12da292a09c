//! What a diagnosis comes to in one word: the state of the product's nodes.
//!
//! A person reads it in the last line, a program in the JSON. A CI's exit code is made of it and of
//! whether anything was found: with risks alone it is 1 although the nodes are healthy.

use serde::{Deserialize, Serialize};

use super::{Diagnosis, Weight};

/// The code of the finding that the nodes have split.
pub const SPLIT: &str = "MP020";
/// The code of the finding that the cluster stalls.
pub const STALL: &str = "MP021";
/// The codes of findings that a node is not part of the cluster.
pub const NOT_JOINED: [&str; 4] = ["MP022", "MP023", "MP024", "MP025"];

/// The state of the nodes, as far as a diagnosis can tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    /// They are one cluster, nothing was found that is wrong or exposed, and no question is open.
    Healthy,
    /// They are one cluster, and something else is wrong or exposed, or may be, since it is not known:
    /// no gateway leads to it, or it speaks in plaintext.
    OneCluster,
    /// They are clusters of their own.
    Split,
    /// Their partition map exchange does not end.
    Stall,
    /// One of them is not part of the cluster.
    NotJoined,
    /// There are none.
    NoProduct,
    /// What would tell it could not be read, or does not say enough yet. Also where the nodes are one
    /// cluster and a sidecar's proxy told nothing of how they speak to each other.
    NotKnown,
}

impl Diagnosis {
    /// What it comes to where so many pods hold a node, and so many of their proxies told nothing.
    pub fn conclusion(&self, nodes: usize, mute_proxies: usize) -> Conclusion {
        let codes = self.codes();
        let not_joined = codes.iter().any(|code| NOT_JOINED.contains(code));
        if nodes == 0 && !not_joined {
            Conclusion::NoProduct
        } else if codes.contains(&SPLIT) {
            Conclusion::Split
        } else if codes.contains(&STALL) {
            Conclusion::Stall
        } else if not_joined {
            Conclusion::NotJoined
        } else if self.state_unknown().is_some() || mute_proxies > 0 {
            Conclusion::NotKnown
        } else if self.unknown.is_empty() && self.findings.iter().all(|f| f.weight == Weight::Risk)
        {
            Conclusion::Healthy
        } else {
            Conclusion::OneCluster
        }
    }

    /// Why the state of the nodes is not known, if a rule that tells it could not.
    pub fn state_unknown(&self) -> Option<&str> {
        let mut unknown = self.unknown.iter();
        let of_state = unknown.find(|u| u.code == SPLIT || u.code == STALL);
        of_state.map(|u| u.because.as_str())
    }
}
