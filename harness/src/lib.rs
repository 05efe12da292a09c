//! All that a Meshproof scenario stands on.
//!
//! Modules, from the ground up: [`outcome`] is plain data; `kube` talks to one API server;
//! `lab`, `mesh` and `product` each bring up one layer; `evidence` holds the witnesses;
//! `scenario` runs what a catalogue describes; `report` writes down what came of it.

pub mod expectation;
pub mod outcome;
pub mod progress;
pub mod report;
