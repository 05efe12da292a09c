//! One lab that stands, held for this process: found healthy, or made from images that are there.

use tokio::sync::OnceCell;

use super::clusters::DELETING;
use super::images::{Cache, WishError, archive};
use super::room::Room;
use super::{
    Allowed, Attempt, Cluster, Delivery, Engine, Images, ImagesWish, LabError, Lease, Paths,
    Topology, Wanted, remove_empty_runs,
};
use crate::kube::Kube;
use crate::outcome::LabFacts;
use crate::progress::Progress;

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
    pods_find_each_other: OnceCell<()>,
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
        images.compare_programs(&cache).await?;
        let wanted = Wanted {
            images: &images,
            asked: &wish.images,
            topology: &topology,
            sidecar_mode: wish.sidecar_mode,
            mesh_values: wish.mesh_values.as_deref(),
        };
        let mut cluster = Cluster::wanted(paths, &wanted);
        let lease = Lease::exclusive(cluster.folder(), &wish.command, progress).await?;
        // A run need not fail because another's folder stays.
        if let Err(error) = remove_empty_runs(paths) {
            progress.line(error.to_string());
        }
        // Whoever held the lease may have made or deleted it meanwhile.
        cluster = Cluster::wanted(paths, &wanted);
        let unusable = if wish.fresh && cluster.record.complete {
            Some("a fresh one was asked for".to_owned())
        } else {
            cluster.unhealthy(&engine, topology.nodes()).await?
        };
        let reused = unusable.is_none();
        if !reused {
            make_way(paths, &engine, &cluster, Room::here, progress).await?;
        }
        let delivery = Delivery::prepare(&engine, &cache, &images, progress).await?;
        if let Some(reason) = unusable {
            delivery.compare().await?;
            if cluster.record.complete {
                progress.line(format!(
                    "The cluster {} is deleted: {reason}",
                    cluster.record.name
                ));
            }
            cluster.delete(&engine, progress).await?;
            cluster
                .create(&engine, &wanted, &delivery, progress)
                .await?;
        }
        let kube = cluster.connect(wish.timeout_scale).await?;
        Ok(Self {
            image_source: source_of(&cache, &images),
            engine,
            images,
            topology,
            cluster,
            kube,
            reused,
            delivery,
            pods_find_each_other: OnceCell::new(),
            _lease: lease,
        })
    }

    /// Waits until pods on every node find the others and the cluster's DNS. Whoever asks at the same
    /// time or later has the same answer, unless that was a failure.
    ///
    /// # Errors
    /// As [`Cluster::pods_find_each_other`].
    pub async fn pods_find_each_other(&self) -> Result<(), LabError> {
        let asking = || self.cluster.pods_find_each_other(&self.engine, &self.kube);
        self.pods_find_each_other
            .get_or_try_init(asking)
            .await
            .copied()
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

/// Deletes what a cluster supersedes, and finds out whether it can be made then.
///
/// In this order, since what the superseded take is free for it: a small machine has no room for both.
async fn make_way(
    paths: &Paths,
    engine: &Engine,
    cluster: &Cluster,
    room: impl FnOnce() -> Room,
    progress: &Progress,
) -> Result<(), LabError> {
    remove_superseded(paths, engine, cluster, progress).await?;
    cluster.can_be_made(engine, room()).await
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
            old.delete_wholly(engine, lease, progress).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
