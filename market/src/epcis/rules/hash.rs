//! The id of an event that has none: the standard's hash of its content (CBV 2.0, section 8.9).
//!
//! What is hashed is a text of all members in the standard's order, each value in one form: whoever writes the same event
//! in another order of members, with other prefixes, in another time zone or with EPC URNs instead of Digital Links gets
//! the same id.
//!
//! In two places the standard's prose and its own published hashes differ: the type of a business transaction, a source or
//! a destination stands before it, and destinations stand before sources. The hashes decide, because ids are compared with
//! those of others (`the_published_hashes_are_met`).
//!
//! # How to get this wrong
//! - Reading numbers as floats: two long numbers become one, and the second event is taken for a duplicate.
//! - Leaving out what is not understood: two events that differ in an extension alone are two events.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, DurationRound as _, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::epc::canonical;
use super::vocabulary::Vocabulary;

/// What the prefixes of names stand for.
pub(super) type Prefixes = BTreeMap<String, String>;

/// The prefixes that the standard's own context has: a document that repeats one of them says nothing new.
const STANDARD: [(&str, &str); 8] = [
    ("gs1", "https://gs1.org/voc/"),
    ("epcis", "https://ref.gs1.org/epcis/"),
    ("cbv", "https://ref.gs1.org/cbv/"),
    ("cbvmda", "urn:epcglobal:cbv:mda:"),
    ("rdfs", "http://www.w3.org/2000/01/rdf-schema#"),
    ("owl", "http://www.w3.org/2002/07/owl#"),
    ("xsd", "http://www.w3.org/2001/XMLSchema#"),
    ("dcterms", "http://purl.org/dc/terms/"),
];

/// An event's members that are not its content, or that stand at the front.
const LEFT_OUT: [&str; 4] = ["type", "eventID", "recordTime", "errorDeclaration"];
/// What says nothing wherever it stands.
const COMMENTS: [&str; 2] = ["rdfs:comment", "comment"];

/// The prefixes that a context declares.
pub(super) fn prefixes(context: &[Value]) -> Prefixes {
    let standard = STANDARD.map(|(prefix, uri)| (prefix.to_owned(), uri.to_owned()));
    let declared = context.iter().filter_map(Value::as_object).flatten();
    let declared = declared.filter_map(|(prefix, uri)| Some((prefix.clone(), uri.as_str()?.to_owned())));
    standard.into_iter().chain(declared).collect()
}

/// The event's hash as a URI.
pub(super) fn hash(event: &Map<String, Value>, prefixes: &Prefixes) -> String {
    let digest = Sha256::digest(Writer { prefixes }.event(event));
    format!("ni:///sha-256;{}?ver=CBV2.0", hex::encode(digest))
}

/// How a member is written.
#[derive(Clone, Copy)]
enum Form {
    /// `name=value`; of several, all of them.
    Plain,
    Time,
    Word(Vocabulary),
    /// `name` and an `epc=` for each.
    Epcs,
    Quantities,
    Persistent,
    Place,
    /// Pairs of a type and this member.
    Pairs(&'static str, Vocabulary),
    Sensors,
    Ilmd,
}

const EVENT: [(&str, Form); 24] = [
    ("eventTime", Form::Time),
    ("eventTimeZoneOffset", Form::Plain),
    ("certificationInfo", Form::Plain),
    ("parentID", Form::Plain),
    ("epcList", Form::Epcs),
    ("inputEPCList", Form::Epcs),
    ("childEPCs", Form::Epcs),
    ("quantityList", Form::Quantities),
    ("childQuantityList", Form::Quantities),
    ("inputQuantityList", Form::Quantities),
    ("outputEPCList", Form::Epcs),
    ("outputQuantityList", Form::Quantities),
    ("action", Form::Plain),
    ("transformationID", Form::Plain),
    ("bizStep", Form::Word(Vocabulary::BizStep)),
    ("disposition", Form::Word(Vocabulary::Disposition)),
    ("persistentDisposition", Form::Persistent),
    ("readPoint", Form::Place),
    ("bizLocation", Form::Place),
    ("bizTransactionList", Form::Pairs("bizTransaction", Vocabulary::TransactionType)),
    ("destinationList", Form::Pairs("destination", Vocabulary::PartyType)),
    ("sourceList", Form::Pairs("source", Vocabulary::PartyType)),
    ("sensorElementList", Form::Sensors),
    ("ilmd", Form::Ilmd),
];

const QUANTITY: [(&str, Form); 3] = [("epcClass", Form::Plain), ("quantity", Form::Plain), ("uom", Form::Plain)];
const PERSISTENT: [(&str, Form); 2] =
    [("set", Form::Word(Vocabulary::Disposition)), ("unset", Form::Word(Vocabulary::Disposition))];
const PLACE: [(&str, Form); 1] = [("id", Form::Plain)];
const METADATA: [(&str, Form); 8] = [
    ("time", Form::Time),
    ("startTime", Form::Time),
    ("endTime", Form::Time),
    ("deviceID", Form::Plain),
    ("deviceMetadata", Form::Plain),
    ("rawData", Form::Plain),
    ("dataProcessingMethod", Form::Plain),
    ("bizRules", Form::Plain),
];
const REPORT: [(&str, Form); 23] = [
    ("type", Form::Word(Vocabulary::Measurement)),
    ("exception", Form::Word(Vocabulary::Alert)),
    ("deviceID", Form::Plain),
    ("deviceMetadata", Form::Plain),
    ("rawData", Form::Plain),
    ("dataProcessingMethod", Form::Plain),
    ("time", Form::Time),
    ("microorganism", Form::Plain),
    ("chemicalSubstance", Form::Plain),
    ("value", Form::Plain),
    ("component", Form::Word(Vocabulary::Component)),
    ("stringValue", Form::Plain),
    ("booleanValue", Form::Plain),
    ("hexBinaryValue", Form::Plain),
    ("uriValue", Form::Plain),
    ("minValue", Form::Plain),
    ("maxValue", Form::Plain),
    ("meanValue", Form::Plain),
    ("sDev", Form::Plain),
    ("percRank", Form::Plain),
    ("percValue", Form::Plain),
    ("uom", Form::Plain),
    ("coordinateReferenceSystem", Form::Plain),
];

struct Writer<'a> {
    prefixes: &'a Prefixes,
}

impl Writer<'_> {
    fn event(&self, event: &Map<String, Value>) -> String {
        let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
        let content = event.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()));
        let content = content.map(|(name, value)| (name.clone(), value.clone())).collect();
        format!("eventType={kind}{}", self.members(&content, &EVENT))
    }

    /// An object's members in the order of the list, and then what is not in it.
    fn members(&self, object: &Map<String, Value>, order: &[(&str, Form)]) -> String {
        let mut text = String::new();
        for (name, form) in order {
            if let Some(value) = object.get(*name) {
                self.member(&mut text, name, *form, value);
            }
        }
        text.push_str(&self.extensions(object, order));
        text
    }

    fn member(&self, text: &mut String, name: &str, form: Form, value: &Value) {
        let each = |write: &dyn Fn(&Value) -> String| sorted(list(value).map(write).collect());
        match form {
            Form::Plain => text.push_str(&each(&|value| format!("{name}={}", self.value(value)))),
            Form::Time => text.push_str(&each(&|value| format!("{name}={}", time(value)))),
            Form::Word(words) => text.push_str(&each(&|value| format!("{name}={}", self.word(value, words)))),
            Form::Persistent => text.push_str(&each(&|value| format!("{name}{}", self.object(value, &PERSISTENT)))),
            Form::Place => text.push_str(&each(&|value| format!("{name}{}", self.object(value, &PLACE)))),
            Form::Ilmd => text.push_str(&each(&|value| format!("{name}{}", self.object(value, &[])))),
            // An empty list is as good as none.
            _ if list(value).next().is_none() => {}
            Form::Epcs => {
                text.push_str(name);
                text.push_str(&each(&|value| format!("epc={}", self.value(value))));
            }
            Form::Quantities => {
                text.push_str(name);
                text.push_str(&each(&|value| format!("quantityElement{}", self.object(value, &QUANTITY))));
            }
            Form::Pairs(member, words) => {
                text.push_str(name);
                let order = [("type", Form::Word(words)), (member, Form::Plain)];
                text.push_str(&each(&|value| self.object(value, &order)));
            }
            Form::Sensors => {
                text.push_str(name);
                text.push_str(&each(&|value| format!("sensorElement{}", self.sensor(value))));
            }
        }
    }

    fn object(&self, value: &Value, order: &[(&str, Form)]) -> String {
        value.as_object().map(|object| self.members(object, order)).unwrap_or_default()
    }

    fn sensor(&self, value: &Value) -> String {
        let Some(element) = value.as_object() else { return String::new() };
        let mut text = String::new();
        if let Some(metadata) = element.get("sensorMetadata") {
            let _ = write!(text, "sensorMetadata{}", self.object(metadata, &METADATA));
        }
        let reports = element.get("sensorReport").map(list).into_iter().flatten();
        text.push_str(&sorted(reports.map(|one| format!("sensorReport{}", self.object(one, &REPORT))).collect()));
        text.push_str(&self.extensions(element, &[("sensorMetadata", Form::Plain), ("sensorReport", Form::Plain)]));
        text
    }

    /// What is not in the list, sorted.
    fn extensions(&self, object: &Map<String, Value>, known: &[(&str, Form)]) -> String {
        let others = object.iter().filter(|(name, _)| known.iter().all(|(known, _)| known != name));
        // Those with an at sign are JSON-LD's; the text of an element stands with its name.
        let others = others.filter(|(name, _)| !COMMENTS.contains(&name.as_str()) && !name.starts_with(['@', '#']));
        sorted(others.flat_map(|(name, value)| self.extension(&self.name(name), value)).collect())
    }

    /// One text, or one for each item of a list.
    fn extension(&self, name: &str, value: &Value) -> Vec<String> {
        match value {
            Value::Array(items) => items.iter().map(|item| self.item(name, item)).collect(),
            value => vec![self.item(name, value)],
        }
    }

    fn item(&self, name: &str, value: &Value) -> String {
        match value {
            Value::Object(members) => {
                let text = members.get("#text").map(|text| format!("={}", self.value(text))).unwrap_or_default();
                format!("{name}{text}{}", self.extensions(members, &[]))
            }
            Value::Array(items) => {
                format!("{name}{}", sorted(items.iter().flat_map(|item| self.extension("", item)).collect()))
            }
            value => match self.value(value) {
                text if text.is_empty() => name.to_owned(),
                text => format!("{name}={text}"),
            },
        }
    }

    /// A name with what its prefix stands for.
    fn name(&self, name: &str) -> String {
        let expanded = name.split_once(':').and_then(|(prefix, local)| Some((self.prefixes.get(prefix)?, local)));
        expanded.map_or_else(|| name.to_owned(), |(uri, local)| format!("{{{uri}}}{local}"))
    }

    /// A word of the standard as its web URI.
    fn word(&self, value: &Value, words: Vocabulary) -> String {
        match value.as_str().and_then(|text| words.short(text.trim())) {
            Some(word) => format!("{}{word}", words.web()),
            None => self.value(value),
        }
    }

    fn value(&self, value: &Value) -> String {
        match value {
            Value::String(text) => self.text(text.trim()),
            Value::Number(number) => decimal(&number.to_string()).unwrap_or_else(|| number.to_string()),
            Value::Bool(value) => value.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
        }
    }

    fn text(&self, text: &str) -> String {
        let expanded = text.split_once(':').and_then(|(prefix, rest)| Some((self.prefixes.get(prefix)?, rest)));
        let text = expanded.map_or_else(|| text.to_owned(), |(uri, rest)| format!("{uri}{rest}"));
        for words in [
            Vocabulary::BizStep,
            Vocabulary::Disposition,
            Vocabulary::TransactionType,
            Vocabulary::PartyType,
            Vocabulary::ErrorReason,
        ] {
            if let Some(word) = words.urn().and_then(|start| text.strip_prefix(start)) {
                return format!("{}{word}", words.web());
            }
        }
        decimal(&text).unwrap_or_else(|| canonical(&text))
    }
}

/// The items of a list; of anything else, itself.
fn list(value: &Value) -> std::slice::Iter<'_, Value> {
    match value {
        Value::Array(items) => items.iter(),
        value => std::slice::from_ref(value).iter(),
    }
}

fn sorted(mut texts: Vec<String>) -> String {
    texts.sort_unstable();
    texts.concat()
}

/// In UTC, to the millisecond, halves up.
fn time(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default().trim();
    let Ok(at) = DateTime::parse_from_rfc3339(text) else { return text.to_owned() };
    let at = at.with_timezone(&Utc);
    let rounded = at.duration_round(TimeDelta::milliseconds(1)).unwrap_or(at);
    rounded.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A number without zeros that say nothing; `None` for what is not a number.
fn decimal(text: &str) -> Option<String> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !are_digits(whole) || !are_digits(fraction) {
        return scientific(text);
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(match fraction {
        "" if whole == "0" => "0".to_owned(),
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    })
}

/// A number with an exponent.
fn scientific(text: &str) -> Option<String> {
    let is_number =
        text.contains(['e', 'E']) && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let number: f64 = is_number.then(|| text.parse().ok())??;
    // Rust writes floats without an exponent.
    number.is_finite().then(|| number.to_string())
}

#[cfg(test)]
mod tests;
