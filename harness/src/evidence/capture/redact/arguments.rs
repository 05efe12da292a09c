//! Secrets on command lines: `-Dname=value`, `--name=value`, `--name value`, in a shell's line, in a
//! list that Java, Go or JSON printed, and item by item in an object's `args`.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::Redacting;
use super::names::{is_harmless, is_secret};

/// An argument, what is between it and its value, the value. A value without quotes around it may
/// have quotes within, as long as the argument does not end at them.
static ARGUMENT: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"(?m)((?:^|[^\w-])--?)(?<name>[A-Za-z][\w.-]*)",
        r#"(=|(?:\\*["'])?(?:[ \t]+|[ \t]*,\s*|[ \t]*\r?\n[ \t]*-[ \t]+))"#,
        r#"("(?:[^"\\]|\\.)*"|'[^']*'|\\+"[^"\\]*\\+"|"#,
        r#"(?:[^\s"'\\]|["'\\]+[^\s"'\\,\]}):;])+)"#,
    ))
});
/// The line in which Ignite tells the arguments of its JVM.
static OF_THE_JVM: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(VM arguments: \[)([^\n]*?)(\]?[ \t\r]*(?:\n|$))"));
static OF_ONE: LazyLock<Regex> = LazyLock::new(|| regex(r"^--?([A-Za-z][\w.-]*)=([^\n]*)$"));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of ours")
}

pub(super) fn redact(redacting: &mut Redacting) {
    if !redacting.text.contains('-') {
        return;
    }
    redacting.replace(&OF_THE_JVM, |found| {
        let (kept, count) = jvm_arguments(&found[2]);
        (count > 0).then(|| format!("{}{kept}{}", &found[1], &found[3]))
    });
    redacting.replace(&ARGUMENT, argument);
}

/// A flag whose value is the next item of a list.
pub(super) fn awaits_a_secret(argument: &str) -> Option<&str> {
    let name = argument.strip_prefix('-')?;
    let name = name.strip_prefix('-').unwrap_or(name);
    (!name.contains(['=', ' ']) && is_secret(name)).then_some(name)
}

/// Arguments as Java prints a list of them: one may hold blanks and commas itself, and goes on until
/// the next begins.
fn jvm_arguments(list: &str) -> (String, usize) {
    let mut arguments: Vec<String> = vec![];
    for part in list.split(", ") {
        match arguments.last_mut() {
            Some(last) if !part.starts_with('-') => {
                last.push_str(", ");
                last.push_str(part);
            }
            _ => arguments.push(part.to_owned()),
        }
    }
    let mut count = 0;
    for argument in &mut arguments {
        if let Some(found) = OF_ONE.captures(argument)
            && is_secret(&found[1])
            && !is_harmless(&found[1], &found[2])
        {
            let kept = argument.len() - found[2].len();
            argument.truncate(kept);
            argument.push_str("[redacted]");
            count += 1;
        }
    }
    (arguments.join(", "), count)
}

fn argument(found: &Captures<'_>) -> Option<String> {
    let (name, between, value) = (&found[2], &found[3], &found[4]);
    // What is in quotes is the value, and what closes a list or a sentence is not of it.
    let open = value.len() - value.trim_start_matches(['\\', '"', '\'']).len();
    let close = value.trim_end_matches(|c| "\\\"',;)]}".contains(c)).len();
    let (bare, after) = if open > 0 {
        (&value[open..close.max(open)], &value[close.max(open)..])
    } else {
        let end = value.trim_end_matches([',', ';', ')', ']', '}']).len();
        (&value[..end], &value[end..])
    };
    let told = is_secret(name) || (is_user(name) && holds_a_password(bare));
    let another = between != "=" && open == 0 && bare.starts_with('-');
    if !told || another || bare.is_empty() || is_harmless(name, bare) || is_prose(between, bare) {
        return None;
    }
    let before = &value[..open];
    Some(format!(
        "{}{name}{between}{before}[redacted]{after}",
        &found[1]
    ))
}

/// curl's, whose value is a name and a password.
fn is_user(name: &str) -> bool {
    matches!(name, "u" | "user" | "proxy-user")
}

/// Whether there is more behind the colon than the number of a group: `--user 1000:1000`.
fn holds_a_password(value: &str) -> bool {
    value.split_once(':').is_some_and(|(user, password)| {
        let numbers = format!("{user}{password}");
        !password.is_empty() && !numbers.bytes().all(|b| b.is_ascii_digit())
    })
}

/// Whether a sentence speaks of the flag: `the flag --password is missing`.
fn is_prose(between: &str, value: &str) -> bool {
    const WORDS: &[&str] = &[
        "is", "was", "are", "must", "has", "and", "or", "not", "to", "for", "of", "in", "on",
        "with",
    ];
    between == " " && WORDS.contains(&value)
}
