//! A client outside the mesh that asks the ingress gateway over HTTPS, as the guide does with curl.
//!
//! It says what came back, or whether it was the certificate that kept it from asking. What the
//! answer should have been is left to the scenario.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Certificate, Client, Method};
use serde_json::{Map, Value};

/// The name by which the gateway is asked; every such name leads to the forwarded port.
pub const HOST: &str = "localhost";

/// Which server certificates a client accepts.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// Any, as `curl -k` does.
    Any,
    /// Those that verify against this one (PEM), and no other.
    Only(&'a str),
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub enum HttpsError {
    /// The client cannot be made.
    #[error("the HTTPS client cannot be made: {0}")]
    Client(String),
    /// The server's certificate was refused.
    #[error("{url}: the server's certificate is refused: {reason}")]
    Certificate {
        /// What was asked.
        url: String,
        /// What is wrong with the certificate.
        reason: String,
    },
    /// Anything else between us and an answer.
    #[error("{url}: no answer, and the ingress gateway's log may say why: {reason}")]
    Exchange {
        /// What was asked.
        url: String,
        /// Every layer's reason, the outermost first.
        reason: String,
    },
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The protocol that was negotiated, as in `HTTP/1.1`.
    pub protocol: String,
    /// The status line's code and its usual words: `200 OK`.
    pub status: String,
    /// The headers in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// Whether the code is 200.
    pub fn is_ok(&self) -> bool {
        self.status.starts_with("200 ")
    }

    /// A header's value; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    /// The number in a body that is `{"count":N}` and nothing more.
    pub fn count(&self) -> Option<u64> {
        let body: Map<String, Value> = serde_json::from_str(&self.body).ok()?;
        if body.len() == 1 {
            body.get("count")?.as_u64()
        } else {
            None
        }
    }

    /// The whole answer as `curl -i` prints it.
    pub fn printed(&self) -> String {
        let headers: String = self
            .headers
            .iter()
            .map(|(n, v)| format!("{n}: {v}\n"))
            .collect();
        format!(
            "{} {}\n{headers}\n{}",
            self.protocol, self.status, self.body
        )
    }
}

/// One client of one forwarded port. It offers HTTP/1.1 only, the protocol that the guide shows.
pub struct HttpsClient {
    client: Client,
    origin: String,
}

impl HttpsClient {
    /// A client that reaches the gateway at a local port; `limit` bounds each request.
    ///
    /// # Errors
    /// [`HttpsError::Client`], as for a certificate that is none.
    pub fn new(local: SocketAddr, trust: Trust<'_>, limit: Duration) -> Result<Self, HttpsError> {
        crate::tls::install_provider();
        let unusable = |error: reqwest::Error| HttpsError::Client(reasons(&error));
        let builder = Client::builder()
            .http1_only()
            .no_proxy()
            .resolve(HOST, local)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(limit);
        let builder = match trust {
            Trust::Any => builder.tls_danger_accept_invalid_certs(true),
            Trust::Only(pem) => {
                builder.tls_certs_only([Certificate::from_pem(pem.as_bytes()).map_err(unusable)?])
            }
        };
        Ok(Self {
            client: builder.build().map_err(unusable)?,
            origin: format!("https://{HOST}:{}", local.port()),
        })
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// `GET path`.
    ///
    /// # Errors
    /// When no answer came back.
    pub async fn get(&self, path: &str) -> Result<Answer, HttpsError> {
        self.ask(Method::GET, path).await
    }

    /// `POST path`, without a body.
    ///
    /// # Errors
    /// When no answer came back.
    pub async fn post(&self, path: &str) -> Result<Answer, HttpsError> {
        self.ask(Method::POST, path).await
    }

    async fn ask(&self, method: Method, path: &str) -> Result<Answer, HttpsError> {
        let url = self.url(path);
        let broken = |error: reqwest::Error| match refused_certificate(&error) {
            Some(reason) => HttpsError::Certificate {
                url: url.clone(),
                reason,
            },
            None => HttpsError::Exchange {
                url: url.clone(),
                reason: reasons(&error),
            },
        };
        let response = self
            .client
            .request(method, &url)
            .send()
            .await
            .map_err(broken)?;
        let protocol = format!("{:?}", response.version());
        let status = response.status().to_string();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        let body = response.text().await.map_err(broken)?;
        Ok(Answer {
            protocol,
            status,
            headers,
            body,
        })
    }
}

/// What rustls had against the server's certificate, if that is what broke the exchange.
fn refused_certificate(error: &reqwest::Error) -> Option<String> {
    let refusal = layers(error).find_map(|layer| {
        let found = layer.downcast_ref::<rustls::Error>()?;
        matches!(found, rustls::Error::InvalidCertificate(_)).then_some(found)
    });
    refusal.map(ToString::to_string)
}

fn reasons(error: &reqwest::Error) -> String {
    let mut reasons: Vec<String> = layers(error).map(ToString::to_string).collect();
    // A layer that only wraps another says what that one says.
    reasons.dedup();
    reasons.join(": ")
}

fn layers<'e>(error: &'e reqwest::Error) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    let outermost: &'e (dyn Error + 'static) = error;
    std::iter::successors(Some(outermost), |layer: &&'e (dyn Error + 'static)| {
        let layer: &'e (dyn Error + 'static) = *layer;
        // An I/O error does not give what it wraps as its source, but the source of that.
        match layer
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
        {
            Some(wrapped) => Some(wrapped as &(dyn Error + 'static)),
            None => layer.source(),
        }
    })
}

#[cfg(test)]
mod tests;
