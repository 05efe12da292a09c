//! The log gate: error lines of Ignite, the proxies and istiod that nobody has accounted for.
//!
//! A cluster that looks healthy and logs errors is not healthy. [`errors`] is the pure part: lines
//! of one program in, its error lines out, each with the entry of the known ones that it matches;
//! those are listed in `known`, with the reason. [`Logs`] are read of istiod, and, where a caller asks
//! for them, of a namespace's nodes and proxies and of the ingress gateway. Faults produce errors, so
//! the caller says from which moment on lines count.

mod gate;
mod known;
mod lines;

pub use gate::Logs;
pub use known::{KNOWN, Known};
pub use lines::{ErrorLine, Program, Reading, errors};
