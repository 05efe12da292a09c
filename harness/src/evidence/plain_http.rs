//! One HTTP request in plaintext to a port that is to speak TLS only.
//!
//! It tells what the port did with it, byte for byte; whether that is a refusal is for the
//! scenario to say.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use meshproof_protocol::intrusion::Ended;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// More than any answer that could matter begins with.
const ROOM: usize = 4096;

/// What became of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainAttempt {
    /// The bytes that came back, at most the first 4 KiB.
    pub received: Vec<u8>,
    /// How it ended.
    pub ended: Ended,
}

impl PlainAttempt {
    /// Whether an HTTP answer of class 2xx came back.
    pub fn was_served(&self) -> bool {
        let after_version = self.received.split(|byte| *byte == b' ').nth(1);
        self.received.starts_with(b"HTTP/") && after_version.is_some_and(|c| c.starts_with(b"2"))
    }

    /// Whether the request reached the port at all.
    pub fn was_made(&self) -> bool {
        !matches!(
            self.ended,
            Ended::ConnectFailed { .. } | Ended::Failed { .. }
        )
    }
}

impl std::fmt::Display for PlainAttempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.received.len() {
            0 => f.write_str("no byte came back")?,
            n => {
                let first: String = self
                    .received
                    .iter()
                    .take_while(|byte| **byte != b'\r')
                    .take(64)
                    .flat_map(|byte| std::ascii::escape_default(*byte))
                    .map(char::from)
                    .collect();
                write!(f, "{n} bytes came back, which begin with `{first}`")?;
            }
        }
        match &self.ended {
            Ended::Reset => f.write_str(", the connection was reset"),
            Ended::ClosedByPeer => f.write_str(", the connection was closed"),
            Ended::StillOpen => f.write_str(", the connection stayed open"),
            Ended::ConnectFailed { error } => write!(f, ", nothing connected: {error}"),
            Ended::Failed { error } => write!(f, ", it broke: {error}"),
        }
    }
}

/// Sends `GET path` in plaintext and reads until the other side ends it or `limit` is over.
pub async fn get(target: SocketAddr, host: &str, path: &str, limit: Duration) -> PlainAttempt {
    let mut received = Vec::new();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let exchange = async {
        let mut stream = match TcpStream::connect(target).await {
            Ok(stream) => stream,
            Err(error) => {
                return Ended::ConnectFailed {
                    error: error.to_string(),
                };
            }
        };
        let talk = async {
            stream.write_all(request.as_bytes()).await?;
            while received.len() < ROOM {
                if stream.read_buf(&mut received).await? == 0 {
                    return Ok(Ended::ClosedByPeer);
                }
            }
            Ok(Ended::StillOpen)
        };
        match talk.await {
            Ok(ended) => ended,
            Err::<_, std::io::Error>(error) => match error.kind() {
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Ended::Reset,
                _ => Ended::Failed {
                    error: error.to_string(),
                },
            },
        }
    };
    let ended = tokio::time::timeout(limit, exchange)
        .await
        .unwrap_or(Ended::StillOpen);
    PlainAttempt { received, ended }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one connection with these bytes once the request is there, then closes it.
    async fn answered_with(bytes: &'static [u8]) -> PlainAttempt {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![];
            while !request.ends_with(b"\r\n\r\n") {
                stream.read_buf(&mut request).await.unwrap();
            }
            stream.write_all(bytes).await.unwrap();
        });
        let attempt = get(address, "localhost", "/person/", Duration::from_secs(10)).await;
        server.await.unwrap();
        attempt
    }

    #[tokio::test]
    async fn an_answer_of_class_2xx_is_being_served() {
        let attempt = answered_with(b"HTTP/1.1 200 OK\r\n\r\n").await;
        assert!(attempt.was_served() && attempt.was_made());
        assert_eq!(
            attempt.to_string(),
            "19 bytes came back, which begin with `HTTP/1.1 200 OK`, the connection was closed"
        );
    }

    #[tokio::test]
    async fn other_answers_are_not() {
        for bytes in [
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            b"\x15\x03\x01\x00\x02\x02\x46",
            b"",
        ] {
            let attempt = answered_with(bytes).await;
            assert!(!attempt.was_served() && attempt.was_made(), "{attempt}");
        }
    }

    #[tokio::test]
    async fn a_port_that_nobody_serves_was_never_asked() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let attempt = get(address, "localhost", "/", Duration::from_secs(10)).await;
        assert!(!attempt.was_made(), "{attempt}");
    }
}
