//! Operations on what is an organisation's, which need no body to be refused.

/// See [`access`](super::access).
pub(super) const OPERATIONS: [&str; 24] = [
    "GET /v1/sites/{site}/hours",
    "PUT /v1/sites/{site}/hours",
    "POST /v1/sites/{site}/redeem",
    "GET /v1/orders/{order}/slots",
    "GET /v1/orders/{order}/appointments",
    "POST /v1/orders/{order}/appointments",
    "POST /v1/orders/{order}/storage/settle",
    "GET /v1/appointments/{appointment}",
    "POST /v1/appointments/{appointment}/accept",
    "POST /v1/appointments/{appointment}/move",
    "POST /v1/appointments/{appointment}/cancel",
    "POST /v1/appointments/{appointment}/pass",
    "GET /v1/epcis/eventTypes",
    "GET /v1/epcis/eventTypes/{eventType}/events",
    "GET /v1/epcis/epcs",
    "GET /v1/epcis/epcs/{epc}/events",
    "GET /v1/epcis/bizSteps",
    "GET /v1/epcis/bizSteps/{bizStep}/events",
    "GET /v1/shipments/{shipment}/epcis",
    "POST /v1/epcis/capture",
    "GET /v1/epcis/capture/{capture}",
    "POST /v1/epcis/events",
    "GET /v1/epcis/events",
    "GET /v1/epcis/events/{event}",
];
