//! Meshproof's own log, for whoever looks for a fault in Meshproof itself.
//!
//! Progress and results are for people and go elsewhere.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// What is logged, in the syntax of `RUST_LOG`.
const VARIABLE: &str = "MESHPROOF_LOG";

/// What is logged without it: warnings. The Kubernetes client logs each failure as an error and returns
/// it as well; what a wait or a case made of it is told by them.
const UNASKED: &str = "warn,kube_client=off";

/// Logs to standard error, as much as `MESHPROOF_LOG` asks for.
pub fn to_stderr() {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(UNASKED));
    // An embedding program's own subscriber stays.
    let _ = tracing::subscriber::set_global_default(subscriber(filter, std::io::stderr));
}

fn subscriber(
    filter: EnvFilter,
    writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static,
) -> impl tracing::Subscriber + Send + Sync {
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(false)
        // It would tell of a closed terminal on that terminal, and end with a panic.
        .log_internal_errors(false)
        .finish()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn warnings_are_written_and_what_its_caller_tells_is_not() {
        let written = Written::default();
        let writer = written.clone();
        let logged = subscriber(EnvFilter::new(UNASKED), move || writer.clone());
        tracing::subscriber::with_default(logged, || {
            tracing::warn!(pod = "ignite-0", "a connection was not made");
            tracing::debug!("too small to tell");
            tracing::error!(target: "kube_client::client::builder", "told by whom it was returned to");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert!(
            text.contains("a connection was not made pod=\"ignite-0\""),
            "{text}"
        );
        assert!(!text.contains("too small"), "{text}");
        assert!(!text.contains("told by whom"), "{text}");
    }
}
