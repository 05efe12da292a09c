//! On which numbers the product's ports are served: a node that finds its own in use takes the next
//! that is free, and rules about connections have to follow it there.

use std::fmt;

use meshproof_protocol::ports::ProductPort;

use super::view::ProductPod;

/// A port of the product, with the number on which a node serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Served {
    /// What it is for.
    pub port: ProductPort,
    number: u16,
}

impl Served {
    /// The number on which it is served.
    pub fn number(self) -> u16 {
        self.number
    }

    /// The port on its own number.
    #[cfg(test)]
    pub fn on_its_own(port: ProductPort) -> Self {
        Self {
            port,
            number: port.number(),
        }
    }
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.port.name(), self.number)
    }
}

impl ProductPod<'_> {
    /// The number on which the node serves a port, as its log tells it.
    pub fn served(&self, port: ProductPort) -> Served {
        let told = self
            .log
            .as_ref()
            .and_then(|log| log.bound_for(port.number()));
        let number = told.unwrap_or(port.number());
        Served { port, number }
    }

    /// What the node serves on a number: the product's own numbers always count, since something of
    /// a node's was meant to reach it there, and others where its log says so. Of a node whose log does
    /// not say it every number that nodes try counts.
    pub fn serves(&self, number: u16) -> Option<Served> {
        let port = ProductPort::served_by(number)?;
        let so = match &self.log {
            _ if port.number() == number => true,
            Some(log) if log.bound_for(port.number()).is_some() => log.listens_on(number),
            Some(log) if !log.lacks_its_start() && !log.is_quiet() => log.listens_on(number),
            _ => true,
        };
        so.then_some(Served { port, number })
    }
}
