//! Containers as far as their ownership and size are told from what the engine says of them.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::engine::MAKER_LABEL;
use super::{Engine, LabError};
use crate::process::lineage::Identity;

/// How often a listing is taken: a container may go between being listed and being asked about.
const ATTEMPTS: usize = 3;

/// One container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The id of the image that it is made of.
    pub image: String,
    /// Who runs it, if it is a helper of ours.
    pub maker: Option<Identity>,
    /// What is mounted into it.
    pub mounts: Vec<Mount>,
    /// The folder that holds what it wrote itself, where the engine keeps such a one.
    layer: Option<PathBuf>,
}

/// One mount of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The folder on this machine.
    pub source: PathBuf,
    /// Where it is seen.
    pub destination: PathBuf,
    /// The volume's name, if it is one.
    pub volume: Option<String>,
}

impl Container {
    /// The folder that is mounted at this place.
    pub fn mounted_at(&self, destination: &str) -> Option<&Path> {
        let found = self
            .mounts
            .iter()
            .find(|mount| mount.destination == Path::new(destination));
        found.map(|mount| mount.source.as_path())
    }

    /// The volumes that go with it.
    pub fn volumes(&self) -> impl Iterator<Item = &str> {
        self.mounts
            .iter()
            .filter_map(|mount| mount.volume.as_deref())
    }

    /// The folders of this machine that go with it: what it wrote itself, and its volumes.
    pub fn folders(&self) -> Vec<PathBuf> {
        let volumes = self.mounts.iter().filter(|mount| mount.volume.is_some());
        let volumes = volumes.map(|mount| mount.source.clone());
        self.layer.iter().cloned().chain(volumes).collect()
    }

    fn of(value: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let mount = |mount: &Value| {
            Some(Mount {
                source: text(&mount["Source"])?.into(),
                destination: text(&mount["Destination"])?.into(),
                volume: text(&mount["Name"]).filter(|name| !name.is_empty()),
            })
        };
        let mounts = value["Mounts"].as_array().into_iter().flatten();
        let maker = &value["Config"]["Labels"][MAKER_LABEL];
        Some(Self {
            id: text(&value["Id"])?,
            name: value["Name"].as_str()?.trim_start_matches('/').to_owned(),
            image: text(&value["Image"]).unwrap_or_default(),
            maker: maker.as_str().and_then(Identity::parse),
            mounts: mounts.filter_map(mount).collect(),
            layer: text(&value["GraphDriver"]["Data"]["UpperDir"]).map(PathBuf::from),
        })
    }
}

impl Engine {
    /// The containers that a filter of `docker ps` selects, running or not.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn inspected(&self, filter: &str) -> Result<Vec<Container>, LabError> {
        let mut attempt = 1;
        loop {
            let listed = self.containers(&["--all", "--filter", filter]).await?;
            if listed.is_empty() {
                return Ok(vec![]);
            }
            let asked = self
                .docker()
                .args(["inspect", "--type", "container"])
                .args(listed.into_iter().map(|(id, _)| id))
                .run()
                .await;
            match asked {
                Ok(output) => return Ok(parse(&output.stdout)),
                Err(_) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(LabError::program("inspecting containers")(error)),
            }
        }
    }
}

fn parse(text: &str) -> Vec<Container> {
    let all: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
    all.iter().filter_map(Container::of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Docker 20.10 says of a node of a lab, without what is not read here.
    const NODE: &str = include_str!("../../fixtures/lab/node-container.json");

    #[test]
    fn a_node_is_read() {
        let all = parse(NODE);
        let node = &all[0];
        assert_eq!(node.name, "meshproof-d6611827ced5-worker");
        assert_eq!(node.maker, None);
        assert_eq!(
            node.mounted_at("/meshproof"),
            Some(Path::new(
                "/home/u/.local/state/meshproof/clusters/meshproof-d6611827ced5/marker"
            ))
        );
        let volume = "8f1223517aa692139459e447a161926b599694423c7d17317611f089e3c9826e";
        assert_eq!(node.volumes().collect::<Vec<_>>(), [volume]);
        let folders = node.folders();
        assert!(folders[0].ends_with("diff"), "{folders:?}");
        assert!(folders[1].ends_with("_data"), "{folders:?}");
        assert_eq!(folders.len(), 2, "what is only mounted does not go with it");
    }
}
