//! Makes a Debian root file system with debootstrap, from the mirror that this machine uses.

use std::path::Path;

use super::cache::{Cache, remove_folder};
use super::key::Key;
use super::pins::DEBIAN;
use crate::lab::{Engine, LabError};
use crate::process::Program;
use crate::progress::Progress;

/// What every image of ours that needs a root file system has in it: certificates and what a
/// network namespace is looked after with.
const PACKAGES: &str = "ca-certificates,iptables,conntrack,iproute2,curl,procps";

/// What debootstrap copies from the machine it runs on. Images have no use for it, and archives would
/// carry it to others; an engine gives each container its own.
const OF_THIS_MACHINE: [&str; 2] = ["etc/hostname", "etc/resolv.conf"];

/// The name of the root's image in the engine.
pub fn reference() -> String {
    format!(
        "meshproof.local/debian:{}",
        Key::over("debian")
            .add(DEBIAN)
            .add(PACKAGES)
            .add(OF_THIS_MACHINE.join(" "))
            .finish()
    )
}

/// Makes the root's image, unless the engine has it.
///
/// # Errors
/// When this machine names no mirror for the release, or debootstrap fails.
pub async fn ensure(engine: &Engine, cache: &Cache, progress: &Progress) -> Result<(), LabError> {
    let reference = reference();
    if engine.image_id(&reference).await?.is_some() {
        return Ok(());
    }
    let sources = apt_sources();
    without_users(&sources)?;
    let mirror = |suite: &str| mirror_of(&sources, suite);
    let main = mirror(DEBIAN).ok_or_else(|| LabError::Unexpected {
        what: "this machine's apt sources".into(),
        found: format!("no mirror for {DEBIAN}"),
        cure: "build on Debian 12, or use released images where a registry is reachable".into(),
    })?;
    let stage = progress.stage("Making the Debian root file system");
    let root = cache.root().join("partial").join("debian-root");
    remove_folder(&root)?;
    std::fs::create_dir_all(&root).map_err(LabError::file("making the folder", &root))?;
    Program::new("debootstrap")
        .args(["--variant=minbase", "--include", PACKAGES, DEBIAN])
        .arg(&root)
        .arg(&main)
        .run()
        .await
        .map_err(LabError::program("making the Debian root file system"))?;
    for file in OF_THIS_MACHINE {
        remove(&root, file)?;
    }
    let mut lines = format!("deb {main} {DEBIAN} main\n");
    for suite in [format!("{DEBIAN}-updates"), format!("{DEBIAN}-security")] {
        if let Some(mirror) = mirror(&suite) {
            lines.push_str(&format!("deb {mirror} {suite} main\n"));
        }
    }
    write(&root, "etc/apt/sources.list", &lines)?;
    // Images are built in engines whose containers may not keep apt's downloads or ask questions.
    write(
        &root,
        "etc/apt/apt.conf.d/90meshproof",
        "APT::Install-Recommends \"false\";\n",
    )?;
    for folder in [
        "var/cache/apt/archives",
        "var/lib/apt/lists",
        "usr/share/doc",
        "usr/share/locale",
    ] {
        let folder = root.join(folder);
        remove_folder(&folder)?;
        std::fs::create_dir_all(&folder).map_err(LabError::file("making the folder", &folder))?;
    }
    engine.import_root(&root, &reference).await?;
    remove_folder(&root)?;
    stage.done();
    Ok(())
}

fn remove(root: &Path, file: &str) -> Result<(), LabError> {
    let path = root.join(file);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(LabError::file("removing", &path)(error))
        }
        _ => Ok(()),
    }
}

fn write(root: &Path, file: &str, text: &str) -> Result<(), LabError> {
    let path = root.join(file);
    std::fs::write(&path, text).map_err(LabError::file("writing", &path))
}

/// Refuses mirrors with a user's name or password in their address: the images carry the address, and
/// archives carry the images to others.
fn without_users(sources: &str) -> Result<(), LabError> {
    let named = sources.split_whitespace().any(|word| {
        let address = word.split_once("://").map_or("", |(_, rest)| rest);
        address.split('/').next().unwrap_or_default().contains('@')
    });
    if !named {
        return Ok(());
    }
    Err(LabError::Unexpected {
        what: "this machine's apt sources".into(),
        found: "a mirror with a user's name in its address, which images would carry on".into(),
        cure: "put it into /etc/apt/auth.conf.d, where apt reads it too".into(),
    })
}

/// All of the machine's apt sources as one text.
fn apt_sources() -> String {
    let mut text = std::fs::read_to_string("/etc/apt/sources.list").unwrap_or_default();
    let files = std::fs::read_dir("/etc/apt/sources.list.d")
        .into_iter()
        .flatten()
        .flatten();
    for file in files {
        text.push_str("\n\n");
        text.push_str(&std::fs::read_to_string(file.path()).unwrap_or_default());
    }
    text
}

/// The mirror of a suite in apt sources of either format: one line each, or deb822 stanzas.
fn mirror_of(sources: &str, suite: &str) -> Option<String> {
    let one_line = sources.lines().find_map(|line| {
        let rest = line.trim().strip_prefix("deb ")?;
        let rest = match rest.split_once(']') {
            Some((options, after)) if options.trim_start().starts_with('[') => after,
            _ => rest,
        };
        let mut words = rest.split_whitespace();
        let uri = words.next()?;
        (words.next()? == suite).then(|| uri.to_owned())
    });
    one_line.or_else(|| {
        sources.split("\n\n").find_map(|stanza| {
            let field = |name: &str| {
                stanza.lines().find_map(|line| {
                    let (key, value) = line.split_once(':')?;
                    key.eq_ignore_ascii_case(name).then(|| value.trim())
                })
            };
            let suites = field("Suites")?;
            let enabled = field("Enabled").is_none_or(|v| !v.eq_ignore_ascii_case("no"));
            let binary = field("Types").is_some_and(|t| t.split_whitespace().any(|t| t == "deb"));
            (enabled && binary && suites.split_whitespace().any(|s| s == suite))
                .then(|| field("URIs")?.split_whitespace().next().map(str::to_owned))?
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_with_a_password_is_refused_and_not_shown() {
        let plain = "deb http://mirror.test/debian bookworm main # someone@mirror.test\n";
        assert!(without_users(plain).is_ok());
        let told = without_users("URIs: https://bob:s3cret@mirror.test/debian\n");
        let told = told.unwrap_err().to_string();
        assert!(
            told.contains("auth.conf.d") && !told.contains("s3cret"),
            "{told}"
        );
    }

    #[test]
    fn one_line_sources_are_read() {
        let text = "# a comment\ndeb [signed-by=/k.gpg] http://mirror.test/debian bookworm main\n";
        assert_eq!(
            mirror_of(text, "bookworm").as_deref(),
            Some("http://mirror.test/debian")
        );
        assert_eq!(mirror_of(text, "bookworm-security"), None);
    }

    #[test]
    fn deb822_stanzas_are_read() {
        let text = "Types: deb\nURIs: http://a.test/debian\nSuites: bookworm bookworm-updates\nComponents: main\n\nTypes: deb\nURIs: http://b.test/sec\nSuites: bookworm-security\n";
        assert_eq!(
            mirror_of(text, "bookworm-updates").as_deref(),
            Some("http://a.test/debian")
        );
        assert_eq!(
            mirror_of(text, "bookworm-security").as_deref(),
            Some("http://b.test/sec")
        );
    }

    #[test]
    fn disabled_and_source_only_stanzas_are_passed_over() {
        let text = "Types: deb-src\nURIs: http://a.test/\nSuites: bookworm\n\nEnabled: no\nTypes: deb\nURIs: http://b.test/\nSuites: bookworm\n";
        assert_eq!(mirror_of(text, "bookworm"), None);
    }
}
