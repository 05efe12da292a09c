//! Looks, before a build begins, whether this machine can finish it.

use super::cache::Cache;
use crate::lab::LabError;

/// What a build leaves below the cache and the engine's folder, with the compilers' caches.
pub const NEEDED_GIB: u64 = 20;

/// The programs that a build runs, each with how to have it.
pub const TOOLS: &[(&str, &str)] = &[
    ("python3", "install python3 with pip (Debian: python3-pip)"),
    ("mvn", "install Maven (Debian: maven)"),
    ("debootstrap", "install debootstrap (Debian: debootstrap)"),
    ("tar", "install tar"),
];

/// Checks tools and free disk.
///
/// # Errors
/// The first thing that is lacking, with its cure.
pub fn check(cache: &Cache) -> Result<(), LabError> {
    tools(TOOLS)?;
    if !nix::unistd::geteuid().is_root() {
        return Err(LabError::ToolMissing {
            tool: "root's rights (for debootstrap)",
            cure: "run as root, or use released images where a registry is reachable",
        });
    }
    let root = cache.root();
    let disk = nix::sys::statvfs::statvfs(root)
        .map_err(|error| LabError::file("asking for the free disk below", root)(error.into()))?;
    let free_gib = disk.blocks_available() * disk.fragment_size() / (1 << 30);
    if free_gib < NEEDED_GIB {
        return Err(LabError::DiskFull {
            path: root.to_owned(),
            needed_gib: NEEDED_GIB,
            free_gib,
        });
    }
    Ok(())
}

/// Checks that every tool is on PATH.
fn tools(wanted: &[(&'static str, &'static str)]) -> Result<(), LabError> {
    match wanted.iter().find(|(tool, _)| which::which(tool).is_err()) {
        Some((tool, cure)) => Err(LabError::ToolMissing { tool, cure }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_is_named_with_its_cure() {
        assert!(tools(&[("sh", "install a shell")]).is_ok());
        let error = tools(&[
            ("sh", "install a shell"),
            ("no-such-tool-here", "install it"),
        ]);
        assert_eq!(
            error.unwrap_err().to_string(),
            "building images needs no-such-tool-here, which is not on PATH; install it"
        );
    }
}
