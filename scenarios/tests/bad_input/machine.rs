//! A person's machine: a home with their kubeconfig, and a `docker` that says what it is told to.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// How long a person waits to be told.
pub const LIMIT: Duration = Duration::from_secs(5);
/// A client that answers from files beside its link.
const FAKE_CLIENT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../harness/fixtures/lab/fake-client"
);
/// A kubeconfig as a person has one, with what a careless rewriting would lose.
const KUBECONFIG: &str = "# mine\napiVersion: v1\nkind: Config\ncurrent-context:   prod\n";

/// What a command may leave in our own cache although it could not do its work: the lock of whoever
/// makes something there, and what a registry said when it was asked.
const MAY_STAY: &[&str] = &[
    "home/.cache",
    "home/.cache/meshproof",
    "home/.cache/meshproof/build.lock",
    "home/.cache/meshproof/registry.json",
];

/// A home, and a `docker` that fails in its way.
pub struct Machine(TempDir);

impl Machine {
    /// With a client that answers these command lines (globs) with these codes, outputs and errors.
    pub fn with(answers: &[(&str, &str, &str, &str)]) -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        let bin = machine.path("bin");
        fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(FAKE_CLIENT, bin.join("docker")).unwrap();
        let mut patterns = String::new();
        for (number, (pattern, code, output, error)) in (1..).zip(answers) {
            patterns.push_str(&format!("{pattern}\n"));
            for (ending, text) in [("code", code), ("out", output), ("err", error)] {
                fs::write(bin.join(format!("{number}.{ending}")), text).unwrap();
            }
        }
        fs::write(bin.join("patterns"), patterns).unwrap();
        fs::create_dir_all(machine.path("home/.kube")).unwrap();
        fs::write(machine.kubeconfig(), KUBECONFIG).unwrap();
        machine
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.path("home/.kube/config")
    }

    /// The program with these arguments, on this machine.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_meshproof"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if ["MESHPROOF_", "XDG_", "DOCKER_"]
                .iter()
                .any(|p| name.starts_with(p))
            {
                program.env_remove(&*name);
            }
        }
        program
            .args(arguments)
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", self.path("bin").display()),
            )
            .env("HOME", self.path("home"))
            .env("KUBECONFIG", self.kubeconfig())
            // Where a test lays one; else there is none.
            .env("MESHPROOF_PROBE", self.path("bin/probe"));
        program
    }

    /// Runs the program; says what came and how long it took.
    pub fn run(&self, arguments: &[&str]) -> (Output, Duration) {
        let begun = Instant::now();
        let output = self.program(arguments).output().unwrap();
        (output, begun.elapsed())
    }

    /// Everything that is there.
    pub fn tree(&self) -> Vec<PathBuf> {
        let mut left = vec![self.path("home")];
        let mut seen = vec![];
        while let Some(path) = left.pop() {
            if path.is_dir() {
                left.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
            }
            seen.push(path);
        }
        seen.sort();
        seen
    }

    /// The one sentence that the program ends with, when nothing else came of it.
    pub fn refuses(&self, arguments: &[&str]) -> String {
        let before = self.tree();
        let (output, took) = self.run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(took < LIMIT, "{arguments:?} took {took:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{arguments:?}");
        let kept = fs::read_to_string(self.kubeconfig()).unwrap();
        assert_eq!(kept, KUBECONFIG, "the user's kubeconfig was touched");
        let left: Vec<PathBuf> = self
            .tree()
            .into_iter()
            .filter(|p| !before.contains(p))
            .collect();
        let may_stay = |path: &PathBuf| MAY_STAY.iter().any(|name| *path == self.path(name));
        assert!(left.iter().all(may_stay), "{arguments:?} left {left:?}");
        let lost = before.iter().find(|path| !path.exists());
        assert_eq!(lost, None, "{arguments:?} lost something");
        said
    }

    pub fn sentence(&self, arguments: &[&str]) -> String {
        let said = self.refuses(arguments);
        // Beside it there may be lines about what is being done.
        let ours = said
            .lines()
            .filter_map(|line| line.strip_prefix("meshproof: "));
        let ours: Vec<&str> = ours.collect();
        assert_eq!(ours.len(), 1, "{said}");
        let sentence = ours[0];
        assert!(sentence.contains("; "), "no cure: {sentence}");
        sentence.to_owned()
    }

    /// Puts a program in the place of the probe that only tells a version.
    pub fn has_a_probe(&self) {
        std::os::unix::fs::symlink(FAKE_CLIENT, self.path("bin/probe")).unwrap();
    }

    pub fn calls(&self) -> String {
        fs::read_to_string(self.path("bin/calls")).unwrap_or_default()
    }

    pub fn was_asked(&self) -> bool {
        self.path("bin/calls").exists()
    }
}

const ENGINE: (&str, &str, &str, &str) = ("version*", "0", "20.10.24 linux/amd64\n", "");

/// A machine with all images and programs of a lab, and what else its engine says; with the programs'
/// paths. None of the programs does anything.
pub fn with_images(more: &[(&str, &str, &str, &str)]) -> (Machine, Vec<PathBuf>) {
    let bare = Machine::with(&[ENGINE]);
    executable(&bare, "probe");
    let (output, _) = bare.run(&["images", "list", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let lab = &told.as_array().expect("labs")[0];
    let images = lab["images"].as_array().unwrap().iter();
    let references = images.map(|image| image["reference"].as_str().expect("a name"));
    let listed: String = references
        .map(|name| format!("{name} sha256:1\n"))
        .collect();
    let answers = [&[ENGINE, ("images --no-trunc*", "0", &listed, "")], more].concat();
    let machine = Machine::with(&answers);
    executable(&machine, "probe");
    let programs = lab["programs"].as_array().unwrap().iter();
    let programs: Vec<PathBuf> = programs
        .map(|program| {
            let told = PathBuf::from(program["path"].as_str().unwrap());
            let below = told.strip_prefix(bare.path("home")).unwrap().to_owned();
            let path = machine.path("home").join(below);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            write_executable(&path);
            // As the cache takes them down.
            let digest = format!("{:x}", Sha256::digest(fs::read(&path).unwrap()));
            let name = path.file_name().unwrap().to_string_lossy();
            let sums = path.with_file_name("SHA256SUMS");
            fs::write(sums, format!("{digest}  {name}\n")).unwrap();
            path
        })
        .collect();
    (machine, programs)
}

fn executable(machine: &Machine, name: &str) {
    write_executable(&machine.path("bin").join(name));
}

fn write_executable(path: &Path) {
    fs::write(path, "#!/bin/sh\necho meshproof-probe 1\n").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
