//! `report.json`: a whole run, to be read by programs and by later versions of Meshproof.

use serde_json::Value;

use crate::outcome::{Run, SCHEMA_VERSION};

/// Why a text is not a report that this version can read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not JSON.
    #[error("the report is not JSON ({0}); was it written to its end?")]
    NotJson(serde_json::Error),
    /// It is JSON, but says no schema version.
    #[error("the report has no `schema_version`, so Meshproof did not write it")]
    NoVersion,
    /// It was written under another schema version.
    #[error(
        "the report has schema version {found}, this Meshproof reads {SCHEMA_VERSION}; \
         read it with the Meshproof that wrote it ({writer}), or run again"
    )]
    OtherVersion {
        /// The version in the report.
        found: u64,
        /// The Meshproof that wrote it, as far as the report tells.
        writer: String,
    },
    /// It claims this schema version and does not keep to it.
    #[error("the report claims schema version {SCHEMA_VERSION} and does not keep to it: {0}")]
    Shape(serde_json::Error),
}

/// The text of `report.json`.
///
/// # Errors
/// When a value cannot be written as JSON.
pub fn render(run: &Run) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(run)?;
    text.push('\n');
    Ok(text)
}

/// Reads the text of a `report.json`.
///
/// The schema version is looked at before anything else, since another one's fields mean nothing.
///
/// # Errors
/// Text that is no JSON, has no or another schema version, or does not have the fields of this one.
pub fn parse(text: &str) -> Result<Run, ReadError> {
    let value: Value = serde_json::from_str(text).map_err(ReadError::NotJson)?;
    let found = value
        .get("schema_version")
        .and_then(Value::as_u64)
        .ok_or(ReadError::NoVersion)?;
    if found != u64::from(SCHEMA_VERSION) {
        let writer = value.get("meshproof").and_then(Value::as_str);
        let writer = writer.map_or("version not told".into(), |v| format!("version {v}"));
        return Err(ReadError::OtherVersion { found, writer });
    }
    serde_json::from_value(value).map_err(ReadError::Shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_report_is_read_back_as_it_was_written() {
        for run in [
            sample::green(),
            sample::news(),
            sample::nothing(),
            sample::repeated(),
        ] {
            let text = render(&run).expect("a report");
            assert_eq!(parse(&text).expect("our own report"), run);
        }
    }

    #[test]
    fn the_format_is_as_on_record() {
        insta::assert_snapshot!(render(&sample::green()).expect("a report"));
    }

    #[test]
    fn another_schema_version_is_named_with_its_writer() {
        let text = r#"{"schema_version": 99, "meshproof": "7.0.0", "outcomes": "elsewhere"}"#;
        let error = parse(text).expect_err("another schema version");
        assert_eq!(
            error.to_string(),
            "the report has schema version 99, this Meshproof reads 1; read it with the Meshproof \
             that wrote it (version 7.0.0), or run again"
        );
    }

    #[test]
    fn what_is_no_report_is_told_apart() {
        assert!(matches!(
            parse("{\"schema_version\": 1,"),
            Err(ReadError::NotJson(_))
        ));
        assert!(matches!(parse("{}"), Err(ReadError::NoVersion)));
        assert!(matches!(parse("[1]"), Err(ReadError::NoVersion)));
        assert!(matches!(
            parse("{\"schema_version\": 1}"),
            Err(ReadError::Shape(_))
        ));
    }
}
