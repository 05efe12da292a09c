//! Asking one node over HTTP.
//!
//! The address is the caller's business (a pod through a port-forward, a container's mapped port).
//! Every request has a limit, because a stalled node accepts connections and never answers.

use super::{Baseline, Command, RestError, TopNode, Written, answer};
use std::time::Duration;

/// A client of one node's REST interface.
#[derive(Debug, Clone)]
pub struct RestClient {
    http: reqwest::Client,
    endpoint: reqwest::Url,
    limit: Duration,
}

impl RestClient {
    /// A client of the node at `base`, such as `http://127.0.0.1:8080`, that gives each request at
    /// most `limit`. Proxies of the environment are not used: nodes are always near.
    ///
    /// # Errors
    /// When `base` is no URL.
    pub fn new(base: &str, limit: Duration) -> Result<Self, RestError> {
        crate::tls::install_provider();
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .map_err(|error| RestError::Unreachable {
                command: "connect",
                cause: chain(&error),
            })?;
        Self::over(http, base, limit)
    }

    /// The same over an HTTP client that the caller has made.
    ///
    /// # Errors
    /// When `base` is no URL.
    pub fn over(http: reqwest::Client, base: &str, limit: Duration) -> Result<Self, RestError> {
        let endpoint = reqwest::Url::parse(base)
            .and_then(|url| url.join("/ignite"))
            .map_err(|_| RestError::Base {
                base: base.to_owned(),
            })?;
        Ok(Self {
            http,
            endpoint,
            limit,
        })
    }

    /// The product's version, such as `2.16.0`.
    ///
    /// # Errors
    /// See [`RestError`].
    pub async fn version(&self) -> Result<String, RestError> {
        answer::version(&self.body(&Command::Version).await?)
    }

    /// The nodes of the topology as this node sees it.
    ///
    /// # Errors
    /// See [`RestError`].
    pub async fn top(&self) -> Result<Vec<TopNode>, RestError> {
        answer::top(&self.body(&Command::Top).await?)
    }

    /// The baseline topology.
    ///
    /// # Errors
    /// See [`RestError`].
    pub async fn baseline(&self) -> Result<Baseline, RestError> {
        answer::baseline(&self.body(&Command::Baseline).await?)
    }

    /// The state of the cluster, such as `ACTIVE`.
    ///
    /// # Errors
    /// See [`RestError`].
    pub async fn state(&self) -> Result<String, RestError> {
        answer::state(&self.body(&Command::State).await?)
    }

    /// Writes a string under a string key. Such keys are not equal to a thin client's integers.
    ///
    /// # Errors
    /// See [`RestError`]; an unknown cache is `Refused`.
    pub async fn put(&self, cache: &str, key: &str, value: &str) -> Result<Written, RestError> {
        answer::put(&self.body(&Command::Put { cache, key, value }).await?)
    }

    /// Reads the string under a string key; `None` when there is none.
    ///
    /// # Errors
    /// See [`RestError`]; an unknown cache is `Refused`.
    pub async fn get(&self, cache: &str, key: &str) -> Result<Option<String>, RestError> {
        answer::get(&self.body(&Command::Get { cache, key }).await?)
    }

    /// Counts the entries of a cache over all nodes.
    ///
    /// # Errors
    /// See [`RestError`]; an unknown cache is `Refused`.
    pub async fn size(&self, cache: &str) -> Result<u64, RestError> {
        answer::size(&self.body(&Command::Size { cache }).await?)
    }

    /// The body of one command's answer.
    ///
    /// # Errors
    /// See [`RestError`]; the body itself is not looked at.
    pub async fn body(&self, command: &Command<'_>) -> Result<String, RestError> {
        let name = command.name();
        let failed = |error: reqwest::Error| {
            if error.is_timeout() {
                RestError::Timeout {
                    command: name,
                    limit: self.limit,
                }
            } else {
                RestError::Unreachable {
                    command: name,
                    cause: chain(&error),
                }
            }
        };
        let response = self
            .http
            .get(self.endpoint.clone())
            .query(&command.query())
            .timeout(self.limit)
            .send()
            .await
            .map_err(failed)?;
        let status = response.status();
        if status != reqwest::StatusCode::OK {
            return Err(RestError::Status {
                command: name,
                status: status.as_u16(),
            });
        }
        response.text().await.map_err(failed)
    }
}

/// An error with its causes: reqwest's own text leaves out the one that matters.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::recorded::{body, file};
    use tokio::net::TcpListener;
    use wiremock::matchers::{method, path, query_param};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn a_command_becomes_the_query_ignite_expects() {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .and(path("/ignite"))
            .and(query_param("cmd", "put"))
            .and(query_param("cacheName", "PERSON"))
            .and(query_param("key", "k&1"))
            .and(query_param("val", "v 1"))
            .respond_with(
                ResponseTemplate::new(200).set_body_string(body(file!("healthy/put.json"))),
            )
            .expect(1)
            .mount(&server)
            .await;
        let client = RestClient::new(&server.uri(), LIMIT).unwrap();
        client.put("PERSON", "k&1", "v 1").await.unwrap();
    }

    #[tokio::test]
    async fn a_node_that_is_still_starting_is_told_by_its_status() {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .respond_with(ResponseTemplate::new(503))
            .mount(&server)
            .await;
        let client = RestClient::new(&server.uri(), LIMIT).unwrap();
        let error = client.version().await.unwrap_err();
        assert!(
            matches!(error, RestError::Status { status: 503, .. }),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_node_that_accepts_and_never_answers_is_a_timeout() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let client = RestClient::new(&base, Duration::from_millis(200)).unwrap();
        let error = client.top().await.unwrap_err();
        assert!(
            matches!(error, RestError::Timeout { command: "top", .. }),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_closed_port_is_unreachable_and_says_why() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let error = RestClient::new(&base, LIMIT)
            .unwrap()
            .version()
            .await
            .unwrap_err();
        let RestError::Unreachable { cause, .. } = &error else {
            panic!("{error}")
        };
        assert!(cause.contains("refused"), "{cause}");
    }

    #[test]
    fn a_base_that_is_no_url_is_refused() {
        let error = RestClient::new("not a url", LIMIT).unwrap_err();
        assert!(matches!(error, RestError::Base { .. }), "{error}");
    }
}
