//! Writes down what a run came to: for people at a terminal ([`table`], [`checks`]), for people
//! who are sent it ([`html`], [`markdown`]) and for programs ([`json`], [`junit`]), all from
//! `outcome` alone. What diagnosis says of a namespace is [`diagnosis`].
//!
//! The modules turn a run into text; only [`folder`] touches the disk. None of them judges:
//! verdicts and expectations are final when they get here. What several of them say, they say in
//! the same words: of a run those of `summary`, of an outcome those of `chapters`.

mod chapters;
pub mod checks;
pub mod diagnosis;
pub mod folder;
pub mod html;
pub mod json;
pub mod junit;
pub mod kubectl_table;
pub mod markdown;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod sample_cases;
mod summary;
pub mod table;
mod text;
