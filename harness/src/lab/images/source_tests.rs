use super::*;
use crate::lab::fake_client::FakeClient;

fn client() -> FakeClient {
    FakeClient::new("docker").answers("version*", "20.10.24 linux/amd64\n")
}

async fn chosen(client: &FakeClient, wish: &ImagesWish, there: Option<Source>) -> Chosen {
    let cache = Cache::at(client.folder().join("cache"));
    std::fs::create_dir_all(cache.root()).unwrap();
    let there = async || Ok(there);
    let engine = client.engine().await;
    let chosen = Source::choose(&engine, &cache, wish, there, true, &Progress::silent()).await;
    chosen.unwrap()
}

fn asked(client: &FakeClient) -> usize {
    let calls = client.calls();
    calls
        .iter()
        .filter(|call| call.contains("manifest inspect"))
        .count()
}

#[tokio::test]
async fn a_registry_that_answers_is_pulled_from_and_asked_once_a_day() {
    let client = client().answers("manifest inspect kindest/node*", "{}\n");
    let wish = ImagesWish::default();
    for _ in 0..2 {
        let chosen = chosen(&client, &wish, None).await;
        assert_eq!(chosen.source, Source::Pull);
        assert!(chosen.told().starts_with("pull (docker.io answers, asked "));
    }
    assert_eq!(asked(&client), 1);
    let cache = Cache::at(client.folder().join("cache"));
    let later = |hours| Timestamp::now() + jiff::SignedDuration::from_hours(hours);
    assert!(Remembered::of(&cache, "docker.io", later(23)).is_some());
    assert_eq!(Remembered::of(&cache, "docker.io", later(25)), None);
    assert_eq!(Remembered::of(&cache, "other.example", later(0)), None);
}

#[tokio::test]
async fn without_an_answer_it_is_built_and_told_why() {
    let refused = "dial tcp: lookup registry.invalid: no such host\n";
    let client = client().fails("manifest*", refused);
    let why = chosen(&client, &ImagesWish::default(), None).await;
    assert_eq!(why.source, Source::Build);
    let told = why.told();
    assert!(
        told.starts_with("build (docker.io does not serve: "),
        "{told}"
    );
    assert!(told.contains("no such host, asked "), "{told}");
    // What was built since is used, and the reason stays.
    let there = chosen(&client, &ImagesWish::default(), Some(Source::Build)).await;
    let told = there.told();
    assert!(
        told.contains("its images are here; docker.io does not serve"),
        "{told}"
    );
    assert_eq!(asked(&client), 1);
}

#[tokio::test]
async fn what_is_there_or_asked_for_asks_nobody() {
    let client = client();
    let pulled = chosen(&client, &ImagesWish::default(), Some(Source::Pull)).await;
    assert_eq!(pulled.told(), "pull (its images are here)");
    let archive = ImagesWish {
        source: Some(Source::Archive),
        ..ImagesWish::default()
    };
    assert_eq!(
        chosen(&client, &archive, None).await.told(),
        "archive (asked for)"
    );
    let release = ImagesWish {
        istio: "1.30.5".parse().unwrap(),
        ..ImagesWish::default()
    };
    assert_eq!(chosen(&client, &release, None).await.source, Source::Pull);
    assert_eq!(asked(&client), 0);
}

#[tokio::test]
async fn the_mirror_is_asked_in_place_of_the_registry() {
    let client = client().answers("manifest inspect --insecure h:5000/kindest/node*", "{}\n");
    let wish = ImagesWish {
        mirror: Some("h:5000".parse().unwrap()),
        ..ImagesWish::default()
    };
    let told = chosen(&client, &wish, None).await.told();
    assert!(told.starts_with("pull (h:5000 answers"), "{told}");
}
