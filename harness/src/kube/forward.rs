//! Connections into pods through the API server, as `kubectl port-forward` makes them.
//!
//! Such a connection enters at the pod's loopback, past the sidecar: it serves admin ports and
//! the product's own clients, and never shows what the mesh does.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::Api;
use kube::api::ListParams;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::{Kube, KubeError};
use crate::waits::Wait;

/// A local port whose connections end at one pod's port; closed when dropped.
pub struct Forward {
    /// Where it listens on this machine.
    pub local: SocketAddr,
    /// The pod that it leads to.
    pub pod: String,
    /// The pod's port.
    pub port: u16,
    accepting: JoinHandle<()>,
    complaint: watch::Receiver<Option<String>>,
}

impl Forward {
    /// What goes wrong inside the pod with a connection within this time, as `kubectl port-forward`
    /// prints it on its standard error while it goes on listening; none if nothing does.
    pub async fn complaint_within(&mut self, limit: Duration) -> Option<String> {
        let said = self.complaint.wait_for(Option::is_some);
        let said = tokio::time::timeout(limit, said).await.ok()?.ok()?;
        said.clone()
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Kube {
    /// One connection to a pod's port.
    ///
    /// # Errors
    /// When the API server opens no such stream.
    pub async fn connect(
        &self,
        namespace: &str,
        pod: &str,
        port: u16,
    ) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static, KubeError> {
        let pods: Api<Pod> = Api::namespaced(self.client(), namespace);
        let mut forwarder = pods
            .portforward(pod, &[port])
            .await
            .map_err(KubeError::api(format!(
                "forwarding to {namespace}/{pod}:{port}"
            )))?;
        forwarder
            .take_stream(port)
            .ok_or_else(|| KubeError::Stream {
                to: format!("{namespace}/{pod}:{port}"),
                reason: "the API server gave no stream".into(),
            })
    }

    /// Fetches a page over HTTP/1.1 from a pod's port: status code and body. The limit of 10 s is on
    /// all of it, from the connection through the API server to the last byte.
    ///
    /// # Errors
    /// When the connection breaks, what comes back is not HTTP, or it takes too long.
    pub async fn get(
        &self,
        namespace: &str,
        pod: &str,
        port: u16,
        path: &str,
    ) -> Result<(u16, String), KubeError> {
        let to = format!("{namespace}/{pod}:{port}");
        let broken = |error: &dyn std::fmt::Display| KubeError::Stream {
            to: to.clone(),
            reason: error.to_string(),
        };
        let mut last_seen = "no connection";
        let exchange = async {
            let stream = self.connect(namespace, pod, port).await?;
            last_seen = "connected, no answer";
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream))
                    .await
                    .map_err(|e| broken(&e))?;
            let request = hyper::Request::get(path)
                .header(hyper::header::HOST, "localhost")
                .header(hyper::header::CONNECTION, "close")
                .body(Empty::<Bytes>::new())
                .map_err(|e| broken(&e))?;
            // Ends what it drives when it is dropped, also at the limit.
            let mut driven = JoinSet::new();
            driven.spawn(connection);
            let response = sender.send_request(request).await.map_err(|e| broken(&e))?;
            last_seen = "the beginning of an answer";
            let status = response.status().as_u16();
            let body = response.into_body().collect().await;
            let body = body.map_err(|e| broken(&e))?.to_bytes();
            Ok((status, String::from_utf8_lossy(&body).into_owned()))
        };
        let limit = self.limit(10);
        let _wait = Wait::begin(format!("an answer of {to} to GET {path}"));
        match tokio::time::timeout(limit, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(KubeError::TimedOut {
                name: format!("an answer of {to} to GET {path}"),
                limit,
                last_seen: last_seen.into(),
            }),
        }
    }

    /// Listens on a local port and leads each connection to the pod behind a Service's port.
    ///
    /// The Service is resolved to its first ready pod and its target port, as kubectl does.
    /// `local_port` 0 takes any free port.
    ///
    /// # Errors
    /// When the Service has no such port or no ready pod, or the local port is taken.
    pub async fn forward_service(
        &self,
        namespace: &str,
        service: &str,
        port: u16,
        local_port: u16,
    ) -> Result<Forward, KubeError> {
        let (pod, pod_port) = self.resolve(namespace, service, port).await?;
        let listener = TcpListener::bind(("127.0.0.1", local_port))
            .await
            .map_err(|e| KubeError::Stream {
                to: format!("127.0.0.1:{local_port}"),
                reason: format!("{e}; choose another local port"),
            })?;
        let local = listener.local_addr().map_err(|e| KubeError::Stream {
            to: format!("127.0.0.1:{local_port}"),
            reason: e.to_string(),
        })?;
        let (kube, namespace, to) = (self.clone(), namespace.to_owned(), pod.clone());
        let (complaining, complaint) = watch::channel(None);
        let accepting = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (kube, namespace, to) = (kube.clone(), namespace.clone(), to.clone());
                let complaining = complaining.clone();
                tokio::spawn(async move {
                    let carried = kube.carry(&namespace, &to, pod_port, &mut client).await;
                    if let Err(error) = carried {
                        tracing::info!(%error, "a forwarded connection failed");
                        complaining.send_replace(Some(error.to_string()));
                    }
                });
            }
        });
        Ok(Forward {
            local,
            pod,
            port: pod_port,
            accepting,
            complaint,
        })
    }

    /// Carries one client's connection to a pod's port until either side ends it.
    async fn carry(
        &self,
        namespace: &str,
        pod: &str,
        port: u16,
        client: &mut TcpStream,
    ) -> Result<(), KubeError> {
        let to = format!("{namespace}/{pod}:{port}");
        let pods: Api<Pod> = Api::namespaced(self.client(), namespace);
        let mut forwarder = pods
            .portforward(pod, &[port])
            .await
            .map_err(KubeError::api(format!("forwarding to {to}")))?;
        let (Some(mut stream), Some(error)) =
            (forwarder.take_stream(port), forwarder.take_error(port))
        else {
            return Err(KubeError::Stream {
                to,
                reason: "the API server gave no stream".into(),
            });
        };
        // Either side may end the connection as it likes: that is the clients' to see.
        drop(tokio::io::copy_bidirectional(client, &mut stream).await);
        drop(stream);
        match error.await {
            Some(reason) => Err(KubeError::Stream { to, reason }),
            None => Ok(()),
        }
    }

    async fn resolve(
        &self,
        namespace: &str,
        service: &str,
        port: u16,
    ) -> Result<(String, u16), KubeError> {
        let what = format!("Service {namespace}/{service}");
        let unusable = |reason: String| KubeError::Object {
            what: what.clone(),
            reason,
        };
        let services: Api<Service> = Api::namespaced(self.client(), namespace);
        let spec = services
            .get(service)
            .await
            .map_err(KubeError::api(format!("reading {what}")))?
            .spec
            .unwrap_or_default();
        let entry = spec
            .ports
            .iter()
            .flatten()
            .find(|p| p.port == i32::from(port))
            .ok_or_else(|| unusable(format!("it declares no port {port}")))?;
        let selector = spec
            .selector
            .iter()
            .flatten()
            .map(|(k, v)| format!("{k}={v}"))
            .collect::<Vec<_>>()
            .join(",");
        let pods: Api<Pod> = Api::namespaced(self.client(), namespace);
        let pods = pods
            .list(&ListParams::default().labels(&selector))
            .await
            .map_err(KubeError::api(format!("listing the pods of {what}")))?;
        let pod = pods
            .items
            .iter()
            .find(|pod| super::pods::is_ready(pod))
            .ok_or_else(|| KubeError::NoReadyPod {
                service: format!("{namespace}/{service}"),
            })?;
        let number = match entry
            .target_port
            .clone()
            .unwrap_or(IntOrString::Int(entry.port))
        {
            IntOrString::Int(number) => Some(number),
            IntOrString::String(name) => super::pods::named_port(pod, &name),
        };
        let number = number
            .and_then(|n| u16::try_from(n).ok())
            .ok_or_else(|| unusable(format!("the pod has no port behind {port}")))?;
        Ok((pod.metadata.name.clone().unwrap_or_default(), number))
    }
}
