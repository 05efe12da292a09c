//! Names of images, as engines, registries and people write them.

use std::fmt;
use std::str::FromStr;

/// The registry of a name that names none.
pub const DEFAULT_REGISTRY: &str = "docker.io";

/// A text that names no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no image; write it like registry.example:5000/istio/pilot:1.30.5")]
pub struct ReferenceError(String);

/// What of a mistyped text may be shown: not what stands before an `@`, which may be a password.
fn shown(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, rest)) => format!("...@{rest}"),
        None => text.to_owned(),
    }
}

/// A registry that serves the released images in place of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror(String);

/// A text that names no mirror.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no registry; write it as HOST[:PORT][/PREFIX], like mirror.example:5000/hub, and log in with docker login where it asks for it"
)]
pub struct MirrorError(String);

impl Mirror {
    /// The name under which it serves a released image.
    pub fn of(&self, released: &str) -> String {
        format!("{}/{released}", self.0)
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Mirror {
    type Err = MirrorError;

    fn from_str(text: &str) -> Result<Self, MirrorError> {
        let wrong = || MirrorError(shown(text));
        let (host, prefix) = match text.split_once('/') {
            Some((host, prefix)) => (host, Some(prefix)),
            None => (text, None),
        };
        let prefix_fits = prefix.is_none_or(|prefix| prefix.split('/').all(is_component));
        match is_registry(host) && prefix_fits {
            true => Ok(Self(text.to_owned())),
            false => Err(wrong()),
        }
    }
}

/// Whether the first part of a name is a registry, by the rule that every engine has: otherwise the
/// engine takes it for a user of its default registry.
fn is_registry(host: &str) -> bool {
    let (name, port) = match host.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let named = !name.is_empty() && name.chars().all(letter);
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok());
    named && port_fits && (port.is_some() || name.contains('.') || name == "localhost")
}

/// Whether a text can be one part of a repository's path.
fn is_component(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(letter)
        && text.ends_with(letter)
        && text.chars().all(|c| letter(c) || "._-".contains(c))
}

/// The whole name of an image that an engine shows by a shortened one: with registry and tag.
pub fn canonical(reference: &str) -> String {
    let whole = match reference.split_once('/') {
        Some((first, _)) if is_registry(first) => reference.to_owned(),
        Some(_) => format!("{DEFAULT_REGISTRY}/{reference}"),
        None => format!("{DEFAULT_REGISTRY}/library/{reference}"),
    };
    match repository_and_tag(&whole) {
        (_, Some(_)) => whole,
        (repository, None) => format!("{repository}:latest"),
    }
}

/// The registry that an image is asked of.
pub fn registry_of(reference: &str) -> &str {
    match reference.split_once('/') {
        Some((first, _)) if is_registry(first) => first,
        _ => DEFAULT_REGISTRY,
    }
}

/// A name without its tag where a digest says all.
pub fn without_tag(reference: &str) -> String {
    match reference.split_once('@') {
        Some((name, digest)) => format!("{}@{digest}", repository_and_tag(name).0),
        None => reference.to_owned(),
    }
}

fn repository_and_tag(reference: &str) -> (&str, Option<&str>) {
    match reference.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (reference, None),
    }
}

/// Whether a text can name an image, as far as shape goes.
///
/// # Errors
/// [`ReferenceError`] if it cannot.
pub fn checked(reference: &str) -> Result<(), ReferenceError> {
    let (name, digest) = match reference.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (reference, None),
    };
    let whole = canonical(name);
    let (repository, tag) = repository_and_tag(&whole);
    let path = repository.split_once('/').map_or("", |(_, path)| path);
    let word = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let tag_fits = tag.is_some_and(|tag| {
        (1..=128).contains(&tag.len()) && tag.chars().all(word) && !tag.starts_with(['.', '-'])
    });
    let digest_fits = digest.is_none_or(|digest| {
        let digits = digest.strip_prefix("sha256:").unwrap_or_default();
        digits.len() == 64 && digits.chars().all(|c| c.is_ascii_hexdigit())
    });
    let fits = path.split('/').all(is_component) && tag_fits && digest_fits;
    fits.then_some(())
        .ok_or_else(|| ReferenceError(shown(reference)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_mistyped_text_is_not_shown() {
        let mirror = Mirror::from_str("https://bob:s3cret@mirror.example/hub").unwrap_err();
        let image = checked("bob:s3cret@mirror.example/pilot!").unwrap_err();
        for told in [mirror.to_string(), image.to_string()] {
            assert!(told.contains("...@mirror.example"), "{told}");
            assert!(!told.contains("s3cret"), "{told}");
        }
    }

    #[test]
    fn a_mirror_is_a_registry_with_or_without_a_prefix() {
        for (mirror, name) in [
            ("127.0.0.1:5000", "127.0.0.1:5000/istio/pilot:1"),
            ("mirror.example/a/b-c", "mirror.example/a/b-c/istio/pilot:1"),
            ("localhost", "localhost/istio/pilot:1"),
        ] {
            assert_eq!(mirror.parse::<Mirror>().unwrap().of("istio/pilot:1"), name);
        }
        for wrong in [
            "",
            "mirror",
            "https://mirror.example",
            "mirror.example/",
            "mirror.example/Hub",
            "mirror.example:port",
            "a b.example",
        ] {
            assert!(wrong.parse::<Mirror>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_completed_as_engines_do() {
        for (written, whole) in [
            ("istio/pilot:1", "docker.io/istio/pilot:1"),
            ("docker.io/istio/pilot:1", "docker.io/istio/pilot:1"),
            ("node", "docker.io/library/node:latest"),
            ("h:5000/a/b", "h:5000/a/b:latest"),
            ("meshproof.local/a:1", "meshproof.local/a:1"),
        ] {
            assert_eq!(canonical(written), whole);
        }
        assert_eq!(registry_of("istio/pilot:1"), "docker.io");
        assert_eq!(without_tag("h:5/a:1@sha256:0"), "h:5/a@sha256:0");
        assert_eq!(without_tag("h:5/a@sha256:0"), "h:5/a@sha256:0");
        assert_eq!(without_tag("h:5/a:1"), "h:5/a:1");
        assert_eq!(
            registry_of("127.0.0.1:5000/istio/pilot:1"),
            "127.0.0.1:5000"
        );
    }

    #[test]
    fn what_names_no_image_is_refused() {
        let digest = format!("a/b@sha256:{}", "0".repeat(64));
        for right in ["istio/pilot:1.30.5", "h:5000/a", &digest, "node"] {
            assert_eq!(checked(right), Ok(()), "{right}");
        }
        for wrong in [
            "",
            "a b",
            "https://h/a:1",
            "A/b:1",
            "a:",
            "a/b@sha256:0",
            "a//b:1",
        ] {
            assert!(checked(wrong).is_err(), "{wrong}");
        }
    }
}
