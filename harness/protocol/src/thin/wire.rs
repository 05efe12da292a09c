//! Reading little-endian fields from a slice, each read checked against what is left.
//!
//! Knows nothing of messages; [`super::codec`] and [`super::value`] say what the fields mean.

use super::error::Malformed;

/// The unread rest of a message, with the name of the message for errors.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    message: &'static str,
}

impl<'a> Reader<'a> {
    pub(super) fn new(message: &'static str, bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            message,
        }
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn i16(&mut self) -> Result<i16, Malformed> {
        self.array().map(i16::from_le_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, Malformed> {
        self.array().map(i32::from_le_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64, Malformed> {
        self.array().map(i64::from_le_bytes)
    }

    /// UTF-8 text after its length in four bytes.
    pub(super) fn text(&mut self) -> Result<String, Malformed> {
        let length = self.i32()?;
        let length = usize::try_from(length)
            .map_err(|_| self.malformed(format!("it holds a text of {length} bytes")))?;
        let Some((text, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.short(length));
        };
        self.rest = rest;
        String::from_utf8(text.to_vec())
            .map_err(|_| self.malformed("it holds a text that is not UTF-8".to_owned()))
    }

    /// Everything that is left.
    pub(super) fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Checks that nothing is left.
    pub(super) fn end(self) -> Result<(), Malformed> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(self.malformed(format!("{left} bytes follow its end"))),
        }
    }

    pub(super) fn malformed(&self, problem: String) -> Malformed {
        Malformed {
            message: self.message,
            problem,
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (&array, rest) = self.rest.split_first_chunk().ok_or_else(|| self.short(N))?;
        self.rest = rest;
        Ok(array)
    }

    fn short(&self, needed: usize) -> Malformed {
        self.malformed(format!(
            "{needed} bytes were expected and {} are left",
            self.rest.len()
        ))
    }
}
