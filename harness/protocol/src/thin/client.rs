//! The thin client itself: one connection, one request at a time.
//!
//! Moves the bytes that [`super::codec`] makes, with a limit on every exchange. It never
//! reconnects and never retries: whether a request may be repeated is the caller's knowledge.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    codec::{self, Operation},
    error::{HowClosed, Malformed, ThinError},
    value::Value,
};

const HANDSHAKE: &str = "the thin-client handshake";

/// A connection on which a node has accepted the handshake.
#[derive(Debug)]
pub struct ThinClient<S> {
    stream: S,
    limit: Duration,
    next_id: i64,
    /// Set while an answer is outstanding. If it is still set when the next request begins, an
    /// earlier one was broken off, and its late answer would be taken for the next one's.
    in_flight: bool,
}

impl ThinClient<TcpStream> {
    /// Connects to `address` (`host:port`, resolved now) and shakes hands. `limit` bounds
    /// connecting, the handshake and, later, each request, each for itself.
    ///
    /// # Errors
    /// [`ThinError::Connect`] and [`ThinError::Timeout`], and those of [`ThinClient::handshake`].
    pub async fn connect(address: &str, limit: Duration) -> Result<Self, ThinError> {
        let connect = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        let stream = timeout(limit, connect)
            .await
            .map_err(|_| ThinError::Timeout {
                waiting_for: "a TCP connection",
                limit,
            })?
            .map_err(|source| ThinError::Connect {
                address: address.to_owned(),
                source,
            })?;
        Self::handshake(stream, limit).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> ThinClient<S> {
    /// Shakes hands on an open stream. `limit` bounds the handshake and, later, each request.
    ///
    /// # Errors
    /// [`ThinError::HandshakeRefused`], [`ThinError::Closed`], [`ThinError::Timeout`],
    /// [`ThinError::Malformed`] or [`ThinError::Io`].
    pub async fn handshake(stream: S, limit: Duration) -> Result<Self, ThinError> {
        let mut client = Self {
            stream,
            limit,
            next_id: 1,
            in_flight: false,
        };
        let body = client
            .exchange(&codec::handshake_request(), HANDSHAKE)
            .await?;
        match codec::handshake_answer(&body)? {
            codec::Handshake::Accepted => Ok(client),
            codec::Handshake::Refused {
                server,
                reason,
                status,
            } => Err(ThinError::HandshakeRefused {
                server,
                status,
                reason,
            }),
        }
    }

    /// Makes the cache with Ignite's default configuration, unless it exists.
    ///
    /// # Errors
    /// As [`ThinClient::put`].
    pub async fn get_or_create_cache(&mut self, name: &str) -> Result<(), ThinError> {
        self.call(
            Operation::GetOrCreateCache,
            &codec::cache_name(name),
            codec::nothing,
        )
        .await
    }

    /// Writes one entry; an existing one is overwritten.
    ///
    /// # Errors
    /// [`ThinError::Status`] leaves the connection usable; after every other error it is not,
    /// and further requests give [`ThinError::Unusable`].
    pub async fn put(&mut self, cache: &str, key: &Value, value: &Value) -> Result<(), ThinError> {
        self.call(
            Operation::Put,
            &codec::entries(cache, &[key, value]),
            codec::nothing,
        )
        .await
    }

    /// Reads one entry; [`Value::Null`] if there is none.
    ///
    /// # Errors
    /// As [`ThinClient::put`].
    pub async fn get(&mut self, cache: &str, key: &Value) -> Result<Value, ThinError> {
        self.call(Operation::Get, &codec::entries(cache, &[key]), codec::value)
            .await
    }

    /// Writes several entries in one request; existing ones are overwritten.
    ///
    /// # Errors
    /// As [`ThinClient::put`].
    pub async fn put_all(
        &mut self,
        cache: &str,
        pairs: &[(Value, Value)],
    ) -> Result<(), ThinError> {
        let payload = codec::pairs(cache, pairs);
        self.call(Operation::PutAll, &payload, codec::nothing).await
    }

    /// Reads several entries in one request: those that there are, in the node's order.
    ///
    /// # Errors
    /// As [`ThinClient::put`].
    pub async fn get_all(
        &mut self,
        cache: &str,
        keys: &[Value],
    ) -> Result<Vec<(Value, Value)>, ThinError> {
        let payload = codec::keys(cache, keys);
        self.call(Operation::GetAll, &payload, codec::found).await
    }

    /// Counts the entries of a cache over all nodes, each once however many backups it has.
    ///
    /// # Errors
    /// As [`ThinClient::put`].
    pub async fn size(&mut self, cache: &str) -> Result<u64, ThinError> {
        self.call(Operation::Size, &codec::size(cache), codec::count)
            .await
    }

    /// The names of all caches, in the node's order.
    ///
    /// # Errors
    /// As [`ThinClient::put`].
    pub async fn cache_names(&mut self) -> Result<Vec<String>, ThinError> {
        self.call(Operation::CacheNames, &[], codec::names).await
    }

    async fn call<T>(
        &mut self,
        operation: Operation,
        payload: &[u8],
        read: impl FnOnce(&[u8]) -> Result<T, Malformed>,
    ) -> Result<T, ThinError> {
        let id = self.next_id;
        let request = codec::request(operation, id, payload)?;
        self.next_id += 1;
        let body = self.exchange(&request, operation.name()).await?;
        let parsed = codec::answer(&body).and_then(|answer| match answer.id {
            ours if ours == id => Ok(answer.outcome),
            other => {
                let problem = format!("it answers request {other}, not {id}");
                Err(Malformed {
                    message: "answer",
                    problem,
                })
            }
        });
        // Bytes that do not fit leave it open where the next answer begins.
        self.in_flight = parsed.is_err();
        match parsed? {
            Ok(payload) => {
                let value = read(payload);
                self.in_flight = value.is_err();
                Ok(value?)
            }
            Err((code, reason)) => Err(ThinError::Status {
                operation: operation.name(),
                code,
                reason,
            }),
        }
    }

    /// Sends one frame and reads the body of the next.
    async fn exchange(
        &mut self,
        frame: &[u8],
        waiting_for: &'static str,
    ) -> Result<Vec<u8>, ThinError> {
        if self.in_flight {
            return Err(ThinError::Unusable);
        }
        self.in_flight = true;
        let limit = self.limit;
        let body = timeout(limit, self.exchange_unlimited(frame, waiting_for))
            .await
            .map_err(|_| ThinError::Timeout { waiting_for, limit })??;
        self.in_flight = false;
        Ok(body)
    }

    async fn exchange_unlimited(
        &mut self,
        frame: &[u8],
        waiting_for: &'static str,
    ) -> Result<Vec<u8>, ThinError> {
        let written = async {
            self.stream.write_all(frame).await?;
            self.stream.flush().await
        };
        written.await.map_err(|error| lost(error, waiting_for, 0))?;
        let mut header = [0; 4];
        self.fill(&mut header, waiting_for, 0).await?;
        let mut body = vec![0; codec::frame_length(header)?];
        self.fill(&mut body, waiting_for, header.len()).await?;
        Ok(body)
    }

    /// Fills the buffer; `before` bytes of the answer have come already.
    async fn fill(
        &mut self,
        buffer: &mut [u8],
        waiting_for: &'static str,
        before: usize,
    ) -> Result<(), ThinError> {
        let mut filled = 0;
        while filled < buffer.len() {
            let received = before + filled;
            match self.stream.read(&mut buffer[filled..]).await {
                Ok(0) => {
                    let how = HowClosed::InOrder;
                    return Err(ThinError::Closed {
                        how,
                        waiting_for,
                        received,
                    });
                }
                Ok(count) => filled += count,
                Err(error) => return Err(lost(error, waiting_for, received)),
            }
        }
        Ok(())
    }
}

fn lost(source: io::Error, waiting_for: &'static str, received: usize) -> ThinError {
    match source.kind() {
        // A write after the other side's reset gives a broken pipe.
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => ThinError::Closed {
            how: HowClosed::Reset,
            waiting_for,
            received,
        },
        _ => ThinError::Io {
            waiting_for,
            source,
        },
    }
}

#[cfg(test)]
mod tests;
