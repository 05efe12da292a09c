//! The catalogue: one file per scenario of the guide.

pub mod c1;
pub mod c2;
pub mod c3;
pub mod c4;
