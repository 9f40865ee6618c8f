use serde_json::{Value, json};

use super::*;

/// Whatever an event can say, a carrier can say; only who says it is not its own to say.
#[test]
fn a_carriers_event_has_all_fields_but_the_source() {
    let whole = json!({"source": "carrier:dhl", "source_event_id": "e-1", "sequence": 3, "shipment": "S-1", "type": "actual",
        "status": "delivered", "occurred_at": "2026-11-01T00:00:00Z", "position": {"latitude": 1.0, "longitude": 2.0},
        "corrects": "e-0", "payload": {"by": "truck"}});
    let mut sent = whole.clone();
    sent.as_object_mut().unwrap().remove("source");
    let event: CarrierEvent = serde_json::from_str(&sent.to_string()).unwrap();
    let logged: Value = serde_json::to_value(event.from("carrier:dhl")).unwrap();
    assert_eq!(logged, whole);
    let refused = serde_json::from_str::<CarrierEvent>(&whole.to_string()).unwrap_err();
    assert!(refused.to_string().contains("unknown field `source`"), "{refused}");
}

#[test]
fn a_secret_shows_itself_only_when_asked() {
    let secret = WebhookSecret::generate();
    let shown = secret.shown();
    assert!(shown.starts_with("whsec_"), "{shown}");
    assert_eq!(secret::read(&shown).unwrap(), secret.expose_secret());
    assert!(!format!("{secret:?}").contains(&shown[6..20]));
    assert_ne!(WebhookSecret::generate().shown(), shown);
}
