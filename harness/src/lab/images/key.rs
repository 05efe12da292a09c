//! Names what a build makes after what goes into it, so that equal inputs are made once.

use sha2::{Digest, Sha256};

/// Twelve hexadecimal digits of the SHA-256 over everything that went in, in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// Begins a key.
    pub fn over(name: &str) -> KeyBuilder {
        KeyBuilder(Sha256::new()).add(name)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key in the making.
#[derive(Debug, Clone)]
pub struct KeyBuilder(Sha256);

impl KeyBuilder {
    /// Adds one input. Its length goes in first, so that two inputs never read as one.
    #[must_use]
    pub fn add(mut self, input: impl AsRef<[u8]>) -> Self {
        let input = input.as_ref();
        self.0.update((input.len() as u64).to_le_bytes());
        self.0.update(input);
        self
    }

    /// Ends the key.
    pub fn finish(self) -> Key {
        Key(hex(&self.0.finalize())[..12].to_owned())
    }
}

/// The SHA-256 of some bytes, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_borders_count() {
        let key = |parts: &[&str]| {
            parts
                .iter()
                .fold(Key::over("x"), |key, part| key.add(part))
                .finish()
        };
        assert_eq!(key(&["ab", "c"]), key(&["ab", "c"]));
        assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
        assert_ne!(key(&["ab", "c"]), key(&["c", "ab"]));
        assert_eq!(key(&[]).as_str().len(), 12);
    }

    #[test]
    fn sha256_is_the_standard_one() {
        assert!(sha256(b"").starts_with("e3b0c44298fc1c14"));
    }
}
