//! Sources with planted faults, and sources that only look faulty.

use super::violations;

#[track_caller]
fn fails(path: &str, text: &str, expected: &[&str]) {
    assert_eq!(violations(path, text), expected, "in:\n{text}");
}

#[test]
fn a_planted_back_arrow_fails() {
    fails(
        "harness/src/kube/apply.rs",
        "use std::fmt;\nuse crate::lab::Cluster;\n",
        &["harness/src/kube/apply.rs:2: `kube` must not use `lab`"],
    );
    fails(
        "harness/src/report/mod.rs",
        "fn f() -> crate::expectation::Key { todo!() }",
        &["harness/src/report/mod.rs:1: `report` must not use `expectation`"],
    );
    fails(
        "harness/src/product/ignite/rest.rs",
        "use crate::{\n    kube::exec,\n    mesh::{proxy, lab},\n    outcome,\n};",
        &["harness/src/product/ignite/rest.rs:3: `product` must not use `mesh`"],
    );
    for (owner, used) in [("mesh", "product"), ("lab", "mesh"), ("outcome", "kube")] {
        let path = format!("harness/src/{owner}/x.rs");
        assert_eq!(
            violations(&path, &format!("pub use crate::{used}::X;")).len(),
            1
        );
    }
}

#[test]
fn a_back_arrow_by_super_fails_too() {
    let error = "harness/src/mesh/mod.rs:1: `mesh` must not use `product`";
    fails(
        "harness/src/mesh/mod.rs",
        "use super::product::Rest;",
        &[error],
    );
    let in_tests = "mod tests {\n    use super::super::product;\n    use super::product;\n}";
    let error = "harness/src/mesh/mod.rs:2: `mesh` must not use `product`";
    fails("harness/src/mesh/mod.rs", in_tests, &[error]);
    let error = "harness/src/lab/node/store.rs:1: `lab` must not use `mesh`";
    fails(
        "harness/src/lab/node/store.rs",
        "use super::super::super::mesh;",
        &[error],
    );
    fails(
        "harness/src/lab/node/store.rs",
        "use super::super::mesh;",
        &[],
    );
}

#[test]
fn arrows_that_point_down_pass() {
    let text = "use crate::{kube, mesh::Build, outcome::Check, product};\nuse super::wire::Frame;\n\
                pub(crate) fn f() {}\n/// See [`crate::report`].\n// use crate::scenario::Plan;\n\
                const TEXT: &str = \"use crate::lab::X;\";\n";
    fails("harness/src/evidence/intruder.rs", text, &[]);
    fails(
        "harness/src/lib.rs",
        "pub mod lab;\nuse crate::scenario::Plan;",
        &[],
    );
    fails("scenarios/src/main.rs", "use crate::progress_bar;", &[]);
}

#[test]
fn a_module_without_a_place_fails() {
    fails(
        "harness/src/util.rs",
        "",
        &["harness/src/util.rs:1: module `util` has no place in the order; give it one"],
    );
    fails(
        "harness/src/lab/mod.rs",
        "use crate::util::sleep;",
        &["harness/src/lab/mod.rs:1: `crate::util` has no place in the order; give it one"],
    );
}

#[test]
fn programs_are_run_by_their_owners_only() {
    let docker = "Command::new(\"docker\")";
    fails("harness/src/lab/engine.rs", docker, &[]);
    let error = "harness/src/mesh/x.rs:1: runs docker; only `lab` may";
    fails("harness/src/mesh/x.rs", docker, &[error]);
    let error = "scenarios/src/c1.rs:2: runs docker; only `lab` may";
    fails(
        "scenarios/src/c1.rs",
        "\nstd::process::Command::new(\"/usr/bin/docker\")",
        &[error],
    );
    fails(
        "harness/src/mesh/install.rs",
        "Program::new(\"istioctl\")",
        &[],
    );
    let error = "harness/src/lab/x.rs:1: runs istioctl; only `mesh` may";
    fails(
        "harness/src/lab/x.rs",
        "which::which(\"istioctl\")",
        &[error],
    );
    let error = "harness/src/lab/x.rs:1: runs kubectl; nobody may";
    fails(
        "harness/src/lab/x.rs",
        "tokio::process::Command::new(r#\"kubectl\"#)",
        &[error],
    );
    let error = "harness/src/kube/x.rs:1: runs kind; only `lab` may";
    fails(
        "harness/src/kube/x.rs",
        "Command::new( \"kind\" )",
        &[error],
    );
    fails(
        "harness/src/kube/x.rs",
        "let kind = object[\"kind\"].as_str();",
        &[],
    );
    fails("harness/src/kube/x.rs", "// Command::new(\"kubectl\")", &[]);
}
