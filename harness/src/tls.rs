//! The process-wide TLS provider.
//!
//! kube, reqwest and the Docker client all use rustls and take its provider from the process.
//! reqwest panics when a client is built and none is installed, so whatever builds a client calls
//! [`install_provider`] first. Certificates and trust are left to the callers.

use std::sync::Once;

/// Makes *ring* the TLS provider of this process. Only the first call has an effect; a provider
/// that somebody else has installed before stays.
pub fn install_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // The error only says that the process already has a provider, which is what we want.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

#[cfg(test)]
mod tests {
    use super::install_provider;

    #[test]
    fn a_client_can_be_built_after_any_number_of_calls() {
        install_provider();
        install_provider();
        assert!(rustls::crypto::CryptoProvider::get_default().is_some());
        reqwest::Client::builder()
            .build()
            .expect("a client builds once a provider is installed");
    }
}
