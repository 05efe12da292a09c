//! Helper containers: a process of ours runs them, and needs them no longer than it lives itself.
//!
//! The engine runs a container on when the client that began it is killed, so who is broken off
//! removes its own here, and whoever takes the cache's lock removes those of the dead.

use super::engine::{MAKER_LABEL, has_run_containers};
use super::inspected::Container;
use super::{Engine, LabError, begun_clients};
use crate::process::lineage::{Identity, Started};

/// Every helper container that the engine has, whoever runs it.
///
/// # Errors
/// When the engine fails.
pub(super) async fn all(engine: &Engine) -> Result<Vec<Container>, LabError> {
    engine.inspected(&format!("label={MAKER_LABEL}")).await
}

/// Whether whoever ran this container is dead. One that bears nobody's mark is no helper.
pub(super) fn is_orphaned(helper: &Container) -> bool {
    helper.maker.as_ref().is_some_and(|maker| !maker.is_alive())
}

/// Removes the helper containers of dead processes.
///
/// # Errors
/// When the engine fails.
pub(super) async fn remove_orphaned(engine: &Engine) -> Result<(), LabError> {
    let all = all(engine).await?;
    remove(engine, all.into_iter().filter(is_orphaned)).await
}

/// Removes the helper containers of this process, if it ever began one: for work that was broken off.
///
/// # Errors
/// When the engine fails.
pub async fn remove_own_helpers() -> Result<(), LabError> {
    match has_run_containers() {
        true => remove_own(&Engine::connect().await?).await,
        false => Ok(()),
    }
}

async fn remove_own(engine: &Engine) -> Result<(), LabError> {
    let its =
        |client: &Started| client.by == *Identity::own() && client.command.contains(MAKER_LABEL);
    begun_clients::have_ended(its).await?;
    let own = Some(Identity::own());
    let all = all(engine).await?;
    let its = |helper: &Container| helper.maker.as_ref() == own;
    remove(engine, all.into_iter().filter(its)).await
}

async fn remove(engine: &Engine, helpers: impl Iterator<Item = Container>) -> Result<(), LabError> {
    let ids: Vec<String> = helpers.map(|helper| helper.id).collect();
    match ids.is_empty() {
        true => Ok(()),
        false => engine.remove_containers(&ids).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::fake_client::FakeClient;

    /// An engine with a helper of this process, one of a dead one, one of another that lives, and a
    /// container that is none.
    fn client() -> FakeClient {
        let own = Identity::own().to_string();
        let dead = own.rsplit_once('/').unwrap().0.to_owned() + "/1";
        let init = Identity::of(1).unwrap().to_string();
        let container = |id: &str, maker: &str| {
            serde_json::json!({ "Id": id, "Name": format!("/{id}-name"), "Mounts": [],
                "Config": { "Labels": { (MAKER_LABEL): maker } } })
        };
        let all = [
            container("own", &own),
            container("dead", &dead),
            container("init", &init),
            container("none", ""),
        ];
        let names = all.iter().map(|one| one["Id"].as_str().unwrap());
        let names: String = names.map(|id| format!("{id} {id}-name\n")).collect();
        FakeClient::new("docker")
            .answers("version*", "20.10.24 linux/amd64\n")
            .answers("ps*", &names)
            .answers("inspect*", &serde_json::to_string(&all).unwrap())
    }

    fn removals(client: &FakeClient) -> Vec<String> {
        let calls = client.calls().into_iter();
        calls.filter(|call| call.contains(" rm ")).collect()
    }

    #[tokio::test]
    async fn who_is_broken_off_removes_its_own_alone() {
        let client = client();
        remove_own(&client.engine().await).await.unwrap();
        assert_eq!(removals(&client), ["docker rm --force --volumes own"]);
    }

    #[tokio::test]
    async fn those_of_the_dead_are_removed_by_whoever_comes_next() {
        let client = client();
        remove_orphaned(&client.engine().await).await.unwrap();
        assert_eq!(removals(&client), ["docker rm --force --volumes dead"]);
    }
}
