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
    "privatekey",
    "keydata",
    "signature",
    "license",
    "licence",
];
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

/// Whether an environment variable of this name holds a secret. Without exceptions: nothing hangs
/// on the value of a variable that is called so.
pub(super) fn is_secret_variable(name: &str) -> bool {
    has_secret_part(&plain(name))
}

/// Whether all that a field of this name holds is a secret.
pub(super) fn is_wholly_secret(name: &str) -> bool {
    WHOLLY_SECRET.contains(&plain(name).as_str())
}

/// Whether a value cannot be a secret.
pub(super) fn is_harmless(value: &str) -> bool {
    let value = value.trim();
    value.starts_with("[redacted")
        || value.parse::<f64>().is_ok()
        || HARMLESS_VALUES.contains(&value.to_lowercase().as_str())
}

fn has_secret_part(plain: &str) -> bool {
    SECRET.iter().any(|part| plain.contains(part))
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}
