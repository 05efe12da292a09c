//! Runs a command inside a container, as `kubectl exec` does.

use futures::TryFutureExt;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::AttachParams;
use tokio::io::AsyncReadExt;

use super::{Kube, KubeError};

/// How much of a stream is buffered between reads; the default of 1 KiB makes long outputs slow.
const BUFFER_BYTES: usize = 64 * 1024;

impl Kube {
    /// Runs a command in a container and returns its standard output.
    ///
    /// # Errors
    /// [`KubeError::Exec`] when the command fails, with its code and what it said.
    pub async fn exec(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        command: &[&str],
    ) -> Result<String, KubeError> {
        let to = format!("{namespace}/{pod}/{container}");
        let broken = |reason: String| KubeError::Stream {
            to: to.clone(),
            reason,
        };
        let parameters = AttachParams::default()
            .container(container)
            .stdout(true)
            .stderr(true)
            .max_stdout_buf_size(BUFFER_BYTES)
            .max_stderr_buf_size(BUFFER_BYTES);
        let pods: Api<Pod> = Api::namespaced(self.client(), namespace);
        let mut attached = pods
            .exec(pod, command.iter().copied(), &parameters)
            .await
            .map_err(KubeError::api(format!(
                "running `{}` in {to}",
                command.join(" ")
            )))?;
        let (Some(mut stdout), Some(mut stderr)) = (attached.stdout(), attached.stderr()) else {
            return Err(broken("the API server opened no output streams".into()));
        };
        let status = attached.take_status();
        let (mut output, mut errors) = (vec![], vec![]);
        // Both are drained together: a full stream that nobody reads would stop the other.
        tokio::try_join!(
            stdout
                .read_to_end(&mut output)
                .map_err(|e| broken(e.to_string())),
            stderr
                .read_to_end(&mut errors)
                .map_err(|e| broken(e.to_string())),
        )?;
        let status = match status {
            Some(status) => status.await,
            None => None,
        };
        attached.join().await.map_err(|e| broken(e.to_string()))?;
        let code = status.as_ref().map_or(-1, exit_code);
        if code != 0 {
            return Err(KubeError::Exec {
                command: command.join(" "),
                container: to,
                code,
                stderr: String::from_utf8_lossy(&errors).trim().to_owned(),
            });
        }
        Ok(String::from_utf8_lossy(&output).into_owned())
    }
}

/// The exit code that an exec's closing status carries; -1 where it carries none.
fn exit_code(status: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Status) -> i32 {
    if status.status.as_deref() == Some("Success") {
        return 0;
    }
    status
        .details
        .iter()
        .flat_map(|details| details.causes.iter().flatten())
        .find(|cause| cause.reason.as_deref() == Some("ExitCode"))
        .and_then(|cause| cause.message.as_deref()?.parse().ok())
        .unwrap_or(-1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_read_from_the_closing_status() {
        let status = |json| serde_json::from_value(json).unwrap();
        assert_eq!(
            exit_code(&status(serde_json::json!({ "status": "Success" }))),
            0
        );
        let failed = serde_json::json!({
            "status": "Failure", "reason": "NonZeroExitCode",
            "details": { "causes": [{ "reason": "ExitCode", "message": "7" }] }
        });
        assert_eq!(exit_code(&status(failed)), 7);
        assert_eq!(
            exit_code(&status(serde_json::json!({ "status": "Failure" }))),
            -1
        );
    }
}
