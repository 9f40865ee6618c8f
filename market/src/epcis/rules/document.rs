//! Documents: what is captured, and what is answered.

use std::collections::BTreeMap;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use shared::invalid::escaped;

use super::check;
use super::uri::is_uri;
use crate::epcis::model::{EpcisType, Fault, KeptEvent};

/// The standard's own context.
const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld";
/// What our own extensions begin with, as `tradeyard:`.
pub const NAMESPACE: &str = "urn:tradeyard:epcis:";
/// The longest context, in bytes of its JSON. Every event keeps its own.
const MAX_CONTEXT: usize = 4096;

/// How many unknown members are told.
const MAX_UNKNOWN: usize = 10;

const DOCUMENT: [&str; 10] = [
    "@context",
    "id",
    "type",
    "schemaVersion",
    "creationDate",
    "instanceIdentifier",
    "sender",
    "receiver",
    "epcisHeader",
    "epcisBody",
];

/// What a capture brings, before a look at each event.
#[derive(Debug)]
pub struct Document {
    /// The parts of its context, which holds for each event.
    pub context: Vec<Value>,
    pub events: Vec<Box<RawValue>>,
    /// A JSON pointer to the list of events; `None` when the body is one event.
    pub place: Option<&'static str>,
}

impl Document {
    /// Reads an `EPCISDocument`, an `EPCISQueryDocument` or an event that stands alone.
    pub fn read(body: &RawValue) -> Result<Self, Vec<Fault>> {
        let fields = members("", body)?;
        let kind = match value(&fields, "type") {
            Some(Value::String(kind)) => kind,
            Some(_) => return Err(fault("/type", "expected a text")),
            None => return Err(fault("/type", "missing")),
        };
        if EpcisType::named(&kind).is_some() {
            return Ok(Self { context: Vec::new(), events: vec![body.to_owned()], place: None });
        }
        let is_answer = match kind.as_str() {
            "EPCISDocument" => false,
            "EPCISQueryDocument" => true,
            _ => return Err(fault("/type", "expected EPCISDocument, EPCISQueryDocument or the type of an event")),
        };
        let mut faults = head(&fields, is_answer);
        let context = match value(&fields, "@context") {
            Some(context) => context_parts("/@context", context).unwrap_or_else(|wrong| {
                faults.extend(wrong);
                Vec::new()
            }),
            None => Vec::new(),
        };
        let place = if is_answer { "/epcisBody/queryResults/resultsBody/eventList" } else { "/epcisBody/eventList" };
        match list(&fields, place) {
            Ok(events) if faults.is_empty() => Ok(Self { context, events, place: Some(place) }),
            Ok(_) => Err(faults),
            Err(fault) => {
                faults.push(fault);
                Err(faults)
            }
        }
    }

    /// A JSON pointer to the event at this place in the list.
    #[must_use]
    pub fn pointer(&self, index: usize) -> String {
        self.place.map_or_else(String::new, |list| format!("{list}/{index}"))
    }
}

fn fault(pointer: &str, detail: &str) -> Vec<Fault> {
    vec![Fault { pointer: pointer.to_owned(), detail: detail.to_owned() }]
}

fn members(at: &str, raw: &RawValue) -> Result<BTreeMap<String, Box<RawValue>>, Vec<Fault>> {
    serde_json::from_str(raw.get()).map_err(|_| fault(at, "expected an object"))
}

fn value(fields: &BTreeMap<String, Box<RawValue>>, name: &str) -> Option<Value> {
    serde_json::from_str(fields.get(name)?.get()).ok()
}

/// Everything that is wrong with a document but for its context and its events.
fn head(fields: &BTreeMap<String, Box<RawValue>>, is_answer: bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    let required: &[&str] = if is_answer {
        &["@context", "epcisBody"]
    } else {
        &["@context", "schemaVersion", "creationDate", "epcisBody"]
    };
    for name in required.iter().filter(|name| !fields.contains_key(**name)) {
        faults.extend(fault(&format!("/{name}"), "missing"));
    }
    let unknown = fields.keys().filter(|name| !DOCUMENT.contains(&name.as_str()) && !is_uri(name));
    for name in unknown.take(MAX_UNKNOWN) {
        let shown: String = name.chars().take(60).collect();
        let detail = "unknown: the name of an extension has a prefix, such as example:field";
        faults.extend(fault(&format!("/{}", escaped(&shown)), detail));
    }
    let text = |name: &str| value(fields, name).map(|value| value.as_str().map(str::to_owned));
    if text("schemaVersion").is_some_and(|version| !version.is_some_and(|version| is_version(&version))) {
        faults.extend(fault("/schemaVersion", "expected 2.0"));
    }
    if text("creationDate").is_some_and(|date| !date.is_some_and(|date| check::is_time(&date))) {
        faults.extend(fault("/creationDate", "expected a time with its zone, such as 2026-11-01T08:00:00.000Z"));
    }
    // A URI, or a name within the document such as `_:document1`.
    if text("id").is_some_and(|id| id.is_none()) {
        faults.extend(fault("/id", "expected a text"));
    }
    faults
}

/// 2.0, or a later one of the same kind.
fn is_version(text: &str) -> bool {
    let mut parts = text.split('.');
    parts.next() == Some("2") && parts.all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The parts of a context, if it can be kept with each event.
pub(super) fn context_parts(at: &str, context: Value) -> Result<Vec<Value>, Vec<Fault>> {
    if context.to_string().len() > MAX_CONTEXT {
        return Err(fault(at, "is longer than 4,096 bytes"));
    }
    let faults = check::context(at, &context);
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(match context {
        Value::Array(parts) => parts,
        part => vec![part],
    })
}

/// The list at a pointer of names.
fn list(fields: &BTreeMap<String, Box<RawValue>>, place: &str) -> Result<Vec<Box<RawValue>>, Fault> {
    let missing = |at: &str, detail: &str| Fault { pointer: at.to_owned(), detail: detail.to_owned() };
    let names: Vec<&str> = place.split('/').skip(1).collect();
    let mut at = String::new();
    let mut inner: Option<BTreeMap<String, Box<RawValue>>> = None;
    for name in &names[..names.len() - 1] {
        at = format!("{at}/{name}");
        let part = inner.as_ref().unwrap_or(fields).get(*name).ok_or_else(|| missing(&at, "missing"))?;
        inner = Some(serde_json::from_str(part.get()).map_err(|_| missing(&at, "expected an object"))?);
    }
    let last = names.last().and_then(|name| inner.as_ref()?.get(*name)).ok_or_else(|| missing(place, "missing"))?;
    serde_json::from_str(last.get()).map_err(|_| missing(place, "expected a list"))
}

/// The answer to a query. It has no `creationDate`, so that the same answer is the same text.
pub fn answer(events: &[KeptEvent]) -> Result<Box<RawValue>, serde_json::Error> {
    let list: Vec<&RawValue> = events.iter().map(|event| &*event.json).collect();
    to_raw_value(&json!({
        "@context": [CONTEXT, {"tradeyard": NAMESPACE}],
        "type": "EPCISQueryDocument",
        "schemaVersion": "2.0",
        "epcisBody": {"queryResults": {"queryName": "SimpleEventQuery", "resultsBody": {"eventList": list}}},
    }))
}

/// One page of a list of what there is.
pub fn collection(members: &[&str]) -> Result<Box<RawValue>, serde_json::Error> {
    to_raw_value(&json!({"@context": CONTEXT, "type": "Collection", "member": members}))
}

/// A document of events that are made here.
pub(super) fn document(created_at: &str, events: &[Value]) -> Value {
    json!({
        "@context": [CONTEXT, {"tradeyard": NAMESPACE}],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": created_at,
        "epcisBody": {"eventList": events},
    })
}
