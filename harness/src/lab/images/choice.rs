//! The choice of a lab's source, with what was found of its images on the way: it is looked for once,
//! by whoever chooses, and used by whoever takes the images.
//!
//! By which rules a source is chosen is for `source`.

use super::cache::Cache;
use super::source::{Chosen, Source};
use super::wish::ImagesWish;
use super::{built, pulled};
use crate::lab::{Engine, LabError};
use crate::progress::Progress;

/// A source, and what was found here before it was chosen.
#[derive(Debug)]
pub struct Choice {
    /// The source, with the reason.
    pub chosen: Chosen,
    /// What was found.
    pub here: Here,
}

/// What was found here, by source; nothing of those that nobody looked at.
#[derive(Debug, Default)]
pub struct Here {
    /// Of images that are made by our own recipes.
    pub made: Option<built::Found>,
    /// Of released images.
    pub pulled: Option<pulled::Found>,
}

impl Choice {
    /// Chooses the source for what is wished for; a registry is asked only if `ask` allows it.
    ///
    /// # Errors
    /// When the engine fails, or a file error of the cache.
    pub async fn of(
        engine: &Engine,
        cache: &Cache,
        wish: &ImagesWish,
        ask: bool,
        progress: &Progress,
    ) -> Result<Self, LabError> {
        let mut here = Here::default();
        let there = async || here.look(engine, cache, wish).await;
        let chosen = Source::choose(engine, cache, wish, there, ask, progress).await?;
        Ok(Self { chosen, here })
    }
}

impl Here {
    /// Looks until a source is found whose images are all here.
    async fn look(
        &mut self,
        engine: &Engine,
        cache: &Cache,
        wish: &ImagesWish,
    ) -> Result<Option<Source>, LabError> {
        if let Ok(build) = wish.build(Source::Build) {
            let found = built::Found::look(engine, cache, &build).await?;
            let whole = found.missing(|part| wish.gives(part)).is_empty();
            self.made = Some(found);
            if whole {
                return Ok(Some(Source::Build));
            }
        }
        let found = pulled::Found::look(engine, wish).await?;
        let whole = found.missing().is_empty();
        self.pulled = Some(found);
        Ok(whole.then_some(Source::Pull))
    }
}
