use super::*;
use crate::lab::fake_client::FakeClient;
use crate::lab::images::bring::ask;

fn client() -> FakeClient {
    FakeClient::new("docker").answers("version*", "20.10.24 linux/amd64\n")
}

async fn obtain(
    client: &FakeClient,
    wish: &ImagesWish,
    allowed: Allowed,
) -> Result<Given, LabError> {
    let cache = Cache::at(client.folder().join("cache"));
    Given::obtain(
        &client.engine().await,
        &cache,
        wish,
        allowed,
        &Progress::silent(),
    )
    .await
}

fn pilot(reference: &str) -> ImagesWish {
    ImagesWish {
        images: [(Part::Pilot, reference.to_owned())].into(),
        ..ImagesWish::default()
    }
}

#[tokio::test]
async fn an_image_that_the_engine_has_is_taken_by_its_id() {
    let client = client().answers("image inspect*", "sha256:mine\n");
    let wish = pilot("mine/pilot@sha256:0");
    let given = obtain(&client, &wish, Allowed::ToLook).await.unwrap();
    let image = &given.images[&Part::Pilot];
    assert_eq!(image.id, "sha256:mine");
    assert_eq!(image.origin, "mine/pilot@sha256:0 (--image pilot=)");
    assert!(given.has(Part::Pilot) && !given.has(Part::Ignite));
    let named = format!("docker tag sha256:mine {}", image.reference);
    assert!(client.calls().contains(&named), "{:?}", client.calls());
}

#[tokio::test]
async fn an_image_that_nobody_has_is_told_with_its_option() {
    let lacking = || {
        client()
            .fails("image inspect*", "Error: No such image: mine/pilot:1\n")
            .fails("manifest*", "no such manifest: docker.io/mine/pilot:1\n")
    };
    let looked = obtain(&lacking(), &pilot("mine/pilot:1"), Allowed::ToLook).await;
    assert!(matches!(looked, Err(LabError::ImagesMissing(names)) if names == ["mine/pilot:1"]));
    let engine = lacking();
    let engine = engine.engine().await;
    let missing = missing(&engine, &pilot("mine/pilot:1")).await.unwrap();
    let told = ask(&engine, &missing).await.unwrap_err().to_string();
    assert!(
        told.contains("docker.io has no mine/pilot:1 (no such manifest: "),
        "{told}"
    );
    assert!(told.contains("--image"), "{told}");
}

fn folder_of(client: &FakeClient) -> ImagesWish {
    let folder = client.folder().join("mine");
    std::fs::create_dir_all(&folder).unwrap();
    ImagesWish {
        istio: IstioWish::Folder(folder),
        ..ImagesWish::default()
    }
}

#[tokio::test]
async fn a_folder_that_lacks_a_file_is_told_what_belongs_there() {
    let client = client();
    let wish = folder_of(&client);
    let told = folder_is_whole(&wish.istio).unwrap_err();
    let told = told.to_string();
    assert!(told.contains("istioctl is not as expected"), "{told}");
    assert!(
        told.contains("; a folder of --istio holds pilot.tar"),
        "{told}"
    );
}

#[tokio::test]
async fn a_folders_images_are_loaded_once() {
    let plain = client();
    let wish = folder_of(&plain);
    let IstioWish::Folder(folder) = &wish.istio else {
        panic!("it is a folder");
    };
    for file in ["pilot.tar", "proxyv2.tar", "istioctl"] {
        std::fs::write(folder.join(file), file).unwrap();
    }
    let told = obtain(&plain, &wish, Allowed::ToPull).await.unwrap_err();
    assert!(told.to_string().contains("chmod +x"), "{told}");
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.join("istioctl"), executable).unwrap();
    let name = |part: Part| {
        let identity = identity(&folder.join(format!("{part}.tar"))).unwrap();
        format!(
            "{NAMED}/{part}:{}",
            Key::over("given").add(identity).finish()
        )
    };
    let listed = format!(
        "{} sha256:1\n{} sha256:2\n",
        name(Part::Pilot),
        name(Part::Proxyv2)
    );
    // Not there yet: it is loaded by the name that the engine tells, and then tagged.
    let empty = client().answers("load*", "Loaded image: a/pilot:1\n");
    let _ = obtain(&empty, &wish, Allowed::ToPull).await;
    let calls = empty.calls();
    let tagged = format!("docker tag a/pilot:1 {}", name(Part::Pilot));
    assert!(calls.contains(&tagged), "{calls:?}");
    let there = client().answers("images*", &listed);
    let given = obtain(&there, &wish, Allowed::ToLook).await.unwrap();
    assert_eq!(given.images[&Part::Proxyv2].id, "sha256:2");
    assert!(
        !there
            .calls()
            .iter()
            .any(|call| call.contains("docker load"))
    );
}
