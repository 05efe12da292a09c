//! All that a Meshproof scenario stands on.
//!
//! Modules, from the ground up: [`outcome`] is plain data; [`kube`] talks to one API server;
//! [`lab`], [`mesh`] and [`product`] each bring up one layer; [`diagnose`] finds causes in a
//! snapshot of a namespace; [`evidence`] holds the witnesses and takes that snapshot;
//! [`scenario`] runs what a catalogue describes; [`expectation`] says whether its outcome was to
//! be expected, and [`report`] writes down what came of it.

pub mod diagnose;
pub mod evidence;
pub mod expectation;
pub mod kube;
pub mod lab;
pub mod mesh;
pub mod outcome;
pub mod process;
pub mod product;
pub mod progress;
pub mod report;
pub mod scenario;
pub mod tls;
pub mod waits;
