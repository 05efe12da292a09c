//! Finds the `kind` program for images that were pulled: nothing of it is compiled then.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cache::Cache;
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
        (released_place(cache), "downloaded"),
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
    let key = released_key();
    let place = cache
        .artifact("kind-release", &key, async |at| {
            download(RELEASES, &at).await
        })
        .await?;
    stage.done();
    Ok(KindProgram {
        path: place.join("kind"),
        from: "downloaded",
    })
}

fn released_key() -> Key {
    Key::over("kind-release").add(pins::KIND).finish()
}

fn released_place(cache: &Cache) -> PathBuf {
    cache.place("kind-release", &released_key())
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
