//! Numbered keys, written through one node of the product's cluster and read through another: that
//! data flows between nodes, and how much of it is left after something happened.

use std::time::{Duration, Instant};

use meshproof_protocol::ports::ProductPort;
use meshproof_protocol::thin::{ThinClient, Value};
use tokio::time::{MissedTickBehavior, interval};

use crate::kube::Kube;
use crate::waits::Wait;

/// The cache that the guide's configuration makes.
pub const CACHE: &str = "PERSON";

/// How long one cache operation may take; in a stall it hangs.
const CACHE_OPERATION: Duration = Duration::from_secs(10);
/// Seconds that writing or reading keys may take in all.
const ANSWER: u64 = 30;
/// How long backup copies may take to follow primary ones, before scaling, in seconds. Under the load of
/// four cases at once 60 of 100 keys were there at the first read (measured).
const BACKUPS_FOLLOW: u64 = 10;
/// The pause between two readings.
const INTERVAL: Duration = Duration::from_millis(200);

/// Writes numbered keys through one node.
///
/// # Errors
/// One sentence with what could not be written.
pub async fn write_keys(
    kube: &Kube,
    namespace: &str,
    through: &str,
    prefix: &str,
    count: u32,
) -> Result<(), String> {
    let entries: Vec<(Value, Value)> = (0..count).map(|n| entry(prefix, n)).collect();
    let what = format!("writing {count} keys through {through}");
    let writing = async {
        client(kube, namespace, through)
            .await?
            .put_all(CACHE, &entries)
            .await
            .map_err(|error| format!("{what}: {error}"))
    };
    answered(kube, &what, writing).await
}

/// Bounds what a stalled cluster would never answer.
async fn answered<T>(
    kube: &Kube,
    what: &str,
    work: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    let limit = kube.limit(ANSWER);
    let _wait = Wait::begin(what);
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(format!("{what} had no answer within {limit:?}")),
    }
}

/// Reads numbered keys through one node and counts those that hold what was written.
///
/// The guide's cache waits for primary copies only and reads backup ones (Ignite's defaults for
/// `writeSynchronizationMode` and `readFromBackup`), so that what was just written through another
/// node may be on its way: keys that are missing are read again for [`BACKUPS_FOLLOW`] seconds.
///
/// # Errors
/// One sentence with what could not be read, also when no answer comes within [`ANSWER`] seconds.
pub async fn read_keys(
    kube: &Kube,
    namespace: &str,
    through: &str,
    prefix: &str,
    count: u32,
) -> Result<u32, String> {
    let entries: Vec<(Value, Value)> = (0..count).map(|n| entry(prefix, n)).collect();
    let keys: Vec<Value> = entries.iter().map(|(key, _)| key.clone()).collect();
    let what = format!("reading {count} keys through {through}");
    let reading = async {
        let mut client = client(kube, namespace, through).await?;
        let begun = Instant::now();
        let mut again = interval(INTERVAL);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            again.tick().await;
            let found = client
                .get_all(CACHE, &keys)
                .await
                .map_err(|error| format!("{what}: {error}"))?;
            let as_written = entries.iter().filter(|entry| found.contains(entry)).count();
            if as_written == entries.len() || begun.elapsed() >= kube.limit(BACKUPS_FOLLOW) {
                return Ok(u32::try_from(as_written).unwrap_or(u32::MAX));
            }
        }
    };
    answered(kube, &what, reading).await
}

fn entry(prefix: &str, number: u32) -> (Value, Value) {
    let key = format!("{prefix}-{number}");
    let value = format!("value of {key}");
    (Value::String(key), Value::String(value))
}

async fn client(
    kube: &Kube,
    namespace: &str,
    pod: &str,
) -> Result<ThinClient<impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>, String> {
    let stream = kube
        .connect(namespace, pod, ProductPort::ThinClient.number())
        .await
        .map_err(|error| error.to_string())?;
    ThinClient::handshake(stream, CACHE_OPERATION)
        .await
        .map_err(|error| error.to_string())
}
