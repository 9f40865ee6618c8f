use market::cargo::store::Reject;
use market::cargo::{Bounds, CargoEvent, EventMessage, OwnedEvent};
use serde_json::value::RawValue;

/// Messages that are received and written together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) events: Vec<OwnedEvent>,
    pub(super) rejects: Vec<Reject>,
    /// How many messages are in it.
    pub(super) messages: usize,
    /// The delivery tag of the last one: acknowledging it acknowledges all.
    pub(super) last_tag: u64,
    /// Bytes received.
    pub(super) bytes: usize,
}

impl Batch {
    /// Takes a message in: what can be stored goes to `events`, the rest to `rejects`.
    pub(super) fn add(&mut self, tag: u64, routing_key: &str, body: &[u8], bounds: &Bounds) {
        self.messages += 1;
        self.last_tag = tag;
        self.bytes += body.len();
        match serde_json::from_slice::<EventMessage<CargoEvent>>(body) {
            Ok(message) if message.events.is_empty() => self.reject(routing_key, body, "the message holds no event"),
            Ok(EventMessage { org, events }) => {
                for event in events {
                    self.keep(routing_key, OwnedEvent { org, event }, bounds);
                }
            }
            // Something in it is not an event: look at each by itself, so that the log misses only
            // that one.
            Err(problem) => match serde_json::from_slice::<EventMessage<&RawValue>>(body) {
                Ok(EventMessage { org, events }) => {
                    for text in events {
                        match serde_json::from_str(text.get()) {
                            Ok(event) => self.keep(routing_key, OwnedEvent { org, event }, bounds),
                            Err(problem) => {
                                // As a message that can be sent again, to a program that knows
                                // more.
                                let alone = format!(r#"{{"org":"{org}","events":[{text}]}}"#);
                                self.reject(routing_key, alone.as_bytes(), &format!("not an event: {problem}"));
                            }
                        }
                    }
                }
                Err(_) => self.reject(routing_key, body, &format!("not a message of events: {problem}")),
            },
        }
    }

    fn keep(&mut self, routing_key: &str, owned: OwnedEvent, bounds: &Bounds) {
        let faults = bounds.check(&owned.event);
        if faults.is_empty() {
            self.events.push(owned);
            return;
        }
        let faults: Vec<String> = faults.iter().map(|fault| format!("{} {}", fault.pointer, fault.problem)).collect();
        self.rejects.push(reject_of(&owned, routing_key, &faults.join("; ")));
    }

    fn reject(&mut self, routing_key: &str, bytes: &[u8], reason: &str) {
        let reject = Reject { reason: reason.to_owned(), bytes: bytes.to_vec(), routing_key: routing_key.to_owned() };
        self.rejects.push(reject);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages == 0
    }
}

/// A reject for an event that could be read, kept as a message that can be published again.
pub(super) fn reject_of(owned: &OwnedEvent, routing_key: &str, reason: &str) -> Reject {
    let message = EventMessage { org: owned.org, events: vec![&owned.event] };
    // An event that could be read can be written.
    let bytes = serde_json::to_vec(&message).unwrap_or_default();
    Reject { reason: reason.to_owned(), bytes, routing_key: routing_key.to_owned() }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn bounds() -> Bounds {
        Bounds::at(DateTime::from_timestamp(1_800_000_000, 0).unwrap())
    }

    fn add(body: &str) -> Batch {
        let mut batch = Batch::default();
        batch.add(7, "cargo.actual", body.as_bytes(), &bounds());
        assert_eq!((batch.messages, batch.last_tag, batch.bytes), (1, 7, body.len()));
        batch
    }

    fn event(id: &str) -> serde_json::Value {
        json!({"source": "s", "source_event_id": id, "shipment": "S-1", "type": "actual", "status": "delivered",
            "occurred_at": "2027-01-15T08:00:00Z"})
    }

    fn message(events: &serde_json::Value) -> String {
        json!({"org": "01890a5d-ac96-774b-bcce-b302099a8057", "events": events}).to_string()
    }

    #[test]
    fn one_bad_event_does_not_take_the_others_with_it() {
        let mut unknown = event("2");
        unknown["colour"] = json!("red");
        let mut out_of_range = event("3");
        out_of_range["position"] = json!({"latitude": 100, "longitude": 0});
        let batch = add(&message(&json!([event("1"), &unknown, out_of_range, 5, event("4")])));
        let ids: Vec<&str> = batch.events.iter().map(|owned| owned.event.source_event_id.as_str()).collect();
        assert_eq!(ids, ["1", "4"]);
        let reasons: Vec<&str> = batch.rejects.iter().map(|reject| reject.reason.as_str()).collect();
        assert!(reasons[0].contains("unknown field `colour`"), "{reasons:?}");
        assert_eq!(reasons[1], "/position/latitude expected -90 to 90 degrees");
        assert!(reasons[2].starts_with("not an event"), "{reasons:?}");
        let kept: EventMessage<serde_json::Value> = serde_json::from_slice(&batch.rejects[0].bytes).unwrap();
        assert_eq!(kept.events, [unknown], "the reject keeps the event alone, as a message that can be sent again");
    }

    #[test]
    fn poison_is_rejected_whole() {
        for body in [
            "",
            "[",
            "[]",
            "null",
            "42",
            "{}",
            "\u{0}",
            r#"{"org": 1, "events": []}"#,
            &message(&json!([])),
            &message(&json!("x")),
            &event("1").to_string(),
            &"[".repeat(100_000),
        ] {
            let batch = add(body);
            assert!(batch.events.is_empty());
            assert_eq!(batch.rejects.len(), 1, "{body}");
            assert_eq!(batch.rejects[0].bytes, body.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn every_message_ends_as_events_or_rejects(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut batch = Batch::default();
            batch.add(1, "cargo.x", &body, &bounds());
            prop_assert!(batch.events.len() + batch.rejects.len() > 0);
        }
    }
}
