//! Waiting and holding: a watch with a name, a limit and the last state seen.
//!
//! A condition looks at all objects that the watch covers and says either what it was waiting for
//! or what is still in the way. There is no polling here, and no sleep.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::{Duration, Instant};

use futures::{Stream, StreamExt};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::KubeError;
use crate::waits::Wait;

/// What a condition says of the objects it saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen<T> {
    /// The condition is met.
    Met(T),
    /// It is not; this is what is there instead.
    NotYet(String),
}

/// The objects that a watch covers, by name.
pub type Objects<K> = BTreeMap<String, K>;

/// Waits until `condition` is met by the objects that `api` and `which` cover.
///
/// # Errors
/// [`KubeError::TimedOut`] with the last state seen, or [`KubeError::Watch`].
pub async fn until<K, T>(
    api: &Api<K>,
    which: watcher::Config,
    name: impl Into<String>,
    limit: Duration,
    condition: impl FnMut(&Objects<K>) -> Seen<T>,
) -> Result<T, KubeError>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let events = watch(api.clone(), which).default_backoff();
    first_met(events, name.into(), limit, condition).await
}

/// Watches for as long as `limit` and fails at the first state that `condition` does not accept.
///
/// # Errors
/// [`KubeError::DidNotHold`] with what was seen, or [`KubeError::Watch`].
pub async fn holds<K>(
    api: &Api<K>,
    which: watcher::Config,
    name: impl Into<String>,
    limit: Duration,
    condition: impl FnMut(&Objects<K>) -> Seen<()>,
) -> Result<(), KubeError>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let events = watch(api.clone(), which).default_backoff();
    unbroken(events, name.into(), limit, condition).await
}

async fn unbroken<K: Resource>(
    events: impl Stream<Item = Result<Event<K>, watcher::Error>>,
    name: String,
    limit: Duration,
    mut condition: impl FnMut(&Objects<K>) -> Seen<()>,
) -> Result<(), KubeError> {
    let begun = Instant::now();
    let mut looked = false;
    let broken = first_met(events, name.clone(), limit, |objects| {
        looked = true;
        match condition(objects) {
            Seen::Met(()) => Seen::NotYet("as it should be".into()),
            Seen::NotYet(seen) => Seen::Met(seen),
        }
    })
    .await;
    match broken {
        // What was never listed held nothing.
        Err(KubeError::TimedOut { .. }) if looked => Ok(()),
        Err(error) => Err(error),
        Ok(seen) => Err(KubeError::DidNotHold {
            name,
            limit,
            after: begun.elapsed(),
            seen,
        }),
    }
}

async fn first_met<K, T>(
    events: impl Stream<Item = Result<Event<K>, watcher::Error>>,
    name: String,
    limit: Duration,
    mut condition: impl FnMut(&Objects<K>) -> Seen<T>,
) -> Result<T, KubeError>
where
    K: Resource,
{
    let wait = Wait::begin(name.as_str());
    let mut last_seen = "nothing yet".to_owned();
    let mut events = std::pin::pin!(events);
    let looking = async {
        let mut objects = Objects::new();
        let mut listed = false;
        let mut broken = 0;
        loop {
            match events.next().await {
                Some(Ok(event)) => {
                    broken = 0;
                    match event {
                        Event::Init => objects.clear(),
                        Event::InitDone => listed = true,
                        Event::InitApply(object) | Event::Apply(object) => {
                            objects.insert(object.name_any(), object);
                        }
                        Event::Delete(object) => {
                            objects.remove(&object.name_any());
                        }
                    }
                }
                // The stream backs off and takes the watch up again; only a lasting break counts.
                Some(Err(error)) => {
                    broken += 1;
                    last_seen = format!("the watch broke: {error}");
                    wait.seen(&last_seen);
                    if broken == 5 {
                        return Err(error.to_string());
                    }
                    continue;
                }
                None => return Err("the stream ended".to_owned()),
            }
            if !listed {
                continue;
            }
            match condition(&objects) {
                Seen::Met(value) => return Ok(value),
                Seen::NotYet(seen) => {
                    wait.seen(&seen);
                    last_seen = seen;
                }
            }
        }
    };
    match tokio::time::timeout(limit, looking).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(reason)) => Err(KubeError::Watch { name, reason }),
        Err(_) => Err(KubeError::TimedOut {
            name,
            limit,
            last_seen,
        }),
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use k8s_openapi::api::core::v1::Namespace;

    use super::*;

    fn namespace(name: &str) -> Namespace {
        serde_json::from_value(serde_json::json!({ "metadata": { "name": name } })).unwrap()
    }

    fn events(
        names: &[&str],
    ) -> impl Stream<Item = Result<Event<Namespace>, watcher::Error>> + use<> {
        let listed = [Ok(Event::Init), Ok(Event::InitDone)];
        let applied: Vec<_> = names
            .iter()
            .map(|n| Ok(Event::Apply(namespace(n))))
            .collect();
        stream::iter(listed)
            .chain(stream::iter(applied))
            .chain(stream::pending())
    }

    fn both(objects: &Objects<Namespace>) -> Seen<usize> {
        match objects.len() {
            2 => Seen::Met(2),
            n => Seen::NotYet(format!("{n} of 2 namespaces")),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn met_as_soon_as_the_objects_are_there() {
        let met = first_met(
            events(&["a", "b"]),
            "two".into(),
            Duration::from_secs(5),
            both,
        )
        .await;
        assert_eq!(met.unwrap(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_passed_tells_name_and_last_state() {
        let error = first_met(
            events(&["a"]),
            "two namespaces".into(),
            Duration::from_secs(5),
            both,
        )
        .await
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "waited 5s for two namespaces; last seen: 1 of 2 namespaces"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_was_listed_can_hold() {
        let none = |objects: &Objects<Namespace>| match objects.len() {
            0 => Seen::Met(()),
            n => Seen::NotYet(format!("{n} namespaces")),
        };
        let limit = Duration::from_secs(5);
        let silent = stream::pending::<Result<Event<Namespace>, watcher::Error>>();
        let error = unbroken(silent, "none".into(), limit, none).await;
        assert!(
            matches!(error, Err(KubeError::TimedOut { .. })),
            "{error:?}"
        );
        unbroken(events(&[]), "none".into(), limit, none)
            .await
            .unwrap();
        let error = unbroken(events(&["a"]), "none".into(), limit, none).await;
        assert!(
            matches!(error, Err(KubeError::DidNotHold { .. })),
            "{error:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_deleted_object_is_gone_from_the_condition() {
        let then_gone = stream::iter([
            Ok(Event::Init),
            Ok(Event::InitApply(namespace("a"))),
            Ok(Event::InitDone),
            Ok(Event::Delete(namespace("a"))),
        ])
        .chain(stream::pending());
        let gone = first_met(
            then_gone,
            "none".into(),
            Duration::from_secs(5),
            |objects| {
                if objects.is_empty() {
                    Seen::Met(())
                } else {
                    Seen::NotYet("one".into())
                }
            },
        );
        gone.await.unwrap();
    }
}
