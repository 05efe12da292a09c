//! Watches an archive of `docker save` go by and remembers which images it holds, so that an
//! archive is known to be whole, and to hold nothing else, before an engine is given it.
//!
//! Reads of the tar format what that needs: names, sizes, and the content of one member.

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
    ended: bool,
}

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
    }

    fn member(&mut self) -> io::Result<()> {
        self.listing_left = None;
        if self.header.iter().all(|byte| *byte == 0) {
            self.ended = true;
            return Ok(());
        }
        if &self.header[257..262] != b"ustar" {
            return Err(io::Error::other("its images are no tar archive"));
        }
        let size = number(&self.header[124..136])
            .ok_or_else(|| io::Error::other("a member of its images has no size"))?;
        let name = self.header[..100].split(|byte| *byte == 0).next();
        let is_file = matches!(self.header[156], b'0' | 0);
        if is_file && name == Some(LISTING.as_bytes()) && size <= LISTING_LIMIT {
            self.listing.clear();
            self.listing_left = usize::try_from(size).ok();
        }
        self.left = size.next_multiple_of(BLOCK as u64);
        Ok(())
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
    let mut tar = vec![];
    for (name, content) in [("a/layer.tar", vec![7; 1300]), (LISTING, listing)] {
        let mut header = [0; BLOCK];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[156] = b'0';
        header[257..262].copy_from_slice(b"ustar");
        tar.extend(header);
        tar.extend(&content);
        tar.resize(tar.len().next_multiple_of(BLOCK), 0);
    }
    tar.extend([0; 2 * BLOCK]);
    tar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_images_are_told_however_the_bytes_come() {
        let tar = saved(&["a:1", "b:2"]);
        for piece in [1, 7, 512, 1000, tar.len()] {
            let mut watch = TarWatch::default();
            for bytes in tar.chunks(piece) {
                watch.see(bytes).unwrap();
            }
            let told = watch.images().expect("whole");
            assert_eq!(told, ["a:1", "b:2"], "in pieces of {piece}");
        }
    }

    #[test]
    fn one_without_its_end_tells_none() {
        let tar = saved(&["a:1"]);
        let mut watch = TarWatch::default();
        watch.see(&tar[..tar.len() - 2 * BLOCK]).unwrap();
        assert_eq!(watch.images(), None);
        assert!(TarWatch::default().see(&[1; BLOCK]).is_err());
    }

    #[test]
    fn sizes_are_octal_or_binary() {
        assert_eq!(number(b"00000002424\0"), Some(1300));
        assert_eq!(
            number(&[0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1]),
            Some((2 << 32) + 1)
        );
        assert_eq!(number(b"not a number"), None);
    }
}
