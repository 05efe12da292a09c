//! The report of one plaintext attempt: the JSON that the probe prints and the harness reads.
//!
//! Plain data. The probe makes the attempts; what they prove, together with the proxy's counters
//! and the node's log, is judged by the harness.

use serde::{Deserialize, Serialize};

use crate::{classify::Spoken, ports::ProductPort};

/// How many of the received bytes [`Attempt::received`] shows.
pub const SHOWN: usize = 64;

/// One plaintext connection to one port, from connecting to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// The TCP port that was tried.
    pub port: u16,
    /// The IP address that was tried.
    pub address: String,
    /// Whether TCP connected. In front of a mesh proxy it nearly always does: the proxy accepts.
    pub connected: bool,
    /// How many bytes the kernel took from us.
    pub sent_bytes: usize,
    /// How many bytes came back before the attempt ended.
    pub received_bytes: usize,
    /// The first [`SHOWN`] received bytes in lower-case hex.
    pub received: String,
    /// What the received bytes are.
    pub spoken: Spoken,
    /// How it ended.
    pub ended: Ended,
    /// From the start of connecting to the end, in milliseconds.
    pub milliseconds: u64,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum Ended {
    /// The other side reset the connection (RST).
    Reset,
    /// The other side closed it in order (FIN).
    ClosedByPeer,
    /// It was still open when we hung up: an answer had come, or the time was over.
    StillOpen,
    /// TCP did not connect.
    ConnectFailed {
        /// What the operating system said, or that the time was over.
        error: String,
    },
    /// It broke in another way after TCP had connected, for example because the host was lost.
    Failed {
        /// What the operating system said.
        error: String,
    },
}

impl Attempt {
    /// The product's port, if it was one.
    pub fn product_port(&self) -> Option<ProductPort> {
        ProductPort::from_number(self.port)
    }

    /// Whether the port answered: the positive control, and under STRICT the breach.
    pub fn was_answered(&self) -> bool {
        self.received_bytes > 0
    }

    /// Whether the connection was reset without one byte, as a proxy under STRICT does.
    pub fn was_reset_without_a_byte(&self) -> bool {
        self.ended == Ended::Reset && self.received_bytes == 0
    }
}

/// Bytes in lower-case hex, without separators.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(ended: Ended, received_bytes: usize) -> Attempt {
        Attempt {
            port: 10800,
            address: "10.244.0.15".to_owned(),
            connected: true,
            sent_bytes: 12,
            received_bytes,
            received: hex(&[0x01, 0x00, 0x00, 0x00, 0x01][..received_bytes]),
            spoken: Spoken::Nothing,
            ended,
            milliseconds: 3,
        }
    }

    #[test]
    fn only_a_reset_without_a_byte_counts_as_one() {
        assert!(attempt(Ended::Reset, 0).was_reset_without_a_byte());
        assert!(!attempt(Ended::Reset, 5).was_reset_without_a_byte());
        assert!(!attempt(Ended::ClosedByPeer, 0).was_reset_without_a_byte());
        assert!(!attempt(Ended::StillOpen, 0).was_reset_without_a_byte());
    }

    #[test]
    fn the_json_is_the_contract_between_the_probe_and_the_harness() {
        let json = serde_json::to_value(attempt(Ended::Reset, 5)).unwrap();
        let expected = serde_json::json!({
            "port": 10800,
            "address": "10.244.0.15",
            "connected": true,
            "sent_bytes": 12,
            "received_bytes": 5,
            "received": "0100000001",
            "spoken": {"protocol": "nothing"},
            "ended": {"how": "reset"},
            "milliseconds": 3,
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn an_attempt_is_read_back_as_it_was_written() {
        let failed = Ended::ConnectFailed {
            error: "connection refused".to_owned(),
        };
        for ended in [Ended::StillOpen, Ended::ClosedByPeer, failed] {
            let written = attempt(ended, 0);
            let json = serde_json::to_string(&written).unwrap();
            assert_eq!(serde_json::from_str::<Attempt>(&json).unwrap(), written);
        }
    }
}
