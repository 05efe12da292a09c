//! istioctl's own analysis of a namespace, read from what it prints.
//!
//! Its exit code tells nothing: in its JSON form it ends with 0 whether it found errors or not, and
//! for a namespace that is not there as well (seen with 1.31.0-dev.20260827). So the findings are
//! what standard output holds, and an output without a list is an error.

use serde::Deserialize;

use super::{Install, MeshError};

/// How long istioctl's analysis may take, in the form of its own flag.
const LIMIT: &str = "30s";

/// One finding of `istioctl analyze`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Message {
    /// Its code, such as `IST0101`.
    pub code: String,
    /// `Error`, `Warning` or `Info`.
    pub level: String,
    /// What it says.
    pub message: String,
    /// Kind, namespace and name of the object; none where it is about no single one.
    pub origin: Option<String>,
}

impl std::fmt::Display for Message {
    /// The line that istioctl prints for a person.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} [{}] ", self.level, self.code)?;
        if let Some(origin) = &self.origin {
            write!(f, "({origin}) ")?;
        }
        f.write_str(&self.message)
    }
}

impl Install {
    /// Runs `istioctl analyze` on one namespace of the live cluster.
    ///
    /// # Errors
    /// When istioctl cannot be run, ends with an error of its own, or prints no list of findings.
    pub async fn analyze(&self, namespace: &str) -> Result<Vec<Message>, MeshError> {
        let unreadable = |reason: String| MeshError::Unreadable {
            what: format!("istioctl's analysis of the namespace {namespace}"),
            reason,
        };
        let output = self
            .on_the_cluster("analyze")
            .args(["--output", "json", "--timeout", LIMIT])
            .args(["--namespace", namespace])
            .run()
            .await
            .map_err(|error| unreadable(error.to_string()))?;
        parse(&output.stdout, &output.stderr).map_err(unreadable)
    }
}

/// Reads the list of findings; lines of istioctl's own log may stand before it.
fn parse(stdout: &str, stderr: &str) -> Result<Vec<Message>, String> {
    let mut at = 0;
    for line in stdout.split_inclusive('\n') {
        if matches!(line.trim(), "[" | "[]") {
            return serde_json::from_str(&stdout[at..]).map_err(|error| error.to_string());
        }
        at += line.len();
    }
    let said = [stdout, stderr].join("\n");
    match said.lines().map(str::trim).rfind(|line| !line.is_empty()) {
        Some(last) => Err(format!("it printed no list, but: {last}")),
        None => Err("it printed nothing".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by istioctl 1.31.0-dev.20260827 for a VirtualService without its Gateway; it ended
    /// with 0.
    const RECORDED: &str = include_str!("../../fixtures/mesh/analyze.json");

    #[test]
    fn findings_are_read_and_printed_as_istioctl_prints_them() {
        let found = parse(RECORDED, "").unwrap();
        let lines: Vec<String> = found.iter().map(Message::to_string).collect();
        assert_eq!(
            lines,
            [
                "Error [IST0101] (VirtualService ignite/ignite-client) Referenced gateway not found: \"ignite-gateway\"",
                "Warning [IST0132] (VirtualService ignite/ignite-client) one or more host [*] defined in VirtualService ignite/ignite-client not found in Gateway ignite/ignite-gateway."
            ]
        );
    }

    #[test]
    fn istioctls_own_log_may_stand_before_the_list() {
        let warned = "2026-11-25T02:07:02.632204Z\twarn\tfile\terror processing b.yaml[0]\n[]\n";
        assert_eq!(parse(warned, ""), Ok(vec![]));
    }

    #[test]
    fn no_list_is_an_error_and_not_an_empty_one() {
        let error = parse("", "namespace \"gone\" not found\n").unwrap_err();
        assert_eq!(
            error,
            "it printed no list, but: namespace \"gone\" not found"
        );
        assert_eq!(parse("", ""), Err("it printed nothing".into()));
        assert!(parse("[\n{\"code\": 1}\n]\n", "").is_err());
    }
}
