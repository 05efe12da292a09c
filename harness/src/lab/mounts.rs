//! Mounts that a killed debootstrap leaves below a folder, which nobody can remove under them.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::LabError;
use crate::process::Program;

/// Unmounts all that is mounted below a folder, the deepest first.
///
/// # Errors
/// When something stays mounted.
pub(super) async fn unmount_below(folder: &Path) -> Result<(), LabError> {
    let listed = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    for mount in below(&listed, folder) {
        Program::new("umount")
            .arg(&mount)
            .run()
            .await
            .map_err(LabError::program(format!("unmounting {}", mount.display())))?;
    }
    Ok(())
}

fn below(mountinfo: &str, folder: &Path) -> Vec<PathBuf> {
    let places = mountinfo
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(unescaped);
    let mut found: Vec<PathBuf> = places
        .filter(|place| place.starts_with(folder) && place != folder)
        .collect();
    // What was mounted last lies on top.
    found.reverse();
    found.sort_by_key(|place| std::cmp::Reverse(place.components().count()));
    found
}

/// A path as the kernel lists it: spaces and the like are octal digits after a backslash.
fn unescaped(text: &str) -> PathBuf {
    let (mut bytes, mut rest) = (vec![], text.as_bytes());
    while let Some((&first, after)) = rest.split_first() {
        let octal = after.get(..3).and_then(|d| std::str::from_utf8(d).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if first == b'\\' => {
                bytes.push(byte);
                rest = &after[3..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mounted_below_is_found_deepest_first() {
        let listed = "\
            22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
            60 22 0:4 / /c/partial/a\\040root/proc rw - proc proc rw\n\
            61 60 0:5 / /c/partial/a\\040root/proc/sys/x rw - tmpfs none rw\n\
            62 22 0:4 / /c/partial-of-another/proc rw - proc proc rw\n";
        let found = below(listed, Path::new("/c/partial"));
        let expected = ["/c/partial/a root/proc/sys/x", "/c/partial/a root/proc"];
        assert_eq!(found, expected.map(PathBuf::from));
    }
}
