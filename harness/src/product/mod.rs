//! The product under test: Apache Ignite 2.16.0 or GridGain 8.9.33, as the guide deploys them.
//!
//! [`Product`] is the one that a run is of. [`guide`] holds the guide's manifests, [`client`] the application that the guide only refers to,
//! [`rest`] what a node says of itself over HTTP, [`logs`] what it says in its log, and [`state`]
//! what several nodes are together. [`gridgain`] holds what is GridGain's own, [`license_file`] the
//! user's license, and [`license`] what a log says of one. Nothing here knows of Istio or talks to Kubernetes: callers
//! hand in text and addresses, and apply the manifests themselves.

pub mod client;
pub mod gridgain;
pub mod guide;
pub mod license;
pub mod license_file;
pub mod logs;
pub mod manifest;
pub mod reserved_ports;
pub mod rest;
pub mod state;
mod under_test;

pub use under_test::{NOT_GRIDGAIN, Product};

/// Answers and logs of real nodes; `fixtures/product/record.sh` in this crate made them.
#[cfg(test)]
pub(crate) mod recorded {
    /// A recorded body without the line that names its origin.
    pub(crate) fn body(text: &str) -> &str {
        text.split_once('\n')
            .expect("a recorded file has a first line of its own")
            .1
            .trim_end()
    }

    /// The text of one recorded file, from its path below `fixtures/product`.
    macro_rules! file {
        ($path:literal) => {
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/fixtures/product/",
                $path
            ))
        };
    }
    pub(crate) use file;
}
