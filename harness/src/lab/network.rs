//! The lab's own network and volumes in the engine.

use super::engine::OWNER_LABEL;
use super::{Engine, LabError};

/// What came of asking that a network be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Removed,
    /// It is not there, or is not ours.
    NotThere,
    /// Containers are attached to it.
    InUse,
}

impl Engine {
    /// Makes the lab's own network, unless it stands.
    ///
    /// # Errors
    /// When the engine fails, or a network of that name is somebody else's.
    pub async fn ensure_network(&self, name: &str) -> Result<(), LabError> {
        if self.has_network(name).await? {
            return Ok(());
        }
        let made = self
            .docker()
            .args(["network", "create", "--driver", "bridge"])
            .args(["--label", OWNER_LABEL, name])
            .run()
            .await;
        match made {
            Ok(_) => Ok(()),
            // Two runs may begin at once, and one of them makes it.
            Err(_) if self.has_network(name).await? => Ok(()),
            Err(error) => Err(LabError::program(format!("making the network {name}"))(
                error,
            )),
        }
    }

    /// Whether the network stands.
    async fn has_network(&self, name: &str) -> Result<bool, LabError> {
        let listed = self
            .docker()
            .args(["network", "ls", "--format", "{{.Name}} {{.Labels}}"])
            .run()
            .await
            .map_err(LabError::program("listing networks"))?;
        let existing = listed.stdout.lines().find_map(|line| {
            let (network, labels) = line.split_once(' ').unwrap_or((line, ""));
            (network == name).then(|| labels.to_owned())
        });
        match existing {
            Some(labels) if labels.contains(OWNER_LABEL) => Ok(true),
            Some(_) => Err(LabError::Unexpected {
                what: format!("the network {name}"),
                found: "it was not made by Meshproof".into(),
                cure: format!("remove it with: docker network rm {name}"),
            }),
            None => Ok(false),
        }
    }

    /// Removes the lab's own network, if it stands, is ours and nothing is attached to it; with
    /// `dry` only tells what would come of it.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn remove_network(
        &self,
        name: &str,
        without: &[String],
        dry: bool,
    ) -> Result<Removal, LabError> {
        let filter = format!("label={OWNER_LABEL}");
        let ours = self
            .docker()
            .args(["network", "ls", "--format", "{{.Name}}"])
            .args(["--filter", &filter])
            .run()
            .await
            .map_err(LabError::program("listing networks"))?;
        if !ours.stdout.lines().any(|network| network == name) {
            return Ok(Removal::NotThere);
        }
        let attached = self
            .containers(&["--all", "--filter", &format!("network={name}")])
            .await?;
        if attached.iter().any(|(id, _)| !without.contains(id)) {
            return Ok(Removal::InUse);
        }
        if !dry {
            self.docker()
                .args(["network", "rm", name])
                .run()
                .await
                .map_err(LabError::program(format!("removing the network {name}")))?;
        }
        Ok(Removal::Removed)
    }

    /// The volumes of ours that no container uses: those that carry our label, and of those on
    /// record the ones that are still there.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn unused_volumes(&self, on_record: &[String]) -> Result<Vec<String>, LabError> {
        let labelled = format!("label={OWNER_LABEL}");
        let mut found = self.volumes(&["--filter", &labelled]).await?;
        if !on_record.is_empty() {
            let all = self.volumes(&[]).await?;
            found.extend(all.into_iter().filter(|name| on_record.contains(name)));
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    async fn volumes(&self, filter: &[&str]) -> Result<Vec<String>, LabError> {
        let listed = self
            .docker()
            .args(["volume", "ls", "--format", "{{.Name}}"])
            .args(["--filter", "dangling=true"])
            .args(filter.iter().copied())
            .run()
            .await
            .map_err(LabError::program("listing volumes"))?;
        Ok(listed.stdout.lines().map(str::to_owned).collect())
    }

    /// Removes volumes.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn remove_volumes(&self, names: &[String]) -> Result<(), LabError> {
        if names.is_empty() {
            return Ok(());
        }
        self.docker()
            .args(["volume", "rm"])
            .args(names)
            .run()
            .await
            .map_err(LabError::program("removing volumes"))?;
        Ok(())
    }
}
