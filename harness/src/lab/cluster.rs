//! One kind cluster of ours: its record on disk, making it, its health, deleting it.
//!
//! What is ours is known by the record: container ids, and the mount of the record's own folder in
//! every node for containers that a killed attempt left before their ids were written down.

use std::path::{Path, PathBuf};

use futures::future::try_join_all;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde::{Deserialize, Serialize};

use super::images::{Images, Key, remove_folder};
use super::inspected::Container;
use super::kind::{self, KindCluster};
use super::store::Delivery;
use super::topology::Topology;
use super::{Engine, LabError, Lease, Paths, disk, node_stores};
use crate::kube::{Kube, KubeError, Seen, Watch, until};
use crate::process::lineage::end_orphans;
use crate::progress::Progress;

/// Where the record's folder is mounted in every node: the marker that makes a node ours.
pub(super) const MARKER_MOUNT: &str = "/meshproof";
/// The label by which kind knows the nodes of a cluster.
const KIND_CLUSTER: &str = "io.x-k8s.kind.cluster";

/// What the nodes' image stores take beside the links, and pods in them, in GiB.
const CACHE_GIB: u64 = 2;
/// What a record and the captures of a bad run take, in GiB.
const STATE_GIB: u64 = 1;

/// What is written down about a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its name, which holds its key.
    pub name: String,
    /// The Istio build and sidecar mode it is for: a newer cluster for the same replaces it.
    pub purpose: String,
    /// Whether it was completed.
    pub complete: bool,
    /// The ids of its node containers, once known.
    pub containers: Vec<String>,
    /// Since when each of them runs: a node that was restarted is not the node that was made.
    pub running_since: Vec<String>,
    /// The volumes that the engine made for them. They bear no mark of ours.
    #[serde(default)]
    pub volumes: Vec<String>,
    /// The programs of its kind and Istio builds, for a person's shell.
    #[serde(default)]
    pub programs: Vec<PathBuf>,
}

impl Record {
    fn begun(name: String, purpose: String) -> Self {
        Self {
            name,
            purpose,
            complete: false,
            containers: vec![],
            running_since: vec![],
            volumes: vec![],
            programs: vec![],
        }
    }
}

/// A cluster of ours, standing or to be made.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Its record.
    pub record: Record,
    folder: PathBuf,
    nodes_folder: PathBuf,
}

/// What decides a cluster: two wants with the same key can share one.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Its images.
    pub images: &'a Images,
    /// Its nodes.
    pub topology: &'a Topology,
    /// The sidecar mode that Istio is installed with.
    pub sidecar_mode: &'a str,
    /// Install values of somebody's own.
    pub mesh_values: Option<&'a str>,
}

impl Wanted<'_> {
    /// In any state folder but the user's own, the folder is part of the name: the engine knows
    /// clusters by their names alone, and two folders may want the same one.
    fn name(&self, paths: &Paths) -> String {
        let mut key = Key::over("cluster")
            .add(&self.images.node.id)
            .add(self.configuration())
            .add(self.sidecar_mode);
        for image in &self.images.inside {
            key = key.add(&image.id).add(&image.lab_name);
        }
        if let Some(values) = self.mesh_values {
            key = key.add("mesh values").add(values);
        }
        if !paths.is_users_own() {
            key = key.add(paths.state.as_os_str().as_encoded_bytes());
        }
        format!("meshproof-{}", key.finish())
    }

    fn configuration(&self) -> String {
        kind::configuration(self.topology, &self.images.kubernetes, &[])
    }

    fn purpose(&self) -> String {
        format!(
            "Istio {}, sidecar mode {}",
            self.images.istio.id, self.sidecar_mode
        )
    }
}

impl Cluster {
    /// The cluster for what is wanted, whether it stands or not.
    pub fn wanted(paths: &Paths, wanted: &Wanted<'_>) -> Self {
        let record = Record::begun(wanted.name(paths), wanted.purpose());
        let cluster = Self::of(paths, record);
        match cluster.read_record() {
            Some(record) => Self { record, ..cluster },
            None => cluster,
        }
    }

    /// Every cluster that is on record.
    ///
    /// # Errors
    /// A file error.
    pub fn all(paths: &Paths) -> Result<Vec<Self>, LabError> {
        let folder = paths.state.join("clusters");
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
            other => other.map_err(LabError::file("reading", &folder))?,
        };
        let mut all = vec![];
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let record = Record::begun(name, "unknown".into());
            let cluster = Self::of(paths, record);
            all.push(match cluster.read_record() {
                Some(record) => Self { record, ..cluster },
                None => cluster,
            });
        }
        Ok(all)
    }

    fn of(paths: &Paths, record: Record) -> Self {
        Self {
            folder: paths.cluster(&record.name),
            nodes_folder: paths.cache.join("nodes").join(&record.name),
            record,
        }
    }

    /// The folder of its record, lease, kubeconfig and kept logs.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its kubeconfig, which nobody else uses.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// The folder that is mounted in each of its nodes.
    pub(super) fn marker(&self) -> PathBuf {
        self.folder.join("marker")
    }

    /// The folder of its nodes' image stores.
    pub(super) fn nodes_folder(&self) -> &Path {
        &self.nodes_folder
    }

    fn read_record(&self) -> Option<Record> {
        let text = std::fs::read_to_string(self.folder.join("record.json")).ok()?;
        serde_json::from_str(&text).ok()
    }

    fn write_record(&self) -> Result<(), LabError> {
        std::fs::create_dir_all(&self.folder)
            .map_err(LabError::file("making the folder", &self.folder))?;
        let (path, new) = (
            self.folder.join("record.json"),
            self.folder.join("record.json.new"),
        );
        let text = serde_json::to_string_pretty(&self.record).expect("a record is plain data");
        std::fs::write(&new, text).map_err(LabError::file("writing", &new))?;
        std::fs::rename(&new, &path).map_err(LabError::file("completing", &path))
    }

    /// Why the cluster cannot be used as it stands, or nothing if it can.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn unhealthy(
        &self,
        engine: &Engine,
        nodes: usize,
    ) -> Result<Option<String>, LabError> {
        if !self.record.complete {
            return Ok(Some("it was never completed".into()));
        }
        let running = engine.running_since(&self.record.containers).await?;
        if running.len() != nodes {
            return Ok(Some(format!("{} of its {nodes} nodes run", running.len())));
        }
        // Pods come back from a restart with other addresses and much later than a new cluster
        // is there (measured: 52 s against 20 s), so it is not waited for.
        if running != self.record.running_since {
            return Ok(Some("its nodes were restarted since they were made".into()));
        }
        let asked = async {
            let kube = Kube::from_kubeconfig(&self.kubeconfig(), 1.0).await?;
            let api: Api<Node> = Api::all(kube.client());
            until(
                &api,
                Watch::default(),
                "its nodes to be Ready",
                kube.limit(5),
                |seen| nodes_ready(seen.values(), nodes),
            )
            .await
        };
        Ok(asked.await.err().map(|error| error.to_string()))
    }

    /// Makes the cluster. A failed first attempt is cleared away, its node logs kept, and tried
    /// once more: node creation fails now and then for reasons that are the engine's own.
    ///
    /// # Errors
    /// What the second attempt failed with.
    pub async fn create(
        &mut self,
        engine: &Engine,
        wanted: &Wanted<'_>,
        delivery: &Delivery,
        progress: &Progress,
    ) -> Result<(), LabError> {
        let stage = progress.stage("Making the cluster");
        // A kind that a killed run left would go on making the nodes of the same name.
        end_orphans();
        engine.ensure_network(kind::NETWORK).await?;
        if let Err(error) = self.attempt(engine, wanted, delivery).await {
            self.keep_logs(engine).await?;
            progress.line(format!(
                "Making the cluster failed and is tried once more; its nodes' logs are in {}.\n{error}",
                self.folder.display()
            ));
            self.remove_nodes(engine).await?;
            self.attempt(engine, wanted, delivery).await?;
        }
        stage.done();
        Ok(())
    }

    /// Whether the cluster can be made at all: to be asked before anything is deleted for it.
    ///
    /// # Errors
    /// Too little disk, or a cluster of this name that is not ours.
    pub async fn can_be_made(&self, engine: &Engine) -> Result<(), LabError> {
        disk::check(&self.nodes_folder, CACHE_GIB, "MESHPROOF_CACHE_DIR")?;
        disk::check(&self.folder, STATE_GIB, "MESHPROOF_STATE_DIR")?;
        self.is_nobody_elses(engine).await
    }

    /// Whether nobody else's nodes bear this cluster's name.
    async fn is_nobody_elses(&self, engine: &Engine) -> Result<(), LabError> {
        let filter = format!("label={KIND_CLUSTER}={}", self.record.name);
        let all = engine.inspected(&filter).await?;
        let ours = self.marker();
        let foreign = |node: &&Container| node.mounted_at(MARKER_MOUNT) != Some(&ours);
        let Some(node) = all.iter().find(foreign) else {
            return Ok(());
        };
        let name = self.record.name.clone();
        Err(match node.mounted_at(MARKER_MOUNT) {
            Some(marker) => LabError::ClusterOfAnother {
                name,
                folder: marker.parent().unwrap_or(marker).to_owned(),
            },
            None => LabError::ClusterNotOurs { name },
        })
    }

    async fn attempt(
        &mut self,
        engine: &Engine,
        wanted: &Wanted<'_>,
        delivery: &Delivery,
    ) -> Result<(), LabError> {
        self.record.complete = false;
        self.record.containers.clear();
        self.record.running_since.clear();
        self.record.volumes.clear();
        self.record.programs = vec![wanted.images.kind.clone(), wanted.images.istioctl.clone()];
        self.write_record()?;
        let marker = self.marker();
        std::fs::create_dir_all(&marker).map_err(LabError::file("making the folder", &marker))?;
        std::fs::create_dir_all(&self.nodes_folder)
            .map_err(LabError::file("making the folder", &self.nodes_folder))?;
        node_stores::sign(&self.nodes_folder, &self.folder)?;
        self.remove_kubeconfig()?;
        let names = kind::node_names(&self.record.name, wanted.topology);
        let mounts = names.iter().map(|node| {
            let (copy, marker) = (self.nodes_folder.join(node), marker.clone());
            async move {
                let mut mounts = vec![(marker, MARKER_MOUNT)];
                mounts.extend(delivery.mounts_for_node(copy).await?);
                Ok::<_, LabError>(mounts)
            }
        });
        let mounts = try_join_all(mounts).await?;
        let cluster = KindCluster {
            program: wanted.images.kind.clone(),
            name: self.record.name.clone(),
            node_image: delivery.node_image(wanted.images).to_owned(),
            kubernetes: wanted.images.kubernetes.clone(),
            topology: wanted.topology.clone(),
            mounts,
            kubeconfig: self.kubeconfig(),
        };
        cluster.create().await?;
        self.settle(wanted.topology.nodes()).await?;
        let nodes = engine.inspected(&self.marker_filter()).await?;
        let volumes = nodes.iter().flat_map(Container::volumes);
        self.record.volumes = volumes.map(str::to_owned).collect();
        self.record.containers = nodes.into_iter().map(|node| node.id).collect();
        self.record.running_since = engine.running_since(&self.record.containers).await?;
        self.record.complete = true;
        self.write_record()
    }

    /// Waits until every node takes pods: a pod that comes before goes to the control plane and
    /// takes the room that an Ignite pod needs. For the same reason CoreDNS, of which kubeadm makes
    /// two, keeps one.
    async fn settle(&self, nodes: usize) -> Result<(), LabError> {
        let kube = Kube::from_kubeconfig(&self.kubeconfig(), 1.0).await?;
        let deployments: Api<Deployment> = Api::namespaced(kube.client(), "kube-system");
        let one = serde_json::json!({ "spec": { "replicas": 1 } });
        deployments
            .patch("coredns", &PatchParams::default(), &Patch::Merge(&one))
            .await
            .map_err(KubeError::api("scaling CoreDNS to one"))?;
        let api: Api<Node> = Api::all(kube.client());
        until(
            &api,
            Watch::default(),
            "every node to be Ready",
            kube.limit(60),
            |seen| nodes_ready(seen.values(), nodes),
        )
        .await?;
        Ok(())
    }

    /// Ids and names of the containers that carry this cluster's marker, running or not.
    async fn marked_containers(&self, engine: &Engine) -> Result<Vec<(String, String)>, LabError> {
        let filter = self.marker_filter();
        engine.containers(&["--all", "--filter", &filter]).await
    }

    fn marker_filter(&self) -> String {
        format!("volume={}", self.marker().display())
    }

    async fn keep_logs(&self, engine: &Engine) -> Result<(), LabError> {
        for (id, name) in self.marked_containers(engine).await? {
            let path = kind::log_file(&self.folder, &name);
            let log = engine.logs(&id).await?;
            std::fs::write(&path, log).map_err(LabError::file("writing", &path))?;
        }
        Ok(())
    }

    async fn remove_nodes(&self, engine: &Engine) -> Result<(), LabError> {
        let mut ids = self.record.containers.clone();
        ids.extend(
            self.marked_containers(engine)
                .await?
                .into_iter()
                .map(|(id, _)| id),
        );
        ids.sort();
        ids.dedup();
        engine.remove_containers(&ids).await?;
        remove_folder(&self.nodes_folder)
    }

    /// Deletes the cluster's nodes, their stores and its record. Its folder stays, with the lease.
    ///
    /// # Errors
    /// When the engine fails; the record stays then, so that it can be tried again.
    pub async fn delete(&self, engine: &Engine) -> Result<(), LabError> {
        self.remove_nodes(engine).await?;
        self.remove_kubeconfig()?;
        remove_file(&self.folder.join("record.json"))
    }

    /// Deletes all of it, the lease at last.
    ///
    /// # Errors
    /// As [`Cluster::delete`].
    pub async fn delete_wholly(&self, engine: &Engine, lease: Lease) -> Result<(), LabError> {
        self.delete(engine).await?;
        remove_folder(&self.folder)?;
        drop(lease);
        Ok(())
    }

    /// Removes the kubeconfig, and kind's lock of it: one that a killed kind left is never let go.
    fn remove_kubeconfig(&self) -> Result<(), LabError> {
        remove_file(&self.kubeconfig())?;
        remove_file(&self.folder.join("kubeconfig.lock"))
    }
}

fn remove_file(path: &Path) -> Result<(), LabError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(LabError::file("removing", path)(error))
        }
        _ => Ok(()),
    }
}

fn nodes_ready<'a>(nodes: impl Iterator<Item = &'a Node>, wanted: usize) -> Seen<()> {
    let ready = nodes
        .filter(|node| {
            let conditions = node
                .status
                .iter()
                .flat_map(|s| s.conditions.iter().flatten());
            conditions
                .into_iter()
                .any(|c| c.type_ == "Ready" && c.status == "True")
        })
        .count();
    if ready == wanted {
        Seen::Met(())
    } else {
        Seen::NotYet(format!("{ready} of {wanted} nodes are Ready"))
    }
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
