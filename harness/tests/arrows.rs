//! The house's arrows point one way: this test reads the harness's sources and fails on one that
//! points back, and on a program run where it should not be.
//!
//! It reads names, not types: `crate::x`, `super` paths that reach the crate's root, and the
//! programs named where one is started. Re-exports that hide a module under another's name would
//! get past it; so would a program's name that is put together at run time.

#[path = "arrows/planted.rs"]
mod planted;
#[path = "arrows/tokens.rs"]
mod tokens;

use std::path::{Path, PathBuf};

use tokens::{Token, tokens};

/// Every module of the harness, from low to high, with those it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("outcome", &[]),
    ("progress", &[]),
    ("tls", &[]),
    ("waits", &[]),
    ("process", &["waits"]),
    ("kube", &["outcome", "progress", "tls", "waits"]),
    (
        "lab",
        &["outcome", "progress", "tls", "waits", "process", "kube"],
    ),
    ("mesh", &["outcome", "progress", "tls", "process", "kube"]),
    (
        "product",
        &["outcome", "progress", "tls", "process", "kube"],
    ),
    // No `process` and no `tls`: a rule does no I/O.
    ("diagnose", &["outcome", "kube", "mesh", "product"]),
    (
        "evidence",
        &[
            "outcome", "progress", "tls", "waits", "process", "kube", "mesh", "product", "diagnose",
        ],
    ),
    ("expectation", &["outcome"]),
    ("report", &["outcome"]),
    (
        "scenario",
        &[
            "outcome",
            "progress",
            "tls",
            "waits",
            "process",
            "kube",
            "lab",
            "mesh",
            "product",
            "evidence",
            "diagnose",
            "expectation",
        ],
    ),
];

/// Programs that only one module may run, or none.
const RUN_BY: &[(&str, Option<&str>)] = &[
    ("docker", Some("lab")),
    ("kind", Some("lab")),
    ("istioctl", Some("mesh")),
    ("kubectl", None),
];

/// Where the harness's own modules lie, from the workspace's root.
const HARNESS: &str = "harness/src/";

/// What is wrong in one file, a line for each thing: `path:line: what`.
///
/// `path` is counted from the workspace's root. Outside the harness only programs are looked at,
/// since Cargo keeps crates' arrows straight by itself.
fn violations(path: &str, text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let inside: Vec<&str> = match path.strip_prefix(HARNESS) {
        Some(rest) => rest
            .trim_end_matches(".rs")
            .split('/')
            .filter(|part| !matches!(*part, "mod" | "lib"))
            .collect(),
        None => vec![],
    };
    let owner = inside.first().copied();
    let mut found = programs(&tokens, owner);
    if let Some(owner) = owner {
        found.extend(arrows(&tokens, owner, inside.len()));
    }
    found.sort();
    found
        .into_iter()
        .map(|(line, what)| format!("{path}:{line}: {what}"))
        .collect()
}

/// Arrows of a file of module `owner` that point where they must not; `depth` is the file's own
/// distance from the crate's root.
fn arrows(tokens: &[(usize, Token)], owner: &str, depth: usize) -> Vec<(usize, String)> {
    let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == owner) else {
        return vec![(
            1,
            format!("module `{owner}` has no place in the order; give it one"),
        )];
    };
    let mut found = vec![];
    for (line, head, by_super) in root_heads(tokens, depth) {
        let known = MAY_USE.iter().any(|(name, _)| *name == head);
        if head == owner || allowed.contains(&head) {
            continue;
        }
        if known {
            found.push((line, format!("`{owner}` must not use `{head}`")));
        } else if !by_super && head.starts_with(|c: char| c.is_ascii_lowercase()) {
            found.push((
                line,
                format!("`crate::{head}` has no place in the order; give it one"),
            ));
        }
    }
    found
}

/// The first name after the crate's root of every path that starts there, with its line and
/// whether the root was reached by `super`.
fn root_heads(tokens: &[(usize, Token)], depth: usize) -> Vec<(usize, &str, bool)> {
    let word = |at: usize| match tokens.get(at) {
        Some((_, Token::Word(word))) => Some(word.as_str()),
        _ => None,
    };
    let mark =
        |at: usize, mark: char| matches!(tokens.get(at), Some((_, Token::Mark(m))) if *m == mark);
    let path_goes_on = |at: usize| mark(at, ':') && mark(at + 1, ':');
    let mut heads = vec![];
    let mut braces = 0;
    let mut inline_modules = vec![];
    let mut at = 0;
    while at < tokens.len() {
        if word(at) == Some("mod") && mark(at + 2, '{') {
            inline_modules.push(braces);
        } else if mark(at, '{') {
            braces += 1;
        } else if mark(at, '}') {
            braces -= 1;
            inline_modules.pop_if(|opened_at| *opened_at == braces);
        }
        let mut after = at;
        let mut supers = 0;
        while word(after) == Some("super") && path_goes_on(after + 1) {
            supers += 1;
            after += 3;
        }
        if word(at) == Some("crate") && path_goes_on(at + 1) {
            after = at + 3;
        } else if supers == 0 || supers != depth + inline_modules.len() {
            at = after.max(at + 1);
            continue;
        }
        heads.extend(
            names_at(tokens, after)
                .into_iter()
                .map(|(l, n)| (l, n, supers > 0)),
        );
        at = after;
    }
    heads
}

/// The name at a place, or the first names of each branch of a `{...}` group there.
fn names_at(tokens: &[(usize, Token)], at: usize) -> Vec<(usize, &str)> {
    match tokens.get(at) {
        Some((line, Token::Word(name))) => vec![(*line, name.as_str())],
        Some((_, Token::Mark('{'))) => {
            let mut names = vec![];
            let mut depth = 0;
            let mut branch_begins = false;
            for (line, token) in &tokens[at..] {
                match token {
                    Token::Mark('{') => depth += 1,
                    Token::Mark('}') => depth -= 1,
                    Token::Word(name) if branch_begins && depth == 1 => {
                        names.push((*line, name.as_str()));
                    }
                    _ => {}
                }
                branch_begins = matches!(token, Token::Mark('{' | ','));
                if depth == 0 {
                    break;
                }
            }
            names
        }
        _ => vec![],
    }
}

/// Programs that are started, or looked for, by a module that must not run them.
fn programs(tokens: &[(usize, Token)], owner: Option<&str>) -> Vec<(usize, String)> {
    let mut found = vec![];
    for (at, (line, token)) in tokens.iter().enumerate() {
        let Token::Text(program) = token else {
            continue;
        };
        let name = program.rsplit('/').next().unwrap_or(program);
        let Some((_, runner)) = RUN_BY.iter().find(|(tool, _)| *tool == name) else {
            continue;
        };
        let before: Vec<&Token> = tokens[..at].iter().rev().map(|(_, t)| t).take(5).collect();
        let starts = match before.as_slice() {
            [Token::Mark('('), Token::Word(new), _, _, Token::Word(kind)] if new == "new" => {
                kind == "Command" || kind == "Program"
            }
            _ => false,
        };
        let looks_for = matches!(
            before.as_slice(),
            [Token::Mark('('), Token::Word(which), ..] if which == "which"
        );
        if (starts || looks_for) && (runner.is_none() || *runner != owner) {
            let cure = runner.map_or("nobody may".to_owned(), |only| format!("only `{only}` may"));
            found.push((*line, format!("runs {name}; {cure}")));
        }
    }
    found
}

/// Every Rust source under a folder, as path from the workspace's root and text.
fn sources(root: &Path, folder: &str) -> Vec<(String, String)> {
    let mut found = vec![];
    let mut folders: Vec<PathBuf> = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a source folder that can be read") {
            let path = entry.expect("an entry of a source folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source that can be read");
                let path = path.strip_prefix(root).expect("a path under the root");
                found.push((path.display().to_string(), text));
            }
        }
    }
    found
}

#[test]
fn the_house_keeps_its_order() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace's root");
    let all: Vec<(String, String)> = [
        "harness/src",
        "harness/protocol/src",
        "scenarios/src",
        "fixtures/probe/src",
    ]
    .iter()
    .flat_map(|folder| sources(root, folder))
    .collect();
    let read = |path: &str| all.iter().any(|(p, _)| p == path);
    assert!(read("harness/src/outcome/verdict.rs") && read("scenarios/src/main.rs"));
    let found: Vec<String> = all.iter().flat_map(|(p, t)| violations(p, t)).collect();
    assert!(
        found.is_empty(),
        "arrows that point back:\n{}",
        found.join("\n")
    );
}

#[test]
fn the_order_itself_points_down() {
    for (n, (name, allowed)) in MAY_USE.iter().enumerate() {
        for used in *allowed {
            let lower = MAY_USE[..n].iter().any(|(lower, _)| lower == used);
            assert!(lower, "`{name}` may use `{used}`, which is not below it");
        }
    }
}
