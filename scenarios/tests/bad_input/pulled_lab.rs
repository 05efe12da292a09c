//! A machine with a lab that was pulled, whose registry is out of reach by now: what it has must not be
//! lost, and is told.
//!
//! Its engine only names the images, and its programs print what is asked for and do nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use meshproof_harness::lab::images::Key;
use serde_json::Value;

use super::machine::Machine;

/// The released images, each with an id of its own.
const IMAGES: &[(&str, &str)] = &[
    ("kindest/node:v1.34.11", "sha256:node"),
    ("istio/pilot:1.30.4", "sha256:pilot"),
    ("istio/proxyv2:1.30.4", "sha256:proxyv2"),
    ("istio/istioctl:1.30.4", "sha256:istioctl"),
    ("apacheignite/ignite:2.16.0", "sha256:ignite"),
];

/// What the program of istioctl says that it installs.
const ISTIOCTL: &str = "#!/bin/sh\necho 'image: docker.io/istio/pilot:1.30.4'\n\
                        echo 'image: docker.io/istio/proxyv2:1.30.4'\n";

/// The machine, once the lab was pulled and prepared.
fn machine() -> Machine {
    let silent = "dial tcp: lookup registry.invalid: no such host\n";
    let machine = Machine::with(&[
        ("images --no-trunc --format*", "0", "", ""),
        ("version*", "0", "20.10.24 linux/amd64\n", ""),
        ("manifest*", "1", "", silent),
        ("image inspect*{{.Size}}*", "0", "1\n", ""),
        ("info*", "0", "{}", ""),
    ]);
    let probe = machine.path("bin/probe");
    executable(&probe, "#!/bin/sh\necho meshproof-probe 1\n");
    for (name, of, file, text) in [
        ("kind-release", "v0.33.0", "kind", "#!/bin/sh\n"),
        ("istioctl", "sha256:istioctl", "istioctl", ISTIOCTL),
        ("node-version", "sha256:node", "version", "v1.34.11"),
        ("proxy-filters", "sha256:proxyv2", "istio-filters", "true"),
    ] {
        let key = Key::over(name).add(of).finish();
        let folder = artifacts(&machine).join(format!("{name}-{key}"));
        fs::create_dir_all(&folder).unwrap();
        executable(&folder.join(file), text);
    }
    let pull = ["images", "get", "--istio", "1.30.4"];
    // The first time the image of the probe is made, which this engine does not show by itself.
    has(&machine, IMAGES);
    machine.run(&pull);
    let calls = machine.calls();
    let mut words = calls.split_whitespace();
    let made = words.find(|word| word.starts_with("meshproof.local/probe:"));
    let probe = (made.expect("a probe's image"), "sha256:probe");
    let all: Vec<(&str, &str)> = IMAGES.iter().copied().chain([probe]).collect();
    has(&machine, &all);
    let (output, _) = machine.run(&pull);
    let said = String::from_utf8(output.stdout).unwrap();
    let expected = "5 images are there for Istio 1.30.4, by pull";
    assert!(said.starts_with(expected), "{said}");
    machine
}

/// Has the engine show these images from now on.
fn has(machine: &Machine, images: &[(&str, &str)]) {
    let listed = images.iter().map(|(name, id)| format!("{name} {id}\n"));
    fs::write(machine.path("bin/1.out"), listed.collect::<String>()).unwrap();
}

fn executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn artifacts(machine: &Machine) -> PathBuf {
    machine.path("home/.cache/meshproof/artifacts")
}

fn there(machine: &Machine) -> Vec<String> {
    let entries = fs::read_dir(artifacts(machine)).unwrap().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn prune(machine: &Machine) -> String {
    let (output, _) = machine.run(&["images", "prune"]);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn pruning_keeps_what_it_needs_until_its_images_are_gone() {
    let machine = machine();
    let before = there(&machine);
    let kinds = [
        "istioctl-",
        "kind-release-",
        "node-version-",
        "preloaded-node-",
    ];
    for kind in kinds {
        assert!(
            before.iter().any(|name| name.starts_with(kind)),
            "{before:?}"
        );
    }
    let said = prune(&machine);
    assert_eq!(there(&machine), before, "{said}");
    assert!(!machine.calls().contains("docker rmi"), "{said}");
    assert_eq!(
        said,
        "Stays: what the pulled lab of Istio 1.30.4, Kubernetes v1.34.11, Ignite 2.16.0 needs; \
         docker rmi istio/pilot:1.30.4 gives it up.\nThere is nothing that no lab asks for.\n"
    );
    has(
        &machine,
        &[IMAGES[0], ("meshproof.local/probe:0", "sha256:probe")],
    );
    let said = prune(&machine);
    assert_eq!(there(&machine), [""; 0], "{said}");
    assert!(
        machine
            .calls()
            .contains("docker rmi meshproof.local/probe:0")
    );
    assert!(said.contains("the pulled lab of Istio 1.30.4"), "{said}");
    assert_eq!(
        prune(&machine).lines().count(),
        2,
        "the probe's image is still shown"
    );
}

#[test]
fn what_is_prepared_for_it_stays_while_kind_is_gone() {
    let machine = machine();
    let is_kind = |name: &String| name.starts_with("kind-release-");
    let (kind, others): (Vec<_>, Vec<_>) = there(&machine).into_iter().partition(is_kind);
    fs::remove_dir_all(artifacts(&machine).join(&kind[0])).unwrap();
    let said = prune(&machine);
    assert_eq!(there(&machine), others, "{said}");
    assert!(
        said.contains("it may be for the pulled lab of Istio 1.30.4"),
        "{said}"
    );
    assert!(said.contains("kind (the program)"), "{said}");
}

#[test]
fn its_istioctl_with_one_changed_byte_is_told_and_not_run() {
    let machine = machine();
    let mut all = there(&machine).into_iter();
    let istioctl = all.find(|name| name.starts_with("istioctl-")).unwrap();
    let istioctl = artifacts(&machine).join(istioctl).join("istioctl");
    executable(&istioctl, &ISTIOCTL.replace("1.30.4", "1.30.3"));
    let said = machine.sentence(&["up", "--istio", "1.30.4"]);
    assert!(said.starts_with(&istioctl.display().to_string()), "{said}");
    // This engine copies nothing out of an image.
    machine.run(&["images", "get", "--istio", "1.30.4"]);
    assert!(!istioctl.exists(), "it is to be made anew");
}

#[test]
fn the_doctor_tells_of_it_and_asks_the_mirror_that_is_set() {
    let machine = machine();
    let doctor = |arguments: &[&str], mirror: &str| {
        let mut program = machine.program(&[&["doctor", "--json"], arguments].concat());
        program.env("MESHPROOF_REGISTRY_MIRROR", mirror);
        let output = program.output().unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        told
    };
    let by_variable = doctor(&[], "h:5000");
    let sources = by_variable["examination"]["sources"].as_array().unwrap();
    let pull = sources.iter().find(|source| source["source"] == "pull");
    let lacks = pull.unwrap()["lacks"].to_string();
    let silent = "h:5000 does not serve h:5000/kindest/node";
    assert!(lacks.contains(silent), "{lacks}");
    assert!(lacks.contains("--registry-mirror"), "{lacks}");
    let asked = "manifest inspect --insecure h:5000/istio/pilot:1.30.5";
    assert!(machine.calls().contains(asked));
    let lab = "Istio 1.30.4, Kubernetes v1.34.11, Ignite 2.16.0";
    assert_eq!(by_variable["facts"]["pulled"][0]["lab"], lab);
    let by_option = doctor(&["--registry-mirror", "other:5000"], "h:5000");
    assert_eq!(by_option["facts"]["mirror"], "other:5000");
}
