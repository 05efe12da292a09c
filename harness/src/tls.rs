//! The process's one TLS provider.

/// Makes ring the provider of every TLS client in this process.
///
/// Must have run before the first client is built: without a default provider reqwest panics.
pub fn install_provider() {
    // A second call finds the provider installed, which is what it wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
