//! The source `archive`: one file that carries the images and programs of a lab to a machine with
//! no network and no compiler's cache.
//!
//! `export` writes it from what the engine and the cache have, `import` checks all of it before it
//! changes anything. Which images a lab has is said by `recipes`; how images reach nodes is
//! `store`'s business.

pub(crate) mod blocking;
mod carried;
mod container;
mod engine;
mod error;
mod export;
#[cfg(test)]
mod fixture;
mod import;
mod manifest;
mod origin;
mod output;
mod partial;
mod placed;
mod record;
mod tar;
mod writer;

pub use carried::Carried;
pub use error::ArchiveError;
pub use export::{Exported, export};
pub use import::import;
pub use origin::{Known, otherwise, told};
pub use record::Imported;
