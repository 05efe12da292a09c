//! The parts of a lab that somebody may bring an image of their own for.

use std::fmt;
use std::str::FromStr;

/// One such part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The image that nodes are made from.
    Node,
    /// istiod.
    Pilot,
    /// The proxy.
    Proxyv2,
    /// The image that carries the `istioctl` program.
    Istioctl,
    /// Apache Ignite.
    Ignite,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 5] = [
        Self::Node,
        Self::Pilot,
        Self::Proxyv2,
        Self::Istioctl,
        Self::Ignite,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Pilot => "pilot",
            Self::Proxyv2 => "proxyv2",
            Self::Istioctl => "istioctl",
            Self::Ignite => "ignite",
        }
    }

    /// The part that a recipe's image is, by the recipe's name.
    pub fn of_recipe(name: &str) -> Option<Self> {
        let name = name.rsplit('/').next().unwrap_or(name);
        Self::ALL.into_iter().find(|part| part.name() == name)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Part {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let found = Self::ALL.into_iter().find(|part| part.name() == text);
        found.ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_recipes_known() {
        for part in Part::ALL {
            assert_eq!(part.name().parse(), Ok(part));
        }
        assert_eq!(Part::of_recipe("istio/pilot"), Some(Part::Pilot));
        assert_eq!(Part::of_recipe("node"), Some(Part::Node));
        assert_eq!(Part::of_recipe("etcd"), None);
    }
}
