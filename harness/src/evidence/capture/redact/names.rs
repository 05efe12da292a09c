//! Which names carry secrets.

/// A name with one of these in it carries a secret.
const SECRET: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "token",
    "secret",
    "credential",
    "apikey",
    "accesskey",
    "accountkey",
    "encryptionkey",
    "masterkey",
    "privatekey",
    "sharedkey",
    "signingkey",
    "keydata",
    "signature",
    "license",
    "licence",
];
/// A name that ends so does as well: `DB_PASS`, `-storepass`, openssl's `-passin`.
const SECRET_ENDS: &[&str] = &["pass", "passin", "passout", "pwd"];
/// Words of which one of these is only the end.
const OTHER_WORDS: &[&str] = &["bypass", "compass"];
/// Variables in which a shell keeps folders.
const FOLDERS: &[&str] = &["pwd", "oldpwd"];
/// Headers that a client proves itself with.
const HEADERS: &[&str] = &["authorization", "proxyauthorization", "cookie", "setcookie"];
/// Unless it ends so: what it carries then is where a secret lies or what it is like. A missing
/// Secret is found by its name.
const HARMLESS_ENDS: &[&str] = &[
    "path",
    "file",
    "filename",
    "name",
    "names",
    "url",
    "urls",
    "uri",
    "dir",
    "folder",
    "ref",
    "type",
    "policy",
    "seconds",
    "audience",
    "audiences",
    "expiration",
    "issuer",
    "algorithm",
    "tokens",
    "secrets",
    "count",
    "size",
    "total",
    "provider",
];
/// A number under a name that ends so counts or measures something. Under another name with a word
/// of [`SECRET`] in it a number is taken for the secret: `DB_PASSWORD=12345678`.
const COUNTED_ENDS: &[&str] = &[
    "attempts",
    "bits",
    "bytes",
    "count",
    "counter",
    "days",
    "expiration",
    "expires",
    "expiry",
    "hits",
    "hours",
    "index",
    "interval",
    "iterations",
    "len",
    "length",
    "limit",
    "licenses",
    "millis",
    "minutes",
    "misses",
    "perfill",
    "retention",
    "retries",
    "rounds",
    "seconds",
    "secrets",
    "signatures",
    "size",
    "timeout",
    "tokens",
    "total",
    "ttl",
    "version",
];
/// Last parts of a dotted name that say no more of the value than that it is one.
const NO_NAMES: &[&str] = &[
    "content", "current", "data", "default", "key", "plain", "raw", "text", "value",
];
/// Fields whose whole value is a secret, whatever it is made of: Envoy's.
const WHOLLY_SECRET: &[&str] = &[
    "password",
    "privatekey",
    "privatekeyprovider",
    "sessionticketkeys",
    "genericsecret",
    "pkcs12",
    "clientsecret",
];
/// What a value says when there is no secret in it.
const HARMLESS_VALUES: &[&str] = &[
    "", "null", "none", "nil", "true", "false", "on", "off", "yes", "no", "-", "{}", "[]",
];

/// Whether the value of a field, an attribute or a `name=value` pair of this name is a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = plain(name);
    has_secret_part(&name) && !HARMLESS_ENDS.iter().any(|end| name.ends_with(end))
}

/// Whether an environment variable or a header of this name holds a secret. Without exceptions:
/// nothing hangs on the value of a variable that is called so.
pub(super) fn is_secret_variable(name: &str) -> bool {
    has_secret_part(&plain(name))
}

/// Whether all that a field of this name holds is a secret.
pub(super) fn is_wholly_secret(name: &str) -> bool {
    WHOLLY_SECRET.contains(&plain(name).as_str())
}

/// Whether a value under a name that sounds secret is none all the same.
pub(super) fn is_harmless(name: &str, value: &str) -> bool {
    let value = value.trim();
    value.starts_with("[redacted")
        || HARMLESS_VALUES.contains(&value.to_lowercase().as_str())
        || (value.parse::<f64>().is_ok() && is_counted(name))
}

/// Whether a number under this name is a count or a size.
///
/// The last part of a dotted name says what the number is; what stands before says whose. So a
/// counter of the connections to a service `token-service` is one.
fn is_counted(name: &str) -> bool {
    let mut parts = name.split('.').map(plain);
    let last = parts.rfind(|part| !part.is_empty()).unwrap_or_default();
    if has_secret_part(&last) {
        return COUNTED_ENDS.iter().any(|end| last.ends_with(end));
    }
    let names_nothing = NO_NAMES.contains(&last.as_str());
    let is_place = last.bytes().all(|b| b.is_ascii_digit());
    !names_nothing && !is_place
}

fn has_secret_part(plain: &str) -> bool {
    SECRET.iter().any(|part| plain.contains(part))
        || HEADERS.contains(&plain)
        || (SECRET_ENDS.iter().any(|end| plain.ends_with(end))
            && !OTHER_WORDS.iter().any(|word| plain.ends_with(word))
            && !FOLDERS.contains(&plain))
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}
