//! How much memory this machine has left for a lab.

use super::LabError;

/// What a lab takes, in MiB: cluster, mesh and the two nodes of the product.
///
/// Three idle clusters with Istio were seen to use 4 GiB together on a machine of 24; the guide's
/// nodes add a GiB or more each. With less, the kernel ends whatever it likes.
pub(super) const NEEDED_MIB: u64 = 4 * 1024;

/// A number of `/proc/meminfo`, in MiB.
pub(super) fn mebibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number = line.strip_prefix(':')?.split_whitespace().next()?;
    number.parse::<u64>().ok().map(|kib| kib / 1024)
}

/// What of this machine's memory could be had now, in MiB; none where it does not tell.
pub(super) fn available_mib() -> Option<u64> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").ok()?;
    mebibytes(&meminfo, "MemAvailable")
}

/// Whether so much is enough for one more lab beside those that stand.
///
/// # Errors
/// [`LabError::NoMemory`], naming them.
pub(super) fn check(available_mib: u64, standing: &[String]) -> Result<(), LabError> {
    if available_mib >= NEEDED_MIB {
        return Ok(());
    }
    Err(LabError::NoMemory {
        needed_gib: NEEDED_MIB / 1024,
        available_mib,
        standing: standing.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_memory_is_told_with_what_stands_and_how_to_have_more() {
        assert!(check(4096, &[]).is_ok());
        let error = check(4095, &[]).unwrap_err().to_string();
        assert!(error.contains("end other programs"), "{error}");
        let standing = ["meshproof-a (held by pid 7: meshproof guide)".to_owned()];
        let error = check(4095, &standing).unwrap_err().to_string();
        assert_eq!(
            error,
            "a lab needs about 4 GiB of free memory, and there are 4.0 beside what stands: \
             meshproof-a (held by pid 7: meshproof guide); take that down first (meshproof down), \
             or wait for its run to end"
        );
    }

    #[test]
    fn memory_is_read_in_whole_mebibytes() {
        let text = "MemTotal:       24684084 kB\nMemFree:  1 kB\nMemAvailable:   23068672 kB\n";
        assert_eq!(mebibytes(text, "MemTotal"), Some(24_105));
        assert_eq!(mebibytes(text, "MemAvailable"), Some(22_528));
        assert_eq!(mebibytes(text, "SwapFree"), None);
    }
}
