//! Secrets in JSON, by its structure: Kubernetes objects and Envoy's configuration.

use serde_json::{Map, Value};

use super::Redactor;
use super::arguments::awaits_a_secret;
use super::names::{is_harmless, is_secret, is_secret_variable, is_wholly_secret};

const INSTEAD: &str = "[redacted]";

/// Takes secrets out of a value and of every text in it, JSON inside texts included.
pub(super) fn redact(redactor: &Redactor, value: &mut Value) -> usize {
    match value {
        Value::Object(object) => of_object(redactor, object),
        Value::Array(items) => of_array(redactor, items),
        Value::String(text) => {
            // kubectl keeps an object's text in an annotation, Istio its configuration in others.
            if let Some(mut inner) = container(text) {
                let count = redact(redactor, &mut inner);
                if count > 0 {
                    *text = inner.to_string();
                }
                return count;
            }
            let redacted = redactor.text(text);
            *text = redacted.text;
            redacted.count
        }
        _ => 0,
    }
}

fn of_object(redactor: &Redactor, object: &mut Map<String, Value>) -> usize {
    let mut count = secrets_here(object);
    let called = |field: &str| object.get(field).and_then(Value::as_str);
    // A variable's value has its name beside it; so has a header's, which Envoy calls a key.
    let variable = [called("name"), called("key")]
        .into_iter()
        .flatten()
        .find(|name| is_secret_variable(name))
        .map(str::to_owned);
    let header = called("key").and_then(asked_header);
    let asks_for_a_secret = header.is_some_and(is_secret_variable);
    for (name, value) in object.iter_mut() {
        let variable = variable.as_deref().filter(|_| name == "value");
        let scalar = value.is_string() || value.is_number();
        let secret = is_wholly_secret(name)
            || (scalar && (is_secret(name) || variable.is_some()))
            || (is_secret(name) && is_match(value))
            || (asks_for_a_secret && matches!(name.as_str(), "values" | "notValues"));
        if secret && !holds_none(variable.unwrap_or(name), value) {
            // What reads an object expects a list where it has one.
            *value = match value {
                Value::Array(_) => Value::from(vec![INSTEAD]),
                _ => Value::from(INSTEAD),
            };
            count += 1;
        } else if !is_image(name, value) {
            count += redact(redactor, value);
        }
    }
    count
}

/// The header that a condition of an AuthorizationPolicy asks for: `request.headers[x]`.
fn asked_header(key: &str) -> Option<&str> {
    key.strip_prefix("request.headers[")?.strip_suffix(']')
}

/// Whether it is what a VirtualService wants a header to be.
fn is_match(value: &Value) -> bool {
    let is_kind = |kind: &String| matches!(kind.as_str(), "exact" | "prefix" | "regex");
    let object = value.as_object();
    object.is_some_and(|object| !object.is_empty() && object.keys().all(is_kind))
}

/// Items one by one, and those that the flag before them says are secrets: `["--password", "..."]`.
fn of_array(redactor: &Redactor, items: &mut [Value]) -> usize {
    let mut count = 0;
    let mut awaited: Option<String> = None;
    for item in items {
        let text = item.as_str();
        let flag = text.and_then(awaits_a_secret).map(str::to_owned);
        let is_value = text.is_some_and(|text| !text.starts_with("--"));
        match awaited.take() {
            Some(name) if is_value && !holds_none(&name, item) => {
                *item = Value::from(INSTEAD);
                count += 1;
            }
            _ => {
                count += redact(redactor, item);
                awaited = flag;
            }
        }
    }
    count
}

/// Whether there is no secret in the value of a field that is called so.
fn holds_none(name: &str, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => is_harmless(name, text),
        Value::Number(number) => is_harmless(name, &number.to_string()),
        _ => false,
    }
}

/// Whether it is a reference to an image: `registry/token-service:1.2` is no pair.
fn is_image(name: &str, value: &Value) -> bool {
    let reference = |text: &str| !text.contains(|c: char| c == '=' || c.is_whitespace());
    matches!(name, "image" | "imageID") && value.as_str().is_some_and(reference)
}

/// Takes out the data of Secrets, wherever they stand in a value.
pub(super) fn secrets(value: &mut Value) -> usize {
    match value {
        Value::Object(object) => {
            secrets_here(object) + object.values_mut().map(secrets).sum::<usize>()
        }
        Value::Array(items) => items.iter_mut().map(secrets).sum(),
        _ => 0,
    }
}

/// The data of a Secret or of a list's Secrets (which do not name their kind), and the users of a
/// kubeconfig.
fn secrets_here(object: &mut Map<String, Value>) -> usize {
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or("");
    match kind {
        "Secret" => data(object),
        "SecretList" => {
            let items = object.get_mut("items").and_then(Value::as_array_mut);
            let items = items.into_iter().flatten().filter_map(Value::as_object_mut);
            items.map(data).sum()
        }
        "Config" => match object.get_mut("users") {
            Some(users) => {
                *users = Value::from(INSTEAD);
                1
            }
            None => 0,
        },
        _ => 0,
    }
}

fn data(secret: &mut Map<String, Value>) -> usize {
    let mut count = 0;
    for field in ["data", "stringData"] {
        let values = secret.get_mut(field).and_then(Value::as_object_mut);
        for value in values.into_iter().flat_map(|values| values.values_mut()) {
            *value = Value::from(INSTEAD);
            count += 1;
        }
    }
    count
}

fn container(text: &str) -> Option<Value> {
    let trimmed = text.trim_start();
    if !trimmed.starts_with(['{', '[']) {
        return None;
    }
    let value: Value = serde_json::from_str(trimmed).ok()?;
    (value.is_object() || value.is_array()).then_some(value)
}
