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
