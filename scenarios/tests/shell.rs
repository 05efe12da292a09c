//! `shell` on a cluster that is on record: what it sets, and that it holds the cluster meanwhile.

use std::fs::{self, File};
use std::io::Write;
use std::process::Command;

use tempfile::TempDir;

/// A state folder with one cluster on record, which has a `kind` of its own.
struct Lab(TempDir);

impl Lab {
    fn new() -> Self {
        let lab = Self(tempfile::tempdir().unwrap());
        let folder = lab.cluster();
        fs::create_dir_all(&folder).unwrap();
        let kind = lab.0.path().join("kind");
        fs::write(&kind, "").unwrap();
        let record = serde_json::json!({
            "name": "meshproof-x", "purpose": "a test", "complete": true,
            "containers": [], "running_since": [],
            "programs": [kind, lab.0.path().join("pruned/istioctl")],
        });
        fs::write(folder.join("record.json"), record.to_string()).unwrap();
        lab
    }

    fn cluster(&self) -> std::path::PathBuf {
        self.0.path().join("clusters/meshproof-x")
    }

    /// What the shell prints, with this program as the shell.
    fn shell(&self, program: &str) -> (String, Option<i32>) {
        let output = Command::new(env!("CARGO_BIN_EXE_meshproof"))
            .arg("shell")
            .env("SHELL", program)
            .env("MESHPROOF_STATE_DIR", self.0.path())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        (said, output.status.code())
    }
}

#[test]
fn the_shell_has_the_clusters_kubeconfig_and_programs() {
    let lab = Lab::new();
    let (said, code) = lab.shell("/usr/bin/env");
    assert_eq!(code, Some(0), "{said}");
    let folder = lab.cluster();
    let kubeconfig = format!("KUBECONFIG={}", folder.join("kubeconfig").display());
    let path = format!("PATH={}:", folder.join("bin").display());
    assert!(said.lines().any(|line| line == kubeconfig), "{said}");
    assert!(said.lines().any(|line| line.starts_with(&path)), "{said}");
    assert!(folder.join("bin/kind").exists());
    assert!(!folder.join("bin/istioctl").is_symlink(), "it is not there");
    assert!(said.contains("On PATH besides: kind."), "{said}");
    assert_eq!(lab.shell("/bin/false").1, Some(1), "the shell's own code");
}

#[test]
fn a_cluster_that_a_run_holds_is_opened_with_a_warning() {
    let lab = Lab::new();
    let (said, _) = lab.shell("/bin/true");
    assert!(said.contains("holds the cluster until it ends"), "{said}");
    let mut lease = File::create(lab.cluster().join("lease")).unwrap();
    lease.lock().unwrap();
    writeln!(lease, "pid 4711: meshproof guide").unwrap();
    let (said, code) = lab.shell("/bin/true");
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("pid 4711: meshproof guide is at work"),
        "{said}"
    );
}
