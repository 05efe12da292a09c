//! Watches an archive of `docker save` go by and remembers which images it holds, so that an
//! archive is known to be whole, and to hold nothing else, before an engine is given it.
//!
//! Reads of the tar format what that needs: names, sizes, and the content of one member. What an
//! engine might read otherwise than this does is an error: two listings, one under another name, or
//! anything after the end.

use std::io;

use serde::Deserialize;

/// The unit of the format, in bytes.
const BLOCK: usize = 512;
/// The member that lists the images, in every version of the engine.
const LISTING: &str = "manifest.json";
/// No listing is larger, in bytes.
const LISTING_LIMIT: u64 = 1 << 20;

/// The watcher, which is given the bytes in order.
#[derive(Debug, Default)]
pub struct TarWatch {
    header: Vec<u8>,
    /// What is left of the current member, with the filling up to a whole block.
    left: u64,
    /// What is left of the listing, while it goes by.
    listing_left: Option<usize>,
    listing: Vec<u8>,
    /// Whether a listing went by or does.
    listed: bool,
    /// What a member gives the next one another name by, while it goes by.
    renaming: Option<Vec<u8>>,
    ended: bool,
}

/// Members that hold a name or a path for the next one, or for all that follow.
const RENAMING: [u8; 4] = [b'x', b'g', b'L', b'K'];

/// One image as the listing has it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
}

impl TarWatch {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// When they are no tar archive.
    pub fn see(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.left > 0 {
                let taken = bytes
                    .len()
                    .min(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.content(&bytes[..taken]);
                self.left -= taken as u64;
                if self.left == 0 {
                    self.renamed()?;
                }
                bytes = &bytes[taken..];
                continue;
            }
            let taken = bytes.len().min(BLOCK - self.header.len());
            self.header.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if self.header.len() == BLOCK {
                self.member()?;
                self.header.clear();
            }
        }
        Ok(())
    }

    fn content(&mut self, bytes: &[u8]) {
        if let Some(left) = &mut self.listing_left {
            let taken = bytes.len().min(*left);
            self.listing.extend_from_slice(&bytes[..taken]);
            *left -= taken;
        }
        if let Some(renaming) = &mut self.renaming {
            renaming.extend_from_slice(bytes);
        }
    }

    fn member(&mut self) -> io::Result<()> {
        self.listing_left = None;
        if self.header.iter().all(|byte| *byte == 0) {
            self.ended = true;
            return Ok(());
        }
        if self.ended {
            return refused("its images go on after its end");
        }
        if &self.header[257..262] != b"ustar" {
            return refused("its images are no tar archive");
        }
        let Some(size) = number(&self.header[124..136]) else {
            return refused("a member of its images has no size");
        };
        let kind = self.header[156];
        if is_listing(&self.name()) {
            self.listing_begins(kind, size)?;
        }
        if RENAMING.contains(&kind) {
            if size > LISTING_LIMIT {
                return refused("a name in its images is too large");
            }
            self.renaming = Some(vec![]);
        }
        self.left = size
            .checked_next_multiple_of(BLOCK as u64)
            .ok_or_else(|| io::Error::other("a member of its images has no size"))?;
        Ok(())
    }

    /// The member's name as its header has it.
    fn name(&self) -> String {
        let text = |field: &[u8]| {
            let text = field.split(|byte| *byte == 0).next();
            String::from_utf8_lossy(text.unwrap_or_default()).into_owned()
        };
        match text(&self.header[345..500]) {
            // What GNU's own form has there is no name.
            prefix if prefix.is_empty() || &self.header[257..263] != b"ustar\0" => {
                text(&self.header[..100])
            }
            prefix => format!("{prefix}/{}", text(&self.header[..100])),
        }
    }

    fn listing_begins(&mut self, kind: u8, size: u64) -> io::Result<()> {
        if self.listed {
            return refused("its images have two listings");
        }
        if !matches!(kind, b'0' | 0) {
            return refused("the listing of its images is no plain file");
        }
        if size > LISTING_LIMIT {
            return refused("the listing of its images is too large");
        }
        self.listed = true;
        self.listing_left = usize::try_from(size).ok();
        Ok(())
    }

    /// Looks at the name that a member gave the next one.
    fn renamed(&mut self) -> io::Result<()> {
        let Some(renaming) = self.renaming.take() else {
            return Ok(());
        };
        let listing = LISTING.as_bytes();
        match renaming.windows(listing.len()).any(|name| name == listing) {
            true => refused("its images have a listing by another name"),
            false => Ok(()),
        }
    }

    /// The names of the images that went by; none where the archive did not come to its end or
    /// lists none.
    pub fn images(&self) -> Option<Vec<String>> {
        let whole = self.ended && self.left == 0 && self.header.is_empty();
        let listed: Vec<Listed> = serde_json::from_slice(&self.listing).ok()?;
        let tags = listed
            .into_iter()
            .flat_map(|image| image.repo_tags.unwrap_or_default());
        whole.then(|| tags.collect())
    }
}

fn refused<T>(why: &'static str) -> io::Result<T> {
    Err(io::Error::other(why))
}

/// Whether this path is the listing's, however it is written.
fn is_listing(path: &str) -> bool {
    let mut parts = vec![];
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts == [LISTING]
}

/// A number of a header: octal digits, or big-endian where its first bit says so.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let rest = field[1..].iter();
        return rest
            .copied()
            .try_fold(u64::from(field[0] & 0x7f), |sum, byte| {
                Some(sum.checked_mul(256)? + u64::from(byte))
            });
    }
    let text = std::str::from_utf8(field).ok()?;
    u64::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok()
}

/// A tar archive as `docker save` writes it, of these images, for tests.
#[cfg(test)]
pub fn saved(images: &[&str]) -> Vec<u8> {
    let listing: Vec<_> = images
        .iter()
        .map(|tag| serde_json::json!({ "Config": "c.json", "RepoTags": [tag], "Layers": [] }))
        .collect();
    let listing = serde_json::to_vec(&listing).unwrap();
    let mut tar = members_of(&[("a/layer.tar", b'0', &[7; 1300]), (LISTING, b'0', &listing)]);
    tar.extend([0; 2 * BLOCK]);
    tar
}

/// Members of a tar archive, without its end: name, kind and content of each.
#[cfg(test)]
fn members_of(members: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let mut tar = vec![];
    for (name, kind, content) in members {
        let mut header = [0; BLOCK];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[156] = *kind;
        header[257..262].copy_from_slice(b"ustar");
        tar.extend(header);
        tar.extend(*content);
        tar.resize(tar.len().next_multiple_of(BLOCK), 0);
    }
    tar
}

#[cfg(test)]
#[path = "tar_tests.rs"]
mod tests;
