//! Says what the first bytes of one direction of a connection are.
//!
//! Used on what an intruder receives and on what the wire witness sees. It looks at bytes alone:
//! not at ports, not at what the answer means for a scenario. It never guesses: bytes that fit
//! nothing are [`Spoken::Other`]. Layouts were measured with Ignite 2.16.0 unless said otherwise.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::plaintext::DISCOVERY_HEADER;

/// What is spoken in one direction of a connection, as its first bytes show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "protocol", rename_all = "kebab-case")]
pub enum Spoken {
    /// No byte at all.
    Nothing,
    /// A TLS record.
    Tls {
        /// The record's type.
        record: TlsRecord,
        /// The version in the record header, for example `1.2`. TLS 1.3 writes 1.0 or 1.2 there.
        record_version: String,
    },
    /// The request with which an Ignite thin client opens.
    ThinClientHandshake,
    /// The node's answer to it.
    ThinClientAnswer {
        /// Whether the node accepted the client's protocol version.
        accepted: bool,
    },
    /// The first message of the accepting node on the communication port: `NodeIdMessage`
    /// (type -1), or `HandshakeWaitMessage` (type -28, from the sources, not seen yet).
    Communication {
        /// The node's id in the usual notation, when all of its 16 bytes are there.
        node_id: Option<String>,
    },
    /// The header with which a node opens on the discovery port.
    DiscoveryHeader,
    /// A serialised Java object, which is how a node answers on the discovery port.
    DiscoveryAnswer {
        /// The Java class of the object, when its name is there in full.
        class: Option<String>,
    },
    /// HTTP, a request or an answer.
    Http,
    /// memcached's binary protocol, a request (0x80) or an answer (0x81).
    Memcached,
    /// Bytes that fit none of these.
    Other,
}

/// The type of a TLS record (RFC 8446, section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsRecord {
    /// Type 20.
    ChangeCipherSpec,
    /// Type 21.
    Alert,
    /// Type 22.
    Handshake,
    /// Type 23.
    ApplicationData,
}

/// Classifies the first bytes of one direction. The more bytes, the surer; 64 are plenty.
pub fn first_bytes(bytes: &[u8]) -> Spoken {
    if bytes.is_empty() {
        return Spoken::Nothing;
    }
    tls(bytes)
        .or_else(|| http(bytes))
        .or_else(|| discovery(bytes))
        .or_else(|| communication(bytes))
        .or_else(|| memcached(bytes))
        .or_else(|| thin_client(bytes))
        .unwrap_or(Spoken::Other)
}

fn tls(bytes: &[u8]) -> Option<Spoken> {
    let (&[kind, 3, minor @ 1..=4], rest) = bytes.split_first_chunk()? else {
        return None;
    };
    let record = match kind {
        20 => TlsRecord::ChangeCipherSpec,
        21 => TlsRecord::Alert,
        22 => TlsRecord::Handshake,
        23 => TlsRecord::ApplicationData,
        _ => return None,
    };
    // A record carries at most 2^14 bytes, and 2^11 more once it is encrypted (RFC 5246).
    let length = rest.first_chunk().map(|length| u16::from_be_bytes(*length));
    if length.is_some_and(|length| length == 0 || length > (1 << 14) + (1 << 11)) {
        return None;
    }
    Some(Spoken::Tls {
        record,
        record_version: format!("1.{}", minor - 1),
    })
}

fn http(bytes: &[u8]) -> Option<Spoken> {
    const STARTS: [&[u8]; 10] = [
        b"HTTP/1.",
        b"GET /",
        b"POST /",
        b"PUT /",
        b"HEAD /",
        b"DELETE /",
        b"PATCH /",
        b"OPTIONS ",
        b"CONNECT ",
        b"PRI * HTTP/2",
    ];
    STARTS
        .iter()
        .any(|start| bytes.starts_with(start))
        .then_some(Spoken::Http)
}

fn discovery(bytes: &[u8]) -> Option<Spoken> {
    const JAVA_STREAM: [u8; 4] = [0xac, 0xed, 0x00, 0x05];
    if bytes.starts_with(&DISCOVERY_HEADER) {
        return Some(Spoken::DiscoveryHeader);
    }
    let object = bytes.strip_prefix(&JAVA_STREAM)?;
    Some(Spoken::DiscoveryAnswer {
        class: java_class(object),
    })
}

/// The class name of a serialised object: 0x73 (object), 0x72 (class), a 16-bit length, the name.
fn java_class(object: &[u8]) -> Option<String> {
    let (length, rest) = object.strip_prefix(&[0x73, 0x72])?.split_first_chunk()?;
    let name = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
    String::from_utf8(name.to_vec()).ok()
}

fn communication(bytes: &[u8]) -> Option<Spoken> {
    const NODE_ID: [u8; 2] = (-1i16).to_le_bytes();
    const HANDSHAKE_WAIT: [u8; 2] = (-28i16).to_le_bytes();
    if let Some(rest) = bytes.strip_prefix(&NODE_ID) {
        return Some(Spoken::Communication {
            node_id: rest.first_chunk().map(uuid),
        });
    }
    // Two bytes are little to go by: they count only alone, or before the node's id.
    let rest = bytes.strip_prefix(&HANDSHAKE_WAIT)?;
    if rest.is_empty() {
        return Some(Spoken::Communication { node_id: None });
    }
    let node_id = rest.strip_prefix(&NODE_ID)?.first_chunk().map(uuid);
    Some(Spoken::Communication { node_id })
}

fn uuid(bytes: &[u8; 16]) -> String {
    let all = format!("{:032x}", u128::from_be_bytes(*bytes));
    format!(
        "{}-{}-{}-{}-{}",
        &all[..8],
        &all[8..12],
        &all[12..16],
        &all[16..20],
        &all[20..]
    )
}

fn memcached(bytes: &[u8]) -> Option<Spoken> {
    const HEADER: usize = 24;
    const LAST_OPCODE: u8 = 0x1a;
    let header: &[u8; HEADER] = bytes.first_chunk()?;
    let fits = matches!(header[0], 0x80 | 0x81) && header[1] <= LAST_OPCODE && header[5] == 0;
    fits.then_some(Spoken::Memcached)
}

/// A little-endian length, then the body: a request opens with 1 and the version's major 1, an
/// accepting answer with 1, a refusing one with 0 and the server's version, major 1.
fn thin_client(bytes: &[u8]) -> Option<Spoken> {
    const LONGEST: u32 = 4096;
    let (length, body) = bytes.split_first_chunk()?;
    let length = u32::from_le_bytes(*length);
    if length > LONGEST {
        return None;
    }
    let version_1 = body.get(1..3) == Some(&[1, 0]);
    // An answer to 1.7.0 and later goes on with a byte array (type 12) of features.
    let features = body.get(1) == Some(&12);
    match (body.first()?, length) {
        (1, 1) => Some(Spoken::ThinClientAnswer { accepted: true }),
        (1, 8..) if version_1 => Some(Spoken::ThinClientHandshake),
        (1, 8..) if features => Some(Spoken::ThinClientAnswer { accepted: true }),
        // A refusal goes on with a text (type 9). That of an unknown client type gives 0.0.0 as
        // the server's version.
        (0, 12..) if body.get(7) == Some(&9) && (version_1 || body[1..7] == [0; 6]) => {
            Some(Spoken::ThinClientAnswer { accepted: false })
        }
        _ => None,
    }
}

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Tls {
                record: TlsRecord::Handshake,
                ..
            } => f.write_str("a TLS handshake"),
            Self::Tls {
                record: TlsRecord::Alert,
                ..
            } => f.write_str("a TLS alert"),
            Self::Tls { .. } => f.write_str("TLS"),
            Self::ThinClientHandshake => f.write_str("a thin client's handshake"),
            Self::ThinClientAnswer { accepted: true } => {
                f.write_str("a thin-client handshake reply")
            }
            Self::ThinClientAnswer { .. } => f.write_str("a refusal of the thin client's version"),
            Self::Communication { node_id: Some(id) } => write!(f, "the node id {id}"),
            Self::Communication { .. } => f.write_str("Ignite's communication protocol"),
            Self::DiscoveryHeader => f.write_str("Ignite's discovery header"),
            Self::DiscoveryAnswer { .. } => f.write_str("an answer of Ignite's discovery"),
            Self::Http => f.write_str("HTTP"),
            Self::Memcached => f.write_str("memcached's binary protocol"),
            Self::Other => f.write_str("bytes of no known protocol"),
        }
    }
}

#[cfg(test)]
mod tests;
