//! Keys and values: the few of Ignite's data types that Meshproof stores.
//!
//! A value on the wire is one byte for its type and then its content. Types are part of a key's
//! identity: `Int(1)` and `Long(1)` are two entries, and REST's keys are strings by default.

use std::fmt;

use super::{error::Malformed, wire::Reader};

const INT: u8 = 3;
const LONG: u8 = 4;
const STRING: u8 = 9;
const NULL: u8 = 101;

/// A key or a value of a cache.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// No value; what a read of an absent key gives.
    Null,
    /// A 32-bit integer (Java `int`).
    Int(i32),
    /// A 64-bit integer (Java `long`).
    Long(i64),
    /// A text (Java `String`).
    String(String),
}

impl Value {
    /// Appends the value as it is written on the wire.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.push(NULL),
            Self::Int(int) => {
                out.push(INT);
                out.extend(int.to_le_bytes());
            }
            Self::Long(long) => {
                out.push(LONG);
                out.extend(long.to_le_bytes());
            }
            Self::String(text) => encode_text(text, out),
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match reader.u8()? {
            NULL => Self::Null,
            INT => Self::Int(reader.i32()?),
            LONG => Self::Long(reader.i64()?),
            STRING => Self::String(reader.text()?),
            other => {
                let problem = format!("it holds a value of type {other}, which is not supported");
                return Err(reader.malformed(problem));
            }
        })
    }
}

/// Appends a text as a value: its type, its length in four bytes, its bytes.
pub(super) fn encode_text(text: &str, out: &mut Vec<u8>) {
    // A longer text makes a frame that `codec` refuses to send, so that this cannot be seen.
    let length = i32::try_from(text.len()).unwrap_or(i32::MAX);
    out.push(STRING);
    out.extend(length.to_le_bytes());
    out.extend(text.as_bytes());
}

impl From<i32> for Value {
    fn from(int: i32) -> Self {
        Self::Int(int)
    }
}

impl From<i64> for Value {
    fn from(long: i64) -> Self {
        Self::Long(long)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Int(int) => int.fmt(f),
            Self::Long(long) => long.fmt(f),
            Self::String(text) => text.fmt(f),
        }
    }
}
