//! Trials of this very program: it lists without an engine, and without a lab it fails once.
//!
//! Each runs the program again with a `docker` of its own first on the path, which notes that it
//! was asked and then fails as a client does whose engine is down. So "touches no engine" is seen
//! and not assumed, and the note is known to be taken where an engine is needed.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::{fs, io};

use libtest_mimic::{Failed, Trial};
use meshproof::trials;
use tempfile::TempDir;

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("interface::the-list-touches-no-engine", list),
        Trial::test(
            "interface::a-filter-that-selects-no-scenario-touches-no-engine",
            filter,
        ),
        Trial::test(
            "interface::without-a-lab-one-trial-fails-and-names-the-cure",
            no_lab,
        ),
    ]
}

/// Selects the checkpoints and none of the cases.
const SOME: &str = "C";

/// An engine that does not answer, and folders that hold nothing.
struct NoEngine(TempDir);

impl NoEngine {
    fn new() -> io::Result<Self> {
        let place = Self(tempfile::tempdir()?);
        let docker = place.0.path().join("docker");
        let note = place.note();
        let script = format!(
            "#!/bin/sh\necho \"$*\" >>'{}'\necho 'no engine in this test' >&2\nexit 1\n",
            note.display()
        );
        fs::write(&docker, script)?;
        fs::set_permissions(&docker, fs::Permissions::from_mode(0o755))?;
        Ok(place)
    }

    fn note(&self) -> PathBuf {
        self.0.path().join("asked")
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs this program with these arguments, on this engine alone.
    fn run(&self, arguments: &[&str]) -> io::Result<Output> {
        let mut program = Command::new(std::env::current_exe()?);
        // What the environment asks of the outer run is none of the inner one's.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MESHPROOF_") {
                program.env_remove(name);
            }
        }
        program
            .args(arguments)
            .env("PATH", self.0.path())
            .env("MESHPROOF_CACHE_DIR", self.folder("cache"))
            .env("MESHPROOF_STATE_DIR", self.folder("state"))
            .output()
    }
}

fn list() -> Result<(), Failed> {
    let engine = NoEngine::new()?;
    let output = engine.run(&["--list"])?;
    let listed = text(&output);
    expect(output.status.success(), "it ends well", &listed)?;
    for about in super::scenarios() {
        let line = format!("[{}] {}: test", trials::KIND, trials::name(&about));
        expect(listed.lines().any(|l| l == line), &line, &listed)?;
    }
    expect(!engine.note().exists(), "the engine is not asked", &listed)
}

fn filter() -> Result<(), Failed> {
    let engine = NoEngine::new()?;
    let output = engine.run(&["a-name-that-nothing-has"])?;
    let said = text(&output);
    expect(output.status.success(), "it ends well", &said)?;
    expect(said.contains("running 0 tests"), "nothing runs", &said)?;
    expect(!engine.note().exists(), "the engine is not asked", &said)
}

fn no_lab() -> Result<(), Failed> {
    let engine = NoEngine::new()?;
    // A filter does not hide the failure. These trials are left out, or each would run the other.
    let output = engine.run(&[SOME, "--skip", "interface::"])?;
    let said = text(&output);
    expect(
        output.status.code() == Some(101),
        "it ends as a failed test does",
        &said,
    )?;
    let mut names: Vec<String> = super::scenarios().iter().map(trials::name).collect();
    let all = names.len();
    names.retain(|name| name.contains(SOME));
    let some = !names.is_empty() && names.len() < all;
    expect(some, "the filter selects some, and not all", &said)?;
    let counted = format!("0 passed; 1 failed; {} ignored", names.len());
    expect(said.contains(&counted), &counted, &said)?;
    expect(
        said.contains("---- lab ----"),
        "it is the lab that fails",
        &said,
    )?;
    expect(
        said.contains("no engine in this test"),
        "what the client said is told",
        &said,
    )?;
    expect(said.contains("run ci/setup"), "the cure is named", &said)?;
    expect(engine.note().exists(), "the engine was asked", &said)?;
    for folder in ["cache", "state"] {
        expect(!engine.folder(folder).exists(), "nothing is made", &said)?;
    }
    Ok(())
}

fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    )
}

fn expect(holds: bool, what: &str, said: &str) -> Result<(), Failed> {
    if holds {
        Ok(())
    } else {
        Err(format!("expected: {what}; the program said:\n{said}").into())
    }
}
