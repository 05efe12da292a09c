//! Wire protocols that Meshproof speaks and recognises.
