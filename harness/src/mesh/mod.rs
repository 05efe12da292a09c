//! The mesh: installing one Istio build, probing what it can, reading its proxies.
//!
//! Nothing outside this module runs `istioctl`. What the product's ports mean is not known here.

mod analyze;
mod capabilities;
mod error;
mod inbound;
pub mod ingress_gateway;
mod install;
mod open_connections;
mod outbound;
mod proxy;
mod values;

pub use analyze::Message;
pub use capabilities::{Capabilities, Injection, SyncState, injection_trial, sync_states};
pub use error::MeshError;
pub use inbound::{Demand, Inbound};
pub use install::{DEFAULT_PROFILE, ISTIO_NAMESPACE, Install, SidecarMode};
pub use open_connections::{OpenConnections, PASSTHROUGH};
pub use outbound::{Outbound, Way};
pub use proxy::{
    ADMIN_PORT, CONTAINER as PROXY_CONTAINER, Certificate, Proxy, Stats, excerpt, query_value,
};
pub use values::{MeshValues, MeshValuesError};
