//! The container engine, through its `docker` client: images, containers, networks.
//!
//! Thin: one method, one command. What the lab runs in the engine is decided by its neighbours.

use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::LabError;
use super::begun_clients::makes_a_container;
use crate::process::lineage::Identity;
use crate::process::{Output, Program};

/// The marker on every image, network and volume that a lab makes. Containers of our images carry
/// it too, whoever runs them: it does not make a container ours.
pub const OWNER_LABEL: &str = "io.meshproof.lab";
/// The label of a helper container, which tells the process that runs it and needs it no longer
/// than it lives itself.
pub const MAKER_LABEL: &str = "io.meshproof.maker";

/// Whether this process ever asked an engine to run a container.
static RAN: AtomicBool = AtomicBool::new(false);

/// Whether this process ever asked an engine to run a container, which may stand then.
pub(super) fn has_run_containers() -> bool {
    RAN.load(Ordering::Relaxed)
}

/// A container engine that answered.
#[derive(Debug, Clone)]
pub struct Engine {
    /// The client program.
    pub(super) client: OsString,
    pub(super) version: String,
}

impl Engine {
    /// The engine's version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The id (`sha256:...`) of an image, if the engine has it.
    ///
    /// # Errors
    /// When the client cannot be run.
    pub async fn image_id(&self, reference: &str) -> Result<Option<String>, LabError> {
        Ok(self.image_ids(&[reference]).await?.remove(0))
    }

    /// The ids of several images in one call, in their order.
    ///
    /// # Errors
    /// When the client cannot be run.
    pub async fn image_ids(&self, references: &[&str]) -> Result<Vec<Option<String>>, LabError> {
        let known = self.images_by_name().await?;
        let id = |reference: &&str| {
            let found = known.iter().find(|(name, _)| name == reference);
            found.map(|(_, id)| id.clone())
        };
        Ok(references.iter().map(id).collect())
    }

    /// Names and ids of all images that have a name.
    ///
    /// # Errors
    /// When the client cannot be run.
    pub async fn images_by_name(&self) -> Result<Vec<(String, String)>, LabError> {
        let output = self
            .docker()
            .args([
                "images",
                "--no-trunc",
                "--format",
                "{{.Repository}}:{{.Tag}} {{.ID}}",
            ])
            .run()
            .await
            .map_err(LabError::program("listing the engine's images"))?;
        let lines = output.stdout.lines();
        let named = lines.filter_map(|line| line.split_once(' '));
        Ok(named
            .map(|(name, id)| (name.to_owned(), id.to_owned()))
            .collect())
    }

    /// Builds an image from a context folder with a `Dockerfile` in it.
    ///
    /// Its `RUN` steps use the host's network, so that they reach the package registries the way
    /// the host does.
    ///
    /// # Errors
    /// When the build fails, with its last lines.
    pub async fn build(
        &self,
        reference: &str,
        context: &Path,
        arguments: &[(&str, &str)],
    ) -> Result<(), LabError> {
        let mut program = self
            .docker()
            .env("DOCKER_BUILDKIT", "0")
            .args([
                "build",
                "--network",
                "host",
                "--force-rm",
                "--tag",
                reference,
            ])
            .args(["--label", OWNER_LABEL]);
        for (name, value) in arguments {
            program = program.arg("--build-arg").arg(format!("{name}={value}"));
        }
        program
            .arg(context)
            .run()
            .await
            .map_err(LabError::program(format!("building the image {reference}")))?;
        Ok(())
    }

    /// Imports a root file system as an image.
    ///
    /// # Errors
    /// When `tar` or the engine fails.
    pub async fn import_root(&self, root: &Path, reference: &str) -> Result<(), LabError> {
        Program::new("bash")
            .args([
                "-euo",
                "pipefail",
                "-c",
                r#"tar -C "$1" -c . | docker import - "$2""#,
                "import",
            ])
            .arg(root)
            .arg(reference)
            .run()
            .await
            .map_err(LabError::program(format!("importing {reference}")))?;
        Ok(())
    }

    /// A command that makes a container with the mark of this process, which removes it in the end.
    fn helper(&self, command: &str) -> Program {
        RAN.store(true, Ordering::Relaxed);
        let maker = format!("{MAKER_LABEL}={}", Identity::own());
        self.docker()
            .arg(command)
            .args(["--label", OWNER_LABEL, "--label", &maker])
            .sparing(makes_a_container)
    }

    /// Runs a container as the arguments say and returns its standard output.
    ///
    /// # Errors
    /// When it cannot be started, or ends badly where it runs in the foreground.
    pub async fn run(&self, what: &str, arguments: &[&str]) -> Result<String, LabError> {
        let output = self
            .helper("run")
            .args(arguments.iter().copied())
            .run()
            .await
            .map_err(LabError::program(what))?;
        Ok(output.stdout.trim().to_owned())
    }

    /// Makes a container of an image without starting it; returns its id.
    ///
    /// # Errors
    /// When the engine has no such image, or fails.
    pub async fn create(&self, what: &str, image: &str) -> Result<String, LabError> {
        let output = self
            .helper("create")
            // Some images name no command, and none is run.
            .args([image, "none"])
            .run()
            .await
            .map_err(LabError::program(what))?;
        Ok(output.stdout.trim().to_owned())
    }

    /// Runs a shell script inside a container, fed on its standard input.
    ///
    /// # Errors
    /// When the script fails.
    pub async fn script(
        &self,
        what: &str,
        container: &str,
        script: &str,
    ) -> Result<Output, LabError> {
        self.docker()
            .args([
                "exec",
                "--privileged",
                "--interactive",
                container,
                "bash",
                "-euo",
                "pipefail",
                "-s",
            ])
            .input(script)
            .run()
            .await
            .map_err(LabError::program(what))
    }

    /// Removes containers with their volumes; ids that are gone already are no error.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn remove_containers(&self, ids: &[String]) -> Result<(), LabError> {
        let alive = self.existing_containers(ids).await?;
        if alive.is_empty() {
            return Ok(());
        }
        self.docker()
            .args(["rm", "--force", "--volumes"])
            .args(alive)
            .run()
            .await
            .map_err(LabError::program("removing containers"))?;
        Ok(())
    }

    /// Which of these containers exist, running or not.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn existing_containers(&self, ids: &[String]) -> Result<Vec<String>, LabError> {
        let all = self.containers(&["--all"]).await?;
        Ok(ids
            .iter()
            .filter(|id| all.iter().any(|(known, _)| known == *id))
            .cloned()
            .collect())
    }

    /// Since when each of these containers runs; those that do not run are left out.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn running_since(&self, ids: &[String]) -> Result<Vec<String>, LabError> {
        let existing = self.existing_containers(ids).await?;
        if existing.is_empty() {
            return Ok(vec![]);
        }
        let output = self
            .docker()
            .args([
                "inspect",
                "--format",
                "{{.State.Running}} {{.State.StartedAt}}",
            ])
            .args(existing)
            .run()
            .await
            .map_err(LabError::program("inspecting containers"))?;
        let since = output
            .stdout
            .lines()
            .filter_map(|line| line.strip_prefix("true "));
        Ok(since.map(str::to_owned).collect())
    }

    /// Ids and names of containers, as `docker ps` filters them.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn containers(&self, filter: &[&str]) -> Result<Vec<(String, String)>, LabError> {
        let output = self
            .docker()
            .args(["ps", "--no-trunc", "--format", "{{.ID}} {{.Names}}"])
            .args(filter.iter().copied())
            .run()
            .await
            .map_err(LabError::program("listing containers"))?;
        Ok(output
            .stdout
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(id, name)| (id.to_owned(), name.to_owned()))
            .collect())
    }

    /// A container's log, both streams.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn logs(&self, container: &str) -> Result<String, LabError> {
        let output = self
            .docker()
            .args(["logs", container])
            .run()
            .await
            .map_err(LabError::program(format!("reading the log of {container}")))?;
        Ok(output.stdout + &output.stderr)
    }

    /// The client, ready for its arguments.
    pub(super) fn docker(&self) -> Program {
        Program::new(&self.client)
    }
}
