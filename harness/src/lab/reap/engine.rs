//! Reaps what stands in the engine: nodes, helpers, volumes, the network; and with the nodes their
//! clusters' records and image stores.

use std::path::{Path, PathBuf};

use super::{Kind, Reaper, Removed, held_by};
use crate::lab::cluster::MARKER_MOUNT;
use crate::lab::helpers;
use crate::lab::images::remove_folder;
use crate::lab::inspected::Container;
use crate::lab::network::Removal;
use crate::lab::size::freed_by_removing;
use crate::lab::{Cluster, Engine, LabError, Lease, kind, node_stores};

impl Reaper<'_> {
    pub(super) async fn engines(&mut self, engine: &Engine) -> Result<(), LabError> {
        let nodes = engine.inspected(&format!("volume={MARKER_MOUNT}")).await?;
        let mut gone = vec![];
        let mut cleared = vec![];
        let mut volumes = vec![];
        for cluster in Cluster::all(self.paths)? {
            if !self.may_take(&cluster)? {
                continue;
            }
            let marker = cluster.marker();
            let its = nodes
                .iter()
                .filter(|n| n.mounted_at(MARKER_MOUNT) == Some(&marker));
            let why = match cluster.record.complete {
                true => "no run holds its cluster",
                false => "its cluster was never completed",
            };
            if self.containers(engine, its, why, &mut gone).await {
                volumes.extend(cluster.record.volumes.iter().cloned());
                cleared.push(cluster.nodes_folder().to_owned());
                self.cluster(&cluster, why);
            }
        }
        self.strays(engine, &nodes, &mut gone).await?;
        self.helpers(engine, &mut gone).await?;
        self.volumes(engine, &volumes).await?;
        self.network(engine, &gone).await;
        let left: Vec<&Container> = nodes.iter().filter(|n| !gone.contains(&n.id)).collect();
        self.node_stores(&left, &cleared)
    }

    /// A cluster's own folders, after its nodes.
    fn cluster(&mut self, cluster: &Cluster, why: &str) {
        let stores = cluster.nodes_folder().to_owned();
        if stores.exists() {
            self.folder(Kind::NodeStores, &stores, why);
        }
        if let Some(others) = cluster.others_logins() {
            let kept = match self.reaping.dry_run {
                true => Ok(cluster.kubeconfig()),
                false => cluster.keep_kubeconfig(),
            };
            match kept {
                Ok(path) => {
                    let because = format!("it holds {others}");
                    self.keep(Kind::Kubeconfig, &path.display().to_string(), because);
                }
                Err(error) => return self.reaped.failed.push(error.to_string()),
            }
        }
        self.folder(Kind::Cluster, cluster.folder(), why);
    }

    /// Removes a folder with all that is in it.
    pub(super) fn folder(&mut self, kind: Kind, folder: &Path, why: &str) {
        let removed = Removed {
            kind,
            name: folder.display().to_string(),
            why: why.to_owned(),
            bytes: freed_by_removing([folder]),
        };
        let done = match self.reaping.dry_run {
            true => Ok(()),
            false => remove_folder(folder),
        };
        self.removed(done, removed);
    }

    /// Removes containers, all at once; says whether they are gone.
    async fn containers<'c>(
        &mut self,
        engine: &Engine,
        containers: impl Iterator<Item = &'c Container>,
        why: &str,
        gone: &mut Vec<String>,
    ) -> bool {
        let containers: Vec<&Container> = containers.collect();
        let ids: Vec<String> = containers.iter().map(|c| c.id.clone()).collect();
        let sizes: Vec<u64> = containers
            .iter()
            .map(|c| freed_by_removing(c.folders().iter().map(PathBuf::as_path)))
            .collect();
        if !self.reaping.dry_run
            && let Err(error) = engine.remove_containers(&ids).await
        {
            self.reaped.failed.push(error.to_string());
            return false;
        }
        for (container, bytes) in containers.iter().zip(sizes) {
            self.reaped.removed.push(Removed {
                kind: Kind::Container,
                name: container.name.clone(),
                why: why.to_owned(),
                bytes,
            });
        }
        gone.extend(ids);
        true
    }

    /// Nodes of clusters that are not on record here: of other state folders, or of none any more.
    async fn strays(
        &mut self,
        engine: &Engine,
        nodes: &[Container],
        gone: &mut Vec<String>,
    ) -> Result<(), LabError> {
        let own = self.paths.state.join("clusters");
        let mut dead = vec![];
        for node in nodes.iter().filter(|node| !gone.contains(&node.id)) {
            let Some(record) = node.mounted_at(MARKER_MOUNT).and_then(Path::parent) else {
                continue;
            };
            match whose(record)? {
                Owner::Nobody => dead.push(node),
                // Told with its cluster.
                Owner::Held(_) | Owner::Standing if record.starts_with(&own) => {}
                Owner::Held(holder) => self.keep(Kind::Container, &node.name, held_by(&holder)),
                Owner::Standing => {
                    self.keep(Kind::Container, &node.name, of_another_lab(record));
                }
            }
        }
        let why = "the record of its cluster is gone";
        self.containers(engine, dead.into_iter(), why, gone).await;
        Ok(())
    }

    async fn helpers(&mut self, engine: &Engine, gone: &mut Vec<String>) -> Result<(), LabError> {
        let helpers = helpers::all(engine).await?;
        let mut dead = vec![];
        for helper in &helpers {
            match &helper.maker {
                Some(_) if helpers::is_orphaned(helper) => dead.push(helper),
                Some(maker) => self.keep(Kind::Container, &helper.name, held_by(&maker.told())),
                None => {}
            }
        }
        let why = "the run that needed it is dead";
        self.containers(engine, dead.into_iter(), why, gone).await;
        Ok(())
    }

    async fn volumes(&mut self, engine: &Engine, on_record: &[String]) -> Result<(), LabError> {
        let unused = engine.unused_volumes(on_record).await?;
        if !self.reaping.dry_run
            && let Err(error) = engine.remove_volumes(&unused).await
        {
            self.reaped.failed.push(error.to_string());
            return Ok(());
        }
        for name in unused {
            self.reaped.removed.push(Removed {
                kind: Kind::Volume,
                name,
                why: "no container uses it".into(),
                bytes: 0,
            });
        }
        Ok(())
    }

    async fn network(&mut self, engine: &Engine, gone: &[String]) {
        let name = kind::NETWORK;
        match engine
            .remove_network(name, gone, self.reaping.dry_run)
            .await
        {
            Ok(Removal::Removed) => self.reaped.removed.push(Removed {
                kind: Kind::Network,
                name: name.to_owned(),
                why: "no container is on it".into(),
                bytes: 0,
            }),
            Ok(Removal::InUse) => self.keep(Kind::Network, name, "containers are on it"),
            Ok(Removal::NotThere) => {}
            Err(error) => self.reaped.failed.push(error.to_string()),
        }
    }

    /// Image stores whose cluster is gone.
    fn node_stores(&mut self, left: &[&Container], cleared: &[PathBuf]) -> Result<(), LabError> {
        let own = self.paths.state.join("clusters");
        for (stores, record) in node_stores::all(self.paths)? {
            let mounted = |node: &&Container| {
                let mut mounts = node.mounts.iter();
                mounts.any(|mount| mount.source.starts_with(&stores))
            };
            if cleared.contains(&stores) || left.iter().any(mounted) {
                continue;
            }
            match whose(&record)? {
                Owner::Nobody => {
                    let why = "the record of their cluster is gone";
                    self.folder(Kind::NodeStores, &stores, why);
                }
                Owner::Held(_) | Owner::Standing if record.starts_with(&own) => {}
                Owner::Held(holder) => {
                    let name = stores.display().to_string();
                    self.keep(Kind::NodeStores, &name, held_by(&holder));
                }
                Owner::Standing => {
                    let name = stores.display().to_string();
                    self.keep(Kind::NodeStores, &name, of_another_lab(&record));
                }
            }
        }
        Ok(())
    }
}

/// Who a cluster is, by the folder of its record.
enum Owner {
    /// There is no such record.
    Nobody,
    /// A live run.
    Held(String),
    /// No live run, but the record is there.
    Standing,
}

fn whose(record: &Path) -> Result<Owner, LabError> {
    // A folder that may not be looked into is not gone.
    if matches!(record.try_exists(), Ok(false)) {
        return Ok(Owner::Nobody);
    }
    Ok(match Lease::holder(record) {
        Ok(None) | Err(_) => Owner::Standing,
        Ok(Some(holder)) => Owner::Held(holder),
    })
}

fn of_another_lab(record: &Path) -> String {
    // Below `clusters`, below the state folder.
    let state = record.ancestors().nth(2).unwrap_or(record);
    format!(
        "the lab of another state folder; to reap that one: MESHPROOF_STATE_DIR={} meshproof reap",
        state.display()
    )
}
