//! A lab's images without a lab: chosen, made or brought, carried to another machine, looked for.

use super::images::{self, Cache, ProbeBinary, archive};
use super::{Allowed, Chosen, Delivery, Engine, Images, ImagesWish, LabError, Paths};
use crate::progress::Progress;

/// Chooses where the images that are wished for come from; brings none.
///
/// # Errors
/// When the engine fails, or a file error of the cache.
pub async fn choose_source(
    paths: &Paths,
    wish: &ImagesWish,
    progress: &Progress,
) -> Result<Chosen, LabError> {
    let engine = Engine::connect().await?;
    let folder = &paths.cache;
    std::fs::create_dir_all(folder).map_err(LabError::file("making the folder", folder))?;
    images::choose(&engine, &Cache::at(folder), wish, true, progress).await
}

/// Has the images of a lab, making or bringing what is missing.
///
/// # Errors
/// The first step that failed.
pub async fn make_images(
    paths: &Paths,
    wish: &ImagesWish,
    progress: &Progress,
) -> Result<Images, LabError> {
    let engine = Engine::connect().await?;
    let cache = Cache::at(&paths.cache);
    let images = Images::obtain(&engine, &cache, wish, Allowed::ToBuild, progress).await?;
    Delivery::prepare_whole(&engine, &cache, &images, progress).await?;
    Ok(images)
}

/// Writes an archive of the images and programs of a lab, which has to have them all; tells which Istio
/// they are of.
///
/// # Errors
/// What is missing, or why the archive cannot be written.
pub async fn export_images(
    paths: &Paths,
    wish: &ImagesWish,
    to: &std::path::Path,
    progress: &Progress,
) -> Result<archive::Exported, LabError> {
    let engine = Engine::connect().await?;
    let cache = Cache::at(&paths.cache);
    let wish = images::published::resolved(&cache, wish, Allowed::ToLook, progress).await?;
    let images = Images::obtain(&engine, &cache, &wish, Allowed::ToLook, progress).await?;
    images.compare_programs(&cache).await?;
    let carried = archive::Carried::of(&wish, &images)?;
    archive::export(&engine, &cache, &images, carried, to, progress).await
}

/// Takes the images and programs of a lab from an archive, and prepares what nodes get of them; tells
/// by which options a lab of them is had.
///
/// # Errors
/// What is wrong with the archive, before anything is changed; or the first step that failed.
pub async fn import_images(
    paths: &Paths,
    from: &std::path::Path,
    progress: &Progress,
) -> Result<(Images, Vec<String>), LabError> {
    let engine = Engine::connect().await?;
    let cache = Cache::at(&paths.cache);
    let probe = ProbeBinary::find().await;
    let wish = archive::import(&engine, &cache, from, probe.as_ref(), progress).await?;
    let images = Images::obtain(&engine, &cache, &wish, Allowed::ToLook, progress).await?;
    Delivery::prepare_whole(&engine, &cache, &images, progress).await?;
    Ok((images, wish.options()))
}

/// Whether a lab could be had without making images: the engine answers, and the images, the programs
/// and the nodes' store of them are there, as they were made.
///
/// # Errors
/// What is lacking or was changed.
pub async fn available(paths: &Paths, wish: &ImagesWish) -> Result<(), LabError> {
    let engine = Engine::connect().await?;
    let cache = Cache::at(&paths.cache);
    let silent = Progress::silent();
    let images = Images::obtain(&engine, &cache, wish, Allowed::ToLook, &silent).await?;
    images.compare_programs(&cache).await?;
    match Delivery::find(&engine, &cache, &images).await? {
        Some(delivery) => delivery.compare().await,
        None => Err(LabError::ImagesMissing(vec![
            "the nodes' image store".into(),
        ])),
    }
}
