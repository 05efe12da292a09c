//! What has to be undone when a run ends before its own end: by a signal or a panic.
//!
//! A run registers here what it is about to leave behind; whoever sees it end badly calls
//! [`Cleanup::run`]. Child processes need none of this: they die with the future that runs them.

use std::sync::{Arc, Mutex, PoisonError};

use meshproof_harness::evidence::intruder;
use meshproof_harness::kube::Kube;
use meshproof_harness::lab::{self, Paths};
use meshproof_harness::product::manifest::GUIDE_NAMESPACE;
use meshproof_harness::progress::Progress;

use crate::session;

/// What a run would leave behind. Clones share it.
#[derive(Clone, Default)]
pub struct Cleanup(Arc<Mutex<Option<Kube>>>);

impl Cleanup {
    /// From here on namespaces of ours are made on this cluster.
    pub fn walk_begins(&self, kube: &Kube) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(kube.clone());
    }

    /// Undoes it: namespaces of ours, and clusters that were never completed.
    ///
    /// # Errors
    /// One sentence for each thing that is left.
    pub async fn run(&self, paths: &Paths, progress: &Progress) -> Result<(), Vec<String>> {
        let stage = progress.stage("Cleaning up");
        let mut left = vec![];
        let kube = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(kube) = kube {
            let namespaces = [GUIDE_NAMESPACE, intruder::NAMESPACE];
            if let Err(error) = session::clear(&kube, &namespaces).await {
                left.push(error.to_string());
            }
        }
        if let Err(error) = lab::remove_incomplete(paths, progress).await {
            left.push(error.to_string());
        }
        stage.done();
        if left.is_empty() { Ok(()) } else { Err(left) }
    }
}
