//! A `docker` or `kind` for tests, which notes what it is asked and answers what it was told to.

use std::ffi::OsString;
use std::path::Path;

use tempfile::TempDir;

use super::Engine;

/// The script behind every such client. Tests link to it: a program that is written while other
/// threads start some of their own cannot be run.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/lab/fake-client");

/// One client.
pub(super) struct FakeClient {
    folder: TempDir,
    name: &'static str,
    answers: usize,
}

impl FakeClient {
    /// A client of this name that answers everything with nothing.
    pub fn new(name: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(SCRIPT, folder.path().join(name)).unwrap();
        Self {
            folder,
            name,
            answers: 0,
        }
    }

    /// Answers a command line that matches a glob with this output.
    pub fn answers(self, pattern: &str, output: &str) -> Self {
        self.ends(pattern, "0", output, "")
    }

    /// Answers so once it was called with this text.
    pub fn answers_after(self, called: &str, pattern: &str, output: &str) -> Self {
        let client = self.answers(pattern, output);
        let after = client
            .folder
            .path()
            .join(format!("{}.after", client.answers));
        std::fs::write(after, called).unwrap();
        client
    }

    /// Fails on a command line that matches a glob with this error output.
    pub fn fails(self, pattern: &str, error: &str) -> Self {
        self.ends(pattern, "1", "", error)
    }

    /// Never ends on a command line that matches a glob.
    pub fn hangs(self, pattern: &str) -> Self {
        self.ends(pattern, "hang", "", "")
    }

    fn ends(mut self, pattern: &str, code: &str, output: &str, error: &str) -> Self {
        self.answers += 1;
        let place = self.folder.path();
        for (ending, text) in [("out", output), ("err", error), ("code", code)] {
            std::fs::write(place.join(format!("{}.{ending}", self.answers)), text).unwrap();
        }
        let patterns = place.join("patterns");
        let known = std::fs::read_to_string(&patterns).unwrap_or_default();
        std::fs::write(&patterns, format!("{known}{pattern}\n")).unwrap();
        self
    }

    /// The program.
    pub fn program(&self) -> OsString {
        self.folder.path().join(self.name).into()
    }

    /// A folder beside the program, for whatever a test needs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The command lines that it was called with, in their order.
    pub fn calls(&self) -> Vec<String> {
        let noted = std::fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        noted.lines().map(str::to_owned).collect()
    }

    /// An engine that answered through it.
    pub async fn engine(&self) -> Engine {
        Engine::connect_by(self.program()).await.unwrap()
    }
}
