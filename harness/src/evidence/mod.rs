//! The witnesses: independent sources of evidence about who talks to whom, and how.
//!
//! This is where mesh and product meet. A witness that shows absence must first have shown
//! presence; whether that makes a claim true is for the scenarios to ask and `outcome` to judge.

pub mod access_log;
pub mod capture;
pub mod certificate;
pub mod gateway;
pub mod https;
pub mod intruder;
pub mod keys;
pub mod log_gate;
pub mod nodes;
pub mod plain_http;
pub mod plaintext_ports;
pub mod proxy_tls;
pub mod snapshot;
pub mod tcp_metrics;
