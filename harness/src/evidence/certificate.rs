//! A self-signed server certificate, as the guide has its reader make one with openssl.
//!
//! It makes the certificate and the Secret that carries it. The private key leaves this module in
//! that Secret alone: it is in no message, and `Debug` does not show it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SerialNumber, date_time_ymd};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// How long the guide's certificate is valid (`-days 365`).
const DAYS: u64 = 365;

/// A certificate that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the certificate for {name} cannot be made, check its names: {reason}")]
pub struct CertificateError {
    /// The common name it was to carry.
    name: String,
    /// What was wrong.
    reason: String,
}

/// A self-signed certificate with its private key: ECDSA over P-256, valid for 365 days.
///
/// The guide's openssl line makes an RSA key of 2048 bits; ring, by which keys are made here,
/// makes none of RSA. That line also marks the certificate as a certificate authority's, which
/// rustls does not accept as a server's own; this one is not marked.
pub struct SelfSigned {
    pem: String,
    serial: String,
    private_key: KeyPair,
}

impl std::fmt::Debug for SelfSigned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SelfSigned")
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}

impl SelfSigned {
    /// Makes one whose subject is `CN=<common_name>`, valid from now on.
    ///
    /// Verifiers look at the alternative names alone: DNS names and IP addresses.
    ///
    /// # Errors
    /// When a name has no place in a certificate.
    pub fn new(common_name: &str, alternative_names: &[&str]) -> Result<Self, CertificateError> {
        let unusable = |error: rcgen::Error| CertificateError {
            name: common_name.to_owned(),
            reason: error.to_string(),
        };
        let private_key = KeyPair::generate().map_err(unusable)?;
        let names: Vec<String> = alternative_names.iter().map(|n| (*n).to_owned()).collect();
        let mut parameters = CertificateParams::new(names).map_err(unusable)?;
        parameters.distinguished_name = DistinguishedName::new();
        parameters
            .distinguished_name
            .push(DnType::CommonName, common_name);
        let now = u64::try_from(Timestamp::now().as_second()).unwrap_or_default();
        parameters.not_before = date_time_ymd(1970, 1, 1) + Duration::from_secs(now);
        parameters.not_after = parameters.not_before + Duration::from_secs(DAYS * 24 * 60 * 60);
        let serial = serial(private_key.public_key_raw());
        parameters.serial_number = Some(SerialNumber::from_slice(&serial));
        let certificate = parameters.self_signed(&private_key).map_err(unusable)?;
        Ok(Self {
            pem: certificate.pem(),
            serial: serial.iter().map(|byte| format!("{byte:02x}")).collect(),
            private_key,
        })
    }

    /// The certificate, for those who are to trust it.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Its serial number in lower-case hex, as a proxy's `/certs` page shows it.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// The Secret that `kubectl create secret tls` would make of certificate and key.
    pub fn secret(&self, namespace: &str, name: &str) -> Value {
        let part = |name: &str, text: String| (name.to_owned(), ByteString(text.into_bytes()));
        let secret = Secret {
            metadata: ObjectMeta {
                namespace: Some(namespace.to_owned()),
                name: Some(name.to_owned()),
                ..ObjectMeta::default()
            },
            type_: Some("kubernetes.io/tls".to_owned()),
            data: Some(BTreeMap::from([
                part("tls.crt", self.pem.clone()),
                part("tls.key", self.private_key.serialize_pem()),
            ])),
            ..Secret::default()
        };
        serde_json::to_value(secret).expect("a Secret of text and bytes has a JSON form")
    }
}

/// Sixteen bytes that the key decides, positive and without a leading zero, so that every
/// program writes them alike.
fn serial(public_key: &[u8]) -> [u8; 16] {
    let digest = Sha256::digest(public_key);
    let mut serial = [0; 16];
    serial.copy_from_slice(&digest[..16]);
    serial[0] = (serial[0] & 0x7f) | 0x40;
    serial
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_in_the_secret_and_nowhere_else() {
        let made = SelfSigned::new("ignite-client", &["localhost", "127.0.0.1"]).unwrap();
        let secret = made.secret("istio-system", "ignite-client-tls");
        assert_eq!(secret["kind"], "Secret");
        assert_eq!(secret["type"], "kubernetes.io/tls");
        let data: Secret = serde_json::from_value(secret).unwrap();
        let data = data.data.unwrap();
        assert!(
            data["tls.key"]
                .0
                .starts_with(b"-----BEGIN PRIVATE KEY-----")
        );
        assert_eq!(data["tls.crt"].0, made.pem().as_bytes());
        let shown = format!("{made:?} {}", made.pem());
        assert!(!shown.contains("PRIVATE KEY"), "{shown}");
    }

    #[test]
    fn two_certificates_of_one_name_differ() {
        let of = || SelfSigned::new("ignite-client", &["localhost"]).unwrap();
        let (one, other) = (of(), of());
        assert_ne!(one.serial(), other.serial());
        assert_ne!(one.pem(), other.pem());
        assert_eq!(one.serial().len(), 32);
    }

    #[test]
    fn a_name_that_no_certificate_can_carry_is_told() {
        let error = SelfSigned::new("ignite-client", &["löcal"]).unwrap_err();
        assert!(error.to_string().contains("ignite-client"), "{error}");
    }
}
