//! The guide's cluster in a case's own namespace: deployed, deployed anew, restarted, asked.
//!
//! What is changed in it, and what that has to show, is each case's own.

mod deployment;
mod health;
mod own_ports;
mod pods;

pub(super) use deployment::{Deployment, FAULTY, GUIDES, THROUGHOUT, editing};
pub(super) use health::{Since, healthy, held_check, recovered, remedied, stays};
pub(super) use own_ports::on_own_ports;
pub(super) use pods::{
    both_ready, both_ready_within, listed, restart, seconds_run, start_again, start_anew, undeploy,
};

/// The pods' containers when all is well: the node and its sidecar.
pub(super) const READY: (usize, usize) = (2, 2);
/// Seconds for which a state has to stay.
pub(super) const HOLD: u64 = 5;
/// Seconds within which nodes have to say what they are together.
pub(super) const SETTLE: u64 = 120;
