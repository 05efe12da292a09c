//! The client against a TLS server of the test's own, which presents a certificate we made.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;
use crate::evidence::certificate::SelfSigned;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                        server: istio-envoy\r\ncontent-length: 11\r\n\r\n{\"count\":7}";

fn certificate() -> SelfSigned {
    SelfSigned::new(
        "ignite-client",
        &["localhost", "ignite-client", "127.0.0.1"],
    )
    .unwrap()
}

/// Serves one connection with this certificate.
fn serve_one(certificate: &SelfSigned) -> SocketAddr {
    crate::tls::install_provider();
    let secret = certificate.secret("n", "s");
    let secret: k8s_openapi::api::core::v1::Secret = serde_json::from_value(secret).unwrap();
    let data = secret.data.unwrap();
    let chain = vec![CertificateDer::from_pem_slice(&data["tls.crt"].0).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(&data["tls.key"].0).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key);
    let config = Arc::new(config.unwrap());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (tcp, _) = listener.accept().unwrap();
        let mut tls = StreamOwned::new(ServerConnection::new(config).unwrap(), tcp);
        // A client that refuses the certificate ends the handshake, and with it this server.
        if tls.read(&mut [0; 4096]).is_ok() {
            tls.write_all(ANSWER).unwrap();
        }
    });
    address
}

async fn asked(server: &SelfSigned, trust: Trust<'_>) -> Result<Answer, HttpsError> {
    let limit = Duration::from_secs(10);
    HttpsClient::new(serve_one(server), trust, limit)
        .unwrap()
        .get("/person/")
        .await
}

#[tokio::test]
async fn the_very_certificate_is_trusted_and_so_is_any_without_verification() {
    let certificate = certificate();
    for trust in [Trust::Only(certificate.pem()), Trust::Any] {
        let answer = asked(&certificate, trust).await.unwrap();
        assert!(answer.is_ok());
        assert_eq!(answer.count(), Some(7));
        assert_eq!(answer.header("server"), Some("istio-envoy"));
        assert_eq!(
            answer.printed(),
            "HTTP/1.1 200 OK\ncontent-type: application/json\nserver: istio-envoy\n\
             content-length: 11\n\n{\"count\":7}"
        );
    }
}

#[tokio::test]
async fn another_certificate_of_the_same_name_is_refused_as_a_certificate() {
    let error = asked(&certificate(), Trust::Only(certificate().pem()))
        .await
        .unwrap_err();
    assert!(matches!(error, HttpsError::Certificate { .. }), "{error}");
}

#[tokio::test]
async fn a_port_that_nobody_serves_is_no_refused_certificate() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = HttpsClient::new(address, Trust::Any, Duration::from_secs(10)).unwrap();
    let error = client.get("/person/").await.unwrap_err();
    assert!(matches!(error, HttpsError::Exchange { .. }), "{error}");
    assert!(error.to_string().contains("/person/"), "{error}");
}

#[test]
fn a_body_of_another_shape_has_no_count() {
    for body in [
        "{}",
        "[1]",
        r#"{"count":-1}"#,
        r#"{"count":1,"more":2}"#,
        "<html>",
    ] {
        let answer = Answer {
            protocol: "HTTP/1.1".into(),
            status: "200 OK".into(),
            headers: vec![],
            body: body.into(),
        };
        assert_eq!(answer.count(), None, "{body}");
    }
}
