//! What this machine has left for one more lab: memory, and the kernel's watches on files.

use super::LabError;
use super::memory;
use super::watches::Watches;

/// What is left at one moment. What the machine does not tell is none, and enough.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Memory, in MiB.
    pub(super) memory_mib: Option<u64>,
    /// Inotify instances.
    pub(super) watches: Option<Watches>,
}

impl Room {
    /// What is left here and now.
    pub(super) fn here() -> Self {
        Self {
            memory_mib: memory::available_mib(),
            watches: Watches::here(),
        }
    }

    /// What of it is too little for one more lab beside those that stand.
    pub(super) fn lacks(self, standing: &[String]) -> Vec<LabError> {
        let memory = self.memory_mib.map(|mib| memory::check(mib, standing));
        let watches = self.watches.map(|watches| watches.check(standing));
        let both = memory.into_iter().chain(watches);
        both.filter_map(Result::err).collect()
    }
}
