//! Values of options that are more than a text: how they are read, and what is said of wrong ones.

use clap::ValueEnum;
use meshproof_harness::lab::IstioBuild;
use meshproof_harness::lab::images::pins;
use meshproof_harness::mesh::SidecarMode;
use meshproof_harness::scenario::Mutation;

/// How pods get their sidecar.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Sidecar {
    Auto,
    Native,
    Classic,
}

impl From<Sidecar> for SidecarMode {
    fn from(sidecar: Sidecar) -> Self {
        match sidecar {
            Sidecar::Auto => Self::Auto,
            Sidecar::Native => Self::Native,
            Sidecar::Classic => Self::Classic,
        }
    }
}

/// Which part of every case is left out.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Mutate {
    /// Do not make the fault.
    NoFault,
    /// Do not apply the remedy.
    NoRemedy,
}

impl From<Mutate> for Mutation {
    fn from(mutate: Mutate) -> Self {
        match mutate {
            Mutate::NoFault => Self::NoFault,
            Mutate::NoRemedy => Self::NoRemedy,
        }
    }
}

/// A whole number above 0.
///
/// # Errors
/// One sentence for anything else.
pub fn at_least_one<N: std::str::FromStr + PartialOrd + From<u8>>(text: &str) -> Result<N, String> {
    match text.parse::<N>() {
        Ok(number) if number >= N::from(1) => Ok(number),
        _ => Err("a whole number of 1 or more is needed".into()),
    }
}

/// The pinned build of an id.
///
/// # Errors
/// One sentence with the ids that there are.
pub fn istio_build(id: &str) -> Result<IstioBuild, String> {
    pins::istio_build(id)
        .ok_or_else(|| format!("no such Istio build; known: {}", pins::known_builds()))
}

/// A factor on limits.
///
/// # Errors
/// One sentence where it is no number above 0.
pub fn scale(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(scale) if scale.is_finite() && scale > 0.0 => Ok(scale),
        _ => Err("a number above 0 is needed".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_build_names_the_known_ones() {
        let error = istio_build("1.2.3").unwrap_err();
        assert!(error.contains(pins::DEFAULT_ISTIO), "{error}");
    }

    #[test]
    fn a_scale_must_be_a_number_above_zero() {
        assert_eq!(scale("2.5"), Ok(2.5));
        for wrong in ["0", "-1", "NaN", "inf", "x"] {
            assert!(scale(wrong).is_err(), "{wrong}");
        }
    }
}
