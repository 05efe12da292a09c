//! What the kubelet and containerd of a cluster's nodes wrote into their journals.
//!
//! A pod that never starts has no log of its own; its node's journal says why.

use jiff::Timestamp;

use super::{Engine, LabError, Record};

/// The units whose journals tell of pods.
const UNITS: &[&str] = &["kubelet", "containerd"];
/// How many bytes of a journal are kept, from its end.
const MOST_BYTES: u32 = 4 * 1024 * 1024;

/// The journal of one unit on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeUnit {
    /// The node's name.
    pub node: String,
    /// The unit.
    pub unit: &'static str,
    container: String,
}

/// The journals of a cluster's nodes, stopped ones included.
///
/// # Errors
/// When the engine does not list its containers.
pub async fn node_units(engine: &Engine, record: &Record) -> Result<Vec<NodeUnit>, LabError> {
    let containers = engine.containers(&["--all"]).await?;
    Ok(units_of(&containers, &record.containers))
}

fn units_of(containers: &[(String, String)], ours: &[String]) -> Vec<NodeUnit> {
    let mut nodes: Vec<_> = containers
        .iter()
        .filter(|(id, _)| ours.contains(id))
        .collect();
    nodes.sort_by(|a, b| a.1.cmp(&b.1));
    nodes
        .into_iter()
        .flat_map(|(id, name)| {
            UNITS.iter().map(|unit| NodeUnit {
                node: name.clone(),
                unit,
                container: id.clone(),
            })
        })
        .collect()
}

impl NodeUnit {
    /// What it wrote since a moment; of a long journal the latest part.
    ///
    /// # Errors
    /// When the node does not run, or its journal cannot be read.
    pub async fn journal(&self, engine: &Engine, since: Timestamp) -> Result<String, LabError> {
        let what = format!("reading the journal of {} on {}", self.unit, self.node);
        let script = self.script(since);
        let output = engine.script(&what, &self.container, &script).await?;
        Ok(output.stdout)
    }

    fn script(&self, since: Timestamp) -> String {
        format!(
            "journalctl --unit {} --since @{} --no-pager --output short-iso-precise | tail --bytes {MOST_BYTES}\n",
            self.unit,
            since.as_second()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_nodes_of_the_record_are_read_each_with_both_units() {
        let listed = |id: &str, name: &str| (id.to_owned(), name.to_owned());
        let containers = [
            listed("c2", "ours-worker"),
            listed("c9", "somebody-elses"),
            listed("c1", "ours-control-plane"),
        ];
        let units = units_of(&containers, &["c1".into(), "c2".into(), "gone".into()]);
        let told: Vec<_> = units
            .iter()
            .map(|u| format!("{} {} {}", u.container, u.node, u.unit))
            .collect();
        assert_eq!(
            told,
            [
                "c1 ours-control-plane kubelet",
                "c1 ours-control-plane containerd",
                "c2 ours-worker kubelet",
                "c2 ours-worker containerd"
            ]
        );
    }

    #[test]
    fn a_journal_is_read_from_the_moment_on() {
        let unit = NodeUnit {
            node: "n".into(),
            unit: "kubelet",
            container: "c".into(),
        };
        let since = "2026-11-25T02:00:00Z".parse().unwrap();
        let script = unit.script(since);
        assert!(
            script.starts_with("journalctl --unit kubelet --since @1795572000 "),
            "{script}"
        );
    }
}
