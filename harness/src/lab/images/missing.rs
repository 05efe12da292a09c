//! What a registry has to serve for a wish: all of it is asked for before any of it is brought, so that
//! what cannot be had, and a disk that is too small, is told within seconds and before a download.

use super::bring::{Bringing, ask, bring};
use super::cache::Cache;
use super::choice::Choice;
use super::source::Source;
use super::wish::ImagesWish;
use super::{Allowed, ProbeBinary, built, given, kind_program, pulled, room};
use crate::lab::{Engine, LabError};
use crate::progress::Progress;

/// Brings what the engine lacks of somebody's own images, and of released ones where these are the
/// source that was chosen; and kind beside those.
///
/// # Errors
/// What is wrong with what is given, what a registry does not serve, too little disk, or a pull that
/// failed.
pub async fn bring_missing(
    engine: &Engine,
    cache: &Cache,
    wish: &ImagesWish,
    choice: &mut Choice,
    allowed: Allowed,
    progress: &Progress,
) -> Result<(), LabError> {
    given::folder_is_whole(&wish.istio)?;
    let mut all = given::missing(engine, wish).await?;
    let source = choice.chosen.source;
    if source != Source::Pull {
        if allowed != Allowed::ToBuild && !all.is_empty() {
            are_made(engine, cache, wish, source).await?;
        }
        return bring_beside(engine, cache, &all, async || Ok(()), progress).await;
    }
    ProbeBinary::find_or_tell().await?;
    let found = match choice.here.pulled.take() {
        Some(found) => found,
        None => pulled::Found::look(engine, wish).await?,
    };
    all.extend(found.to_bring(wish.mirror.as_ref()));
    let kind = async || kind_program::ensure(cache, progress).await.map(drop);
    bring_beside(engine, cache, &all, kind, progress).await?;
    choice.here.pulled = Some(match all.is_empty() {
        true => found,
        false => pulled::Found::by_name(engine, wish).await?,
    });
    Ok(())
}

/// Whether all is here that is made by our own recipes: else nothing needs to be brought beside it.
async fn are_made(
    engine: &Engine,
    cache: &Cache,
    wish: &ImagesWish,
    source: Source,
) -> Result<(), LabError> {
    let found = built::Found::look(engine, cache, &wish.build(source)?).await?;
    let missing = found.missing(|part| wish.gives(part));
    match (missing.is_empty(), source) {
        (true, _) => Ok(()),
        (false, Source::Archive) => Err(LabError::NotImported(missing)),
        (false, _) => Err(LabError::ImagesMissing(missing)),
    }
}

/// Brings images once all are served, there is room for them, and `kind` is had: without it they would
/// be gigabytes for nothing.
async fn bring_beside(
    engine: &Engine,
    cache: &Cache,
    all: &[Bringing],
    kind: impl AsyncFnOnce() -> Result<(), LabError>,
    progress: &Progress,
) -> Result<(), LabError> {
    ask(engine, all).await?;
    if all.is_empty() {
        return kind().await;
    }
    let parts: Vec<_> = all.iter().map(|one| one.part).collect();
    room::for_pull(engine, cache.root(), &parts).await?;
    kind().await?;
    let _one_at_a_time = cache.lock(progress).await?;
    bring(engine, all, progress).await
}

#[cfg(test)]
#[path = "missing_tests.rs"]
mod tests;
