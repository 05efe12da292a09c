//! Two of this very program on one machine: the second of the same lab waits and says for whom, as
//! long as it may; one of another lab does not wait.
//!
//! The engine is one that only says what it is told to: all images are there, and nodes of somebody
//! else's, so that whoever comes to making a cluster ends there.

#[path = "shell/cluster_on_record.rs"]
mod cluster_on_record;
#[allow(dead_code, reason = "it is shared with other tests")]
#[path = "bad_input/machine.rs"]
mod machine;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use machine::{Machine, with_images};

/// What ends whoever comes to making a cluster.
const COMES_TO_IT: &str = "that Meshproof did not make";

fn machine() -> Machine {
    let node = r#"[{ "Id": "a", "Name": "/a", "Mounts": [] }]"#;
    let foreign = ("ps*label=io.x-k8s.kind.cluster=*", "0", "a a\n", "");
    with_images(&[foreign, ("inspect*", "0", node, "")]).0
}

/// A machine, the folder of its lab's cluster, and a process that holds that until it ends.
fn held() -> (Machine, PathBuf, Child) {
    let machine = machine();
    let (output, _) = machine.run(&["up"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // Nothing of the attempt is left but what it said.
    let name = said
        .split_once("a kind cluster ")
        .and_then(|(_, rest)| rest.split_once(' '))
        .map(|(name, _)| name)
        .expect("it names the cluster");
    let folder = machine
        .path("home/.local/state/meshproof/clusters")
        .join(name);
    fs::create_dir_all(&folder).unwrap();
    for (file, text) in [
        ("record.json", cluster_on_record::record(name)),
        ("kubeconfig", cluster_on_record::kubeconfig(name)),
    ] {
        fs::write(folder.join(file), text.to_string()).unwrap();
    }
    let mut holder = machine
        .program(&["shell"])
        .env("SHELL", "/bin/cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let told = BufReader::new(holder.stdout.take().unwrap());
    assert!(
        told.lines()
            .any(|line| line.unwrap().contains("holds the cluster"))
    );
    (machine, folder, holder)
}

#[test]
fn the_second_of_the_same_lab_waits_and_says_for_whom() {
    let (machine, _, mut holder) = held();
    let mut second = machine
        .program(&["up"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(second.stderr.take().unwrap()).lines();
    let waits = told.find(|line| line.as_ref().unwrap().contains("Waiting for the cluster"));
    let waits = waits.expect("it says that it waits").unwrap();
    let holds = format!("held by pid {}: meshproof shell", holder.id());
    assert!(waits.contains(&holds), "{waits}");
    assert!(second.try_wait().unwrap().is_none(), "it did not wait");
    // What holds it ends with its standard input.
    drop(holder.stdin.take());
    holder.wait().unwrap();
    assert!(
        told.any(|line| line.unwrap().contains(COMES_TO_IT)),
        "it went no further"
    );
    assert_eq!(second.wait().unwrap().code(), Some(2));
}

#[test]
fn who_waits_too_long_is_told_for_whom_and_the_holder_stays() {
    let (machine, folder, mut holder) = held();
    for command in ["up", "guide"] {
        let (output, took) = machine.run(&[command, "--limit", "1s"]);
        let said = String::from_utf8(output.stderr).unwrap();
        let begins = "meshproof: the limit of the whole run, 1s, was over during bringing up the lab \
                      and its mesh; waited ";
        let ends = format!(
            " for the cluster; last seen: held by pid {}: meshproof shell; --limit gives it more time",
            holder.id()
        );
        let told = |line: &str| line.starts_with(begins) && line.ends_with(&ends);
        assert!(said.lines().any(told), "{said}");
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
    assert!(holder.try_wait().unwrap().is_none());
    assert!(folder.join("record.json").exists());
    drop(holder.stdin.take());
    holder.wait().unwrap();
}

#[test]
fn another_lab_does_not_wait() {
    let (machine, _, mut holder) = held();
    let (output, _) = machine.run(&["up", "--sidecar", "classic"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains(COMES_TO_IT) && !said.contains("held by"),
        "{said}"
    );
    drop(holder.stdin.take());
    holder.wait().unwrap();
}
