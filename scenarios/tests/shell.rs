//! `shell` on a cluster that is on record: what it sets, and that it holds the cluster meanwhile.

#[path = "shell/cluster_on_record.rs"]
mod cluster_on_record;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
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
        let mut record = cluster_on_record::record("meshproof-x");
        record["programs"] = serde_json::json!([kind, lab.0.path().join("pruned/istioctl")]);
        fs::write(folder.join("record.json"), record.to_string()).unwrap();
        lab.has_kubeconfig(&cluster_on_record::kubeconfig("meshproof-x"));
        lab
    }

    fn cluster(&self) -> std::path::PathBuf {
        self.0.path().join("clusters/meshproof-x")
    }

    fn has_kubeconfig(&self, kubeconfig: &Value) {
        fs::write(self.cluster().join("kubeconfig"), kubeconfig.to_string()).unwrap();
    }

    /// The copies of its kubeconfig.
    fn copies(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.cluster()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .filter(|path| path.to_string_lossy().contains("/kubeconfig-"))
            .collect()
    }

    fn program(&self, shell: &str) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_meshproof"));
        program
            .arg("shell")
            .env("SHELL", shell)
            .env("MESHPROOF_STATE_DIR", self.0.path());
        program
    }

    /// What the shell prints, with this program as the shell.
    fn shell(&self, program: &str) -> (String, Option<i32>) {
        let output = self.program(program).output().unwrap();
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
    let kubeconfig = format!("KUBECONFIG={}", folder.join("kubeconfig-").display());
    let path = format!("PATH={}:", folder.join("bin").display());
    let begins = |begin: &str| said.lines().any(|line| line.starts_with(begin));
    assert!(begins(&kubeconfig), "{said}");
    assert!(begins(&path), "{said}");
    assert!(folder.join("bin/kind").exists());
    assert!(!folder.join("bin/istioctl").is_symlink(), "it is not there");
    assert!(said.contains("On PATH besides: kind."), "{said}");
    assert_eq!(lab.shell("/bin/false").1, Some(1), "the shell's own code");
}

#[test]
fn what_is_written_into_the_shells_kubeconfig_goes_with_the_shell() {
    let lab = Lab::new();
    let made = fs::read_to_string(lab.cluster().join("kubeconfig")).unwrap();
    let mut shell = lab.program("/bin/sh");
    let mut shell = shell
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut typed = shell.stdin.take().unwrap();
    writeln!(
        typed,
        "cat $KUBECONFIG; stat -c %a $KUBECONFIG; echo prod >$KUBECONFIG"
    )
    .unwrap();
    drop(typed);
    let output = shell.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains(&format!("{made}600\n")), "{said}");
    let after = fs::read_to_string(lab.cluster().join("kubeconfig")).unwrap();
    assert_eq!(after, made);
    assert_eq!(lab.copies(), [""; 0].map(PathBuf::from));
}

#[test]
fn the_copy_goes_also_where_the_shell_is_hung_up_or_terminated() {
    for (name, code) in [("HUP", 129), ("TERM", 143)] {
        let lab = Lab::new();
        let mut shell = lab.program("/bin/cat");
        let mut shell = shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Waiting for a child closes its input, at which cat ends by itself.
        let _open = shell.stdin.take();
        let told = BufReader::new(shell.stdout.take().unwrap());
        let holds = |line: std::io::Result<String>| line.unwrap().contains("holds the cluster");
        assert!(told.lines().any(holds));
        assert_eq!(lab.copies().len(), 1);
        let kill = format!("kill -{name} {}", shell.id());
        let killed = Command::new("/bin/sh").args(["-c", &kill]).status();
        assert!(killed.unwrap().success());
        assert_eq!(shell.wait().unwrap().code(), Some(code));
        assert_eq!(lab.copies(), [""; 0].map(PathBuf::from));
    }
}

#[test]
fn a_kubeconfig_that_leads_elsewhere_is_not_handed_out() {
    let lab = Lab::new();
    let mut kubeconfig = cluster_on_record::kubeconfig("meshproof-x");
    kubeconfig["current-context"] = "prod".into();
    lab.has_kubeconfig(&kubeconfig);
    let output = lab.program("/usr/bin/env").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("its current context is \"prod\"") && said.contains("meshproof up"),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("KUBECONFIG"));
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
