//! Finds the `kind` program for images that were pulled: nothing of it is compiled then.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cache::{Artifact, Cache};
use super::key::{Key, sha256};
use super::{pins, programs};
use crate::lab::LabError;
use crate::process::Program;
use crate::progress::Progress;

/// Where kind's project publishes its releases.
const RELEASES: &str = "https://kind.sigs.k8s.io/dl";
/// How long the download may take.
const LIMIT: Duration = Duration::from_secs(120);

/// The program, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindProgram {
    /// Its path.
    pub path: PathBuf,
    /// Where it was found, in words.
    pub from: &'static str,
}

/// The pinned kind as it is here already: built or downloaded before, else the one on PATH if that is
/// of the same version.
pub async fn find(cache: &Cache) -> Option<KindProgram> {
    let built = programs::kind();
    let places = [
        (cache.place(&built.name, &built.key()), "built here"),
        (downloaded_place(cache), "downloaded"),
    ];
    for (place, from) in places {
        let path = place.join("kind");
        if path.is_file() {
            return Some(KindProgram { path, from });
        }
    }
    let path = which::which("kind").ok()?;
    let told = Program::new(&path)
        .args(["version", "--quiet"])
        .run()
        .await
        .ok()?;
    let same = told.stdout.trim().trim_start_matches('v') == pins::KIND.trim_start_matches('v');
    same.then_some(KindProgram {
        path,
        from: "from PATH",
    })
}

/// Finds it, or downloads the release with its published checksum.
///
/// # Errors
/// When it cannot be downloaded, or is not what its checksum says.
pub async fn ensure(cache: &Cache, progress: &Progress) -> Result<KindProgram, LabError> {
    if let Some(found) = find(cache).await {
        return Ok(found);
    }
    let stage = progress.stage(format!("Downloading kind {}", pins::KIND));
    let (name, key) = downloaded();
    let place = cache
        .artifact(name, &key, async |at| download(RELEASES, &at).await)
        .await?;
    stage.done();
    Ok(KindProgram {
        path: place.join("kind"),
        from: "downloaded",
    })
}

/// The artifact that holds the download.
pub fn downloaded() -> Artifact {
    let name = "kind-release";
    (name, Key::over(name).add(pins::KIND).finish())
}

fn downloaded_place(cache: &Cache) -> PathBuf {
    let (name, key) = downloaded();
    cache.place(name, &key)
}

async fn download(releases: &str, into: &Path) -> Result<(), LabError> {
    crate::tls::install_provider();
    let url = format!("{releases}/{}/kind-linux-amd64", pins::KIND);
    let failed = |error: reqwest::Error| LabError::Unexpected {
        what: format!("the download of kind {}", pins::KIND),
        found: innermost(&error),
        cure: format!("put kind {} on PATH", pins::KIND),
    };
    let client = reqwest::Client::builder()
        .timeout(LIMIT)
        .build()
        .map_err(failed)?;
    let get = async |url: &str| {
        let answer = client.get(url).send().await?.error_for_status()?;
        answer.bytes().await
    };
    let sums = get(&format!("{url}.sha256sum")).await.map_err(failed)?;
    let expected = String::from_utf8_lossy(&sums);
    let expected = expected
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned();
    let program = get(&url).await.map_err(failed)?;
    let path = into.join("kind");
    std::fs::write(&path, &program).map_err(LabError::file("writing", &path))?;
    let found = sha256(&program);
    if found != expected {
        let what = format!("kind {}", pins::KIND);
        return Err(LabError::Tampered {
            what,
            expected,
            found,
            path,
        });
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
        .map_err(LabError::file("making executable", &path))
}

/// The address, and the innermost reason, which is the one that a person can act on.
fn innermost(error: &reqwest::Error) -> String {
    let mut reason: &dyn std::error::Error = error;
    while let Some(inner) = reason.source() {
        reason = inner;
    }
    format!(
        "{} ({reason})",
        error.url().map_or("", reqwest::Url::as_str)
    )
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::path;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    /// A site that publishes a program with this checksum.
    async fn site(checksum: &str) -> MockServer {
        let server = MockServer::start().await;
        let program = format!("/{}/kind-linux-amd64", pins::KIND);
        let sums = format!("{checksum}  kind-linux-amd64\n");
        for (at, body) in [
            (program.clone(), "kind".to_owned()),
            (program + ".sha256sum", sums),
        ] {
            let answer = ResponseTemplate::new(200).set_body_string(body);
            Mock::given(path(at))
                .respond_with(answer)
                .mount(&server)
                .await;
        }
        server
    }

    #[tokio::test]
    async fn a_download_is_taken_only_if_it_has_its_published_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let good = site(&sha256(b"kind")).await;
        download(&good.uri(), folder.path()).await.unwrap();
        let made = std::fs::metadata(folder.path().join("kind")).unwrap();
        assert_eq!(made.permissions().mode() & 0o777, 0o755);
        let bad = site(&sha256(b"something else")).await;
        let error = download(&bad.uri(), folder.path()).await.unwrap_err();
        assert!(matches!(error, LabError::Tampered { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_site_that_has_no_such_release_is_told_with_the_cure() {
        let folder = tempfile::tempdir().unwrap();
        let empty = MockServer::start().await;
        let error = download(&empty.uri(), folder.path()).await.unwrap_err();
        let told = error.to_string();
        assert!(
            told.contains("404") && told.ends_with("put kind v0.33.0 on PATH"),
            "{told}"
        );
    }
}
