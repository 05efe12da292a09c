//! The thin-client protocol 1.2.0 as bytes: pure encoding and decoding, no I/O.
//!
//! All numbers are little-endian. A frame is a 32-bit length and that many bytes of body.
//! A request's body is an operation (16 bits), a request id (64 bits) and a payload; an
//! answer's is the id, a status (32 bits, 0 is success) and a payload, or a text if it failed.

use std::fmt;

use super::{
    error::Malformed,
    value::{Value, encode_text},
    wire::Reader,
};

/// The protocol version that this client asks for.
pub const VERSION: Version = Version {
    major: 1,
    minor: 2,
    patch: 0,
};

/// The longest frame that is read or written, in bytes of body. Ours are far below it; a longer
/// length means that the other side does not speak this protocol.
pub const MAX_FRAME: usize = 16 * 1024 * 1024;

/// Request handshake, and the code of a thin client in it (ODBC is 0, JDBC is 1).
const HANDSHAKE: u8 = 1;
const THIN_CLIENT: u8 = 2;

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// Major.
    pub major: i16,
    /// Minor.
    pub minor: i16,
    /// Patch.
    pub patch: i16,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// An operation with its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i16)]
pub enum Operation {
    /// Reads one entry.
    Get = 1000,
    /// Writes one entry.
    Put = 1001,
    /// Counts entries.
    Size = 1020,
    /// Lists caches.
    CacheNames = 1050,
    /// Makes a cache with the default configuration, unless it exists.
    GetOrCreateCache = 1052,
    /// Reads several entries.
    GetAll = 1003,
    /// Writes several entries.
    PutAll = 1004,
}

impl Operation {
    /// What the operation is called in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "cache get",
            Self::Put => "cache put",
            Self::Size => "cache size",
            Self::CacheNames => "cache names",
            Self::GetOrCreateCache => "get or create cache",
            Self::GetAll => "cache get all",
            Self::PutAll => "cache put all",
        }
    }
}

/// The node's answer to the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handshake {
    /// Requests may follow.
    Accepted,
    /// The node closes the connection.
    Refused {
        /// The version that the node offers.
        server: Version,
        /// Why, in the node's words.
        reason: String,
        /// Ignite's status code.
        status: i32,
    },
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The id of the request.
    pub id: i64,
    /// The payload, or the status code and the node's words.
    pub outcome: Result<&'a [u8], (i32, String)>,
}

/// The frame with which a client opens: 12 bytes.
pub fn handshake_request() -> Vec<u8> {
    let mut body = vec![HANDSHAKE];
    for part in [VERSION.major, VERSION.minor, VERSION.patch] {
        body.extend(part.to_le_bytes());
    }
    body.push(THIN_CLIENT);
    frame(&body)
}

/// Reads the body of the handshake's answer.
pub fn handshake_answer(body: &[u8]) -> Result<Handshake, Malformed> {
    let mut reader = Reader::new("handshake answer", body);
    match reader.u8()? {
        1 => {
            reader.end()?;
            Ok(Handshake::Accepted)
        }
        0 => {
            let server = Version {
                major: reader.i16()?,
                minor: reader.i16()?,
                patch: reader.i16()?,
            };
            let reason = Value::decode(&mut reader)?.to_string();
            let status = reader.i32()?;
            reader.end()?;
            Ok(Handshake::Refused {
                server,
                reason,
                status,
            })
        }
        other => Err(reader.malformed(format!("it begins with {other}, not with 0 or 1"))),
    }
}

/// The frame of a request. Errors if it is longer than [`MAX_FRAME`].
pub fn request(operation: Operation, id: i64, payload: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut body = (operation as i16).to_le_bytes().to_vec();
    body.extend(id.to_le_bytes());
    body.extend(payload);
    if body.len() > MAX_FRAME {
        let problem = format!(
            "it would have {} bytes, the limit is {MAX_FRAME}",
            body.len()
        );
        return Err(Malformed {
            message: "request",
            problem,
        });
    }
    Ok(frame(&body))
}

/// Reads the body of an answer up to its payload.
pub fn answer(body: &[u8]) -> Result<Answer<'_>, Malformed> {
    let mut reader = Reader::new("answer", body);
    let id = reader.i64()?;
    let outcome = match reader.i32()? {
        0 => Ok(reader.rest()),
        status => {
            let reason = Value::decode(&mut reader)?.to_string();
            reader.end()?;
            Err((status, reason))
        }
    };
    Ok(Answer { id, outcome })
}

/// Reads a frame's length and holds it against [`MAX_FRAME`].
pub fn frame_length(header: [u8; 4]) -> Result<usize, Malformed> {
    let length = i32::from_le_bytes(header);
    match usize::try_from(length) {
        Ok(length @ 1..=MAX_FRAME) => Ok(length),
        _ => {
            let problem = format!("its length is {length}, allowed are 1 to {MAX_FRAME} bytes");
            Err(Malformed {
                message: "frame",
                problem,
            })
        }
    }
}

/// The id by which requests name a cache: Java's hash code of its name.
pub fn cache_id(name: &str) -> i32 {
    name.encode_utf16().fold(0, |hash: i32, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

/// The payload of [`Operation::GetOrCreateCache`].
pub fn cache_name(name: &str) -> Vec<u8> {
    let mut payload = Vec::new();
    encode_text(name, &mut payload);
    payload
}

/// The payload of an operation on entries: the cache, no flags, then keys and values in turn.
pub fn entries(cache: &str, entries: &[&Value]) -> Vec<u8> {
    let mut payload = cache_id(cache).to_le_bytes().to_vec();
    payload.push(0);
    for entry in entries {
        entry.encode(&mut payload);
    }
    payload
}

/// The payload of [`Operation::GetAll`]: the cache, no flags, how many keys, the keys.
pub fn keys(cache: &str, keys: &[Value]) -> Vec<u8> {
    let mut payload = counted(cache, keys.len());
    for key in keys {
        key.encode(&mut payload);
    }
    payload
}

/// The payload of [`Operation::PutAll`]: the cache, no flags, how many pairs, keys and values in
/// turn.
pub fn pairs(cache: &str, pairs: &[(Value, Value)]) -> Vec<u8> {
    let mut payload = counted(cache, pairs.len());
    for (key, value) in pairs {
        key.encode(&mut payload);
        value.encode(&mut payload);
    }
    payload
}

fn counted(cache: &str, count: usize) -> Vec<u8> {
    let mut payload = entries(cache, &[]);
    let count = i32::try_from(count).expect("a request of 2^31 entries is no request");
    payload.extend(count.to_le_bytes());
    payload
}

/// Reads the payload that answers [`Operation::GetAll`]: the entries that there are.
pub fn found(payload: &[u8]) -> Result<Vec<(Value, Value)>, Malformed> {
    let mut reader = Reader::new("answer to cache get all", payload);
    let count = reader.i32()?;
    let mut found = Vec::new();
    for _ in 0..count {
        found.push((Value::decode(&mut reader)?, Value::decode(&mut reader)?));
    }
    reader.end()?;
    Ok(found)
}

/// The payload of [`Operation::Size`]. Without peek modes Ignite counts each entry once, in its
/// primary copy, over all nodes. Measured with Ignite 2.16.0: nine puts into a cache with one
/// backup, on two nodes, count as nine.
pub fn size(cache: &str) -> Vec<u8> {
    let mut payload = entries(cache, &[]);
    payload.extend(0i32.to_le_bytes());
    payload
}

/// Reads the payload that answers [`Operation::Get`].
pub fn value(payload: &[u8]) -> Result<Value, Malformed> {
    let mut reader = Reader::new("answer to cache get", payload);
    let value = Value::decode(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Reads the payload that answers [`Operation::Size`].
pub fn count(payload: &[u8]) -> Result<u64, Malformed> {
    let mut reader = Reader::new("answer to cache size", payload);
    let count = reader.i64()?;
    let count =
        u64::try_from(count).map_err(|_| reader.malformed(format!("it counts {count} entries")))?;
    reader.end()?;
    Ok(count)
}

/// Reads the payload that answers [`Operation::CacheNames`].
pub fn names(payload: &[u8]) -> Result<Vec<String>, Malformed> {
    let mut reader = Reader::new("answer to cache names", payload);
    let count = reader.i32()?;
    let mut names = Vec::new();
    for _ in 0..count {
        match Value::decode(&mut reader)? {
            Value::String(name) => names.push(name),
            other => return Err(reader.malformed(format!("it names a cache by {other:?}"))),
        }
    }
    reader.end()?;
    Ok(names)
}

/// Reads a payload that must be empty.
pub fn nothing(payload: &[u8]) -> Result<(), Malformed> {
    Reader::new("answer without content", payload).end()
}

fn frame(body: &[u8]) -> Vec<u8> {
    let length = i32::try_from(body.len()).expect("bodies are at most MAX_FRAME long");
    let mut frame = length.to_le_bytes().to_vec();
    frame.extend(body);
    frame
}

#[cfg(test)]
mod tests;
