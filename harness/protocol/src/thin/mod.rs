//! A small Ignite thin client: the client of port 10800 that the guide's application needs.
//!
//! It speaks protocol version 1.2.0, the newest whose handshake needs no feature sets, and only
//! the operations that Meshproof uses. [`codec`] turns values into bytes and back and does no
//! I/O; [`ThinClient`] moves the bytes. Reconnecting and pooling are left to the caller, TLS to
//! the mesh. The wire layouts were measured with Ignite 2.16.0.

mod client;
pub mod codec;
mod error;
mod value;
mod wire;

pub use client::ThinClient;
pub use error::{HowClosed, Malformed, ThinError};
pub use value::Value;
