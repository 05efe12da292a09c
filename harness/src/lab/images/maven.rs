//! Gathers jars from Maven Central through Maven, each with the digest on record.

use std::path::Path;

use super::key::sha256;
use crate::lab::LabError;
use crate::process::Program;

/// Copies the runtime dependencies of a POM into a folder and checks each against `digests`
/// (lines of `sha256sum`).
///
/// # Errors
/// When Maven fails, or a jar is missing, unknown or not as on record.
pub async fn jars(pom: &str, digests: &str, into: &Path) -> Result<(), LabError> {
    let pom_file = into.join(".pom.xml");
    std::fs::write(&pom_file, pom).map_err(LabError::file("writing", &pom_file))?;
    Program::new("mvn")
        // -C: a checksum that the repository itself contradicts is an error, not a warning.
        .args(["--batch-mode", "--quiet", "--strict-checksums", "--file"])
        .arg(&pom_file)
        .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
        .arg(format!("-DoutputDirectory={}", into.display()))
        .run()
        .await
        .map_err(LabError::program(
            "gathering Ignite's jars from Maven Central",
        ))?;
    std::fs::remove_file(&pom_file).map_err(LabError::file("removing", &pom_file))?;
    let on_record: Vec<(&str, &str)> = digests
        .lines()
        .filter_map(|line| line.split_once("  "))
        .collect();
    for (expected, name) in &on_record {
        let path = into.join(name);
        let bytes = std::fs::read(&path).map_err(LabError::file("reading", &path))?;
        let found = sha256(&bytes);
        if found != *expected {
            let (what, expected) = ((*name).to_owned(), (*expected).to_owned());
            return Err(LabError::Tampered {
                what,
                expected,
                found,
                path,
            });
        }
    }
    let entries = std::fs::read_dir(into).map_err(LabError::file("reading", into))?;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !on_record.iter().any(|(_, known)| *known == name) {
            return Err(LabError::Unexpected {
                what: "Maven's set of jars".into(),
                found: format!("{name}, which is not on record"),
                cure: "record its digest beside the recipe once it is known to belong".into(),
            });
        }
    }
    Ok(())
}
