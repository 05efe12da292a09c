//! `reap` beside another process of this very program: what that holds stays while it lives, and
//! goes once it was killed.

#[path = "shell/cluster_on_record.rs"]
mod cluster_on_record;

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A client that answers from files beside its link.
const FAKE_CLIENT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../harness/fixtures/lab/fake-client"
);

/// Folders of a lab with one cluster, and an engine in which nothing of it runs any more.
struct Lab(TempDir);

impl Lab {
    fn new() -> Self {
        let lab = Self(tempfile::tempdir().unwrap());
        let bin = lab.path("bin");
        fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(FAKE_CLIENT, bin.join("docker")).unwrap();
        for (name, text) in [
            ("patterns", "version*\n"),
            ("1.out", "20.10.24 linux/amd64\n"),
            ("1.err", ""),
            ("1.code", "0"),
        ] {
            fs::write(bin.join(name), text).unwrap();
        }
        for (file, text) in [
            ("record.json", cluster_on_record::record("meshproof-x")),
            ("kubeconfig", cluster_on_record::kubeconfig("meshproof-x")),
        ] {
            let path = format!("state/clusters/meshproof-x/{file}");
            lab.file(&path, &text.to_string());
        }
        lab.file("cache/nodes/meshproof-x/worker/blob", "blob");
        lab.file("cache/artifacts/kind-1/kind", "kind");
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn program(&self, arguments: &[&str]) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_meshproof"));
        program
            .args(arguments)
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", self.path("bin").display()),
            )
            .env("MESHPROOF_STATE_DIR", self.path("state"))
            .env("MESHPROOF_CACHE_DIR", self.path("cache"));
        program
    }

    /// A process that holds the cluster until it ends.
    fn holder(&self) -> Child {
        let mut shell = self.program(&["shell"]);
        let mut holder = shell
            .env("SHELL", "/bin/cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It tells what it is before it starts the shell, and holds the cluster by then.
        let told = std::io::BufReader::new(holder.stdout.take().unwrap());
        let mut lines = std::io::BufRead::lines(told);
        assert!(lines.any(|line| line.unwrap().contains("holds the cluster")));
        holder
    }

    fn reap(&self, arguments: &[&str]) -> Output {
        let begun = Instant::now();
        let arguments: Vec<&str> = [&["reap"], arguments].concat();
        let output = self.program(&arguments).output().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(10));
        output
    }
}

#[test]
fn what_a_killed_process_held_goes_and_what_a_live_one_holds_stays() {
    let lab = Lab::new();
    let (record, stores) = (
        lab.path("state/clusters/meshproof-x/record.json"),
        lab.path("cache/nodes/meshproof-x"),
    );
    let mut holder = lab.holder();
    let output = lab.reap(&[]);
    let said = String::from_utf8(output.stdout).unwrap();
    let held = format!(
        "Stays: cluster meshproof-x: held by pid {}: meshproof shell.",
        holder.id()
    );
    assert!(said.lines().any(|line| line == held), "{said}");
    assert!(output.status.success() && record.exists() && stores.exists());

    // As kill -9 does.
    holder.kill().unwrap();
    holder.wait().unwrap();
    let output = lab.reap(&["--json"]);
    assert!(output.status.success());
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let kinds: Vec<_> = told["removed"].as_array().unwrap().iter().collect();
    let has = |kind: &str| kinds.iter().any(|removed| removed["kind"] == kind);
    assert!(has("cluster") && has("node-stores"), "{told}");
    assert!(told["bytes_freed"].as_u64() > Some(0), "{told}");
    assert!(!record.parent().unwrap().exists() && !stores.exists());
    assert!(lab.path("cache/artifacts/kind-1/kind").exists());
    let said = String::from_utf8(lab.reap(&[]).stdout).unwrap();
    assert_eq!(said, "Nothing of ours is dead.\n");
}
