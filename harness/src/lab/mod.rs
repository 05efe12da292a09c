//! The lab: container engine, kind cluster, images. Brought up, found again, taken down.
//!
//! Nothing outside this module runs `docker` or `kind`. What runs on the cluster is for `mesh`
//! and `product`.

mod begun_clients;
mod cluster;
mod clusters;
mod connect;
mod disk;
pub mod doctor;
mod engine;
mod error;
mod get_images;
mod half_made;
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
mod room;
mod size;
mod standing;
mod store;
mod topology;
mod unfinished_runs;
mod watches;

#[cfg(test)]
mod fake_client;

pub use cluster::{Cluster, Record, Wanted};
pub use clusters::{ClusterStatus, Down, down, remove_incomplete, status};
pub use engine::Engine;
pub use error::LabError;
pub use get_images::{available, choose_source, export_images, import_images, make_images};
pub use half_made::remove_half_made;
pub use helpers::remove_own_helpers;
pub use images::{Allowed, Chosen, Images, ImagesWish, IstioBuild, IstioWish, Source};
pub use inventory::{Inventory, ListedImage, ListedProgram, inventory};
pub use lease::{Attempt, Lease};
pub use node_logs::{NodeUnit, node_units};
pub use paths::Paths;
pub use prune::{Asking, Pruned, Pruning, prune};
pub use standing::{Lab, Wish};
pub use store::Delivery;
pub use topology::Topology;
pub use unfinished_runs::remove_empty_runs;
