//! What belongs to an organisation of shipments, their events, carriers, vehicles and appointments, against everybody else.

use serde_json::{Value, json};

use super::super::test_market::epcis;

fn hours() -> Value {
    json!({"time_zone": "UTC", "slot_minutes": 30, "capacity": 1, "windows": []})
}

fn wished() -> Value {
    json!({"kind": "delivery", "starts_at": "2099-01-01T00:00:00Z", "ends_at": "2099-01-01T01:00:00Z"})
}

fn truck() -> Value {
    json!({"name": "Truck", "registration": "HH-TY 1", "max_weight_g": 40_000_000, "max_volume_ml": 90_000_000})
}

/// See [`owners`](super::owners::owners).
pub(super) fn owners() -> Vec<(&'static str, Value, [u16; 3])> {
    let none = || json!({});
    let event = json!({"source": "s", "source_event_id": "e", "shipment": "S-1", "type": "actual",
        "status": "in_transit", "occurred_at": "2026-11-01T00:00:00Z"});
    let nil = uuid::Uuid::nil();
    vec![
        ("GET /v1/shipments/{shipment}/epcis", none(), [404, 200, 404]),
        ("POST /v1/epcis/capture", epcis("urn:x:1", "S-1"), [202, 403, 403]),
        ("GET /v1/epcis/capture/{capture}", none(), [404, 200, 404]),
        ("POST /v1/epcis/events", epcis("urn:x:2", "S-1"), [201, 403, 403]),
        ("GET /v1/epcis/events", none(), [200, 200, 200]),
        ("GET /v1/epcis/events/{event}", none(), [404, 200, 404]),
        ("GET /v1/epcis/eventTypes", none(), [200, 200, 200]),
        ("GET /v1/epcis/eventTypes/{eventType}/events", none(), [200, 200, 200]),
        ("GET /v1/epcis/epcs", none(), [200, 200, 200]),
        ("GET /v1/epcis/epcs/{epc}/events", none(), [200, 200, 200]),
        ("GET /v1/epcis/bizSteps", none(), [200, 200, 200]),
        ("GET /v1/epcis/bizSteps/{bizStep}/events", none(), [200, 200, 200]),
        ("POST /v1/cargo-events", event, [202, 403, 403]),
        ("POST /v1/carriers", json!({"slug": "hansa", "name": "Hansa"}), [201, 403, 403]),
        ("GET /v1/carriers", none(), [200, 200, 200]),
        ("GET /v1/carriers/{carrier}", none(), [404, 200, 404]),
        ("DELETE /v1/carriers/{carrier}", none(), [404, 403, 403]),
        ("POST /v1/carriers/{carrier}/secret", none(), [404, 403, 403]),
        ("POST /v1/vehicles", truck(), [201, 403, 201]),
        ("GET /v1/vehicles", none(), [200, 200, 200]),
        ("GET /v1/vehicles/{vehicle}", none(), [404, 200, 404]),
        ("PATCH /v1/vehicles/{vehicle}", none(), [404, 403, 404]),
        ("DELETE /v1/vehicles/{vehicle}", none(), [404, 403, 404]),
        ("GET /v1/vehicles/{vehicle}/maintenance", none(), [404, 200, 404]),
        (
            "POST /v1/vehicles/{vehicle}/maintenance",
            json!({"starts_at": "2099-01-01T00:00:00Z", "ends_at": "2099-01-02T00:00:00Z"}),
            [404, 403, 404],
        ),
        ("DELETE /v1/vehicles/{vehicle}/maintenance/{maintenance}", none(), [404, 403, 404]),
        // There is no such order; that the organisation's own is needed is asserted with shipments.
        ("POST /v1/shipments", json!({"order_id": nil, "lines": [{"order_line": 1, "quantity": 1}]}), [404, 403, 403]),
        ("GET /v1/sites/{site}/hours", none(), [404, 200, 404]),
        ("PUT /v1/sites/{site}/hours", hours(), [404, 403, 404]),
        ("POST /v1/sites/{site}/redeem", json!({"pass": "TP1"}), [404, 403, 403]),
        ("GET /v1/orders/{order}/slots", none(), [404, 200, 404]),
        ("GET /v1/orders/{order}/appointments", none(), [404, 200, 404]),
        ("POST /v1/orders/{order}/appointments", wished(), [404, 403, 403]),
        ("POST /v1/orders/{order}/storage/settle", json!({"how": "paid"}), [404, 403, 403]),
        ("GET /v1/appointments/{appointment}", none(), [404, 200, 404]),
        ("POST /v1/appointments/{appointment}/accept", none(), [404, 403, 403]),
        ("POST /v1/appointments/{appointment}/move", json!({"starts_at": "2099-01-01T00:00:00Z"}), [404, 403, 403]),
        ("POST /v1/appointments/{appointment}/cancel", none(), [404, 403, 403]),
        ("POST /v1/appointments/{appointment}/pass", none(), [404, 403, 403]),
        ("GET /v1/shipments", none(), [200, 200, 200]),
        ("GET /v1/shipments/figures", none(), [200, 200, 200]),
        ("GET /v1/shipments/{shipment}", none(), [404, 200, 404]),
        ("PATCH /v1/shipments/{shipment}", none(), [404, 403, 403]),
        ("POST /v1/shipments/{shipment}/cancel", none(), [404, 403, 403]),
        ("POST /v1/shipments/{shipment}/pick-up", none(), [404, 403, 403]),
        ("POST /v1/shipments/{shipment}/deliver", none(), [404, 403, 403]),
        ("POST /v1/shipments/{shipment}/fail", json!({"reason": "so"}), [404, 403, 403]),
        ("POST /v1/shipments/{shipment}/return", none(), [404, 403, 403]),
        // Another organisation's shipment of the same name is another one.
        ("GET /v1/shipments/{shipment}/events", none(), [200, 200, 200]),
        ("GET /v1/shipments/{shipment}/standing", none(), [200, 200, 200]),
    ]
}
