//! Drives kind: the configuration it is given, making and deleting a cluster's nodes.

use std::path::{Path, PathBuf};

use super::LabError;
use super::begun_clients::makes_a_container;
use super::topology::Topology;
use crate::process::Program;

/// The lab's own network in the engine.
pub const NETWORK: &str = "meshproof";

/// One cluster as kind is asked to make it.
#[derive(Debug, Clone)]
pub struct KindCluster {
    /// The `kind` program.
    pub program: PathBuf,
    /// The cluster's name.
    pub name: String,
    /// The node image.
    pub node_image: String,
    /// The version of Kubernetes in it, `v` in front.
    pub kubernetes: String,
    /// Its nodes.
    pub topology: Topology,
    /// Per node, what is mounted where.
    pub mounts: Vec<Vec<(PathBuf, &'static str)>>,
    /// Where its kubeconfig goes.
    pub kubeconfig: PathBuf,
}

impl KindCluster {
    /// Makes the nodes and the control plane, without waiting for anything beyond that.
    ///
    /// Nodes of a failed attempt stay, so that their logs can be kept.
    ///
    /// # Errors
    /// What kind said.
    pub async fn create(&self) -> Result<(), LabError> {
        Program::new(&self.program)
            .args(["create", "cluster", "--config", "-", "--retain", "--name"])
            .arg(&self.name)
            .arg("--image")
            .arg(&self.node_image)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .env("KIND_EXPERIMENTAL_DOCKER_NETWORK", NETWORK)
            .input(self.configuration())
            .sparing(makes_a_container)
            .run()
            .await
            .map_err(LabError::program(format!(
                "making the kind cluster {}",
                self.name
            )))?;
        Ok(())
    }

    /// The configuration, as kind reads it.
    pub fn configuration(&self) -> String {
        configuration(&self.topology, &self.kubernetes, &self.mounts)
    }
}

/// What decides a cluster beside its images: goes into its key.
pub fn configuration(
    topology: &Topology,
    kubernetes: &str,
    mounts: &[Vec<(PathBuf, &'static str)>],
) -> String {
    let mut text = String::from(
        "kind: Cluster\n\
         apiVersion: kind.x-k8s.io/v1alpha4\n",
    );
    if lacks_sys_resource() {
        // Without CAP_SYS_RESOURCE no process may lower its oom_score_adj, and every sandbox fails.
        text.push_str(
            "containerdConfigPatches:\n\
             - |\n  \
               [plugins.\"io.containerd.grpc.v1.cri\"]\n    \
                 restrict_oom_score_adj = true\n",
        );
    }
    text.push_str(&kubeadm_patches(kubernetes));
    text.push_str("nodes:\n");
    for node in 0..topology.nodes() {
        let role = if node == 0 { "control-plane" } else { "worker" };
        text.push_str(&format!("- role: {role}\n"));
        for (index, (host, container)) in mounts.get(node).into_iter().flatten().enumerate() {
            if index == 0 {
                text.push_str("  extraMounts:\n");
            }
            text.push_str(&format!(
                "  - hostPath: {}\n    containerPath: {container}\n",
                host.display()
            ));
        }
    }
    text
}

/// Pods may run on the control plane (the topology counts on it). One scheduler and one controller
/// manager elect no leader, and a cluster that is never restored needs no fsync. Sixteen RSA keys
/// take kubeadm four seconds on two cores (measured from its files' times), so ECDSA ones are asked
/// for: by a gate in the v1beta3 configuration that kind writes, by a field in the v1beta4 that it
/// writes from 1.36 on. kind itself turns arguments into the form of either.
fn kubeadm_patches(kubernetes: &str) -> String {
    let minor = kubernetes.trim_start_matches('v').split('.').nth(1);
    let minor: u32 = minor.and_then(|minor| minor.parse().ok()).unwrap_or(0);
    let keys = match minor {
        ..36 => "featureGates:\n    PublicKeysECDSA: true",
        _ => "encryptionAlgorithm: ECDSA-P256",
    };
    format!(
        "\
kubeadmConfigPatches:
- |
  kind: InitConfiguration
  nodeRegistration:
    taints: []
- |
  kind: ClusterConfiguration
  {keys}
  controllerManager:
    extraArgs:
      leader-elect: \"false\"
  scheduler:
    extraArgs:
      leader-elect: \"false\"
  etcd:
    local:
      extraArgs:
        unsafe-no-fsync: \"true\"
"
    )
}

/// Whether this machine withholds CAP_SYS_RESOURCE (bit 24) from everything that it runs.
fn lacks_sys_resource() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    bounding_set(&status).is_some_and(|set| set >> 24 & 1 == 0)
}

fn bounding_set(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("CapBnd:"))?;
    u64::from_str_radix(line.split_whitespace().nth(1)?, 16).ok()
}

/// The names that kind gives its nodes, control plane first.
pub fn node_names(cluster: &str, topology: &Topology) -> Vec<String> {
    let workers = (1..=topology.workers).map(|number| match number {
        1 => format!("{cluster}-worker"),
        n => format!("{cluster}-worker{n}"),
    });
    std::iter::once(format!("{cluster}-control-plane"))
        .chain(workers)
        .collect()
}

/// Where a node's log is kept after a failed attempt.
pub fn log_file(folder: &Path, node: &str) -> PathBuf {
    folder.join(format!("{node}.log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounding_set_is_read() {
        let status = "Name:\tx\nCapBnd:\t000001fffeffffff\n";
        assert_eq!(bounding_set(status).map(|set| set >> 24 & 1), Some(0));
        assert_eq!(bounding_set("Name:\tx\n"), None);
    }

    #[test]
    fn every_node_gets_its_own_mounts() {
        let topology = Topology {
            workers: 1,
            why: String::new(),
        };
        let mounts = vec![
            vec![(PathBuf::from("/a"), "/var/lib/containerd")],
            vec![(PathBuf::from("/b"), "/var/lib/containerd")],
        ];
        let text = configuration(&topology, "v1.34.4", &mounts);
        let control_plane = text.find("role: control-plane").unwrap();
        let worker = text.find("role: worker").unwrap();
        assert!(text.find("hostPath: /a").unwrap() > control_plane);
        assert!(text.find("hostPath: /a").unwrap() < worker);
        assert!(text.find("hostPath: /b").unwrap() > worker);
    }

    #[test]
    fn a_newer_kubeadm_is_asked_for_the_same_keys_in_its_own_words() {
        for (version, own, other) in [
            ("v1.34.11", "PublicKeysECDSA", "encryptionAlgorithm"),
            ("v1.37.0", "encryptionAlgorithm", "PublicKeysECDSA"),
        ] {
            let text = kubeadm_patches(version);
            assert!(text.contains(own) && !text.contains(other), "{text}");
            serde_saphyr::from_str::<serde_json::Value>(&text).expect("YAML");
        }
    }

    #[test]
    fn nodes_are_named_as_kind_names_them() {
        let topology = Topology {
            workers: 2,
            why: String::new(),
        };
        assert_eq!(
            node_names("c", &topology),
            ["c-control-plane", "c-worker", "c-worker2"]
        );
    }
}
