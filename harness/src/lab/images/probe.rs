//! Finds the probe's program on this machine. Whoever sets the lab up has made it; nothing here
//! calls a compiler.

use std::path::PathBuf;

use crate::lab::LabError;
use crate::process::Program;

/// The probe's binary, as found on this machine.
#[derive(Debug, Clone)]
pub struct ProbeBinary {
    /// Where it lies.
    pub path: PathBuf,
    /// What it says of itself: its version, and the name of the sources that it was made from.
    pub version: String,
}

impl ProbeBinary {
    /// Finds the probe: `MESHPROOF_PROBE`, else beside the running program; none where there is
    /// none that tells its version.
    pub async fn find() -> Option<Self> {
        let named = std::env::var_os("MESHPROOF_PROBE").map(PathBuf::from);
        let beside = || {
            let program = std::env::current_exe().ok()?;
            // A test's program lies one folder below the binaries.
            program
                .ancestors()
                .skip(1)
                .take(2)
                .map(|folder| folder.join("meshproof-probe"))
                .find(|path| path.is_file())
        };
        let path = named.or_else(beside)?;
        let told = Program::new(&path).arg("--version").run().await.ok()?;
        Some(Self {
            path,
            version: told.stdout.trim().to_owned(),
        })
    }

    /// As [`ProbeBinary::find`].
    ///
    /// # Errors
    /// [`LabError::ProbeMissing`] where there is none.
    pub async fn find_or_tell() -> Result<Self, LabError> {
        Self::find().await.ok_or(LabError::ProbeMissing)
    }
}
