//! The ports of an Ignite node that the guide's words "every connection" cover.
//!
//! Only their names and numbers. Which of them a Service declares is in the guide's manifests;
//! what is sent to each is in [`crate::plaintext`].

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// How many ports a node tries, its own with them.
const TRIED: u16 = 100;

/// A port on which a node of the guide's cluster listens (the container ports of its StatefulSet).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u16)]
pub enum ProductPort {
    /// REST over HTTP (the `ignite-rest-http` module, Jetty).
    Rest = 8080,
    /// Thin clients. The client speaks first.
    ThinClient = 10800,
    /// The binary REST connector. It speaks memcached's binary protocol, Redis and Ignite's own.
    RestTcp = 11211,
    /// Node to node: data and the partition map exchange. The **acceptor** speaks first.
    Communication = 47100,
    /// Node to node: membership. The connecting side speaks first.
    Discovery = 47500,
}

impl ProductPort {
    /// All of them, by number.
    pub const ALL: [Self; 5] = [
        Self::Rest,
        Self::ThinClient,
        Self::RestTcp,
        Self::Communication,
        Self::Discovery,
    ];

    /// The TCP port number.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The name used in output, for example `thin-client`; serde writes the same.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::ThinClient => "thin-client",
            Self::RestTcp => "rest-tcp",
            Self::Communication => "communication",
            Self::Discovery => "discovery",
        }
    }

    /// The numbers that a node tries for it, one after the other, until one is free.
    pub const fn tried(self) -> Range<u16> {
        self.number()..self.number() + TRIED
    }

    /// The product's port for which a node may listen on this number: its own, or one of those that
    /// are tried after it.
    pub fn served_by(number: u16) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|port| port.tried().contains(&number))
    }

    /// The product's port with this number, if it is one.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|port| port.number() == number)
    }
}

impl fmt::Display for ProductPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_is_found_by_its_number_and_written_by_its_name() {
        for port in ProductPort::ALL {
            assert_eq!(ProductPort::from_number(port.number()), Some(port));
            assert_eq!(serde_json::to_value(port).unwrap(), port.name());
        }
        assert_eq!(ProductPort::from_number(443), None);
    }

    #[test]
    fn the_next_free_number_serves_the_same_port() {
        for (number, port) in [
            (47100, Some(ProductPort::Communication)),
            (47101, Some(ProductPort::Communication)),
            (47199, Some(ProductPort::Communication)),
            (47501, Some(ProductPort::Discovery)),
            (8081, Some(ProductPort::Rest)),
            (47200, None),
            (47499, None),
            (443, None),
        ] {
            assert_eq!(ProductPort::served_by(number), port, "{number}");
        }
    }

    #[test]
    fn the_numbers_are_those_of_the_guides_manifest() {
        let numbers = ProductPort::ALL.map(ProductPort::number);
        assert_eq!(numbers, [8080, 10800, 11211, 47100, 47500]);
    }
}
