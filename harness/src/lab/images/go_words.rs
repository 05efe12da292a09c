//! What Go says when a build fails, as far as a person can do something about it.

use crate::lab::LabError;
use crate::process::ProcessError;

/// The error of a build: a module that the proxy does not serve is told in one sentence, anything else
/// by Go's own last words.
pub(super) fn not_compiled(what: &str, programs: &str, error: ProcessError) -> LabError {
    if let ProcessError::Ended { tail, .. } = &error
        && let Some((needs, said)) = tail.lines().find_map(not_served)
    {
        return LabError::ModuleNotServed {
            what: what.to_owned(),
            needs: needs.to_owned(),
            said: said.to_owned(),
        };
    }
    LabError::program(format!("compiling {programs}"))(error)
}

/// The module with its version, and the proxy's status, of a line that says it has none.
fn not_served(line: &str) -> Option<(&str, &str)> {
    let (before, after) = line.split_once(": reading http")?;
    let needs = before.rsplit(' ').next()?;
    let (_, said) = after.split_once(": ")?;
    let refused = ["403", "404", "410"]
        .iter()
        .any(|status| said.starts_with(status));
    (refused && needs.contains('@')).then_some((needs, said))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(tail: &str) -> String {
        let error = ProcessError::Ended {
            command: "go build".into(),
            status: "exit status: 1".into(),
            tail: tail.into(),
        };
        not_compiled("Istio v0.0.0-1", "pilot-discovery", error).to_string()
    }

    #[test]
    fn a_module_that_is_not_served_is_named() {
        let told = ended(
            "mod/istio.io/istio@v0.0.0-1/pkg/a.go:408:2: istio.io/api@v1.30.4-0.2: reading \
             https://proxy.example/istio.io/api/@v/v1.30.4-0.2.zip: 403 Forbidden\n\tserver response: \
             This module version is not available.",
        );
        assert_eq!(
            told,
            "Istio v0.0.0-1 needs the Go module istio.io/api@v1.30.4-0.2, which the module proxy does \
             not serve (403 Forbidden); name another version, or set GOPROXY to a proxy that has it"
        );
        assert!(
            ended("go: a.b/c@v1: reading https://proxy.example/c: 404 Not Found")
                .contains("a.b/c@v1")
        );
    }

    #[test]
    fn other_failures_keep_gos_own_words() {
        for tail in [
            "pkg/a.go:1:2: undefined: x",
            "a.b/c@v1: reading https://proxy.example/c: 500 Internal Server Error",
        ] {
            let told = ended(tail);
            assert!(
                told.contains(tail) && told.contains("compiling pilot-discovery"),
                "{told}"
            );
        }
    }
}
