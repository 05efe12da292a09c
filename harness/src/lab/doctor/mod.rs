//! What this machine has and lacks for a lab, from each source of images.
//!
//! `facts` looks, changing nothing but a file that it writes into our own folders and takes away, and
//! what the cache remembers of images that are here; `verdict` says what the facts mean, and `told`
//! puts that into lines. Both do no I/O.

mod facts;
mod told;
mod verdict;

pub use facts::{EngineFacts, Facts, Folder, ImagesFound, Inotify, PulledFound, StandingLab, Tool};
pub use told::lines;
pub use verdict::{Examination, Lack, SourceVerdict};
