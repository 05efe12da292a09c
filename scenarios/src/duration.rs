//! A duration as a person types it: `20m`, `1h30m`, `90s`.

use std::time::Duration;

use jiff::SignedDuration;

/// Reads a duration above zero.
///
/// # Errors
/// One sentence with examples.
pub fn parse(text: &str) -> Result<Duration, String> {
    let read = text.trim().parse::<SignedDuration>().ok();
    let read = read.and_then(|duration| Duration::try_from(duration).ok());
    read.filter(|duration| !duration.is_zero())
        .ok_or_else(|| "a duration above 0 with its unit is needed, such as 20m or 1h30m".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit_and_is_above_zero() {
        for (text, seconds) in [("20m", 1200), ("1h30m", 5400), ("90s", 90), ("2h", 7200)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["20", "0s", "-5m", "soon", ""] {
            assert!(parse(wrong).unwrap_err().contains("20m"), "{wrong}");
        }
    }
}
