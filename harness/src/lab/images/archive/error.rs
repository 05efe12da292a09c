//! What can be wrong with an archive of images, each with the cure in the same sentence.

use std::path::PathBuf;

use crate::lab::LabError;

/// Why an archive cannot be written or taken. Nothing was changed where one of these is told.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// There is no such file.
    #[error(
        "there is no archive {0}; name the file that meshproof images export wrote on another machine"
    )]
    NotThere(PathBuf),
    /// The file to be written is there already.
    #[error("{0} is there already; name another file, or delete that one")]
    Exists(PathBuf),
    /// What an archive is written to before it is whole is there already.
    #[error(
        "{0} is there already, and another export writes it or it is no archive of ours; wait for that export, delete the file, or name another one"
    )]
    PartialExists(PathBuf),
    /// A folder was named.
    #[error("{0} is a folder, and an archive is one file; name a file in it")]
    IsFolder(PathBuf),
    /// There is no folder to write to.
    #[error("there is no folder {0}; make it first, or name a file in another one")]
    NoFolder(PathBuf),
    /// The archive could not be read or written.
    #[error("{action} {path}: {source}{}", cure_of(source))]
    File {
        /// What was tried.
        action: &'static str,
        /// The archive.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is something else.
    #[error("{0} is no archive of images; name the file that meshproof images export wrote")]
    NotAnArchive(PathBuf),
    /// Its end is missing.
    #[error("the archive {0} is cut short; copy it once more from where it was exported")]
    CutShort(PathBuf),
    /// It was written in another way.
    #[error(
        "the archive {path} has the format {found}, written by Meshproof {meshproof}, and this one reads format {known}; export it once more with Meshproof {here}"
    )]
    OtherFormat {
        /// The archive.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The format that is known here.
        known: u64,
        /// Who wrote it.
        meshproof: String,
        /// The version of this program.
        here: &'static str,
    },
    /// Its images are for other machines.
    #[error(
        "the archive {path} holds images for {found}, and this machine runs {here}; export it once more on a machine of this kind"
    )]
    OtherArchitecture {
        /// The archive.
        path: PathBuf,
        /// What its images run on.
        found: String,
        /// What this machine runs.
        here: &'static str,
    },
    /// Its Istio is none that this program knows.
    #[error(
        "the archive {path} is of Istio {istio}, which this Meshproof does not know; take the Meshproof that exported it ({meshproof})"
    )]
    UnknownIstio {
        /// The archive.
        path: PathBuf,
        /// The Istio build.
        istio: String,
        /// Who wrote it.
        meshproof: String,
    },
    /// It would have to hold what somebody brought.
    #[error(
        "an archive carries what was pulled or built under its own names, and not {0}; leave that out, and carry it by other means (docker save)"
    )]
    NotCarried(String),
    /// Its images are made otherwise than this program wants them.
    #[error(
        "the archive {path} was exported by another Meshproof ({meshproof}): it lacks {lacking} as this one wants them; export it once more with this one, or take that one"
    )]
    OtherRecipes {
        /// The archive.
        path: PathBuf,
        /// Who wrote it.
        meshproof: String,
        /// What it lacks.
        lacking: String,
    },
    /// It holds an image that no lab of its Istio asks for.
    #[error(
        "the archive {path}, written by Meshproof {meshproof}, also holds {more}, which a lab of this one does not ask for; export it once more with this one"
    )]
    MoreThanAsked {
        /// The archive.
        path: PathBuf,
        /// Who wrote it.
        meshproof: String,
        /// The image.
        more: String,
    },
    /// Its image of the probe was made of another probe than the one on this machine.
    #[error(
        "the archive {path} holds the image of the probe {archive}, and the meshproof-probe on this machine is {here}; put the probe of the machine that exported it beside meshproof, or name it in MESHPROOF_PROBE"
    )]
    OtherProbe {
        /// The archive.
        path: PathBuf,
        /// What its probe says of itself.
        archive: String,
        /// What the probe here says of itself.
        here: String,
    },
    /// What its manifest names and what it holds are two things.
    #[error(
        "the archive {path} was changed after its export: {how}; copy it once more from where it was exported, and if it stays so, do not trust it"
    )]
    Changed {
        /// The archive.
        path: PathBuf,
        /// What shows it.
        how: String,
    },
}

impl ArchiveError {
    /// Wraps a file error with what was tried on which archive.
    pub(super) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> LabError {
        let path = path.into();
        move |source| {
            LabError::Archive(Self::File {
                action,
                path,
                source,
            })
        }
    }
}

/// What to do about a file error, where that can be told.
fn cure_of(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "; name a file in a folder that you may use"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; free some disk there, or name a file on a larger one"
        }
        _ => "",
    }
}
