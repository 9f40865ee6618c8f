//! What an event must look like to be stored. The API refuses events with these faults; the
//! consumer parks those that arrive all the same.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use serde_json::value::RawValue;
use shared::text::{self, Unshowable};

use crate::cargo::model::{CargoEvent, EventType};

/// The longest payload, in bytes of its JSON text.
pub const MAX_PAYLOAD_BYTES: usize = 4096;
const MAX_PAYLOAD_DEPTH: usize = 16;
/// Events older than this are refused, and so are plans and estimates further ahead.
const YEARS: TimeDelta = TimeDelta::days(2 * 365);
/// How far ahead a source's clock may be.
const SKEW: TimeDelta = TimeDelta::days(1);
const OCCURRED_AT: &str = "/occurred_at";

/// One thing that is wrong with an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A JSON pointer into the event, such as `/position/latitude`; empty for the event as a whole.
    pub pointer: &'static str,
    pub problem: String,
}

impl Fault {
    /// Whether the event is well formed and only says an impossible time. Whoever passes on what others measure cannot mend
    /// that; it must not hold up the rest.
    #[must_use]
    pub fn is_of_time(&self) -> bool {
        self.pointer == OCCURRED_AT
    }
}

/// The times that an event may carry. Others come from clocks that were never set or are broken (1970, 9999): they would decide
/// a shipment's status for ever.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    earliest: DateTime<Utc>,
    latest_actual: DateTime<Utc>,
    latest_planned: DateTime<Utc>,
}

impl Bounds {
    /// Two years back; a day ahead for what happened, two years ahead for plans and estimates.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self { earliest: now - YEARS, latest_actual: now + SKEW, latest_planned: now + YEARS }
    }

    /// A day wider on both sides, for the second look: an event that was accepted must not be refused later because it waited
    /// or because two machines' clocks differ.
    #[must_use]
    pub fn widened(self) -> Self {
        Self {
            earliest: self.earliest - SKEW,
            latest_actual: self.latest_actual + SKEW,
            latest_planned: self.latest_planned + SKEW,
        }
    }

    /// Everything that is wrong with an event; nothing when it can be stored.
    #[must_use]
    pub fn check(&self, event: &CargoEvent) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |pointer, problem: &str| faults.push(Fault { pointer, problem: problem.to_owned() });
        if !is_reference(&event.source, 64) {
            fault("/source", "expected 1 to 64 letters, digits and . _ : -");
        }
        if !is_reference(&event.shipment, 64) {
            fault("/shipment", "expected 1 to 64 letters, digits and . _ : -");
        }
        if !is_id(&event.source_event_id) {
            fault("/source_event_id", "expected 1 to 128 visible ASCII characters");
        }
        if event.sequence < 0 {
            fault("/sequence", "expected 0 or more");
        }
        match &event.corrects {
            Some(corrects) if !is_id(corrects) => fault("/corrects", "expected 1 to 128 visible ASCII characters"),
            Some(corrects) if *corrects == event.source_event_id => {
                fault("/corrects", "an event cannot correct itself");
            }
            _ => {}
        }
        if let Some(position) = event.position {
            if !(-90.0..=90.0).contains(&position.latitude) {
                fault("/position/latitude", "expected -90 to 90 degrees");
            }
            if !(-180.0..=180.0).contains(&position.longitude) {
                fault("/position/longitude", "expected -180 to 180 degrees");
            }
        }
        let latest = if event.kind == EventType::Actual { self.latest_actual } else { self.latest_planned };
        if event.occurred_at < self.earliest {
            fault(OCCURRED_AT, "is more than two years ago");
        } else if event.occurred_at > latest && event.kind == EventType::Actual {
            fault(OCCURRED_AT, "is more than a day ahead: an actual event has happened");
        } else if event.occurred_at > latest {
            fault(OCCURRED_AT, "is more than two years ahead");
        }
        if let Some(problem) = event.payload.as_ref().and_then(|payload| payload_problem(payload.get())) {
            fault("/payload", problem);
        }
        if event.status.is_none() && event.position.is_none() && event.corrects.is_none() && event.payload.is_none() {
            fault("", "says nothing: expected a status, a position, a correction or a payload");
        }
        faults
    }
}

/// References appear in URLs and indexes.
fn is_reference(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-'))
}

fn is_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

fn payload_problem(json: &str) -> Option<&'static str> {
    if json.len() > MAX_PAYLOAD_BYTES {
        return Some("is longer than 4096 bytes");
    }
    // It has been passed on as raw text until here.
    let Ok(value) = serde_json::from_str::<Value>(json) else {
        return Some("holds a number out of range or half of a surrogate pair");
    };
    if !value.is_object() {
        return Some("expected an object");
    }
    nested_problem(&value, MAX_PAYLOAD_DEPTH)
}

fn nested_problem(value: &Value, depth: usize) -> Option<&'static str> {
    if depth == 0 {
        return Some("is nested deeper than 16 levels");
    }
    match value {
        Value::String(text) => text::lines(text).err().map(|unshowable| match unshowable {
            Unshowable::Control => "holds a control character",
            Unshowable::Invisible => "holds a text without a visible character",
        }),
        Value::Array(items) => items.iter().find_map(|item| nested_problem(item, depth - 1)),
        Value::Object(fields) => fields.iter().find_map(|(name, field)| {
            let hidden = name.chars().any(char::is_control) || text::without_hidden(name) != *name;
            let problem = hidden.then_some("holds a name with a hidden or control character");
            problem.or_else(|| nested_problem(field, depth - 1))
        }),
        _ => None,
    }
}

/// Returns the payload of a valid event with its texts as they are shown to others: invisible
/// characters are dropped.
#[must_use]
pub fn cleaned_payload(payload: Box<RawValue>) -> Box<RawValue> {
    let json = payload.get();
    if json.is_ascii() && !json.contains("\\u") {
        return payload;
    }
    let cleaned = serde_json::from_str::<Value>(json).and_then(|mut value| {
        clean(&mut value);
        serde_json::value::to_raw_value(&value)
    });
    // An unreadable payload has already been refused.
    cleaned.unwrap_or(payload)
}

fn clean(value: &mut Value) {
    match value {
        Value::String(typed) => *typed = text::without_hidden(typed),
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Object(fields) => fields.values_mut().for_each(clean),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests;
