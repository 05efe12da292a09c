//! What can go wrong under the lab, each with the cure in the same sentence.

use std::path::PathBuf;
use std::time::Duration;

use crate::process::ProcessError;

/// An error of the lab.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// There is nowhere to keep anything.
    #[error(
        "there is no home folder to keep the lab in; set HOME or MESHPROOF_CACHE_DIR and MESHPROOF_STATE_DIR"
    )]
    NoHome,
    /// No engine answers.
    #[error("no container engine answers ({0}); run ci/setup, or start Docker")]
    NoEngine(String),
    /// An engine is there and does not answer.
    #[error(
        "the container engine did not answer within {0:?}; look at its log and start it anew (systemctl restart docker)"
    )]
    EngineHangs(Duration),
    /// This user may not use the engine.
    #[error(
        "this user may not use the container engine ({0}); run as root, or join the group that owns its socket (usermod --append --groups docker) and log in again"
    )]
    EngineRefuses(String),
    /// The engine that the client is set to is on another machine.
    #[error(
        "the container engine at {0} is on another machine, and its nodes could not mount this one's folders; unset DOCKER_HOST, or choose a local one with: docker context use default"
    )]
    EngineElsewhere(String),
    /// The engine is one that labs are not made for.
    #[error(
        "the container engine is Podman ({0}), and labs are made for Docker alone; start Docker (ci/setup installs it where no engine answers), and unset DOCKER_HOST or choose it with: docker context use default"
    )]
    EngineIsPodman(String),
    /// The engine runs as a user.
    #[error(
        "the container engine runs without root, and a lab's nodes mount file systems and set the kernel's limits, which takes an engine that runs as root; start that (systemctl start docker), and unset DOCKER_HOST or choose it with: docker context use default"
    )]
    EngineWithoutRoot,
    /// The engine goes on making a container that nobody waits for any more.
    #[error(
        "waited {waited:?} for the engine to make a container, lest it be left: pid {pid}, `{command}`; look at the engine's log, and once that process has ended call meshproof reap"
    )]
    StillMaking {
        /// The client that asked for it.
        pid: u32,
        /// Its command line.
        command: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The engine runs programs of another kind of machine.
    #[error(
        "the container engine runs {0} programs, and the lab's images are made for linux/amd64; use an engine on such a machine"
    )]
    WrongArchitecture(String),
    /// Images that the lab needs are not in the engine.
    #[error(
        "the lab's images are not here yet (missing: {}); run ci/setup, or meshproof images get with the same options, or take them from an archive with: meshproof images import FILE",
        .0.join(", ")
    )]
    ImagesMissing(Vec<String>),
    /// An archive that was asked for did not bring all of the lab's images.
    #[error(
        "no archive brought these of the lab's images: {}; take one with: meshproof images import FILE, or choose another --source", .0.join(", ")
    )]
    NotImported(Vec<String>),
    /// A registry answers, and does not serve an image.
    #[error(
        "{registry} has no {image} ({said}); name one that it has with {option}, log in with docker login where it shows images to its users only, or name another registry with --registry-mirror HOST[:PORT][/PREFIX]"
    )]
    RegistryLacks {
        /// The registry.
        registry: String,
        /// The image, as it was asked for.
        image: String,
        /// What it said: that it has none, or that it shows none to us.
        said: String,
        /// The option that asks for another.
        option: &'static str,
    },
    /// A registry does not answer.
    #[error(
        "{registry} does not serve {image}: {why}; name a registry that is within reach with --registry-mirror HOST[:PORT][/PREFIX], or have the images built with --source build"
    )]
    RegistrySilent {
        /// The registry.
        registry: String,
        /// The image, as it was asked for.
        image: String,
        /// Why not.
        why: String,
    },
    /// What is asked of the images cannot be.
    #[error(transparent)]
    Wish(#[from] super::images::WishError),
    /// The probe's program, which names its image, is nowhere to be found.
    #[error(
        "the program meshproof-probe is not here, and the images are named after it; run ci/setup, which makes it, put it beside meshproof, or name it in MESHPROOF_PROBE"
    )]
    ProbeMissing,
    /// A program that a build needs is not there.
    #[error("building images needs {tool}, which is not on PATH; {cure}")]
    ToolMissing {
        /// The tool.
        tool: &'static str,
        /// What to do about it.
        cure: &'static str,
    },
    /// Too little disk for a build.
    #[error(
        "building images needs about {needed_gib} GiB of free disk below {path}, and there are {free_gib}; free some or set MESHPROOF_CACHE_DIR to a larger disk"
    )]
    DiskFull {
        /// Where.
        path: PathBuf,
        /// How much is needed, in GiB.
        needed_gib: u64,
        /// How much there is, in GiB.
        free_gib: u64,
    },
    /// Too little disk for a cluster.
    #[error(
        "a cluster needs about {needed_gib} GiB of free disk below {path}, and there are {free_gib}; free some (meshproof reap), or name a larger disk in {variable}"
    )]
    NoRoom {
        /// Where.
        path: PathBuf,
        /// How much is needed, in GiB.
        needed_gib: u64,
        /// How much there is, in GiB.
        free_gib: u64,
        /// The variable that moves the folder.
        variable: &'static str,
    },
    /// Too little disk to bring, carry or prepare images.
    #[error(
        "{what} needs about {needed_mib} MiB of free disk below {path}, and there are {free_mib}; {cure}"
    )]
    NoRoomFor {
        /// What needs it.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// How much is needed, in MiB.
        needed_mib: u64,
        /// How much there is, in MiB.
        free_mib: u64,
        /// What to do about it.
        cure: &'static str,
    },
    /// Too little memory for one more lab.
    #[error(
        "a lab needs about {needed_gib} GiB of free memory, and there are {:.1}{}",
        *available_mib as f64 / 1024.0,
        beside(standing)
    )]
    NoMemory {
        /// How much is needed, in GiB.
        needed_gib: u64,
        /// How much there is, in MiB.
        available_mib: u64,
        /// The labs that stand, with their holders.
        standing: Vec<String>,
    },
    /// Too few of the kernel's watches on files for one more lab.
    #[error(
        "a lab needs about {needed} inotify instances, and {free} of the {limit} that this machine gives a user are free{}; or raise it: sysctl fs.inotify.max_user_instances=512",
        beside(standing)
    )]
    NoWatches {
        /// How many are needed.
        needed: u32,
        /// How many are free.
        free: u32,
        /// How many one user may have.
        limit: u32,
        /// The labs that stand, with their holders.
        standing: Vec<String>,
    },
    /// Something of the cache is not whole.
    #[error("{path} is damaged: {what}; delete {folder} and run ci/setup, which makes it anew")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
        /// The artifact that it belongs to.
        folder: PathBuf,
    },
    /// A program of the cache is not the one that was put there.
    #[error(
        "{path} is not the program that was put there: its SHA-256 is {found} where {expected} is on record; run ci/setup, or meshproof images get with the same options, which makes it anew, or take it once more from an archive with: meshproof images import FILE"
    )]
    ProgramChanged {
        /// The program.
        path: PathBuf,
        /// The digest on record.
        expected: String,
        /// The digest found.
        found: String,
        /// The artifact that it belongs to.
        folder: PathBuf,
    },
    /// A published module requires one that the module proxy does not serve.
    #[error(
        "{what} needs the Go module {needs}, which the module proxy does not serve ({said}); name another version, or set GOPROXY to a proxy that has it"
    )]
    ModuleNotServed {
        /// What was to be compiled.
        what: String,
        /// The module that is lacking, with its version.
        needs: String,
        /// What the proxy said.
        said: String,
    },
    /// A download is not what it has to be.
    #[error(
        "{what} has the SHA-256 {found} where {expected} is on record; delete {path} and run again, and if it stays so, do not trust the source"
    )]
    Tampered {
        /// What was downloaded.
        what: String,
        /// The digest on record.
        expected: String,
        /// The digest found.
        found: String,
        /// Where the file lies.
        path: PathBuf,
    },
    /// What started this process holds what this process needs, and waits for it in turn.
    #[error("{what} is held by {holder}, from which this was started; leave that first")]
    HeldByParent {
        /// What is held.
        what: String,
        /// Who holds it.
        holder: String,
    },
    /// A cluster of the same name is somebody else's.
    #[error(
        "a kind cluster {name} stands that Meshproof did not make; delete it with: kind delete cluster --name {name}"
    )]
    ClusterNotOurs {
        /// The name.
        name: String,
    },
    /// A cluster of the same name belongs to the lab of another state folder.
    #[error(
        "the cluster {name} belongs to another lab, whose record is {folder}; take that down first, or set MESHPROOF_STATE_DIR to a folder of your own"
    )]
    ClusterOfAnother {
        /// The name.
        name: String,
        /// The record's folder.
        folder: PathBuf,
    },
    /// The kubeconfig of a cluster of ours no longer leads to it.
    #[error(
        "the kubeconfig {path} is not as kind made it: {why}; meshproof up makes the cluster anew"
    )]
    KubeconfigUnfit {
        /// Its path.
        path: PathBuf,
        /// What is different.
        why: String,
    },
    /// Something that was made does not look as it should.
    #[error("{what} is not as expected: {found}; {cure}")]
    Unexpected {
        /// What was looked at.
        what: String,
        /// What was found.
        found: String,
        /// What to do about it.
        cure: String,
    },
    /// A file could not be read or written.
    #[error("{action} {path}: {source}{}", cure_of(source))]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program failed.
    #[error("{what} failed: {source}")]
    Program {
        /// What the program was to do.
        what: String,
        /// How it failed.
        source: ProcessError,
    },
    /// Something did not come in time.
    #[error("waited {waited:?} for {what}; last seen: {last_seen}")]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long.
        waited: Duration,
        /// The last state seen.
        last_seen: String,
    },
    /// Something is wrong with an archive of images.
    #[error(transparent)]
    Archive(#[from] super::images::archive::ArchiveError),
    /// The Kubernetes API gave an error.
    #[error(transparent)]
    Kube(#[from] crate::kube::KubeError),
}

impl LabError {
    /// Wraps a program's failure with what it was to do.
    pub(crate) fn program(what: impl Into<String>) -> impl FnOnce(ProcessError) -> Self {
        let what = what.into();
        move |source| Self::Program { what, source }
    }

    /// Wraps a file error with what was tried on which file.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}

/// Which labs take memory, and what to do about it.
fn beside(standing: &[String]) -> String {
    match standing {
        [] => "; end other programs, or use a machine with more".into(),
        labs => format!(
            " beside what stands: {}; take that down first (meshproof down), or wait for its run to \
             end",
            labs.join(", ")
        ),
    }
}

/// What to do about a file error, where that can be told.
fn cure_of(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::NotADirectory => {
            "; name folders that you may write to in MESHPROOF_CACHE_DIR and MESHPROOF_STATE_DIR"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; free some disk (meshproof reap), or name a larger one in MESHPROOF_CACHE_DIR and \
             MESHPROOF_STATE_DIR"
        }
        _ => "",
    }
}
