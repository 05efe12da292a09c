//! Markup that is well formed by construction.
//!
//! Names of elements and attributes are constants of this program; everything else goes in as text
//! and comes out as text, so that nothing read from a lab can become markup.

/// Markup under construction.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    /// An element with what is put inside.
    pub(super) fn element(
        &mut self,
        name: &'static str,
        attributes: &[(&'static str, &str)],
        inside: impl FnOnce(&mut Self),
    ) {
        self.open(name, attributes);
        self.0.push('>');
        inside(self);
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
        // A line break inside one of these would be seen.
        if !matches!(name, "span" | "code" | "b" | "a") {
            self.0.push('\n');
        }
    }

    /// An element that holds a text.
    pub(super) fn told(
        &mut self,
        name: &'static str,
        attributes: &[(&'static str, &str)],
        text: &str,
    ) {
        self.element(name, attributes, |page| page.text(text));
    }

    /// An element that has no inside.
    pub(super) fn void(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) {
        self.open(name, attributes);
        self.0.push_str("/>\n");
    }

    /// A text.
    pub(super) fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '&' => self.0.push_str("&amp;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' | '\t' => self.0.push(c),
                // No markup may hold these, and a reader is to see that something was there.
                c if c.is_control() => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
    }

    /// A style sheet of this program's own.
    pub(super) fn style(&mut self, sheet: &'static str) {
        self.0.push_str("<style>\n");
        self.0.push_str(sheet);
        self.0.push_str("</style>\n");
    }

    /// The whole document.
    pub(super) fn finish(self) -> String {
        format!("<!DOCTYPE html>\n{}", self.0)
    }

    fn open(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) {
        self.0.push('<');
        self.0.push_str(name);
        for (name, value) in attributes {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            self.text(value);
            self.0.push('"');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_attributes_cannot_become_markup() {
        let mut page = Page::default();
        page.told("p", &[("id", "a\" onclick=\"x")], "</p><script>'&\u{1b}");
        assert_eq!(
            page.finish(),
            "<!DOCTYPE html>\n<p id=\"a&quot; onclick=&quot;x\">&lt;/p&gt;&lt;script&gt;&#39;&amp;\
             \u{fffd}</p>\n"
        );
    }
}
