//! Keeps what there is of a scenario that did not come out as on record, before it is deleted.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::Stand;
use crate::evidence::capture::{self, Content, Rank, Source};
use crate::lab::{Engine, Record, node_units};

/// How long one journal of a node may take to read.
const JOURNAL: Duration = Duration::from_secs(30);

/// Where captures go, and what lies beneath the cluster.
pub struct Keeping {
    /// The folder in which each scenario's capture has one of its own.
    pub folder: PathBuf,
    /// The engine that runs the cluster's nodes.
    pub engine: Engine,
    /// The cluster's record, which names them.
    pub cluster: Record,
    /// Texts that must not be written, such as a license.
    pub known_secrets: Vec<String>,
    /// From when on the nodes' journals matter.
    pub since: Timestamp,
}

impl Keeping {
    /// Captures a scenario's namespaces and Istio's; says where it is, or why there is none.
    pub(super) async fn capture(&self, stand: &Stand, name: &str, namespaces: &[String]) -> String {
        let folder = self.folder.join(name);
        let units = node_units(&self.engine, &self.cluster).await;
        let (units, lacking) = match units {
            Ok(units) => (units, None),
            Err(error) => (vec![], Some(error.to_string())),
        };
        let since = self.since;
        let journals = units.iter().map(|unit| {
            let file = format!("nodes/{}-{}.log", unit.node, unit.unit);
            let read = async move { unit.journal(&self.engine, since).await.map(Content::Text) };
            Source::new(file, Rank::Nodes, JOURNAL, read)
        });
        let taken = capture::take(capture::Wanted {
            kube: &stand.kube,
            install: Some(&stand.install),
            namespaces,
            folder: &folder,
            known_secrets: &self.known_secrets,
            others: journals.collect(),
        });
        let told = match taken.await {
            Ok(captured) => format!(
                "Captured in {}: {} files, {:.1} MB; {} is its list.",
                captured.folder.display(),
                captured.files,
                captured.bytes as f64 / 1e6,
                capture::INDEX
            ),
            Err(error) => error.to_string(),
        };
        match lacking {
            Some(error) => format!("{told} The nodes' journals are not in it: {error}"),
            None => told,
        }
    }
}
