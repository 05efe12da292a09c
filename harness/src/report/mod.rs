//! Writes down what a run came to: for people ([`table`], [`checks`], [`diagnosis`]) and for programs ([`json`],
//! [`junit`]), all from `outcome` alone.
//!
//! The modules turn a run into text; only [`folder`] touches the disk. None of them judges:
//! verdicts and expectations are final when they get here.

pub mod checks;
pub mod diagnosis;
pub mod folder;
pub mod json;
pub mod junit;
pub mod kubectl_table;
#[cfg(test)]
mod sample;
pub mod table;
mod text;
