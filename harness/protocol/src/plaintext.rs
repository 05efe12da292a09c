//! What a plaintext client sends to each of the product's ports, so that an open port answers.
//!
//! Every request here is longer than five bytes and is not TLS: a proxy that sniffs for TLS needs
//! that much before it judges a connection. Every request is also harmless and makes an open
//! port answer **with bytes**, which is the positive control of the intruder.
//! Sending and reading is left to the probe, naming the answer to [`crate::classify`].
//!
//! Measured with Ignite 2.16.0, one node, no mesh:
//!
//! | port | request | answer | then |
//! |---|---|---|---|
//! | 10800 | thin-client handshake 1.2.0 | `01 00 00 00 01` | stays open |
//! | 47100 | 17 bytes of text (even nothing) | `ff ff` and the node's id, 18 bytes | text: closed by the node |
//! | 47500 | header and `TcpDiscoveryPingRequest` | a serialised `TcpDiscoveryPingResponse`, 428 bytes | closed by the node |
//! | 8080 | `GET /ignite?cmd=version` | `HTTP/1.1 200 OK` | closed as asked |
//! | 11211 | memcached binary `version` | `81 0b`, 24 bytes of header and `2.16.0` | stays open |
//!
//! Plain text on 47500 is not answered: the node closes the connection. Its log says
//! `TCP discovery accepted incoming connection` each time, but `Unknown connection detected` only
//! now and then, since that line is throttled; the header followed by text makes it log a SEVERE
//! stack trace. A ping logs neither, but `Received ping request from the remote node` with
//! [`PING_SENDER`] as `rmtNodeId`, beside the line of the accepted connection.

use crate::{ports::ProductPort, thin::codec};

/// The header that the connecting side sends first on the discovery port (`U.IGNITE_HEADER`).
pub const DISCOVERY_HEADER: [u8; 4] = [0x00, 0x00, 0x47, 0x47];

/// The node id under which our discovery ping introduces itself, as the node's log writes it.
/// Its first nine bytes spell `meshproof`.
pub const PING_SENDER: &str = "6d657368-7072-6f6f-6600-000000000000";

const PING_SENDER_BYTES: [u8; 16] = *b"meshproof\0\0\0\0\0\0\0";

/// The bytes to send to a product port.
pub fn request(port: ProductPort) -> Vec<u8> {
    match port {
        ProductPort::ThinClient => codec::handshake_request(),
        ProductPort::Communication => other(),
        ProductPort::Discovery => discovery_ping(),
        ProductPort::Rest => {
            b"GET /ignite?cmd=version HTTP/1.1\r\nHost: ignite\r\nConnection: close\r\n\r\n"
                .to_vec()
        }
        ProductPort::RestTcp => memcached_version(),
    }
}

/// What is sent to a port that is not the product's: text that no protocol of ours begins with.
pub fn other() -> Vec<u8> {
    b"meshproof probe\r\n".to_vec()
}

/// memcached's binary `version` request: magic 0x80, opcode 0x0b, all other header fields zero.
fn memcached_version() -> Vec<u8> {
    let mut header = vec![0; 24];
    header[0] = 0x80;
    header[1] = 0x0b;
    header
}

/// The discovery header and a `TcpDiscoveryPingRequest`, which a node answers to anybody.
///
/// Ignite 2.16.0 writes discovery messages with Java's object serialisation. Of the message's
/// fields only `id` is sent, for the node reads the sender from it; Java leaves the fields that a
/// stream lacks at their defaults. All classes declare `serialVersionUID` 0.
fn discovery_ping() -> Vec<u8> {
    const STREAM_HEADER: [u8; 4] = [0xac, 0xed, 0x00, 0x05];
    const OBJECT: u8 = 0x73;
    const BLOCK_DATA: u8 = 0x77;
    const END_BLOCK_DATA: u8 = 0x78;
    const SERIALIZABLE: u8 = 0x02;
    const EXTERNALIZABLE_IN_BLOCKS: u8 = 0x0c;
    const MESSAGES: &str = "org.apache.ignite.spi.discovery.tcp.messages";

    let mut out = DISCOVERY_HEADER.to_vec();
    out.extend(STREAM_HEADER);
    out.push(OBJECT);
    class(
        &mut out,
        &format!("{MESSAGES}.TcpDiscoveryPingRequest"),
        SERIALIZABLE,
        None,
    );
    let id = ("id", "Lorg/apache/ignite/lang/IgniteUuid;");
    class(
        &mut out,
        &format!("{MESSAGES}.TcpDiscoveryAbstractMessage"),
        SERIALIZABLE,
        Some(id),
    );
    out.push(NO_SUPERCLASS);
    out.push(OBJECT);
    class(
        &mut out,
        "org.apache.ignite.lang.IgniteUuid",
        EXTERNALIZABLE_IN_BLOCKS,
        None,
    );
    out.push(NO_SUPERCLASS);
    // An IgniteUuid: "the UUID is not null", the UUID, and a local counter (any value will do).
    out.extend([BLOCK_DATA, 1 + 16 + 8, 0]);
    out.extend(PING_SENDER_BYTES);
    out.extend(0u64.to_be_bytes());
    out.push(END_BLOCK_DATA);
    out
}

const NO_SUPERCLASS: u8 = 0x70;

/// A class descriptor of Java's serialisation with `serialVersionUID` 0 and at most one field, up
/// to where its superclass follows.
fn class(out: &mut Vec<u8>, name: &str, flags: u8, field: Option<(&str, &str)>) {
    const CLASS_DESCRIPTOR: u8 = 0x72;
    const STRING: u8 = 0x74;
    const OBJECT_FIELD: u8 = b'L';
    const END_OF_ANNOTATIONS: u8 = 0x78;

    out.push(CLASS_DESCRIPTOR);
    utf(out, name);
    out.extend(0u64.to_be_bytes());
    out.push(flags);
    out.extend(u16::from(field.is_some()).to_be_bytes());
    if let Some((field, type_name)) = field {
        out.push(OBJECT_FIELD);
        utf(out, field);
        out.push(STRING);
        utf(out, type_name);
    }
    out.push(END_OF_ANNOTATIONS);
}

/// A string as Java's `writeUTF` writes it: its length in two bytes, then its bytes (ASCII here).
fn utf(out: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).expect("class and field names are short constants");
    out.extend(length.to_be_bytes());
    out.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{Spoken, first_bytes};

    #[test]
    fn every_request_is_long_enough_to_be_judged_and_is_not_tls() {
        for request in ProductPort::ALL.map(request).into_iter().chain([other()]) {
            assert!(request.len() > 5, "{request:?}");
            assert!(
                !matches!(first_bytes(&request), Spoken::Tls { .. }),
                "{request:?}"
            );
        }
    }

    #[test]
    fn each_request_is_what_its_port_expects() {
        let spoken = ProductPort::ALL.map(|port| first_bytes(&request(port)));
        let expected = [
            Spoken::Http,
            Spoken::ThinClientHandshake,
            Spoken::Memcached,
            Spoken::Other,
            Spoken::DiscoveryHeader,
        ];
        assert_eq!(spoken, expected);
    }

    /// The lengths of the names and of the whole are those of the stream that Ignite 2.16.0 was
    /// seen to answer.
    #[test]
    fn the_discovery_ping_is_the_stream_a_real_node_answered() {
        let ping = discovery_ping();
        assert_eq!(ping.len(), 4 + 297);
        assert_eq!(&ping[..10], b"\x00\x00GG\xac\xed\x00\x05sr");
        assert_eq!(&ping[10..12], [0x00, 0x44]);
        let tail = b"pw\x19\x00meshproof\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0x";
        assert!(ping.ends_with(tail), "{ping:02x?}");
    }

    #[test]
    fn the_ping_introduces_itself_with_the_id_that_the_log_shows() {
        let hex: String = PING_SENDER_BYTES
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(PING_SENDER.replace('-', ""), hex);
    }
}
