//! A cluster's kubeconfig: whether it still is what kind made it, connecting with it, a copy of it for
//! a person, and what else somebody put into it.
//!
//! Programs write into the kubeconfig that they are handed: `kubectl config use-context` changes where
//! it leads, a cloud's `get-credentials` adds a cluster and makes that the current one. What a lab does
//! on its cluster must not be done there, so nothing is connected to but the server that kind told when
//! it made the cluster.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use kube::config::Kubeconfig;
use tempfile::TempPath;

use super::Cluster;
use crate::kube::Kube;
use crate::lab::LabError;

impl Cluster {
    /// The file of its kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// Connects to the cluster, and to no other that its kubeconfig may lead to by now.
    ///
    /// # Errors
    /// [`LabError::KubeconfigUnfit`] where the kubeconfig no longer leads to it.
    pub async fn connect(&self, scale: f64) -> Result<Kube, LabError> {
        let (_, kubeconfig) = self.own_kubeconfig()?;
        let told = self.kubeconfig().display().to_string();
        Ok(Kube::from_read(kubeconfig, Some(&self.context()), &told, scale).await?)
    }

    /// A copy of the kubeconfig for whoever may write into it; it is gone with the value.
    ///
    /// # Errors
    /// As [`Cluster::connect`], or a file error.
    pub fn kubeconfig_copy(&self) -> Result<TempPath, LabError> {
        let (text, _) = self.own_kubeconfig()?;
        let copy = tempfile::Builder::new()
            .prefix("kubeconfig-")
            .tempfile_in(&self.folder);
        let mut copy = copy.map_err(LabError::file("making a file in", &self.folder))?;
        let written = copy.write_all(text.as_bytes());
        written.map_err(LabError::file("writing", copy.path()))?;
        Ok(copy.into_temp_path())
    }

    /// The text of the kubeconfig and what is in it, if it leads to the cluster.
    fn own_kubeconfig(&self) -> Result<(String, Kubeconfig), LabError> {
        let (text, kubeconfig) = self.read_kubeconfig()?;
        let server = server_of(&kubeconfig, &self.context()).map_err(|why| self.unfit(why))?;
        match &self.record.server {
            Some(known) if *known == server => Ok((text, kubeconfig)),
            Some(known) => Err(self.unfit(format!("its server is {server}, not {known}"))),
            None => Err(self.unfit("the cluster's record does not tell its server".into())),
        }
    }

    /// The server to which the kubeconfig leads, right after kind wrote it.
    pub(super) fn server_in_kubeconfig(&self) -> Result<String, LabError> {
        let (_, kubeconfig) = self.read_kubeconfig()?;
        server_of(&kubeconfig, &self.context()).map_err(|why| self.unfit(why))
    }

    /// What the kubeconfig holds that kind did not write, in words; none if there is nothing.
    pub(in crate::lab) fn others_logins(&self) -> Option<String> {
        let unreadable = || Some("what cannot be read".to_owned());
        let text = match std::fs::read_to_string(self.kubeconfig()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(_) => return unreadable(),
            Ok(text) => text,
        };
        let Ok(read) = Kubeconfig::from_yaml(&text) else {
            return unreadable();
        };
        let contexts = read.contexts.into_iter().map(|named| named.name);
        let clusters = read.clusters.into_iter().map(|named| named.name);
        let users = read.auth_infos.into_iter().map(|named| named.name);
        let mut names: BTreeSet<String> = contexts.chain(clusters).chain(users).collect();
        names.remove(&self.context());
        let names = Vec::from_iter(names).join(", ");
        (!names.is_empty()).then(|| format!("logins of other clusters ({names})"))
    }

    /// Moves the kubeconfig to where it outlives the cluster; returns where that is.
    pub(in crate::lab) fn keep_kubeconfig(&self) -> Result<PathBuf, LabError> {
        let folder = &self.kept_kubeconfigs;
        std::fs::create_dir_all(folder).map_err(LabError::file("making the folder", folder))?;
        let name = &self.record.name;
        let names = (1..).map(|number| match number {
            1 => folder.join(name),
            again => folder.join(format!("{name}-{again}")),
        });
        let mut free = names.skip_while(|path| path.exists());
        let kept = free.next().expect("numbers do not end");
        std::fs::rename(self.kubeconfig(), &kept).map_err(LabError::file("moving", &kept))?;
        Ok(kept)
    }

    fn read_kubeconfig(&self) -> Result<(String, Kubeconfig), LabError> {
        let text = std::fs::read_to_string(self.kubeconfig());
        let text = text.map_err(|error| self.unfit(format!("it cannot be read ({error})")))?;
        let read = Kubeconfig::from_yaml(&text);
        let read = read.map_err(|error| self.unfit(format!("it cannot be read ({error})")))?;
        Ok((text, read))
    }

    /// The name that kind gives to its context, cluster and user in the kubeconfig.
    pub fn context(&self) -> String {
        format!("kind-{}", self.record.name)
    }

    fn unfit(&self, why: String) -> LabError {
        LabError::KubeconfigUnfit {
            path: self.kubeconfig(),
            why,
        }
    }
}

/// The server to which a kubeconfig leads whose current context, with its cluster and user, has this
/// name; else what is different.
fn server_of(kubeconfig: &Kubeconfig, name: &str) -> Result<String, String> {
    let current = kubeconfig.current_context.as_deref().unwrap_or_default();
    if current != name {
        return Err(format!("its current context is {current:?}, not {name}"));
    }
    let context = kubeconfig.contexts.iter().find(|c| c.name == name);
    let context = context.and_then(|named| named.context.as_ref());
    let context = context.ok_or_else(|| format!("it has no context {name}"))?;
    let user = context.user.as_deref().unwrap_or_default();
    for (what, named) in [("cluster", context.cluster.as_str()), ("user", user)] {
        if named != name {
            return Err(format!(
                "its context names the {what} {named:?}, not {name}"
            ));
        }
    }
    let cluster = kubeconfig.clusters.iter().find(|c| c.name == name);
    let server = cluster.and_then(|named| named.cluster.as_ref()?.server.clone());
    server.ok_or_else(|| format!("it has no server for the cluster {name}"))
}

#[cfg(test)]
#[path = "kubeconfig_tests.rs"]
mod tests;
