//! Secrets in JSON, by its structure: Kubernetes objects and Envoy's configuration.

use serde_json::{Map, Value};

use super::Redactor;
use super::names::{is_harmless, is_secret, is_secret_variable, is_wholly_secret};

const INSTEAD: &str = "[redacted]";

/// Takes secrets out of a value and of every text in it, JSON inside texts included.
pub(super) fn redact(redactor: &Redactor, value: &mut Value) -> usize {
    match value {
        Value::Object(object) => of_object(redactor, object),
        Value::Array(items) => items.iter_mut().map(|item| redact(redactor, item)).sum(),
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
    let named = object.get("name").and_then(Value::as_str);
    let variable = named.is_some_and(is_secret_variable);
    for (name, value) in object.iter_mut() {
        let text = value.as_str();
        let harmless = value.is_null() || text.is_some_and(is_harmless);
        let secret = is_wholly_secret(name)
            || (text.is_some() && is_secret(name))
            || (text.is_some() && variable && name == "value");
        if secret && !harmless {
            *value = Value::from(INSTEAD);
            count += 1;
        } else {
            count += redact(redactor, value);
        }
    }
    count
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
