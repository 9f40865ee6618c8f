//! One event, by itself.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use shared::invalid::escaped;

use super::document::context_parts;
use super::epc::canonical;
use super::hash::{hash, prefixes};
use super::vocabulary::Vocabulary;
use super::{check, shipment};
use crate::cargo::Bounds;
use crate::epcis::model::{EpcisType, Fault, NewEvent, Role};

/// The most digits of a number that are read exactly.
const MAX_DIGITS: usize = 17;
/// The longest number, in characters.
const MAX_NUMBER: usize = 64;
/// The largest exponent of ten, either way.
const MAX_EXPONENT: u32 = 300;

/// Where lists of EPCs and of classes are.
const LISTS: [(&str, Role); 4] =
    [("epcList", Role::Epc), ("childEPCs", Role::Epc), ("inputEPCList", Role::Input), ("outputEPCList", Role::Output)];
const CLASSES: [(&str, Role); 4] = [
    ("quantityList", Role::Class),
    ("childQuantityList", Role::Class),
    ("inputQuantityList", Role::InputClass),
    ("outputQuantityList", Role::OutputClass),
];

/// Reads one event of a document with this context. `bounds` are those of the log that events about shipments go to.
/// Pointers of faults begin at the event.
pub fn judge(raw: &RawValue, context: &[Value], bounds: &Bounds) -> Result<NewEvent, Vec<Fault>> {
    let wrong = |pointer: &str, detail: &str| vec![Fault { pointer: pointer.to_owned(), detail: detail.to_owned() }];
    if !are_numbers_fit(raw.get()) {
        let place = unfit_number(raw);
        return Err(wrong(
            &place,
            "a number has at most 17 digits and an exponent of at most 300; longer ones are sent as texts",
        ));
    }
    let event = match serde_json::from_str(raw.get()) {
        Ok(Value::Object(event)) => event,
        Ok(_) => return Err(wrong("", "expected an object")),
        Err(_) => return Err(wrong("", "holds half of a surrogate pair")),
    };
    let kind = match event.get("type") {
        Some(Value::String(kind)) => EpcisType::named(kind).ok_or_else(|| {
            let known = EpcisType::ALL.map(EpcisType::name).join(", ");
            wrong("/type", &format!("expected one of {known}"))
        })?,
        Some(_) => return Err(wrong("/type", "expected a text")),
        None => return Err(wrong("/type", "missing")),
    };
    let mut faults = check::event(kind, &event);
    let own = event.get("@context").cloned().map(|own| context_parts("/@context", own)).transpose();
    let own = own.unwrap_or_else(|more| {
        faults.extend(more);
        None
    });
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let event_time = text("eventTime").and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    let (Some(event_time), true) = (event_time.map(|time| time.with_timezone(&Utc)), faults.is_empty()) else {
        return Err(faults);
    };
    let context = merged(context, own.unwrap_or_default());
    let event_id = text("eventID").map_or_else(|| hash(&event, &prefixes(&context)), str::to_owned);
    let biz_step = text("bizStep").map(|word| normal(Vocabulary::BizStep, word));
    let disposition = text("disposition").map(|word| normal(Vocabulary::Disposition, word));
    let declaration = event.get("errorDeclaration").and_then(Value::as_object);
    let mut new = NewEvent {
        kind,
        action: text("action").map(str::to_owned),
        event_time,
        declares_error: declaration.is_some(),
        corrective_ids: declaration.map(|it| texts(it.get("correctiveEventIDs"))).unwrap_or_default(),
        read_point: place(&event, "readPoint"),
        biz_location: place(&event, "bizLocation"),
        epcs: epcs(&event),
        raw: raw.to_owned(),
        has_context: !context.is_empty(),
        changes: changes(&context, &event_id, biz_step.as_deref(), disposition.as_deref()),
        event_id,
        biz_step,
        disposition,
        cargo: None,
    };
    new.cargo = shipment::reported(&new, &event).filter(|cargo| bounds.check(cargo).is_empty());
    Ok(new)
}

/// A word in its short form, or the URI that it is.
pub(super) fn normal(words: Vocabulary, text: &str) -> String {
    words.short(text).map_or_else(|| text.to_owned(), str::to_owned)
}

/// The parts of both contexts, each once.
fn merged(document: &[Value], own: Vec<Value>) -> Vec<Value> {
    let mut parts: Vec<Value> = Vec::new();
    for part in document.iter().cloned().chain(own) {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts
}

fn changes(context: &[Value], event_id: &str, biz_step: Option<&str>, disposition: Option<&str>) -> String {
    let mut changes = Map::from_iter([
        ("@context".to_owned(), Value::from(context.to_vec())),
        ("eventID".to_owned(), Value::from(event_id)),
    ]);
    changes.extend(biz_step.map(|word| ("bizStep".to_owned(), Value::from(word))));
    changes.extend(disposition.map(|word| ("disposition".to_owned(), Value::from(word))));
    Value::Object(changes).to_string()
}

fn place(event: &Map<String, Value>, name: &str) -> Option<String> {
    event.get(name)?.get("id")?.as_str().map(canonical)
}

pub(super) fn texts(list: Option<&Value>) -> Vec<String> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn epcs(event: &Map<String, Value>) -> Vec<(Role, String)> {
    let mut epcs: Vec<(Role, String)> = Vec::new();
    epcs.extend(event.get("parentID").and_then(Value::as_str).map(|epc| (Role::Parent, canonical(epc))));
    for (name, role) in LISTS {
        epcs.extend(texts(event.get(name)).iter().map(|epc| (role, canonical(epc))));
    }
    for (name, role) in CLASSES {
        let classes = event.get(name).and_then(Value::as_array).into_iter().flatten();
        epcs.extend(classes.filter_map(|one| one.get("epcClass")?.as_str()).map(|class| (role, canonical(class))));
    }
    epcs.sort_unstable();
    epcs.dedup();
    epcs
}

/// Whether every number of a JSON text is read as it is written, and fits the database.
fn are_numbers_fit(json: &str) -> bool {
    let bytes = json.as_bytes();
    let (mut at, mut in_text) = (0, false);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            b'-' | b'0'..=b'9' if !in_text => {
                let rest = &bytes[at..];
                let end = rest.iter().position(|byte| !b"+-.eE0123456789".contains(byte)).unwrap_or(rest.len());
                if !is_number_fit(&json[at..at + end]) {
                    return false;
                }
                at += end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    true
}

fn is_number_fit(number: &str) -> bool {
    let (digits, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let significant = digits.trim_start_matches(['-', '0', '.']);
    let significant = if digits.contains('.') { significant.trim_end_matches(['0', '.']) } else { significant };
    let count = significant.bytes().filter(u8::is_ascii_digit).count();
    let exponent = exponent.trim_start_matches(['+', '-']).parse::<u32>();
    number.len() <= MAX_NUMBER && count <= MAX_DIGITS && exponent.is_ok_and(|exponent| exponent <= MAX_EXPONENT)
}

/// A JSON pointer to the first number that does not fit.
fn unfit_number(raw: &RawValue) -> String {
    let first = raw.get().trim_start().bytes().next();
    let inner = match first {
        Some(b'{') => {
            let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(raw.get()).unwrap_or_default();
            members
                .into_iter()
                .map(|(name, value)| (escaped(&name), value))
                .find(|(_, value)| !are_numbers_fit(value.get()))
        }
        Some(b'[') => {
            let items: Vec<Box<RawValue>> = serde_json::from_str(raw.get()).unwrap_or_default();
            let mut items = items.into_iter().enumerate().map(|(at, value)| (at.to_string(), value));
            items.find(|(_, value)| !are_numbers_fit(value.get()))
        }
        _ => None,
    };
    inner.map_or_else(String::new, |(name, value)| format!("/{name}{}", unfit_number(&value)))
}

#[cfg(test)]
pub(in crate::epcis::rules) mod tests;
