use super::*;
use crate::lab::fake_client::FakeClient;
use crate::lab::images::reference::Mirror;
use crate::lab::images::released;

fn client() -> FakeClient {
    FakeClient::new("docker").answers("version*", "20.10.24 linux/amd64\n")
}

fn pulled(client: &FakeClient) -> bool {
    let calls = client.calls();
    calls.iter().any(|call| call.contains("docker pull"))
}

fn node() -> [Bringing; 1] {
    let mirror: Mirror = "h:5000".parse().unwrap();
    [Bringing::released(&released::node(), Some(&mirror))]
}

async fn brought(
    client: &FakeClient,
    kind: impl AsyncFnOnce() -> Result<(), LabError>,
) -> Result<(), LabError> {
    let cache = Cache::at(client.folder().join("cache"));
    let (engine, silent) = (client.engine().await, Progress::silent());
    bring_beside(&engine, &cache, &node(), kind, &silent).await
}

#[tokio::test]
async fn nothing_is_pulled_without_kind() {
    let client = client().answers("manifest*", "{}\n");
    let without = brought(&client, async || Err(LabError::NoHome)).await;
    assert!(matches!(without, Err(LabError::NoHome)), "{without:?}");
    assert!(!pulled(&client));
    brought(&client, async || Ok(())).await.unwrap();
    assert!(pulled(&client));
}

#[tokio::test]
async fn nothing_is_pulled_onto_a_disk_without_room() {
    // Its file system has none.
    let client = client()
        .answers("manifest*", "{}\n")
        .answers("info*", "/sys\n");
    let told = brought(&client, async || Ok(())).await.unwrap_err();
    let told = told.to_string();
    assert!(told.starts_with("pulling images needs about "), "{told}");
    assert!(
        told.contains(" MiB of free disk below /sys, and there are 0; "),
        "{told}"
    );
    assert!(told.contains("data-root"), "{told}");
    assert!(!pulled(&client));
}
