//! Makes a cluster: its record first, then its nodes, until each of them takes pods.

use futures::future::try_join_all;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::{Patch, PatchParams};

use super::health::nodes_ready;
use super::{Cluster, MARKER_MOUNT, Wanted};
use crate::kube::{Kube, KubeError, SYSTEM_NAMESPACE, Watch, until};
use crate::lab::inspected::Container;
use crate::lab::kind::{self, KindCluster};
use crate::lab::store::Delivery;
use crate::lab::{Engine, LabError, begun_clients, node_stores};
use crate::progress::Progress;

impl Cluster {
    /// Makes the cluster. A failed first attempt is cleared away, its node logs kept, and tried
    /// once more: node creation fails now and then for reasons that are the engine's own.
    ///
    /// # Errors
    /// What the second attempt failed with.
    pub async fn create(
        &mut self,
        engine: &Engine,
        wanted: &Wanted<'_>,
        delivery: &Delivery,
        progress: &Progress,
    ) -> Result<(), LabError> {
        let stage = progress.stage("Making the cluster");
        // A kind that a killed run left would go on making the nodes of the same name.
        begun_clients::no_orphan_is_left().await?;
        engine.ensure_network(kind::NETWORK).await?;
        if let Err(error) = self.attempt(engine, wanted, delivery, progress).await {
            self.keep_logs(engine).await?;
            progress.line(format!(
                "Making the cluster failed and is tried once more; its nodes' logs are in {}.\n{error}",
                self.folder.display()
            ));
            self.remove_nodes(engine).await?;
            self.attempt(engine, wanted, delivery, progress).await?;
        }
        stage.done();
        Ok(())
    }

    async fn attempt(
        &mut self,
        engine: &Engine,
        wanted: &Wanted<'_>,
        delivery: &Delivery,
        progress: &Progress,
    ) -> Result<(), LabError> {
        self.record.complete = false;
        self.record.containers.clear();
        self.record.running_since.clear();
        self.record.volumes.clear();
        self.record.server = None;
        self.record.programs = vec![wanted.images.kind.clone(), wanted.images.istioctl.clone()];
        self.write_record()?;
        let marker = self.marker();
        std::fs::create_dir_all(&marker).map_err(LabError::file("making the folder", &marker))?;
        std::fs::create_dir_all(&self.nodes_folder)
            .map_err(LabError::file("making the folder", &self.nodes_folder))?;
        node_stores::sign(&self.nodes_folder, &self.folder)?;
        self.remove_kubeconfig(progress)?;
        let names = kind::node_names(&self.record.name, wanted.topology);
        let mounts = names.iter().map(|node| {
            let (copy, marker) = (self.nodes_folder.join(node), marker.clone());
            async move {
                let mut mounts = vec![(marker, MARKER_MOUNT)];
                mounts.extend(delivery.mounts_for_node(copy).await?);
                Ok::<_, LabError>(mounts)
            }
        });
        let mounts = try_join_all(mounts).await?;
        let cluster = KindCluster {
            program: wanted.images.kind.clone(),
            name: self.record.name.clone(),
            node_image: delivery.node_image(wanted.images).to_owned(),
            kubernetes: wanted.images.kubernetes.clone(),
            topology: wanted.topology.clone(),
            mounts,
            kubeconfig: self.kubeconfig(),
        };
        cluster.create().await?;
        self.record.server = Some(self.server_in_kubeconfig()?);
        self.settle(wanted.topology.nodes()).await?;
        let nodes = engine.inspected(&self.marker_filter()).await?;
        let volumes = nodes.iter().flat_map(Container::volumes);
        self.record.volumes = volumes.map(str::to_owned).collect();
        self.record.containers = nodes.into_iter().map(|node| node.id).collect();
        self.record.running_since = engine.running_since(&self.record.containers).await?;
        self.record.complete = true;
        self.write_record()
    }

    /// Waits until every node takes pods: a pod that comes before goes to the control plane and
    /// takes the room that an Ignite pod needs. That CoreDNS is Ready is waited for elsewhere.
    async fn settle(&self, nodes: usize) -> Result<(), LabError> {
        let kube = Kube::from_kubeconfig(&self.kubeconfig(), 1.0).await?;
        let deployments: Api<Deployment> = Api::namespaced(kube.client(), SYSTEM_NAMESPACE);
        deployments
            .patch(
                "coredns",
                &PatchParams::default(),
                &Patch::Strategic(&one_prompt_coredns()),
            )
            .await
            .map_err(KubeError::api("changing CoreDNS to one pod"))?;
        let api: Api<Node> = Api::all(kube.client());
        until(
            &api,
            Watch::default(),
            "every node to be Ready",
            kube.limit(60),
            |seen| nodes_ready(seen.values(), nodes),
        )
        .await?;
        Ok(())
    }

    async fn keep_logs(&self, engine: &Engine) -> Result<(), LabError> {
        for (id, name) in self.marked_containers(engine).await? {
            let path = kind::log_file(&self.folder, &name);
            let log = engine.logs(&id).await?;
            std::fs::write(&path, log).map_err(LabError::file("writing", &path))?;
        }
        Ok(())
    }
}

/// What CoreDNS is changed to: kubeadm makes two pods of it, which take the room that an Ignite pod
/// needs, and makes them before kube-proxy has its rules. One that asks for the API server before waits
/// half a minute for an answer (measured: Ready 34 s after its start, and the other pod, which had been
/// Ready, was the one to go). A changed probe makes a new pod, by whose start the rules were there each
/// time (Ready 2 s later); and it is asked each second because a kubelet that is younger than the probe's period waits up to that long first.
/// It is the only one, so that it takes more than three slow seconds until nobody is asked any more.
fn one_prompt_coredns() -> serde_json::Value {
    serde_json::json!({ "spec": {
        "replicas": 1,
        "template": { "spec": { "containers": [
            { "name": "coredns", "readinessProbe": {
                "periodSeconds": 1, "timeoutSeconds": 5, "failureThreshold": 30,
            } },
        ] } },
    } })
}
