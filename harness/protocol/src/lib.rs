//! Wire protocols that Meshproof speaks and recognises, shared by the harness and the probe.
//!
//! [`thin`] is a small Ignite thin client, [`classify`] says what first bytes are, [`ports`] names
//! the product's ports, and [`plaintext`] with [`intrusion`] are what an intruder sends and what
//! it reports. Nothing here knows of Kubernetes, Istio or verdicts.

pub mod classify;
pub mod intrusion;
pub mod plaintext;
pub mod ports;
pub mod thin;
