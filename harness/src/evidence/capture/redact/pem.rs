//! Private keys in PEM, whole or cut off at either end, with line ends as such or as `\n`, and
//! with the time stamps of a log between their lines.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::Redacting;

static BEGIN: LazyLock<Regex> = LazyLock::new(|| regex("-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----"));
static END: LazyLock<Regex> = LazyLock::new(|| regex("-----END [A-Z0-9 ]*PRIVATE KEY-----"));
/// The same in base64, as Secrets and kubeconfigs hold it: any PEM, since a certificate may have
/// its key behind it; and a JSON web token.
static IN_BASE64: LazyLock<Regex> =
    LazyLock::new(|| regex("(?:LS0tLS1CRUdJTi|ZXlKaGJHY2lPa)[A-Za-z0-9+/=_-]{8,}"));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of ours")
}

pub(super) fn redact(redacting: &mut Redacting) {
    let places = places(&redacting.text);
    redacting.cut(&places, "[redacted: private key]");
    redacting.replace(&IN_BASE64, |_| Some("[redacted: base64]".into()));
}

fn places(text: &str) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = vec![];
    let mut done = 0;
    for end in END.find_iter(text) {
        let begun = BEGIN.find(&text[done..end.start()]);
        let start = match begun {
            Some(begin) => done + begin.start(),
            // The text starts in the middle of a key.
            None => start_of_tail(&text[done..end.start()]) + done,
        };
        places.push(start..end.end());
        done = end.end();
    }
    // A key that the text ends in.
    if let Some(begin) = BEGIN.find(&text[done..]) {
        let rest = &text[done + begin.end()..];
        let length = rest.find(|c| !may_be_in_a_key(c)).unwrap_or(rest.len());
        places.push(done + begin.start()..done + begin.end() + length);
    }
    places
}

fn start_of_tail(text: &str) -> usize {
    let before = text.rfind(|c| !may_be_in_a_key(c));
    before.map_or(0, |at| {
        at + text[at..].chars().next().map_or(1, char::len_utf8)
    })
}

/// Base64, and what stands between its lines: line ends, escaped ones, time stamps.
fn may_be_in_a_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || "+/=\\:.-".contains(c)
}
