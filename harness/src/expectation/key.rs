//! What an expectation is kept under: scenario, Istio build, sidecar mode, proxy kind.

use std::fmt;
use std::str::FromStr;

use super::BuildId;

/// A word that is none of those a field may hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a {field}; write {choices}")]
pub struct UnknownWord {
    /// What the field is called.
    field: &'static str,
    /// What was written.
    word: String,
    /// What may be written.
    choices: &'static str,
}

/// How the sidecar is placed in a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SidecarMode {
    /// An init container that keeps running beside the product.
    Native,
    /// An ordinary container beside the product's.
    Classic,
}

impl FromStr for SidecarMode {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word {
            "native" => Ok(Self::Native),
            "classic" => Ok(Self::Classic),
            _ => Err(UnknownWord {
                field: "sidecar mode",
                word: word.to_owned(),
                choices: "`native` or `classic`",
            }),
        }
    }
}

impl fmt::Display for SidecarMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::Classic => "classic",
        })
    }
}

/// Which Envoy the proxies are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProxyKind {
    /// Envoy with Istio's own filters, as the Istio project releases it.
    IstioFilters,
    /// Envoy alone: what needs `istio.stats` and its kin cannot be seen.
    CoreEnvoy,
}

impl ProxyKind {
    /// The kind, by whether a live proxy was seen to carry Istio's own filters.
    pub fn of(istio_filters: bool) -> Self {
        if istio_filters {
            Self::IstioFilters
        } else {
            Self::CoreEnvoy
        }
    }
}

impl FromStr for ProxyKind {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word {
            "istio-filters" => Ok(Self::IstioFilters),
            "core-envoy" => Ok(Self::CoreEnvoy),
            _ => Err(UnknownWord {
                field: "proxy kind",
                word: word.to_owned(),
                choices: "`istio-filters` or `core-envoy`",
            }),
        }
    }
}

impl fmt::Display for ProxyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IstioFilters => "istio-filters",
            Self::CoreEnvoy => "core-envoy",
        })
    }
}

/// What all scenarios of one run stood on: a key without its scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// The Istio build.
    pub build: BuildId,
    /// How the sidecar is placed.
    pub sidecar: SidecarMode,
    /// Which Envoy the proxies are.
    pub proxy: ProxyKind,
}

impl Ground {
    /// The key of a scenario on it.
    pub fn key(&self, scenario: &str) -> Key {
        Key {
            scenario: scenario.to_owned(),
            build: self.build.clone(),
            sidecar: self.sidecar,
            proxy: self.proxy,
        }
    }
}

/// What an expectation is kept under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The scenario's id: `C1`, `C6a`.
    pub scenario: String,
    /// The Istio build.
    pub build: BuildId,
    /// How the sidecar is placed.
    pub sidecar: SidecarMode,
    /// Which Envoy the proxies are.
    pub proxy: ProxyKind,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scenario,
            build,
            sidecar,
            proxy,
        } = self;
        write!(
            f,
            "{scenario} on Istio {build}, {sidecar} sidecars, {proxy}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_and_kinds_are_read_as_they_are_written() {
        for mode in [SidecarMode::Native, SidecarMode::Classic] {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        for kind in [ProxyKind::IstioFilters, ProxyKind::CoreEnvoy] {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!(ProxyKind::of(true), ProxyKind::IstioFilters);
        assert_eq!(ProxyKind::of(false), ProxyKind::CoreEnvoy);
        let error = "Native".parse::<SidecarMode>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`Native` is not a sidecar mode; write `native` or `classic`"
        );
    }
}
