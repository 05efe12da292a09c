//! The lab: container engine, kind cluster, images. Brought up, found again, taken down.
//!
//! Nothing outside this module runs `docker` or `kind`. What runs on the cluster is for `mesh`
//! and `product`.

mod cluster;
mod connect;
mod disk;
pub mod doctor;
mod engine;
mod error;
mod helpers;
pub mod images;
mod inspected;
mod inventory;
mod kind;
mod lease;
mod memory;
mod mounts;
mod network;
mod node_logs;
mod node_stores;
mod paths;
mod prune;
pub mod reap;
mod size;
mod store;
mod topology;
mod watches;

#[cfg(test)]
mod fake_client;

pub use cluster::{Cluster, Record, Wanted};
pub use engine::Engine;
pub use error::LabError;
pub use helpers::remove_own_helpers;
pub use images::{Allowed, Chosen, Images, ImagesWish, IstioBuild, IstioWish, Source};
pub use inventory::{Inventory, ListedImage, ListedProgram, inventory};
pub use lease::{Attempt, Lease};
pub use node_logs::{NodeUnit, node_units};
pub use paths::Paths;
pub use prune::{Pruned, Pruning, prune};
pub use store::Delivery;
pub use topology::Topology;

use images::{Cache, ProbeBinary, WishError, archive};

use crate::kube::Kube;
use crate::outcome::LabFacts;
use crate::progress::Progress;

/// What holds the lease of a cluster that is being deleted.
const DELETING: &str = "meshproof (deleting it)";

/// What a lab is asked to be.
#[derive(Debug, Clone)]
pub struct Wish {
    /// What its images are to be.
    pub images: ImagesWish,
    /// What may be done to have them.
    pub allowed: Allowed,
    /// Install values of somebody's own, as they go to istioctl; none for ours alone.
    pub mesh_values: Option<String>,
    /// The sidecar mode that Istio will be installed with.
    pub sidecar_mode: &'static str,
    /// Whether an Istio of this id will do: asked when it is known, before a cluster is made.
    pub istio_fits: fn(&str) -> Result<(), WishError>,
    /// Delete a cluster that stands, and make a new one.
    pub fresh: bool,
    /// The factor on every limit.
    pub timeout_scale: f64,
    /// The command line, for whoever waits for the lease.
    pub command: String,
}

/// A lab that stands, held for this process alone.
pub struct Lab {
    /// The container engine.
    pub engine: Engine,
    /// Its images.
    pub images: Images,
    /// Its nodes.
    pub topology: Topology,
    /// The cluster.
    pub cluster: Cluster,
    /// The connection to the cluster.
    pub kube: Kube,
    /// Whether the cluster stood before.
    pub reused: bool,
    image_source: String,
    delivery: Delivery,
    _lease: Lease,
}

impl Lab {
    /// Finds a healthy lab as wished, or makes one from images that are there.
    ///
    /// # Errors
    /// When there is no engine, images are missing, or the cluster cannot be made.
    pub async fn obtain(paths: &Paths, wish: &Wish, progress: &Progress) -> Result<Self, LabError> {
        let engine = Engine::connect().await?;
        let cache = Cache::at(&paths.cache);
        let topology = topology_here()?;
        let images = Images::obtain(&engine, &cache, &wish.images, wish.allowed, progress).await?;
        (wish.istio_fits)(&images.istio.id)?;
        let wanted = Wanted {
            images: &images,
            topology: &topology,
            sidecar_mode: wish.sidecar_mode,
            mesh_values: wish.mesh_values.as_deref(),
        };
        let mut cluster = Cluster::wanted(paths, &wanted);
        let lease = Lease::exclusive(cluster.folder(), &wish.command, progress).await?;
        // Whoever held the lease may have made or deleted it meanwhile.
        cluster = Cluster::wanted(paths, &wanted);
        let unusable = if wish.fresh && cluster.record.complete {
            Some("a fresh one was asked for".to_owned())
        } else {
            cluster.unhealthy(&engine, topology.nodes()).await?
        };
        let reused = unusable.is_none();
        if !reused {
            cluster.can_be_made(&engine).await?;
        }
        let delivery = Delivery::prepare(&engine, &cache, &images, progress).await?;
        if let Some(reason) = unusable {
            if cluster.record.complete {
                progress.line(format!(
                    "The cluster {} is deleted: {reason}",
                    cluster.record.name
                ));
            }
            cluster.delete(&engine).await?;
            remove_superseded(paths, &engine, &cluster, progress).await?;
            cluster
                .create(&engine, &wanted, &delivery, progress)
                .await?;
        }
        let kube = Kube::from_kubeconfig(&cluster.kubeconfig(), wish.timeout_scale).await?;
        Ok(Self {
            image_source: source_of(&cache, &images),
            engine,
            images,
            topology,
            cluster,
            kube,
            reused,
            delivery,
            _lease: lease,
        })
    }

    /// The lab as a report tells it.
    ///
    /// # Errors
    /// When the API server does not tell its version.
    pub async fn facts(&self) -> Result<LabFacts, LabError> {
        let version = self.kube.raw("/version").await?;
        Ok(LabFacts {
            cluster: self.cluster.record.name.clone(),
            reused: self.reused,
            topology: self.topology.why.clone(),
            kubernetes: version["gitVersion"]
                .as_str()
                .unwrap_or("unknown")
                .to_owned(),
            engine: format!("Docker {}", self.engine.version()),
            image_source: self.image_source.clone(),
            images: self.images.facts(),
            image_delivery: self.delivery.explained(),
        })
    }

    /// Deletes the cluster under this lab.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn delete(self) -> Result<(), LabError> {
        let Self {
            cluster,
            engine,
            _lease: lease,
            ..
        } = self;
        cluster.delete_wholly(&engine, lease).await
    }
}

/// Where images came from, for the report.
fn source_of(cache: &Cache, images: &Images) -> String {
    let records = archive::Imported::all(cache);
    let all = std::iter::once(&images.node).chain(&images.inside);
    let known = all.map(|image| archive::Known {
        name: &image.lab_name,
        reference: &image.reference,
        id: &image.id,
    });
    let known: Vec<_> = known.collect();
    let otherwise = archive::otherwise(&records, &known, &images.source);
    let told = archive::told(&records, known, &otherwise);
    told.unwrap_or(otherwise)
}

/// The topology for this machine.
fn topology_here() -> Result<Topology, LabError> {
    let cpus = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    Topology::for_cpus(cpus).ok_or_else(|| LabError::Unexpected {
        what: "this machine".into(),
        found: format!("{cpus} CPU"),
        cure: "the guide's pods ask for one whole CPU each; use a machine with two or more".into(),
    })
}

/// Deletes clusters for the same purpose that nobody holds: their images are no longer the ones
/// that would be used, so nothing would ever find them again.
async fn remove_superseded(
    paths: &Paths,
    engine: &Engine,
    by: &Cluster,
    progress: &Progress,
) -> Result<(), LabError> {
    for old in Cluster::all(paths)? {
        let superseded = old.record.name != by.record.name
            && (old.record.purpose == by.record.purpose || !old.record.complete);
        if !superseded {
            continue;
        }
        if let Attempt::Taken(lease) = Lease::attempt(old.folder(), DELETING)? {
            progress.line(format!(
                "The cluster {} is superseded and deleted",
                old.record.name
            ));
            old.delete_wholly(engine, lease).await?;
        }
    }
    Ok(())
}

/// Deletes clusters that were never completed and that nobody is making: what a killed or
/// interrupted run leaves.
///
/// # Errors
/// When the engine fails.
pub async fn remove_incomplete(paths: &Paths, progress: &Progress) -> Result<(), LabError> {
    for cluster in Cluster::all(paths)? {
        if cluster.record.complete {
            continue;
        }
        if let Attempt::Taken(lease) = Lease::attempt(cluster.folder(), DELETING)? {
            let engine = Engine::connect().await?;
            progress.line(format!(
                "The unfinished cluster {} is deleted",
                cluster.record.name
            ));
            cluster.delete_wholly(&engine, lease).await?;
        }
    }
    Ok(())
}

/// Deletes every cluster of ours that nobody holds, and the lab's network with the last of them.
///
/// Returns the names of those deleted, and of those held with their holders.
///
/// # Errors
/// When the engine fails.
pub async fn down(paths: &Paths, progress: &Progress) -> Result<Down, LabError> {
    let mut down = Down::default();
    let engine = Engine::connect().await?;
    for cluster in Cluster::all(paths)? {
        let name = cluster.record.name.clone();
        let lease = match Lease::attempt(cluster.folder(), DELETING)? {
            Attempt::Taken(lease) => lease,
            Attempt::HeldBy(holder) => {
                down.held.push((name, holder));
                continue;
            }
        };
        let stage = progress.stage(format!("Deleting the cluster {name}"));
        cluster.delete_wholly(&engine, lease).await?;
        stage.done();
        down.deleted.push(name);
    }
    // A lab of another state folder may stand on it: then it stays.
    engine.remove_network(kind::NETWORK, &[], false).await?;
    Ok(down)
}

/// What came of taking the lab down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Down {
    /// The clusters that are gone.
    pub deleted: Vec<String>,
    /// The clusters that stay, and who holds each.
    pub held: Vec<(String, String)>,
}

/// One cluster of ours as it stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ClusterStatus {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// Why it cannot be used as it stands; none if it can.
    pub unhealthy: Option<String>,
    /// Who holds it, if anybody does.
    pub holder: Option<String>,
    /// Its kubeconfig.
    pub kubeconfig: std::path::PathBuf,
}

/// Looks at every cluster of ours; changes nothing.
///
/// # Errors
/// When the engine does not answer.
pub async fn status(paths: &Paths) -> Result<Vec<ClusterStatus>, LabError> {
    let engine = Engine::connect().await?;
    let mut all = vec![];
    for cluster in Cluster::all(paths)? {
        all.push(ClusterStatus {
            unhealthy: cluster
                .unhealthy(&engine, cluster.record.containers.len())
                .await?,
            holder: Lease::holder(cluster.folder())?,
            kubeconfig: cluster.kubeconfig(),
            name: cluster.record.name,
            purpose: cluster.record.purpose,
        });
    }
    Ok(all)
}

/// Chooses where the images that are wished for come from; brings none.
///
/// # Errors
/// When the engine fails, or a file error of the cache.
pub async fn choose_source(
    paths: &Paths,
    wish: &ImagesWish,
    progress: &Progress,
) -> Result<Chosen, LabError> {
    let engine = Engine::connect().await?;
    let folder = &paths.cache;
    std::fs::create_dir_all(folder).map_err(LabError::file("making the folder", folder))?;
    images::choose(&engine, &Cache::at(folder), wish, true, progress).await
}

/// Has the images of a lab, making or bringing what is missing.
///
/// # Errors
/// The first step that failed.
pub async fn make_images(
    paths: &Paths,
    wish: &ImagesWish,
    progress: &Progress,
) -> Result<Images, LabError> {
    let engine = Engine::connect().await?;
    let cache = Cache::at(&paths.cache);
    let images = Images::obtain(&engine, &cache, wish, Allowed::ToBuild, progress).await?;
    Delivery::prepare(&engine, &cache, &images, progress).await?;
    Ok(images)
}

/// Writes an archive of the images and programs of a lab, which has to have them all.
///
/// # Errors
/// What is missing, or why the archive cannot be written.
pub async fn export_images(
    paths: &Paths,
    istio: &IstioBuild,
    to: &std::path::Path,
    progress: &Progress,
) -> Result<archive::Exported, LabError> {
    let engine = Engine::connect().await?;
    let cache = Cache::at(&paths.cache);
    let images = Images::find(&engine, &cache, istio).await?;
    archive::export(&engine, &cache, &images, to, progress).await
}

/// Takes the images and programs of a lab from an archive, and prepares what nodes get of them.
///
/// # Errors
/// What is wrong with the archive, before anything is changed; or the first step that failed.
pub async fn import_images(
    paths: &Paths,
    from: &std::path::Path,
    progress: &Progress,
) -> Result<Images, LabError> {
    let engine = Engine::connect().await?;
    let cache = Cache::at(&paths.cache);
    let probe = ProbeBinary::find().await;
    let istio = archive::import(&engine, &cache, from, probe.as_ref(), progress).await?;
    let images = Images::find(&engine, &cache, &istio).await?;
    Delivery::prepare(&engine, &cache, &images, progress).await?;
    Ok(images)
}

/// Whether a lab could be had without making images: the engine answers, and the images and the
/// nodes' store of them are there.
///
/// # Errors
/// What is lacking.
pub async fn available(paths: &Paths, wish: &ImagesWish) -> Result<(), LabError> {
    let engine = Engine::connect().await?;
    let cache = Cache::at(&paths.cache);
    let silent = Progress::silent();
    let images = Images::obtain(&engine, &cache, wish, Allowed::ToLook, &silent).await?;
    match Delivery::find(&engine, &cache, &images).await? {
        Some(_) => Ok(()),
        None => Err(LabError::ImagesMissing(vec![
            "the nodes' image store".into(),
        ])),
    }
}
