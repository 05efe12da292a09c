//! One API server: the client, and the factor by which every limit is scaled.

use std::path::Path;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::KubeError;

/// A connection to one API server.
#[derive(Clone)]
pub struct Kube {
    client: Client,
    scale: f64,
}

impl Kube {
    /// Connects with a kubeconfig file.
    ///
    /// `scale` multiplies every limit, for machines that are slower than the one the limits were
    /// measured on.
    ///
    /// # Errors
    /// When the file cannot be read or names no usable server.
    pub async fn from_kubeconfig(path: &Path, scale: f64) -> Result<Self, KubeError> {
        Self::from_context(Some(path), None, scale).await
    }

    /// Connects with a context of a kubeconfig file: without a file the user's own, as kubectl
    /// finds it, and without a context the file's current one.
    ///
    /// # Errors
    /// When the file cannot be read or has no such usable context.
    pub async fn from_context(
        path: Option<&Path>,
        context: Option<&str>,
        scale: f64,
    ) -> Result<Self, KubeError> {
        let told = path.map_or("of this user".into(), |path| path.display().to_string());
        let kubeconfig = match path {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        };
        let kubeconfig = kubeconfig.map_err(|error| KubeError::Kubeconfig {
            path: told.clone(),
            reason: error.to_string(),
        })?;
        Self::from_read(kubeconfig, context, &told, scale).await
    }

    /// Connects with a context of a kubeconfig that was read before, by default its current one.
    /// `told` is what an error calls it.
    ///
    /// # Errors
    /// When it has no such usable context.
    pub async fn from_read(
        kubeconfig: Kubeconfig,
        context: Option<&str>,
        told: &str,
        scale: f64,
    ) -> Result<Self, KubeError> {
        crate::tls::install_provider();
        let unusable = |reason: String| KubeError::Kubeconfig {
            path: told.to_owned(),
            reason,
        };
        let options = KubeConfigOptions {
            context: context.map(str::to_owned),
            ..KubeConfigOptions::default()
        };
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .map_err(|e| unusable(e.to_string()))?;
        config.connect_timeout = Some(Duration::from_secs(5));
        let client = Client::try_from(config).map_err(|e| unusable(e.to_string()))?;
        Ok(Self { client, scale })
    }

    /// Wraps a client that exists.
    pub fn from_client(client: Client, scale: f64) -> Self {
        Self { client, scale }
    }

    /// The client itself.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The same server, with every limit so many times as long.
    pub fn patient(&self, times: f64) -> Self {
        Self {
            client: self.client(),
            scale: self.scale * times,
        }
    }

    /// A limit after scaling.
    pub fn limit(&self, seconds: u64) -> Duration {
        Duration::from_secs(seconds).mul_f64(self.scale)
    }
}
