//! Reads and follows the logs of containers.

use std::time::Duration;

use futures::{AsyncBufReadExt, Stream, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;

use super::{Kube, KubeError, Seen};
use crate::waits::Wait;

impl Kube {
    /// The whole log of the container that runs now.
    ///
    /// # Errors
    /// When the API server does not give it.
    pub async fn log(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
    ) -> Result<String, KubeError> {
        self.log_of(namespace, pod, container, false).await
    }

    /// The whole log of the container that ran before the one that runs now.
    ///
    /// # Errors
    /// When there was none, or the API server does not give it.
    pub async fn previous_log(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
    ) -> Result<String, KubeError> {
        self.log_of(namespace, pod, container, true).await
    }

    async fn log_of(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        previous: bool,
    ) -> Result<String, KubeError> {
        let pods: Api<Pod> = Api::namespaced(self.client(), namespace);
        let parameters = LogParams {
            container: Some(container.into()),
            previous,
            ..LogParams::default()
        };
        pods.logs(pod, &parameters)
            .await
            .map_err(KubeError::api(format!(
                "reading the log of {namespace}/{pod}/{container}"
            )))
    }

    /// Follows a container's log from its start until `condition`, which sees all of it so far,
    /// is met.
    ///
    /// # Errors
    /// [`KubeError::TimedOut`] with the last state seen, or a broken stream.
    pub async fn follow_log<T>(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        name: impl Into<String>,
        limit: Duration,
        mut condition: impl FnMut(&str) -> Seen<T>,
    ) -> Result<T, KubeError> {
        let name = name.into();
        let to = format!("{namespace}/{pod}/{container}");
        let wait = Wait::begin(name.as_str());
        let mut last_seen = "an empty log".to_owned();
        let following = async {
            let mut lines = Box::pin(self.log_lines(namespace, pod, container).await?);
            let mut text = String::new();
            while let Some(line) = lines.try_next().await.map_err(|e| KubeError::Stream {
                to: to.clone(),
                reason: e.to_string(),
            })? {
                text.push_str(&line);
                text.push('\n');
                match condition(&text) {
                    Seen::Met(value) => return Ok(value),
                    Seen::NotYet(seen) => {
                        wait.seen(&seen);
                        last_seen = seen;
                    }
                }
            }
            Err(KubeError::Stream {
                to: to.clone(),
                reason: "the container ended".into(),
            })
        };
        match tokio::time::timeout(limit, following).await {
            Ok(result) => result,
            Err(_) => Err(KubeError::TimedOut {
                name,
                limit,
                last_seen,
            }),
        }
    }

    /// The lines of a container's log from its start, those that come later included.
    ///
    /// # Errors
    /// When the API server does not give it; an item is an error when the stream breaks.
    pub async fn log_lines(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
    ) -> Result<impl Stream<Item = Result<String, KubeError>> + use<>, KubeError> {
        let to = format!("{namespace}/{pod}/{container}");
        let pods: Api<Pod> = Api::namespaced(self.client(), namespace);
        let parameters = LogParams {
            container: Some(container.into()),
            follow: true,
            ..LogParams::default()
        };
        let lines = pods
            .log_stream(pod, &parameters)
            .await
            .map_err(KubeError::api(format!("following the log of {to}")))?
            .lines();
        Ok(lines.map(move |line| {
            line.map_err(|e| KubeError::Stream {
                to: to.clone(),
                reason: e.to_string(),
            })
        }))
    }
}
