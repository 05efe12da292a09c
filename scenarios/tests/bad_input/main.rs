//! What a person gets wrong, or a machine lacks: one sentence with the cure within 5 s, exit code 2,
//! and nothing of theirs touched.
//!
//! Each test runs the program itself with a `docker` of its own first on the path, which only says
//! what it is told to. Its home holds a kubeconfig that must be the same byte for byte afterwards.

mod machine;
mod pulled_lab;
mod with_images;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use machine::Machine;

/// What needs an engine and nothing else.
const NEED_AN_ENGINE: &[&[&str]] = &[
    &["up"],
    &["down"],
    &["status"],
    &["images", "check"],
    &["images", "list"],
];

#[test]
fn an_engine_that_cannot_be_used_is_told_with_its_own_cure() {
    let down = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker \
                daemon running?\n";
    let denied = "permission denied while trying to connect to the Docker daemon socket at \
                  unix:///var/run/docker.sock: connect: permission denied\n";
    for (answer, cure) in [
        (("version*", "1", "", down), "run ci/setup, or start Docker"),
        (
            ("version*", "1", "", denied),
            "join the group that owns its socket",
        ),
        (
            ("version*", "0", "28.2.2 linux/arm64\n", ""),
            "use an engine on such a machine",
        ),
        (
            ("context inspect*", "0", "ssh://build.example\n", ""),
            "unset DOCKER_HOST",
        ),
        (
            (
                "version*",
                "0",
                "5.4.2 linux/amd64 Podman Engine;Conmon;\n",
                "",
            ),
            "start Docker (ci/setup",
        ),
        (
            ("info*SecurityOptions*", "0", "[\"name=rootless\"]\n", ""),
            "start that (systemctl start docker)",
        ),
    ] {
        let machine = Machine::with(&[answer]);
        for arguments in NEED_AN_ENGINE {
            let said = machine.sentence(arguments);
            assert!(said.contains(cure), "{said}");
        }
    }
}

#[test]
fn an_engine_that_hangs_is_not_waited_for() {
    let machine = Machine::with(&[("version*", "hang", "", "")]);
    let said = machine.sentence(&["up"]);
    assert!(said.contains("did not answer within 3s"), "{said}");
}

#[test]
fn a_machine_without_any_client_is_told_how_to_have_one() {
    let machine = Machine::with(&[]);
    fs::remove_file(machine.path("bin/docker")).unwrap();
    let before = machine.tree();
    let output = Command::new(env!("CARGO_BIN_EXE_meshproof"))
        .arg("up")
        .env_clear()
        .env("PATH", machine.path("bin"))
        .env("HOME", machine.path("home"))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("is it installed") && said.contains("run ci/setup"),
        "{said}"
    );
    assert_eq!(machine.tree(), before);
}

#[test]
fn what_the_lab_needs_and_does_not_have_is_told_before_anything_is_begun() {
    let machine = Machine::with(&[("version*", "0", "20.10.24 linux/amd64\n", "")]);
    let said = machine.refuses(&["up"]);
    assert!(said.contains("run ci/setup"), "{said}");
}

#[test]
fn a_taken_gateway_port_is_told_and_no_engine_is_asked() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let machine = Machine::with(&[]);
    for command in ["guide", "run"] {
        let said = machine.sentence(&[command, "--gateway-port", &port]);
        assert!(
            said.contains(&port) && said.contains("--gateway-port 0"),
            "{said}"
        );
    }
    assert!(!machine.was_asked());
}

#[test]
fn an_unknown_version_or_scenario_names_the_known_ones_and_asks_no_engine() {
    let machine = Machine::with(&[]);
    let said = machine.sentence(&["guide", "--istio", "latest"]);
    assert!(
        said.contains("latest") && said.contains("a build (1.31.0-dev"),
        "{said}"
    );
    for (option, wrong) in [
        ("--k8s", "newest"),
        ("--envoy", "newest"),
        ("--ignite", "3"),
        ("--source", "hub"),
        ("--registry-mirror", "https://mirror.example"),
        ("--image", "etcd=a/b:1"),
        ("--mesh-values", "/nowhere/values.yaml"),
    ] {
        let said = machine.sentence(&["guide", option, wrong]);
        assert!(said.contains(wrong), "{said}");
    }
    let said = machine.sentence(&["up", "--source", "build", "--istio", "1.30.5"]);
    assert!(said.contains("use --source pull"), "{said}");
    let said = machine.sentence(&["run", "T99"]);
    assert!(said.contains("T99") && said.contains("T2b"), "{said}");
    let said = machine.sentence(&["logs", "T99"]);
    assert!(said.contains("meshproof list"), "{said}");
    assert!(!machine.was_asked());
}

#[test]
fn a_version_that_the_registry_lacks_is_told_before_anything_is_pulled() {
    let lacks = "no such manifest: docker.io/istio/pilot:1.2.3\n";
    let machine = Machine::with(&[
        ("version*", "0", "20.10.24 linux/amd64\n", ""),
        ("manifest*istio/*", "1", "", lacks),
        ("manifest*", "0", "{}\n", ""),
    ]);
    machine.has_a_probe();
    let said = machine.sentence(&["guide", "--istio", "1.2.3"]);
    assert!(
        said.contains("docker.io has no istio/pilot:1.2.3 (no such manifest: ")
            && said.contains("--istio"),
        "{said}"
    );
    assert!(!machine.calls().contains("docker pull"));
}

#[test]
fn an_image_of_somebodys_own_is_not_pulled_where_a_released_one_is_not_served() {
    let lacks = "no such manifest: docker.io/istio/pilot:1.2.3\n";
    let machine = Machine::with(&[
        ("version*", "0", "20.10.24 linux/amd64\n", ""),
        ("image inspect*", "1", "", "Error: No such image\n"),
        ("manifest*istio/*", "1", "", lacks),
        ("manifest*", "0", "{}\n", ""),
    ]);
    machine.has_a_probe();
    let own = ["--image", "ignite=mine/ignite:1"];
    let said = machine.sentence(&[&["guide", "--istio", "1.2.3"], &own[..]].concat());
    assert!(
        said.contains("docker.io has no istio/pilot:1.2.3"),
        "{said}"
    );
    assert!(!machine.calls().contains("docker pull"));
}

#[test]
fn an_image_of_somebodys_own_is_not_pulled_where_the_others_would_have_to_be_built() {
    let machine = Machine::with(&[
        ("version*", "0", "20.10.24 linux/amd64\n", ""),
        ("image inspect*", "1", "", "Error: No such image\n"),
        ("manifest*", "0", "{}\n", ""),
    ]);
    machine.has_a_probe();
    for (source, cure) in [
        ("build", "run ci/setup"),
        ("archive", "meshproof images import"),
    ] {
        let own = ["--image", "ignite=mine/ignite:1"];
        let said = machine.sentence(&[&["up", "--source", source], &own[..]].concat());
        assert!(said.contains("kube-proxy") && said.contains(cure), "{said}");
        assert!(!machine.calls().contains("docker pull"));
    }
}

#[test]
fn a_disk_without_room_for_what_is_pulled_is_told_before_anything_is_pulled() {
    let machine = Machine::with(&[
        ("version*", "0", "20.10.24 linux/amd64\n", ""),
        ("manifest*", "0", "{}\n", ""),
        ("info*", "0", "/sys\n", ""),
    ]);
    machine.has_a_probe();
    let said = machine.sentence(&["up", "--istio", "1.30.5"]);
    assert!(said.starts_with("pulling images needs about "), "{said}");
    assert!(
        said.contains("below /sys, and there are 0; free some"),
        "{said}"
    );
    assert!(!machine.calls().contains("docker pull"));
}

#[test]
fn a_registry_out_of_reach_is_told_in_time_even_if_it_never_answers() {
    let refused = "failed to configure transport: error pinging v2 registry: dial tcp: lookup \
                   registry.invalid: no such host\n";
    for (code, said) in [("1", "no such host"), ("hang", "no answer within 4s")] {
        let machine = Machine::with(&[
            ("version*", "0", "20.10.24 linux/amd64\n", ""),
            ("manifest*", code, "", refused),
        ]);
        machine.has_a_probe();
        let told = machine.sentence(&["up", "--istio", "1.30.5"]);
        assert!(
            told.contains(said) && told.contains("--registry-mirror"),
            "{told}"
        );
    }
}

#[test]
fn a_kubeconfig_that_cannot_be_used_is_told_and_left_as_it_is() {
    let machine = Machine::with(&[]);
    let own = machine.path("own");
    fs::write(&own, "this is: [no kubeconfig").unwrap();
    let own_text = own.to_str().unwrap();
    for arguments in [
        &["diagnose", "--kubeconfig", own_text][..],
        &["diagnose", "--kubeconfig", "/nowhere/config"],
        &["diagnose", "--context", "no-such-context"],
    ] {
        let said = machine.refuses(arguments);
        assert!(said.contains("name another with --kubeconfig"), "{said}");
    }
    assert_eq!(fs::read_to_string(&own).unwrap(), "this is: [no kubeconfig");
    assert!(!machine.was_asked());
}

#[test]
fn without_a_cluster_shell_diagnose_and_logs_say_how_to_have_one() {
    let machine = Machine::with(&[]);
    for arguments in [&["shell"][..], &["diagnose"]] {
        let said = machine.sentence(arguments);
        assert!(said.contains("meshproof up"), "{said}");
    }
    let said = machine.sentence(&["logs", "t2b"]);
    assert!(said.contains("meshproof run T2b --keep"), "{said}");
    assert!(!machine.was_asked());
}

#[test]
fn folders_that_cannot_be_written_are_told_with_the_variables_that_move_them() {
    let machine = Machine::with(&[("version*", "0", "20.10.24 linux/amd64\n", "")]);
    let file = machine.path("file");
    fs::write(&file, "").unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_meshproof"));
    let output = program
        .arg("status")
        .env(
            "PATH",
            format!("{}:/usr/bin:/bin", machine.path("bin").display()),
        )
        .env("HOME", machine.path("home"))
        .env("MESHPROOF_STATE_DIR", below(&file))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("MESHPROOF_STATE_DIR"), "{said}");
}

fn below(file: &Path) -> PathBuf {
    file.join("state")
}

#[test]
fn a_doctor_tells_what_is_lacking_and_reap_that_nothing_is_there() {
    let machine = Machine::with(&[("version*", "1", "", "Cannot connect\n")]);
    let (output, _) = machine.run(&["doctor", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let lacks = told["examination"]["lab"].as_array().unwrap();
    assert!(
        lacks
            .iter()
            .any(|l| l["cure"] == "run ci/setup, or start Docker"),
        "{told}"
    );

    let machine = Machine::with(&[("version*", "0", "20.10.24 linux/amd64\n", "")]);
    let (output, took) = machine.run(&["reap", "--dry-run"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.lines().last(), Some("Nothing of ours is dead."));
    assert!(output.status.success() && took < Duration::from_secs(10));
}

#[test]
fn an_archive_that_cannot_be_taken_or_written_is_told() {
    let machine = Machine::with(&[("version*", "0", "20.10.24 linux/amd64\n", "")]);
    let archive = machine.path("home/lab.zip");
    let import =
        |archive: &Path| machine.sentence(&["images", "import", archive.to_str().unwrap()]);
    assert!(import(&archive).contains("there is no archive"));
    fs::write(&archive, "not an archive at all, but long enough for one").unwrap();
    assert!(import(&archive).contains("is no archive of images"));
    // As one begins; its end, with the table of contents, is missing.
    let mut begun = b"PK\x03\x04".to_vec();
    begun.resize(30, 0);
    begun.extend(b"images.tar");
    begun.resize(100_000, 7);
    fs::write(&archive, begun).unwrap();
    assert!(import(&archive).contains("is cut short"));
    machine.has_a_probe();
    let export = ["images", "export", archive.to_str().unwrap()];
    let missing = machine.sentence(&export);
    assert!(missing.contains("missing: "), "{missing}");
}
