//! Takes secrets out of what was read for a snapshot, beside whatever else is still read: a long log
//! takes a while.

use serde_json::Value;

use crate::diagnose::{NodeRecord, TopRecord};
use crate::evidence::capture::redact::Redactor;

/// A node without secrets; none if taking them out failed.
pub(super) async fn of_node(redactor: &Redactor, mut node: NodeRecord) -> Option<NodeRecord> {
    let redactor = redactor.clone();
    let cleaning = tokio::task::spawn_blocking(move || {
        node.log = node.log.map(|log| redactor.text(&log).text);
        node.previous_log = node.previous_log.map(|log| redactor.text(&log).text);
        node.top = match node.top {
            TopRecord::Answer(body) => TopRecord::Answer(inside(&redactor, body)),
            TopRecord::NoAnswer(why) => TopRecord::NoAnswer(redactor.text(&why).text),
        };
        for url in &mut node.license_urls {
            *url = redactor.text(url).text;
        }
        node
    });
    cleaning.await.ok()
}

/// The objects that were read.
pub(super) struct Objects {
    pub(super) namespace: Value,
    pub(super) of_namespace: Vec<Value>,
    pub(super) of_mesh: Vec<Value>,
}

/// Objects without secrets; none if taking them out failed.
pub(super) async fn of_objects(redactor: &Redactor, mut objects: Objects) -> Option<Objects> {
    let redactor = redactor.clone();
    let cleaning = tokio::task::spawn_blocking(move || {
        redactor.json(&mut objects.namespace);
        for object in objects.of_namespace.iter_mut().chain(&mut objects.of_mesh) {
            redactor.json(object);
        }
        objects
    });
    cleaning.await.ok()
}

/// A text that is JSON as a rule: it stays the same to the letter where there is no secret in it.
fn inside(redactor: &Redactor, text: String) -> String {
    let mut value = Value::from(text);
    redactor.json(&mut value);
    value.as_str().unwrap_or_default().to_owned()
}
