//! How much of what was read is kept: a budget of bytes for all, a share for each file.

/// What all files of a capture may hold together, in bytes.
pub const ALL_BYTES: usize = 50_000_000;
/// What one file may hold, in bytes: a talkative source leaves room for the others.
const FILE_BYTES: usize = 6 * 1024 * 1024;
/// Kept free for the index, in bytes.
const INDEX_BYTES: usize = 256 * 1024;
/// Less than this of a file tells nothing, in bytes.
const LEAST_BYTES: usize = 4 * 1024;

/// What is left of a budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    left: usize,
    file: usize,
}

/// What of a text is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The text; none where there was no room for any of it.
    pub text: Option<String>,
    /// How many bytes of it were left out.
    pub cut: usize,
}

impl Budget {
    /// A budget for a whole capture, in bytes.
    pub fn of(bytes: usize) -> Self {
        Self {
            left: bytes.saturating_sub(INDEX_BYTES),
            file: FILE_BYTES,
        }
    }

    /// Keeps a text, or of one that is too long its start and its end, cut at the ends of lines.
    pub fn keep(&mut self, text: String) -> Kept {
        let room = self.file.min(self.left);
        if text.len() <= room {
            self.left -= text.len();
            return Kept {
                text: Some(text),
                cut: 0,
            };
        }
        if room < LEAST_BYTES {
            return Kept {
                cut: text.len(),
                text: None,
            };
        }
        let (kept, cut) = shortened(&text, room);
        self.left -= kept.len();
        Kept {
            text: Some(kept),
            cut,
        }
    }
}

/// A third of the room for the start, which tells how it began, the rest for the end.
fn shortened(text: &str, room: usize) -> (String, usize) {
    let mark = |cut: usize| format!("\n[... {cut} bytes are left out here ...]\n");
    let room = room - mark(text.len()).len();
    let head = text.floor_char_boundary(room / 3);
    let head = text[..head].rfind('\n').unwrap_or(head);
    let tail = text.ceil_char_boundary(text.len() - (room - room / 3));
    let tail = text[tail..].find('\n').map_or(tail, |at| tail + at + 1);
    let cut = tail - head;
    (
        format!("{}{}{}", &text[..head], mark(cut), &text[tail..]),
        cut,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(left: usize, file: usize) -> Budget {
        Budget { left, file }
    }

    fn lines(count: usize) -> String {
        (0..count).map(|n| format!("line {n} \u{e4}\n")).collect()
    }

    #[test]
    fn a_text_that_fits_is_kept_whole_and_counted() {
        let mut budget = budget(10_000, 10_000);
        let text = lines(100);
        let kept = budget.keep(text.clone());
        assert_eq!((kept.cut, kept.text.as_ref()), (0, Some(&text)));
        assert_eq!(budget.left, 10_000 - text.len());
    }

    #[test]
    fn a_long_text_keeps_its_start_and_its_end_and_says_what_is_missing() {
        let text = lines(2000);
        let kept = budget(100_000, 8_000).keep(text.clone());
        let short = kept.text.unwrap();
        assert!(
            short.len() <= 8_000 && short.len() > 7_900,
            "{}",
            short.len()
        );
        assert!(short.starts_with("line 0 ") && short.ends_with("line 1999 \u{e4}\n"));
        let mark = format!("\n[... {} bytes are left out here ...]\n", kept.cut);
        assert_eq!(short.len() - mark.len() + kept.cut, text.len());
        let (head, tail) = short.split_once(&mark).unwrap();
        assert!(text.starts_with(head) && text.ends_with(tail));
        assert!(tail.starts_with("line "), "{tail:.20}");
    }

    #[test]
    fn what_comes_last_gets_what_is_left_and_then_nothing() {
        let mut budget = budget(17_000, 8_000);
        let mut total = 0;
        for expected in [true, true, false] {
            let kept = budget.keep(lines(3000));
            assert_eq!(kept.text.is_some(), expected);
            total += kept.text.map_or(0, |text| text.len());
        }
        assert!(total <= 17_000);
        assert_eq!(budget.keep(lines(2)).cut, 0, "a small one still fits");
    }
}
