//! Whether an event keeps to the standard: what GS1's JSON schema says, in our own words and with the place of each fault.
//!
//! `our_verdicts_are_those_of_the_schema` compares the two over the published examples and thousands of changes to them.
//! We are stricter in four ways: types are the standard's five, URIs have at most 1,024 characters, numbers at most 17
//! digits, and a time has to exist. We are more generous in one: `bizStep` and `disposition` may have their long forms.

mod fields;

use std::collections::HashSet;

use chrono::DateTime;
use serde_json::{Map, Value};
use shared::invalid::escaped;

use self::fields::{Field, Kind};
use super::uri::{MAX_URI, is_uri};
use super::vocabulary::Vocabulary;
use crate::epcis::model::{ACTIONS, EpcisType, Fault};

/// The most faults of an event that are told.
const MAX_FAULTS: usize = 10;
/// The longest name, and the longest word that a fault repeats.
const MAX_SHOWN: usize = 60;

/// Everything that is wrong with an event of this type; nothing when it can be kept.
pub(super) fn event(kind: EpcisType, event: &Map<String, Value>) -> Vec<Fault> {
    let mut checker = Checker::default();
    checker.object("", event, fields::of(kind), &["eventTime", "eventTimeZoneOffset"]);
    checker.by_type(kind, event);
    checker.faults
}

/// Everything that is wrong with a JSON-LD context.
pub(super) fn context(at: &str, value: &Value) -> Vec<Fault> {
    let mut checker = Checker::default();
    checker.value(at, value, Kind::Context);
    checker.faults
}

/// Whether a text is a time with its zone.
pub(super) fn is_time(text: &str) -> bool {
    text.as_bytes().get(10).is_some_and(|byte| byte.eq_ignore_ascii_case(&b'T'))
        && DateTime::parse_from_rfc3339(text).is_ok()
}

#[derive(Default)]
struct Checker {
    faults: Vec<Fault>,
}

impl Checker {
    fn fault(&mut self, at: impl Into<String>, detail: impl Into<String>) {
        // A request can be wrong in more ways than anybody reads.
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault { pointer: at.into(), detail: detail.into() });
        }
    }

    /// An object's members; others have to be extensions.
    fn object(&mut self, at: &str, object: &Map<String, Value>, fields: &[Field], required: &[&str]) {
        for name in required.iter().filter(|name| !object.contains_key(**name)) {
            self.fault(format!("{at}/{name}"), "missing");
        }
        for (name, value) in object {
            let place = || format!("{at}/{}", escaped(&shortened(name)));
            match fields.iter().find(|(known, _)| known == name) {
                Some((_, kind)) => self.value(&place(), value, *kind),
                None if !is_uri(name) => {
                    self.fault(place(), "unknown: the name of an extension has a prefix, such as example:field");
                }
                None if name.len() > MAX_URI => self.fault(place(), "the name is longer than 1,024 characters"),
                None => {}
            }
        }
    }

    /// An object whose members are all listed.
    fn closed(&mut self, at: &str, value: &Value, fields: &[Field], required: &[&str]) {
        let Some(object) = self.as_object(at, value) else { return };
        for name in object.keys().filter(|name| fields.iter().all(|(known, _)| known != name)) {
            let known: Vec<_> = fields.iter().map(|(known, _)| *known).collect();
            self.fault(
                format!("{at}/{}", escaped(&shortened(name))),
                format!("unknown: expected {}", known.join(", ")),
            );
        }
        for name in required.iter().filter(|name| !object.contains_key(**name)) {
            self.fault(format!("{at}/{name}"), "missing");
        }
        for (name, kind) in fields {
            if let Some(value) = object.get(*name) {
                self.value(&format!("{at}/{name}"), value, *kind);
            }
        }
    }

    fn open(&mut self, at: &str, value: &Value, fields: &[Field], required: &[&str]) {
        if let Some(object) = self.as_object(at, value) {
            self.object(at, object, fields, required);
        }
    }

    fn as_object<'a>(&mut self, at: &str, value: &'a Value) -> Option<&'a Map<String, Value>> {
        let object = value.as_object();
        if object.is_none() {
            self.expected(at, value, "an object");
        }
        object
    }

    fn expected(&mut self, at: &str, found: &Value, expected: &str) {
        let found = match found {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.fault(at, format!("expected {expected}, not {found}"));
    }

    fn each(&mut self, at: &str, value: &Value, kind: Kind) {
        let Some(items) = value.as_array() else { return self.expected(at, value, "a list") };
        for (place, item) in items.iter().enumerate() {
            self.value(&format!("{at}/{place}"), item, kind);
        }
    }

    /// Each text of a list once.
    fn once(&mut self, at: &str, value: &Value) {
        let mut seen = HashSet::new();
        for (place, text) in value.as_array().into_iter().flatten().enumerate() {
            if text.as_str().is_some_and(|text| !seen.insert(text)) {
                self.fault(format!("{at}/{place}"), "is there twice");
            }
        }
    }

    fn text(&mut self, at: &str, value: &Value, fits: impl Fn(&str) -> bool, expected: &str) {
        match value.as_str() {
            Some(text) if fits(text) => {}
            Some(text) => self.fault(at, format!("expected {expected}, not {:?}", shortened(text))),
            None => self.expected(at, value, expected),
        }
    }

    fn uri(&mut self, at: &str, value: &Value) {
        self.text(at, value, is_uri, "a URI");
        if value.as_str().is_some_and(|text| text.len() > MAX_URI) {
            self.fault(at, "is longer than 1,024 characters");
        }
    }

    /// A word of the standard in its short form, or a URI of others.
    fn word(&mut self, at: &str, value: &Value, words: Vocabulary, long_forms: bool) {
        let Some(text) = value.as_str() else { return self.expected(at, value, "a text") };
        if words.words().contains(&text) || (long_forms && words.short(text).is_some()) {
            return;
        }
        if !is_uri(text) {
            return self.fault(at, format!("{:?} is neither a word of the standard nor a URI", shortened(text)));
        }
        if words.is_own(text) {
            return self
                .fault(at, format!("{:?}: words of the standard are sent in their short form", shortened(text)));
        }
        self.uri(at, value);
    }

    fn value(&mut self, at: &str, value: &Value, kind: Kind) {
        match kind {
            Kind::Elsewhere => {}
            Kind::Uris => self.each(at, value, Kind::Uri),
            Kind::EachOnce => {
                self.each(at, value, Kind::Uri);
                self.once(at, value);
            }
            Kind::Time => self.text(at, value, is_time, "a time with its zone, such as 2026-11-01T08:00:00.000Z"),
            Kind::Offset => self.text(at, value, is_offset, "an offset from UTC of at most 14 hours, such as +01:00"),
            Kind::Number if value.is_number() => {}
            Kind::Number => self.expected(at, value, "a number"),
            Kind::Text => self.text(at, value, |_| true, "a text"),
            Kind::Boolean if value.is_boolean() => {}
            Kind::Boolean => self.expected(at, value, "true or false"),
            Kind::Hex => self.text(at, value, is_hex, "hexadecimal digits"),
            Kind::Unit => self.text(at, value, is_unit, "a unit of two or three capitals or digits, such as KGM"),
            Kind::Action => self.text(at, value, |text| ACTIONS.contains(&text), "ADD, OBSERVE or DELETE"),
            Kind::Word(words) => self.word(at, value, words, false),
            Kind::LongWord(words) => self.word(at, value, words, true),
            Kind::Words(words) => {
                self.each(at, value, Kind::Word(words));
                self.once(at, value);
                self.not_empty(at, value);
            }
            Kind::Quantities => self.each(at, value, Kind::Quantity),
            Kind::Quantity => self.closed(at, value, fields::QUANTITY, &["epcClass"]),
            Kind::Place => self.place(at, value),
            Kind::Transactions => self.each(at, value, Kind::Transaction),
            Kind::Transaction => self.closed(at, value, fields::TRANSACTION, &["bizTransaction"]),
            Kind::Sources => self.each(at, value, Kind::Source),
            Kind::Source => self.closed(at, value, fields::SOURCE, &["type", "source"]),
            Kind::Destinations => self.each(at, value, Kind::Destination),
            Kind::Destination => self.closed(at, value, fields::DESTINATION, &["type", "destination"]),
            Kind::Persistent => {
                self.closed(at, value, fields::PERSISTENT, &[]);
                if value.as_object().is_some_and(|it| !it.contains_key("set") && !it.contains_key("unset")) {
                    self.fault(at, "expected set, unset or both");
                }
            }
            Kind::Sensors => self.each(at, value, Kind::Sensor),
            Kind::Sensor => self.open(at, value, fields::SENSOR, &["sensorReport"]),
            Kind::Metadata => self.open(at, value, fields::METADATA, &[]),
            Kind::Reports => {
                self.each(at, value, Kind::Report);
                self.not_empty(at, value);
            }
            Kind::Report => self.open(at, value, fields::REPORT, &["type"]),
            Kind::Ilmd => self.open(at, value, &[], &[]),
            Kind::Declaration => self.open(at, value, fields::DECLARATION, &["declarationTime"]),
            Kind::Certificates if value.is_array() => self.each(at, value, Kind::Uri),
            Kind::Certificates | Kind::Uri => self.uri(at, value),
            Kind::Context => self.context(at, value),
        }
    }

    /// Beside its id a place may have members of any name: so the schema.
    fn place(&mut self, at: &str, value: &Value) {
        let Some(place) = self.as_object(at, value) else { return };
        match place.get("id") {
            Some(id) => self.uri(&format!("{at}/id"), id),
            None => self.fault(format!("{at}/id"), "missing"),
        }
    }

    fn not_empty(&mut self, at: &str, value: &Value) {
        if value.as_array().is_some_and(Vec::is_empty) {
            self.fault(at, "is empty");
        }
    }

    fn context(&mut self, at: &str, value: &Value) {
        match value {
            Value::String(_) => self.uri(at, value),
            Value::Object(_) => {}
            Value::Array(items) => {
                for (place, item) in items.iter().enumerate() {
                    let at = format!("{at}/{place}");
                    match item {
                        Value::String(_) => self.uri(&at, item),
                        Value::Object(_) => {}
                        _ => self.expected(&at, item, "a URI or an object"),
                    }
                    if items[..place].contains(item) {
                        self.fault(at, "is there twice");
                    }
                }
            }
            _ => self.expected(at, value, "a URI, an object or a list of them"),
        }
    }

    /// What members of a type need each other.
    fn by_type(&mut self, kind: EpcisType, event: &Map<String, Value>) {
        let has = |name: &str| event.contains_key(name);
        let filled = |name: &str| event.get(name).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
        let action = event.get("action").and_then(Value::as_str);
        if kind != EpcisType::TransformationEvent && !has("action") {
            self.fault("/action", "missing");
        }
        match kind {
            EpcisType::ObjectEvent => {
                let sensed = filled("sensorElementList") && has("readPoint");
                if !has("epcList") && !filled("quantityList") && !sensed {
                    self.fault("", "names nothing: expected epcList, quantityList, or sensorElementList and readPoint");
                }
                if has("ilmd") && action != Some("ADD") {
                    self.fault("/ilmd", "stands only with the action ADD");
                }
            }
            EpcisType::AggregationEvent | EpcisType::AssociationEvent => {
                if kind == EpcisType::AssociationEvent && !has("parentID") {
                    self.fault("/parentID", "missing");
                }
                if !filled("childEPCs") && !filled("childQuantityList") && action != Some("DELETE") {
                    self.fault("", "has no children: expected childEPCs or childQuantityList, or the action DELETE");
                }
            }
            EpcisType::TransactionEvent => {
                if !has("bizTransactionList") {
                    self.fault("/bizTransactionList", "missing");
                } else if !filled("bizTransactionList") {
                    self.fault("/bizTransactionList", "expected at least one");
                }
                if !has("epcList") && !filled("quantityList") && action != Some("DELETE") {
                    self.fault("", "names nothing: expected epcList or quantityList, or the action DELETE");
                }
            }
            EpcisType::TransformationEvent => {
                let input = filled("inputEPCList") || filled("inputQuantityList");
                let output = filled("outputEPCList") || filled("outputQuantityList");
                let is_whole = input && output;
                let is_part = has("transformationID") && (input || output);
                if !is_whole && !is_part {
                    self.fault("", "expected inputs and outputs; with a transformationID one of them is enough");
                }
            }
        }
    }
}

fn is_offset(text: &str) -> bool {
    let Some((hours, minutes)) = text.strip_prefix(['+', '-']).and_then(|text| text.split_once(':')) else {
        return false;
    };
    let number =
        |text: &str| (text.len() == 2).then(|| text.parse::<u8>().ok()).flatten().filter(|_| !text.starts_with('+'));
    match (number(hours), number(minutes)) {
        (Some(14), Some(minutes)) => minutes == 0,
        (Some(hours), Some(minutes)) => hours < 14 && minutes < 60,
        _ => false,
    }
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_unit(text: &str) -> bool {
    (2..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// A text that is short enough to be repeated.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
