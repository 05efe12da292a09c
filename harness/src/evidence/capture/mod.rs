//! What is kept of a scenario that did not come out as expected, before anything is deleted.
//!
//! [`take`] reads, takes out the secrets and writes, the most telling first, until the budget or
//! the time is used up. A source that fails is told in the index and stops nothing. What lies
//! beneath the cluster (the nodes' journals) is not known here: the caller hands it over as
//! [`Source`]s. What the capture means is for whoever reads it.

mod budget;
mod index;
mod objects;
mod pods;
pub mod redact;
mod source;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::kube::{Kube, SYSTEM_NAMESPACE};
use crate::mesh::{ISTIO_NAMESPACE, Install, MeshError};

use budget::Budget;
use index::{Entry, Fate};
use redact::Redactor;

pub use budget::ALL_BYTES;
pub use source::{Content, Rank, Source};

/// The file that tells what is there and what is missing.
pub const INDEX: &str = "index.txt";
/// How long a whole capture may take; what has not begun by then is left out and told.
const ALL_TIME: Duration = Duration::from_secs(150);
/// How long istioctl's analysis may take.
const ANALYSIS: Duration = Duration::from_secs(45);
/// How many sources are read at a time: the cluster that failed may be short of everything.
const AT_A_TIME: usize = 6;

/// What is to be captured.
pub struct Wanted<'a> {
    /// The cluster's API.
    pub kube: &'a Kube,
    /// The mesh's install, for istioctl's analysis; without it there is none.
    pub install: Option<&'a Install>,
    /// The scenario's namespaces. Those of Istio and of Kubernetes are captured besides.
    pub namespaces: &'a [String],
    /// The folder to write into; made where it is not there.
    pub folder: &'a Path,
    /// Texts that must not be written, not even in part, such as a license.
    pub known_secrets: &'a [String],
    /// What else is to be read.
    pub others: Vec<Source<'a>>,
}

/// What was captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// The folder.
    pub folder: PathBuf,
    /// How many files were written, the index not counted.
    pub files: usize,
    /// How many bytes they hold together.
    pub bytes: usize,
    /// What could not be read, with the reason.
    pub failed: Vec<String>,
    /// What was cut, with the number of bytes.
    pub cut: Vec<String>,
}

/// Why nothing could be captured at all.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The folder or the index could not be written.
    #[error(
        "the capture cannot be written to {path} ({source}); check the disk and the folder's owner"
    )]
    Write {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Captures what there is, within 50 MB and about two and a half minutes.
///
/// # Errors
/// When the folder cannot be made or the index not written. Anything else is told in the index.
pub async fn take(wanted: Wanted<'_>) -> Result<Captured, CaptureError> {
    take_within(wanted, ALL_BYTES, ALL_TIME).await
}

async fn take_within(
    wanted: Wanted<'_>,
    bytes: usize,
    time: Duration,
) -> Result<Captured, CaptureError> {
    let deadline = Instant::now() + time;
    let folder = wanted.folder.to_owned();
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        move |source| CaptureError::Write { path, source }
    };
    std::fs::create_dir_all(&folder).map_err(unwritable(&folder))?;
    let redactor = Redactor::knowing(wanted.known_secrets);
    let Wanted {
        kube,
        install,
        namespaces: own,
        others,
        ..
    } = wanted;
    let (mut sources, mut entries) = sources(kube, install, own).await;
    sources.extend(others);
    sources.sort_by_key(|source| source.rank);
    let mut budget = Budget::of(bytes);
    let mut cleaned: Vec<BoxFuture<'_, (String, Result<Clean, String>)>> = vec![];
    for source in sources {
        cleaned.push(Box::pin(read(source, &redactor, deadline)));
    }
    // In their order, so that the most telling are the ones for which there is room.
    let mut reads = futures::stream::iter(cleaned).buffered(AT_A_TIME);
    let mut written = 0;
    while let Some((file, read)) = reads.next().await {
        let fate = match read {
            Ok(Clean::Text { text, redacted }) => {
                let kept = budget.keep(text);
                match kept.text {
                    Some(text) => match write(&folder.join(&file), &text) {
                        Ok(()) => {
                            written += text.len();
                            Fate::Written {
                                bytes: text.len(),
                                cut: kept.cut,
                                redacted,
                            }
                        }
                        Err(error) => Fate::Failed(format!("it cannot be written ({error})")),
                    },
                    None => Fate::NoRoom(kept.cut),
                }
            }
            Ok(Clean::Nothing(why)) => Fate::Nothing(why),
            Err(why) => Fate::Failed(why),
        };
        entries.push(Entry { file, fate });
    }
    let index = folder.join(INDEX);
    let text = index::render(&entries, &with_what_they_stand_on(own), written);
    write(&index, &text).map_err(unwritable(&index))?;
    Ok(Captured {
        files: entries
            .iter()
            .filter(|entry| matches!(entry.fate, Fate::Written { .. }))
            .count(),
        bytes: written,
        failed: entries.iter().filter_map(index::failed).collect(),
        cut: entries.iter().filter_map(index::cut).collect(),
        folder,
    })
}

/// Everything that is to be read, and what cannot be because the pods are not to be known.
async fn sources<'a>(
    kube: &'a Kube,
    install: Option<&'a Install>,
    own: &'a [String],
) -> (Vec<Source<'a>>, Vec<Entry>) {
    let (mut sources, mut entries) = (Vec::from(objects::of_cluster(kube)), vec![]);
    for namespace in with_what_they_stand_on(own) {
        sources.extend(objects::of_namespace(kube, namespace));
        match pods::list(kube, namespace).await {
            Ok(listed) => sources.extend(
                listed
                    .iter()
                    .flat_map(|pod| pods::of_pod(kube, namespace, pod)),
            ),
            Err(why) => entries.push(Entry {
                file: format!("{namespace}/logs and {namespace}/proxies"),
                fate: Fate::Failed(why),
            }),
        }
        if let (Some(install), true) = (install, own.iter().any(|own| own == namespace)) {
            let file = format!("{namespace}/istioctl-analyze.txt");
            let read = analysis(install, namespace);
            sources.push(Source::new(file, Rank::State, ANALYSIS, read));
        }
    }
    (sources, entries)
}

/// The namespaces, each once, Istio's own, and that of what Kubernetes runs: DNS that does not answer is
/// seen nowhere else.
fn with_what_they_stand_on(own: &[String]) -> Vec<&str> {
    let beneath = [ISTIO_NAMESPACE, SYSTEM_NAMESPACE];
    let mut all: Vec<&str> = vec![];
    for namespace in own.iter().map(String::as_str).chain(beneath) {
        if !all.contains(&namespace) {
            all.push(namespace);
        }
    }
    all
}

async fn analysis(install: &Install, namespace: &str) -> Result<Content, MeshError> {
    let found = install.analyze(namespace).await?;
    Ok(match found.is_empty() {
        true => Content::Nothing("istioctl analyze finds nothing".into()),
        false => Content::Text(found.iter().map(|m| format!("{m}\n")).collect()),
    })
}

/// Reads a source, unless the time is over, and takes the secrets out.
async fn read(
    source: Source<'_>,
    redactor: &Redactor,
    deadline: Instant,
) -> (String, Result<Clean, String>) {
    let file = source.file.clone();
    let read = if Instant::now() < deadline {
        source.read().await
    } else {
        Err("not begun: the time for the whole capture was over".into())
    };
    (file, without_secrets(redactor, read).await)
}

/// What a source gave, without secrets.
enum Clean {
    Text { text: String, redacted: usize },
    Nothing(String),
}

/// Takes secrets out beside the scenarios that still run: a long text takes a while.
async fn without_secrets(
    redactor: &Redactor,
    read: Result<Content, String>,
) -> Result<Clean, String> {
    let redactor = redactor.clone();
    let cleaning = tokio::task::spawn_blocking(move || match read {
        Ok(Content::Text(text)) => {
            let redacted = redactor.text(&text);
            Ok(Clean::Text {
                text: redacted.text,
                redacted: redacted.count,
            })
        }
        Ok(Content::Json(mut value)) => {
            let redacted = redactor.json(&mut value);
            Ok(Clean::Text {
                text: format!("{value:#}\n"),
                redacted,
            })
        }
        Ok(Content::Nothing(why)) => Ok(Clean::Nothing(redactor.text(&why).text)),
        Err(why) => Err(redactor.text(&why).text),
    });
    cleaning
        .await
        .unwrap_or_else(|_| Err("taking secrets out of it failed, so it is not written".into()))
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}

#[cfg(test)]
mod tests;
