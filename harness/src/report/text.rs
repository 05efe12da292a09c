//! Wrapping text to a width without losing any of it.

/// Breaks text into lines of at most `width` characters, at blanks where it can.
///
/// Blanks and line breaks of the text count as one blank. A word that is longer than a line is
/// broken inside, since cutting it off would lose what it says. The answer has at least one line.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![];
    let mut line = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let mut rest: Vec<char> = word.chars().collect();
        if used > 0 && used + 1 + rest.len() > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        while rest.len() > width {
            lines.push(rest.drain(..width).collect());
        }
        used += rest.len();
        line.extend(rest);
    }
    if used > 0 || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// A text beside a label: wrapped, its later lines indented to where its first one begins.
pub(super) fn labelled(label: &str, text: &str, indent: usize, width: usize) -> String {
    let room = width.saturating_sub(indent);
    let mut out = String::new();
    for (n, line) in wrap(text, room).iter().enumerate() {
        let label = if n == 0 { label } else { "" };
        out.push_str(format!("{label:<indent$}{line}").trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_breaks_at_blanks_and_stays_in_width() {
        assert_eq!(
            wrap("one two  three\nfour", 9),
            ["one two", "three", "four"]
        );
        assert_eq!(wrap("exactly 9", 9), ["exactly 9"]);
    }

    #[test]
    fn a_long_word_is_broken_and_nothing_is_lost() {
        assert_eq!(wrap("id abcdefghij k", 4), ["id", "abcd", "efgh", "ij k"]);
        assert_eq!(wrap("abcdefgh", 4), ["abcd", "efgh"]);
    }

    #[test]
    fn no_text_is_one_empty_line() {
        assert_eq!(wrap("", 10), [""]);
    }

    #[test]
    fn later_lines_stand_under_the_first() {
        assert_eq!(
            labelled("News", "one two three", 6, 13),
            "News  one two\n      three\n"
        );
    }
}
