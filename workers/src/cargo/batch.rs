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
        self.rejects.push(Reject::of(owned.org, &owned.event, routing_key, &faults.join("; ")));
    }

    fn reject(&mut self, routing_key: &str, bytes: &[u8], reason: &str) {
        let reject = Reject { reason: reason.to_owned(), bytes: bytes.to_vec(), routing_key: routing_key.to_owned() };
        self.rejects.push(reject);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages == 0
    }
}

#[cfg(test)]
mod tests;
