//! What the command line and the trials share.

pub mod catalogue;
pub mod progress_bar;
pub mod session;
pub mod trials;
