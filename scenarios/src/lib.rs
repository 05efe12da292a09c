//! What the command line and the trials share.

pub mod behaviour;
pub mod catalogue;
pub mod cleanup;
pub mod cli;
pub mod duration;
pub mod endings;
#[cfg(test)]
mod fake_api;
pub mod gateway_port;
pub mod gridgain_options;
pub mod images_options;
pub mod progress_bar;
pub mod rotation;
#[cfg(test)]
mod sample;
pub mod selection;
pub mod session;
pub mod told;
pub mod trials;
