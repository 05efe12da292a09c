//! The lab's cluster that a command means when none is named.

use meshproof_harness::lab::{Cluster, LabError, Paths};

/// Why no cluster is meant.
#[derive(Debug, thiserror::Error)]
pub enum NoCluster {
    /// There is none.
    #[error("no cluster of the lab stands{0}; to have one: meshproof up")]
    None(String),
    /// There are several.
    #[error("more than one cluster of the lab stands; name one with {option}: {known}")]
    Several {
        /// The option that names one.
        option: &'static str,
        /// What it can be.
        known: String,
    },
    /// The records cannot be read.
    #[error(transparent)]
    Lab(#[from] LabError),
}

/// The one cluster that was completed, or the one of them that bears this name.
///
/// # Errors
/// None or several.
pub fn own_cluster(paths: &Paths, name: Option<&str>) -> Result<Cluster, NoCluster> {
    let mut standing = Cluster::all(paths)?;
    standing.retain(|cluster| cluster.record.complete);
    let known: Vec<_> = standing.iter().map(|c| c.record.name.clone()).collect();
    if let Some(name) = name {
        let found = standing.into_iter().find(|c| c.record.name == name);
        return found.ok_or_else(|| {
            NoCluster::None(match known.is_empty() {
                true => String::new(),
                false => format!(" that is called {name}, but {}", known.join(", ")),
            })
        });
    }
    match standing.len() {
        0 => Err(NoCluster::None(String::new())),
        1 => Ok(standing.remove(0)),
        _ => Err(NoCluster::Several {
            option: "--cluster",
            known: known.join(", "),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stands(paths: &Paths, name: &str, complete: bool) {
        let folder = paths.cluster(name);
        std::fs::create_dir_all(&folder).unwrap();
        let record = serde_json::json!({
            "name": name, "purpose": "a test", "complete": complete,
            "containers": [], "running_since": [],
        });
        std::fs::write(folder.join("record.json"), record.to_string()).unwrap();
    }

    #[test]
    fn the_only_one_is_meant_and_else_it_has_to_be_named() {
        let place = tempfile::tempdir().unwrap();
        let paths = Paths {
            cache: place.path().join("cache"),
            state: place.path().join("state"),
        };
        let meant = |name| own_cluster(&paths, name).map(|c| c.record.name.clone());
        assert!(
            meant(None)
                .unwrap_err()
                .to_string()
                .contains("meshproof up")
        );
        stands(&paths, "half", false);
        stands(&paths, "a", true);
        assert_eq!(meant(None).unwrap(), "a");
        stands(&paths, "b", true);
        let several = meant(None).unwrap_err().to_string();
        assert!(
            several.contains("--cluster") && several.contains("b"),
            "{several}"
        );
        assert_eq!(meant(Some("b")).unwrap(), "b");
        let unknown = meant(Some("half")).unwrap_err().to_string();
        assert!(unknown.contains("called half"), "{unknown}");
    }
}
