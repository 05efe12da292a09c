//! Looks at this machine: everything that decides whether a lab can stand on it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lab::images::pulled_labs::PulledLab;
use crate::lab::images::{Cache, ImagesWish, Mirror, ProbeBinary, preflight, pulled};
use crate::lab::memory::mebibytes;
use crate::lab::watches::Watches;
use crate::lab::{Engine, IstioBuild, LabError, Paths, Source, available, cluster, disk};
use crate::process::Program;

/// How long the engine's registry may take to answer.
const REGISTRY: Duration = Duration::from_secs(3);

/// What was seen of this machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The kernel's name and release.
    pub kernel: String,
    /// The machine's architecture, as Rust names it.
    pub architecture: String,
    /// Its CPUs, as far as this process may use them.
    pub cpus: u64,
    /// Its memory, in MiB.
    pub memory_mib: u64,
    /// What of that could be had now, in MiB.
    pub memory_available_mib: u64,
    /// Whether this user is root.
    pub root: bool,
    /// The container engine, or one sentence about why there is none to be used.
    pub engine: Result<EngineFacts, String>,
    /// The folder that can be made again.
    pub cache: Folder,
    /// The folder that tells what is ours.
    pub state: Folder,
    /// The programs that making images needs.
    pub tools: Vec<Tool>,
    /// The kernel's limits on watching files; none where it does not tell.
    pub inotify: Option<Inotify>,
    /// The labs that have nodes in the engine.
    pub standing: Vec<StandingLab>,
    /// The lab's images.
    pub images: ImagesFound,
    /// The pulled labs whose released images are here.
    pub pulled: Vec<PulledFound>,
    /// The registry that is set to serve the released images in place of the engine's own.
    pub mirror: Option<String>,
    /// Whether the mirror serves them or, without one, the engine's registry answers, or why not; none
    /// without an engine.
    pub registry: Option<Result<(), String>>,
}

/// What the engine says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngineFacts {
    /// Its version.
    pub version: String,
    /// Its storage driver.
    pub storage_driver: String,
    /// The version of control groups that it finds.
    pub cgroup_version: String,
    /// Who manages them.
    pub cgroup_driver: String,
    /// Operating system and architecture of what it runs.
    pub platform: String,
    /// Its CPUs.
    pub cpus: u64,
    /// Its memory, in MiB.
    pub memory_mib: u64,
    /// Where it keeps images and containers.
    pub root: PathBuf,
    /// The free disk there, in GiB, if this process can see that folder.
    pub free_gib: Option<u64>,
}

/// A folder of ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Folder {
    /// Where it lies or would lie.
    pub path: PathBuf,
    /// Why nothing can be written there, if nothing can.
    pub unwritable: Option<String>,
    /// The free disk there, in GiB.
    pub free_gib: u64,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// How to have it.
    pub cure: String,
    /// Whether it is on PATH.
    pub found: bool,
}

/// How many files a user may watch, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inotify {
    /// `fs.inotify.max_user_instances`.
    pub instances: u32,
    /// How many of them the nodes' user has already, as far as this user may look.
    pub used: u32,
    /// `fs.inotify.max_user_watches`.
    pub watches: u64,
}

/// A lab that has nodes in the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingLab {
    /// Its cluster, with whoever holds it.
    pub cluster: String,
    /// Whether it is of this state folder, so that a run may find it and make none.
    pub own: bool,
}

/// The lab's images for one Istio build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagesFound {
    /// The build's id.
    pub istio: String,
    /// What is missing; none if that could not be found out.
    pub missing: Option<Vec<String>>,
}

/// A pulled lab whose released images are here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PulledFound {
    /// Its versions.
    pub lab: String,
    /// What else is missing; none if that could not be found out.
    pub missing: Option<Vec<String>>,
}

impl Facts {
    /// Looks at this machine, for a lab with this Istio, and for pulling from this mirror.
    pub async fn gather(paths: &Paths, istio: &IstioBuild, mirror: Option<&Mirror>) -> Self {
        let engine = engine().await;
        let (registry, pulled, standing) = match &engine {
            Ok((engine, _, info)) => {
                let registry = match mirror {
                    Some(mirror) => served_by(engine, mirror).await,
                    None => registry(info["IndexServerAddress"].as_str()).await,
                };
                let pulled = pulled_labs(engine, paths).await;
                (Some(registry), pulled, standing_labs(engine, paths).await)
            }
            Err(_) => (None, vec![], vec![]),
        };
        let missing = missing(paths, &ImagesWish::of_build(istio)).await;
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            kernel: format!("{} {}", std::env::consts::OS, release.trim()),
            architecture: std::env::consts::ARCH.to_owned(),
            cpus: std::thread::available_parallelism().map_or(1, |n| n.get() as u64),
            memory_mib: mebibytes(&memory, "MemTotal").unwrap_or(0),
            memory_available_mib: mebibytes(&memory, "MemAvailable").unwrap_or(0),
            root: nix::unistd::geteuid().is_root(),
            engine: engine.map(|(_, facts, _)| facts),
            cache: folder(&paths.cache),
            state: folder(&paths.state),
            tools: tools().await,
            inotify: inotify(),
            standing,
            images: ImagesFound {
                istio: istio.id.to_string(),
                missing,
            },
            pulled,
            mirror: mirror.map(Mirror::to_string),
            registry,
        }
    }
}

/// What is missing for the lab that is wished for; none if that could not be found out.
async fn missing(paths: &Paths, wish: &ImagesWish) -> Option<Vec<String>> {
    match available(paths, wish).await {
        Ok(()) => Some(vec![]),
        Err(LabError::ImagesMissing(missing)) => Some(missing),
        Err(LabError::ProbeMissing) => Some(vec!["meshproof-probe (the program)".into()]),
        Err(_) => None,
    }
}

async fn pulled_labs(engine: &Engine, paths: &Paths) -> Vec<PulledFound> {
    let cache = Cache::at(&paths.cache);
    let probe = ProbeBinary::find().await;
    let mut found = vec![];
    for lab in PulledLab::known(&cache) {
        if lab.needs(engine, &cache, probe.as_ref()).await.is_ok() {
            found.push(PulledFound {
                lab: lab.told(),
                missing: missing(paths, &lab.wish()).await,
            });
        }
    }
    found
}

async fn standing_labs(engine: &Engine, paths: &Paths) -> Vec<StandingLab> {
    // An engine that cannot be asked is told elsewhere.
    let records = cluster::standing(engine).await.unwrap_or_default();
    let own = paths.state.join("clusters");
    let lab = |record: &PathBuf| StandingLab {
        cluster: cluster::told(record),
        own: record.starts_with(&own),
    };
    records.iter().map(lab).collect()
}

/// Whether the mirror serves the images that are pulled where no version is asked for.
async fn served_by(engine: &Engine, mirror: &Mirror) -> Result<(), String> {
    let wish = ImagesWish {
        source: Some(Source::Pull),
        mirror: Some(mirror.clone()),
        ..ImagesWish::default()
    };
    let served = pulled::are_served(engine, &wish).await;
    served.map_err(|error| error.to_string())
}

async fn engine() -> Result<(Engine, EngineFacts, Value), String> {
    let engine = Engine::connect().await.map_err(|error| error.to_string())?;
    let asked = engine
        .docker()
        .args(["info", "--format", "{{json .}}"])
        .run();
    let output = asked.await.map_err(|error| error.to_string())?;
    let info: Value = serde_json::from_str(&output.stdout).map_err(|error| {
        format!(
            "the container engine does not tell about itself as Docker does ({error}); use Docker"
        )
    })?;
    Ok((engine, EngineFacts::of(&info), info))
}

impl EngineFacts {
    /// Reads what `docker info` says.
    pub(super) fn of(info: &Value) -> Self {
        let text = |name: &str| info[name].as_str().unwrap_or("unknown").to_owned();
        let root = PathBuf::from(text("DockerRootDir"));
        Self {
            version: text("ServerVersion"),
            storage_driver: text("Driver"),
            cgroup_version: text("CgroupVersion"),
            cgroup_driver: text("CgroupDriver"),
            platform: format!("{}/{}", text("OSType"), text("Architecture")),
            cpus: info["NCPU"].as_u64().unwrap_or(0),
            memory_mib: info["MemTotal"].as_u64().unwrap_or(0) >> 20,
            free_gib: root.exists().then(|| disk::free_gib(&root).ok()).flatten(),
            root,
        }
    }
}

/// Whether the registry that the engine pulls from answers anything at all.
async fn registry(address: Option<&str>) -> Result<(), String> {
    let address = address.filter(|address| !address.is_empty());
    let address = address.ok_or("the engine names no registry")?;
    crate::tls::install_provider();
    let client = reqwest::Client::builder().timeout(REGISTRY).build();
    let client = client.map_err(|error| error.to_string())?;
    let answer = client.get(address).send().await;
    answer.map(drop).map_err(|error| {
        let host = error.url().and_then(|url| url.host_str());
        let host = host.unwrap_or(address).to_owned();
        match error.is_timeout() {
            true => format!("{host} did not answer within {REGISTRY:?}"),
            false => format!("{host} cannot be reached"),
        }
    })
}

/// A folder, and whether a file can be made in it or in the closest folder above that is there.
fn folder(path: &Path) -> Folder {
    let there = path.ancestors().find(|path| path.exists());
    let there = there.unwrap_or(Path::new("/"));
    Folder {
        path: path.to_owned(),
        unwritable: tempfile::tempfile_in(there).err().map(|e| e.to_string()),
        free_gib: disk::free_gib(path).unwrap_or(0),
    }
}

async fn tools() -> Vec<Tool> {
    let mut tools = vec![];
    for (name, cure) in preflight::TOOLS {
        tools.push(Tool {
            name: (*name).to_owned(),
            cure: (*cure).to_owned(),
            found: which::which(name).is_ok(),
        });
    }
    let pip = Program::new("python3")
        .args(["-m", "pip", "--version"])
        .run();
    tools.push(Tool {
        name: "pip".into(),
        cure: "install pip for python3 (Debian: python3-pip)".into(),
        found: pip.await.is_ok(),
    });
    tools
}

fn inotify() -> Option<Inotify> {
    let instances = Watches::here()?;
    let watches = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").ok()?;
    Some(Inotify {
        instances: instances.limit,
        used: instances.used,
        watches: watches.trim().parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lab::fake_client::FakeClient;

    #[test]
    fn what_docker_says_of_itself_is_read() {
        let info = include_str!("../../../fixtures/lab/docker-info.json");
        let engine = EngineFacts::of(&serde_json::from_str(info).unwrap());
        assert_eq!(engine.version, "20.10.24+dfsg1");
        assert_eq!(engine.storage_driver, "overlay2");
        assert_eq!((engine.cgroup_version.as_str(), engine.cpus), ("1", 2));
        assert_eq!(engine.platform, "linux/x86_64");
        assert_eq!(engine.memory_mib, 24_105);
    }

    #[tokio::test]
    async fn labs_that_stand_are_told_apart_by_their_state_folder() {
        let node = |id: &str, marker: &str| {
            let mount = json!({ "Source": marker, "Destination": "/meshproof" });
            json!({ "Id": id, "Name": format!("/{id}"), "Mounts": [mount] })
        };
        let nodes = json!([
            node("a", "/state/clusters/meshproof-x/marker"),
            node("b", "/state/clusters/meshproof-x/marker"),
            node("c", "/elsewhere/clusters/meshproof-y/marker"),
        ]);
        let client = FakeClient::new("docker")
            .answers("version*", "20.10.24 linux/amd64\n")
            .answers("ps*volume=/meshproof", "a a\nb b\nc c\n")
            .answers("inspect*", &nodes.to_string());
        let paths = Paths {
            cache: "/cache".into(),
            state: "/state".into(),
        };
        let labs = standing_labs(&client.engine().await, &paths).await;
        let mut told: Vec<_> = labs
            .iter()
            .map(|lab| (lab.cluster.as_str(), lab.own))
            .collect();
        told.sort();
        assert_eq!(told, [("meshproof-x", true), ("meshproof-y", false)]);
    }

    #[test]
    fn a_folder_that_cannot_be_written_says_why_and_nothing_is_made() {
        let place = tempfile::tempdir().unwrap();
        let fine = folder(&place.path().join("a/b"));
        assert_eq!(fine.unwritable, None);
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
        let file = place.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(folder(&file.join("below")).unwritable.is_some());
    }
}
