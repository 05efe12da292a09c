//! What is wrong once images and programs are there, so that only the cluster is to be made: told
//! before anything is made, and the other's is left alone.
//!
//! The images are only named by the engine, and the programs do nothing: none of them may be run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::json;

use super::machine::{LIMIT, Machine, with_images};

/// The sentence that `up` ends with; the engine was only asked, and nothing was put into the cache.
fn told(machine: &Machine) -> String {
    let cache = machine.path("home/.cache/meshproof");
    let before = tree(&cache);
    let (output, took) = machine.run(&["up", "--source", "build"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(took < LIMIT, "it took {took:?}");
    let ours: Vec<&str> = said
        .lines()
        .filter_map(|l| l.strip_prefix("meshproof: "))
        .collect();
    assert_eq!(ours.len(), 1, "{said}");
    assert_eq!(tree(&cache), before);
    let calls = fs::read_to_string(machine.path("bin/calls")).unwrap();
    let changes = |call: &&str| {
        let asks = [
            "version",
            "context",
            "images",
            "ps",
            "inspect",
            "info",
            "volume ls",
        ];
        !asks
            .iter()
            .any(|ask| call.starts_with(&format!("docker {ask}")))
    };
    let changing: Vec<&str> = calls.lines().filter(changes).collect();
    assert_eq!(changing, [""; 0]);
    ours[0].to_owned()
}

fn tree(folder: &std::path::Path) -> Vec<PathBuf> {
    let mut left = vec![folder.to_owned()];
    let mut seen = vec![];
    while let Some(path) = left.pop() {
        if path.is_dir() && !path.is_symlink() {
            left.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        }
        seen.push(path);
    }
    seen.sort();
    seen
}

#[test]
fn a_cluster_of_our_name_that_somebody_else_made_is_told_and_left_alone() {
    let mine = json!([{ "Id": "a", "Name": "/a", "Mounts": [] }]).to_string();
    let other = json!([{ "Id": "a", "Name": "/a", "Mounts": [
        { "Source": "/their/clusters/x/marker", "Destination": "/meshproof" },
    ] }])
    .to_string();
    for (node, cure) in [
        (
            mine,
            "delete it with: kind delete cluster --name meshproof-",
        ),
        (other, "/their/clusters/x; take that down first"),
    ] {
        let (machine, _) = with_images(&[
            ("ps*label=io.x-k8s.kind.cluster=*", "0", "a a\n", ""),
            ("inspect*", "0", &node, ""),
        ]);
        let said = told(&machine);
        assert!(said.contains(cure), "{said}");
    }
}

#[test]
fn a_disk_without_room_is_told_before_anything_is_made() {
    let (machine, _) = with_images(&[]);
    // Its file system has no room, and holds nothing of anybody's.
    let nodes = machine.path("home/.cache/meshproof/nodes");
    std::os::unix::fs::symlink("/sys", nodes).unwrap();
    let said = told(&machine);
    assert!(said.contains("GiB of free disk below"), "{said}");
    assert!(
        said.contains("name a larger disk in MESHPROOF_CACHE_DIR"),
        "{said}"
    );
}

#[test]
fn a_program_of_the_cache_that_is_not_whole_is_missing_and_made_anew_by_setup() {
    for damage in 0..2 {
        for number in 0..2 {
            let (machine, programs) = with_images(&[]);
            let program = &programs[number];
            match damage {
                0 => fs::write(program, "").unwrap(),
                _ => fs::set_permissions(program, fs::Permissions::from_mode(0o644)).unwrap(),
            }
            let said = told(&machine);
            let missing = format!("(missing: {})", program.display());
            assert!(said.contains(&missing), "{said}");
            assert!(
                said.contains("; run ci/setup, or meshproof images get"),
                "{said}"
            );
        }
    }
}

#[test]
fn a_program_of_the_cache_with_one_changed_byte_is_told_and_not_run() {
    for number in 0..2 {
        let (machine, programs) = with_images(&[]);
        let program = &programs[number];
        let text = fs::read_to_string(program).unwrap();
        fs::write(program, text.replace("probe 1", "probe 2")).unwrap();
        let said = told(&machine);
        assert!(said.starts_with(&program.display().to_string()), "{said}");
        assert!(
            said.contains("is not the program that was put there"),
            "{said}"
        );
        let cure = "; run ci/setup, or meshproof images get with the same options";
        assert!(said.contains(cure), "{said}");
        // By this ci/setup sees that there is something to do.
        let (output, _) = machine.run(&["images", "check", "--source", "build"]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
}

#[test]
fn left_to_choose_it_looks_once_at_what_the_engine_has() {
    let (machine, _) = with_images(&[]);
    let (output, _) = machine.run(&["images", "check"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, "Missing: the nodes' image store.\n");
    let calls = machine.calls();
    let listings = calls
        .lines()
        .filter(|call| call.starts_with("docker images"));
    assert_eq!(listings.count(), 1, "{calls}");
}

#[test]
fn an_istiod_of_somebodys_own_says_which_istio_it_is() {
    let says = |version: &str| json!({ "clientVersion": { "version": version } }).to_string();
    let own = |version: &str| {
        let answers = [
            ("image inspect*mine/pilot:1", "0", "sha256:mine\n", ""),
            ("run*version --output json", "0", &says(version), ""),
        ];
        with_images(&answers).0
    };
    let pilot = ["--image", "pilot=mine/pilot:1"];
    let (output, _) = own("1.29.2").run(&[&["images", "get"], &pilot[..]].concat());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("images are there for Istio 1.29.2, by build"),
        "{output:?}"
    );
    let (output, _) = own("1.31-alpha.0123").run(&[&["up"], &pilot[..]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("\"1.31-alpha.0123\"; use one"), "{said}");
    assert!(said.contains(", by --istio,"), "{said}");
}
