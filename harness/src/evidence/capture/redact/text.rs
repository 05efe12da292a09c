//! Secrets that texts of any kind hold: tokens, headers, user names in addresses, `name=value`
//! pairs, and Secret objects that somebody printed.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::names::{is_harmless, is_secret, is_secret_variable};
use super::{Redacting, json};

static TOKEN: LazyLock<Regex> =
    LazyLock::new(|| regex(r"eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*"));
static HEADER: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"(?i)(authorization|cookie)((?:\\*["'])?\s*[:=]\s*(?:\\*["'])?)((?:(?:bearer|basic|digest|negotiate)\s+)?[^\s"',;\]})\\]+)"#,
    )
});
static BEARER: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)\b(bearer)\s+[A-Za-z0-9._~+/=-]{12,}"));
static USER: LazyLock<Regex> = LazyLock::new(|| regex(r#"://[^/\s:@"']+:[^/\s@"']+@"#));
static VARIABLE: LazyLock<Regex> = LazyLock::new(|| {
    regex(r#"(name:[ \t]*["']?([\w.-]+)["']?[ \t]*\r?\n[ \t]*value:[ \t]*)([^\n]+)"#)
});
/// What stands between a name and its value, and the value: in quotes of either kind, or bare.
const AND_VALUE: &str = concat!(
    r#"((?:\\*["'])?\s*[:=]\s*)"#,
    r#"(?:(\\+")([^"\\]*)|"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s"',;<>()\[\]{}\\]+))"#,
);
static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    let parts = concat!(
        "password|passwd|passphrase|token|secret|credential|signature|",
        "licen[sc]e[ ](?:key|id|number|code)|licen[sc]e|(?:api|access)[ _-]?key|",
        "(?:account|encryption|master|private|shared|signing)[_-]?key|key[_-]?data",
    );
    regex(&format!(r"(?i)(?<name>(?:{parts})[\w.-]*){AND_VALUE}"))
});
/// The same for names that only end so.
static PAIR_BY_ITS_END: LazyLock<Regex> =
    LazyLock::new(|| regex(&format!(r"(?i)(?<name>\b[\w.-]*(?:pass|pwd)){AND_VALUE}")));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of ours")
}

pub(super) fn redact(redacting: &mut Redacting) {
    redacting.replace(&TOKEN, |_| Some("[redacted: token]".into()));
    printed_secrets(redacting);
    redacting.replace(&HEADER, |found| {
        (!is_harmless(&found[1], &found[3]))
            .then(|| format!("{}{}[redacted]", &found[1], &found[2]))
    });
    redacting.replace(&BEARER, |found| Some(format!("{} [redacted]", &found[1])));
    redacting.replace(&USER, |_| Some("://[redacted]@".into()));
    redacting.replace(&VARIABLE, |found| {
        let told = is_secret_variable(&found[2]) && !is_harmless(&found[2], &found[3]);
        told.then(|| format!("{}[redacted]", &found[1]))
    });
    redacting.replace(&PAIR, pair);
    redacting.replace(&PAIR_BY_ITS_END, pair);
}

fn pair(found: &regex::Captures<'_>) -> Option<String> {
    let group = |number: usize| found.get(number).map(|g| g.as_str());
    let value = (4..=7).find_map(group).unwrap_or_default();
    // An address is where a token is to be had, not the token: `token: https://...`.
    if !is_secret(&found[1]) || is_harmless(&found[1], value) || value.contains("://") {
        return None;
    }
    if group(7).is_some() && (is_prose(&found[2]) || tells_of_a_license(&found[1], value)) {
        return None;
    }
    let (before, after) = match (group(3), group(5), group(6)) {
        (Some(escaped), ..) => (escaped, ""),
        (_, Some(_), _) => ("\"", "\""),
        (_, _, Some(_)) => ("'", "'"),
        _ => ("", ""),
    };
    Some(format!(
        "{}{}{before}[redacted]{after}",
        &found[1], &found[2]
    ))
}

/// Whether a sentence goes on here, as in `for volume "license" : secret "gridgain-license" not
/// found`: in data a colon stands right behind the quote.
fn is_prose(between: &str) -> bool {
    let after_quote = between.trim_start_matches('\\');
    after_quote.starts_with(['"', '\'']) && after_quote[1..].starts_with(' ')
}

/// Whether a message tells of a license rather than holds one: where its file lies, or a word.
fn tells_of_a_license(name: &str, value: &str) -> bool {
    let name = name.to_lowercase();
    let only_license = name.contains("licen")
        && !["key", "token", "secret", "password"]
            .iter()
            .any(|part| name.contains(part));
    only_license && (value.starts_with('/') || !value.contains(|c: char| c.is_ascii_digit()))
}

/// Secret objects, as JSON on one line or as YAML.
fn printed_secrets(redacting: &mut Redacting) {
    let text = &redacting.text;
    if !text.contains("Secret") || !text.contains("kind") {
        return;
    }
    let mut count = 0;
    // The YAML document is a Secret; how deep the block stands whose values go.
    let (mut secret, mut block) = (false, None);
    let mut lines: Vec<String> = vec![];
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        let depth = line.len() - line.trim_start().len();
        if trimmed == "---" {
            (secret, block) = (false, None);
        }
        secret |= matches!(trimmed, "kind: Secret" | "kind: \"Secret\"");
        if block.is_some_and(|above| depth <= above && !trimmed.is_empty()) {
            block = None;
        }
        if block.is_some() && !trimmed.is_empty() {
            let kept = line.find(": ").map_or(&line[..depth], |at| &line[..at + 2]);
            lines.push(format!("{kept}[redacted]\n"));
            count += 1;
            continue;
        }
        if matches!(trimmed, "data:" | "stringData:") && (secret || before_its_kind(text, line)) {
            block = Some(depth);
        }
        match json_secret(line) {
            Some(without) => {
                lines.push(without);
                count += 1;
            }
            None => lines.push(line.to_owned()),
        }
    }
    if count > 0 {
        redacting.text = lines.concat();
        redacting.count += count;
    }
}

/// Whether the YAML document around a line, a part of the text, names its kind only further down.
fn before_its_kind(text: &str, line: &str) -> bool {
    let at = line.as_ptr() as usize - text.as_ptr() as usize;
    let rest = text[at..].split("\n---").next().unwrap_or_default();
    rest.lines().any(|line| line.trim() == "kind: Secret")
}

/// A line that holds a Secret as JSON, without its data; what cannot be read goes to the line's end.
fn json_secret(line: &str) -> Option<String> {
    let named = line.contains("\"Secret\"") || line.contains("\"SecretList\"");
    if !named || !line.contains("\"kind\"") || !line.to_lowercase().contains("data\"") {
        return None;
    }
    let at = line.find('{')?;
    let mut values = serde_json::Deserializer::from_str(&line[at..]).into_iter::<Value>();
    match values.next() {
        Some(Ok(mut value)) => {
            let after = &line[at + values.byte_offset()..];
            json::secrets(&mut value);
            Some(format!("{}{value}{after}", &line[..at]))
        }
        _ => Some(format!("{}[redacted: Secret]\n", &line[..at])),
    }
}
