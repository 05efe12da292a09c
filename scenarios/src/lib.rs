//! What the command line and the trials share.

pub mod progress_bar;
