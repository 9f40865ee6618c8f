//! Makes the texts among an item's attributes fit to be shown to others.

use serde_json::{Map, Value};
use shared::invalid::{Faults, Invalid};
use shared::text;

use super::pointer;

/// Returns the attributes with their texts made fit to be shown: invisible characters are dropped.
/// A text without a visible character, or with a control character, is a fault.
pub fn cleaned(attributes: &Map<String, Value>) -> Result<Map<String, Value>, Faults> {
    let mut faults = Vec::new();
    let mut cleaned = attributes.clone();
    for (name, value) in &mut cleaned {
        clean(value, &pointer(name), &mut faults);
    }
    Faults::of(faults).map_or(Ok(cleaned), Err)
}

/// Objects are left alone: the category refuses them as attributes.
fn clean(value: &mut Value, at: &str, faults: &mut Vec<Invalid>) {
    if faults.len() >= Faults::MOST {
        return;
    }
    match value {
        Value::String(typed) => match text::line(typed) {
            Ok(shown) => *typed = shown,
            Err(unshowable) => faults.push(Invalid::new(at, unshowable.to_string())),
        },
        Value::Array(items) => {
            for (place, item) in items.iter_mut().enumerate() {
                clean(item, &format!("{at}/{place}"), faults);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
    }
}

#[cfg(test)]
mod tests;
