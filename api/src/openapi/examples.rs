//! A body for each operation that needs one, as somebody would send it.

use serde_json::{Value, json};
use utoipa::openapi::path::Operation;

/// Gives the operation that is called so, such as `POST /v1/items`, its example.
pub(super) fn add(name: &str, operation: &mut Operation) {
    let Some(example) = example(name) else { return };
    let bodies = operation.request_body.iter_mut().flat_map(|body| body.content.values_mut());
    bodies.for_each(|content| content.example = Some(example.clone()));
}

/// The id of something that does not exist.
const SOMETHING: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
/// A region of every installation: the Earth.
const EARTH: &str = "01900000-0000-7000-8001-000000000001";
/// A category of every installation.
const TRACTORS: &str = "01900000-0000-7000-8000-000000000011";

/// The context of EPCIS.
const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld";

/// An EPCIS event.
fn departure() -> Value {
    json!({"type": "ObjectEvent", "eventTime": "2026-11-01T08:00:00.000+01:00", "eventTimeZoneOffset": "+01:00",
        "epcList": ["urn:epc:id:sscc:4012345.0000000333"], "action": "OBSERVE", "bizStep": "departing",
        "disposition": "in_transit", "readPoint": {"id": "geo:52.5,13.4"}})
}

fn example(name: &str) -> Option<Value> {
    Some(match name {
        "POST /v1/auth/register" => {
            json!({"email": "ann@farm.example", "name": "Ann Field", "password": "correct horse battery"})
        }
        "POST /v1/auth/login" => json!({"email": "ann@farm.example", "password": "correct horse battery"}),
        "POST /v1/auth/login/second-factor" => json!({"mfa_token": "what login answered", "code": "123456"}),
        "POST /v1/me/second-factor/enrol" | "POST /v1/me/erase" => json!({"password": "correct horse battery"}),
        "POST /v1/me/second-factor/confirm" => json!({"code": "123456"}),
        "POST /v1/me/second-factor/recovery-codes" | "POST /v1/me/second-factor/disable" => {
            json!({"password": "correct horse battery", "code": "123456"})
        }
        "POST /v1/auth/refresh" => json!({"refresh_token": "what login answered"}),
        "POST /v1/invitations/accept" | "POST /v1/invitations/decline" => {
            json!({"token": "from the link in the mail"})
        }
        "POST /v1/auth/password-reset" => json!({"email": "ann@farm.example"}),
        "POST /v1/auth/verify-email" | "POST /v1/auth/password-reset/confirm" => {
            json!({"token": "from the link in the mail", "password": "correct horse battery"})
        }
        "PATCH /v1/me" => json!({"name": "Ann Field", "time_zone": "Europe/Berlin", "locale": "de-AT"}),
        "PATCH /v1/me/notifications" => json!({"saved_searches": false, "notices": {"watches": false}}),
        "POST /v1/orgs" => json!({"legal_name": "Field and Daughters", "vat_number": "DE123456788",
            "kinds": ["seller", "buyer"], "time_zone": "Europe/Berlin"}),
        "PATCH /v1/orgs/{org}" => json!({"time_zone": "Europe/Berlin"}),
        "POST /v1/orgs/{org}/apply-again" => json!({"vat_number": "DE123456788"}),
        "POST /v1/orgs/{org}/document-uploads" => json!({"content_type": "application/pdf", "size": 84_213}),
        "POST /v1/orgs/{org}/documents" | "PUT /v1/orgs/{org}/documents/{document}" => {
            json!({"kind": "insurance", "number": "HV 4711-26", "issued_on": "2026-01-01", "expires_on": "2026-12-31",
                "upload": SOMETHING})
        }
        "POST /v1/orgs/{org}/invitations" => json!({"email": "bob@farm.example", "role": "trader"}),
        "PATCH /v1/orgs/{org}/members/{user}" => json!({"role": "viewer"}),
        "POST /v1/categories" => json!({"parent_id": "01900000-0000-7000-8000-000000000001", "slug": "ploughs",
            "name": "Ploughs", "attribute_schema": {"type": "object", "required": ["furrows"],
            "properties": {"furrows": {"type": "integer", "minimum": 1}}}}),
        "PATCH /v1/categories/{category}" => json!({"name": "Tractors"}),
        "POST /v1/items" => json!({"category_id": TRACTORS, "sku": "T-7", "title": "Tractor, 88 kW",
            "attributes": {"make": "Fendt", "model": "Vario 512", "year": 2018, "power_kw": 88},
            "compatibility": ["front loader"]}),
        "PATCH /v1/items/{item}" => json!({"title": "Tractor, 88 kW, serviced"}),
        "PUT /v1/items/{item}/fits" => json!({"fits": [{"make": "John Deere", "year_from": 2015, "year_to": 2019}]}),
        "PUT /v1/items/{item}/calendar/{year}" => json!({"taken": ["2027-03-01", "2027-03-02"]}),
        "POST /v1/regions" => json!({"parent_id": EARTH, "kind": "country", "slug": "is", "name": "Iceland"}),
        "PATCH /v1/regions/{region}" => json!({"name": "Iceland"}),
        "POST /v1/sites" => json!({"region_id": EARTH, "name": "Depot North", "kind": "depot", "latitude": 53.55,
            "longitude": 9.99, "capacity": 5000}),
        "PATCH /v1/sites/{site}" => json!({"name": "Depot North", "capacity": 6000}),
        "PUT /v1/sites/{site}/hours" => json!({"time_zone": "Europe/Berlin", "slot_minutes": 30, "capacity": 2,
            "windows": [{"weekday": 1, "opens": "08:00", "closes": "12:00"}, {"weekday": 1, "opens": "13:00", "closes": "16:30"}],
            "deliveries": {"slot_minutes": 120, "capacity": 1, "windows": [{"weekday": 2, "opens": "08:00", "closes": "16:00"}]},
            "closed_days": ["2026-12-25"], "free_days": 7, "storage_fees": [{"amount": "2.50", "currency": "EUR"}]}),
        "POST /v1/sites/{site}/redeem" => json!({"pass": "TP7K3M9QX2B5W8ZC4DT0123456AB"}),
        "POST /v1/orders/{order}/appointments" => {
            json!({"kind": "collection", "site": SOMETHING, "starts_at": "2099-01-05T08:00:00Z"})
        }
        "POST /v1/orders/{order}/storage/settle" => json!({"how": "paid"}),
        "POST /v1/appointments/{appointment}/move" => json!({"starts_at": "2099-01-05T09:00:00Z"}),
        "PATCH /v1/items/{item}/stock/{site}" => json!({"capacity": 200, "low_at": 20}),
        "POST /v1/items/{item}/stock/{site}/adjust" => json!({"by": -1, "reason": "Broken in the depot"}),
        "POST /v1/stock/transfer" => json!({"item_id": SOMETHING, "from": "01890a5d-ac96-774b-bcce-b302099a8058",
            "to": "01890a5d-ac96-774b-bcce-b302099a8059", "quantity": 5}),
        "POST /v1/models" => json!({"category_id": TRACTORS, "make": "John Deere", "name": "6130R", "year_from": 2011}),
        "PATCH /v1/listings/{listing}" => json!({"title": "Tractor, 88 kW, one owner, serviced",
            "price": {"amount": "38500.00", "currency": "EUR"}}),
        "POST /v1/listings" => json!({"item_id": SOMETHING, "title": "Tractor, 88 kW, one owner",
            "description": "Serviced every winter.", "sale_mode": "auction", "currency": "EUR",
            "delivery_options": ["pickup", "freight"]}),
        "PUT /v1/listings/{listing}/price" => json!({"price": {"amount": "110.00", "currency": "EUR"}}),
        "POST /v1/listings/{listing}/inquiries" => json!({"text": "How many hours has it run?"}),
        "POST /v1/saved-searches" => {
            json!({"name": "Tractors near Hamburg", "query": {"category": "machinery/tractors",
            "where": ["make:Fendt", "horsepower:80.."], "price_to": "30000", "near": "53.55,9.99", "within_km": 50}})
        }
        "PATCH /v1/saved-searches/{search}" => json!({"name": "Tractors in the north", "alerts": false}),
        "POST /v1/listings/{listing}/offers" => {
            json!({"price": {"amount": "9500.00", "currency": "EUR"}, "quantity": 1,
            "note": "We would fetch it this week."})
        }
        "POST /v1/trades" => {
            json!({"buyer_org_id": SOMETHING, "item_id": SOMETHING, "site_id": SOMETHING,
            "price": {"amount": "120.00", "currency": "EUR"}, "quantity": 40, "note": "From Shackleton, on Monday."})
        }
        "POST /v1/orders/{order}/write-off" => json!({"reason": "Not paid in three months, and nobody answers."}),
        "POST /v1/offers/{offer}/counter" => {
            json!({"version": 1, "price": {"amount": "9800.00", "currency": "EUR"}, "quantity": 1})
        }
        "POST /v1/offers/{offer}/accept" | "POST /v1/offers/{offer}/decline" | "POST /v1/offers/{offer}/withdraw" => {
            json!({"version": 1})
        }
        "POST /v1/conversations" => json!({"listing_id": SOMETHING,
            "message": {"client_id": "01890a5d-ac96-774b-bcce-b302099a8058", "text": "How many hours has it run?"}}),
        "POST /v1/conversations/{conversation}/messages" => {
            json!({"client_id": "01890a5d-ac96-774b-bcce-b302099a8059", "text": "About 4,000. Here is the data sheet.",
            "attachments": [{"upload_id": SOMETHING, "name": "data sheet.pdf"}]})
        }
        "PUT /v1/conversations/{conversation}/read" => json!({"seq": 7}),
        "POST /v1/conversations/{conversation}/reports" => {
            json!({"seq": 7, "reason": "fraud", "note": "They ask us to pay somewhere else."})
        }
        "POST /v1/admin/chat-reports/{chat_report}/decide" => {
            json!({"outcome": "upheld", "reason": "It asks for a payment outside the marketplace."})
        }
        "POST /v1/listings/{listing}/auctions" => json!({"ends_at": "2099-01-01T12:00:00Z",
            "opening": {"amount": "30000.00", "currency": "EUR"}, "reserve": {"amount": "42000.00", "currency": "EUR"}}),
        "POST /v1/auctions/{auction}/bids" => json!({"maximum": {"amount": "45000.00", "currency": "EUR"}}),
        "POST /v1/auctions/{auction}/approval/counter" => {
            json!({"amount": {"amount": "39500.00", "currency": "EUR"}})
        }
        "POST /v1/auctions/{auction}/second-chances" => json!({"below_reserve": true}),
        "POST /v1/strikes/{strike}/appeal" => json!({"text": "The bank was closed for a week."}),
        "POST /v1/admin/strikes/{strike}/decide" => json!({"outcome": "lifted", "reason": "The bank confirms it."}),
        "POST /v1/checkouts" => json!({"lines": [{"listing": SOMETHING, "quantity": 2,
            "price": {"amount": "120.00", "currency": "EUR"}}]}),
        "POST /v1/checkouts/{checkout}/pay" | "POST /v1/orgs/{org}/plan-charges/{charge}/pay" => {
            json!({"method": "card"})
        }
        "POST /v1/orders/{order}/refunds" | "POST /v1/admin/orders/{order}/refunds" => {
            json!({"amount": {"amount": "20.00", "currency": "EUR"}, "reason": "It was scratched."})
        }
        "POST /v1/orders/{order}/disputes" => {
            json!({"reason": "damaged", "text": "The left side has a dent as big as a fist."})
        }
        "POST /v1/orders/{order}/returns" => {
            json!({"lines": [{"line": 1, "quantity": 2}], "reason": "not_needed", "text": "Two were enough."})
        }
        "PUT /v1/me/quiet-hours" => json!({"from": "22:00", "to": "07:00"}),
        "PUT /v1/orders/{order}/review" => {
            json!({"stars": 5, "text": "As described, and loaded within the hour."})
        }
        "PUT /v1/orders/{order}/export-proof" => {
            json!({"mrn": "26DE586600006143E3", "left_on": "2026-11-20", "upload": SOMETHING})
        }
        "PUT /v1/orders/{order}/lines/{line}/days" => json!({"days": ["2099-03-01", "2099-03-02"]}),
        "POST /v1/sale-events" => {
            json!({"title": "Autumn sale", "description": "Tractors and implements.", "currency": "EUR",
            "starts_at": "2099-10-01T08:00:00Z", "first_ends_at": "2099-10-08T18:00:00Z", "step_ms": 30_000})
        }
        "PATCH /v1/sale-events/{sale_event}" => json!({"title": "Late autumn sale"}),
        "POST /v1/sale-events/{sale_event}/lots" => json!({"listing_id": SOMETHING, "group": 1,
            "opening": {"amount": "100.00", "currency": "EUR"}}),
        "POST /v1/sale-events/{sale_event}/registrations/{registration}/approve" => {
            json!({"limit": {"amount": "50000.00", "currency": "EUR"}})
        }
        "POST /v1/reviews/{review}/answer" => json!({"text": "Thank you. Come again."}),
        "POST /v1/reviews/{review}/reports" => json!({"reason": "private_data", "note": "It names our driver."}),
        "POST /v1/admin/review-reports/{review_report}/decide" => {
            json!({"outcome": "upheld", "reason": "It names a private person."})
        }
        "POST /v1/returns/{return}/approve" => json!({"note": "Please send it to Depot North."}),
        "POST /v1/returns/{return}/refuse" => json!({"reason": "It was used."}),
        "POST /v1/returns/{return}/send" => json!({"tracking": "Parcel 00340434161094021501"}),
        "POST /v1/returns/{return}/receive" => {
            json!({"lines": [{"line": 1, "disposition": "quarantine"}]})
        }
        "POST /v1/admin/disputes/{dispute}/resolve" => {
            json!({"amount": {"amount": "50.00", "currency": "EUR"}, "reason": "Half of it works."})
        }
        "POST /v1/payout-accounts"
        | "POST /v1/admin/images/reprocess"
        | "POST /v1/sale-events/{sale_event}/registrations" => json!({}),
        "POST /v1/admin/payments/reconcile" | "POST /v1/webhook-endpoints/{endpoint}/replay" => {
            json!({"since": "2026-11-01T00:00:00Z"})
        }
        "POST /v1/admin/reconciliation-differences/{difference}/close" => {
            json!({"reason": "The provider has refunded it by hand."})
        }
        "POST /v1/webhooks/postmark" => {
            json!({"RecordType": "Bounce", "Type": "HardBounce", "Email": "ann@farm.example",
            "Inactive": true, "Description": "The server was unable to deliver your message."})
        }
        "POST /v1/webhooks/{provider}" => json!({"id": "evt_1", "kind": "payment.captured", "subject": "pay_1"}),
        "POST /v1/admin/commission-rates" => json!({"plan": "standard", "category_id": TRACTORS, "fee_bps": 450}),
        "POST /v1/admin/premium-tariffs" => json!({"category_id": TRACTORS, "currency": "EUR", "least_minor": 5000,
            "tiers": [{"upto": 10_000_000, "bps": 1200}, {"bps": 800}]}),
        "PUT /v1/basket/{listing}" => json!({"quantity": 2}),
        "POST /v1/listings/{listing}/buy" => json!({"quantity": 2, "price": {"amount": "120.00", "currency": "EUR"}}),
        "POST /v1/uploads" => {
            json!({"content_type": "image/jpeg", "size": 1_048_576, "file_name": "tractor-front.jpg"})
        }
        "POST /v1/stock/imports" => json!({"upload": SOMETHING, "validate_only": true}),
        "POST /v1/stock/imports/preview" => json!({"upload": SOMETHING}),
        "POST /v1/listings/imports" | "POST /v1/listings/imports/preview" => json!({"upload": SOMETHING,
            "mapping": {"sku": "Number", "title": "Name", "price": "Price", "attributes.make": "Make"},
            "defaults": {"category": "machinery/tractors", "currency": "EUR"}, "publish": true}),
        "POST /v1/past-sales/imports" | "POST /v1/past-sales/imports/preview" => json!({"upload": SOMETHING,
            "book": "Superstore", "date_order": "month_first", "defaults": {"currency": "USD"},
            "mapping": {"line_id": "Row ID", "order": "Order ID", "date": "Order Date", "category": "Category",
                "region": "Region", "product": "Product Name", "amount": "Sales", "quantity": "Quantity"}}),
        "POST /v1/uploads/{upload}/complete" => json!({"listing": SOMETHING}),
        "POST /v1/reports" => {
            json!({"kind": "sales", "format": "xlsx", "first_day": "2026-01-01", "last_day": "2026-12-31",
                "parameters": {"group_by": "month", "currency": "EUR"}})
        }
        "POST /v1/exports" => {
            json!({"kind": "orders", "format": "csv", "filters": {"from": "2026-01-01T00:00:00Z", "status": "paid"}})
        }
        "POST /v1/papers" => json!({"kind": "picking_list", "about": SOMETHING}),
        "POST /v1/report-subscriptions" => {
            json!({"kind": "sales", "format": "pdf", "cadence": "weekly", "parameters": {"group_by": "day"}, "falls_by": 20})
        }
        "POST /v1/carriers" => json!({"slug": "hansa-freight", "name": "Hansa Freight"}),
        "POST /v1/carriers/{carrier}/secret" | "POST /v1/webhook-endpoints/{endpoint}/secret" => {
            json!({"keep_old": true})
        }
        "POST /v1/webhooks/carriers/{carrier}" => json!({"source_event_id": "e-1", "shipment": "S-1", "type": "actual",
            "status": "in_transit", "occurred_at": "2026-11-01T08:00:00Z", "position": {"latitude": 52.5, "longitude": 13.4}}),
        "POST /v1/api-keys" => {
            json!({"name": "Shop system", "scopes": ["listings:write", "stock:write"], "expires_at": "2099-01-01T00:00:00Z"})
        }
        "POST /v1/webhook-endpoints" => json!({"url": "https://shop.example/hooks/tradeyard", "name": "Shop system",
            "events": ["order.paid", "order.refunded"]}),
        "PATCH /v1/webhook-endpoints/{endpoint}" => json!({"events": ["order.*"]}),
        "POST /v1/vehicles" => json!({"name": "Truck", "registration": "HH-TY 1", "max_weight_g": 24_000_000,
            "max_volume_ml": 90_000_000}),
        "PATCH /v1/vehicles/{vehicle}" => json!({"name": "Truck with a crane"}),
        "POST /v1/vehicles/{vehicle}/maintenance" => json!({"starts_at": "2099-01-04T07:00:00Z",
            "ends_at": "2099-01-05T16:00:00Z", "reason": "Brakes"}),
        "POST /v1/shipments" => {
            json!({"from_site": "01890a5d-ac96-774b-bcce-b302099a8058", "to_address": "Hafenstr. 1, Hamburg",
            "carrier": "Hansa Freight", "lines": [{"item_id": SOMETHING, "quantity": 5, "weight_g": 12_000, "volume_ml": 30_000}]})
        }
        "PATCH /v1/shipments/{shipment}" => json!({"carrier": "Hansa Freight", "lines": [{"line": 1, "quantity": 4}]}),
        "POST /v1/shipments/{shipment}/deliver" => json!({"lines": [{"line": 1, "quantity": 3}]}),
        "POST /v1/shipments/{shipment}/fail" => json!({"reason": "Nobody was there."}),
        "POST /v1/cargo-events" => json!({"source": "gps-7", "source_event_id": "e-1", "shipment": "S-1",
            "type": "actual", "status": "in_transit", "occurred_at": "2026-11-01T08:00:00Z",
            "position": {"latitude": 52.5, "longitude": 13.4}}),
        "POST /v1/admin/cargo-rejects/{reject}/replay" => json!({"message": {"org": SOMETHING, "events": [
            {"source": "gps-7", "source_event_id": "e-1", "shipment": "S-1", "type": "actual", "status": "in_transit",
            "occurred_at": "2026-11-01T08:00:00Z"}]}}),
        "POST /v1/epcis/capture" => json!({"@context": CONTEXT, "type": "EPCISDocument", "schemaVersion": "2.0",
            "creationDate": "2026-11-01T09:00:00Z", "epcisBody": {"eventList": [departure()]}}),
        "POST /v1/epcis/events" => {
            let mut event = departure();
            event["@context"] = json!(CONTEXT);
            event
        }
        "POST /v1/schedules" => json!({"name": "prune.often", "kind": "jobs.prune", "expression": "0 30 4 * * *",
            "zone": "Europe/Berlin", "payload": {"finished_after_hours": 72, "dead_after_hours": 720}}),
        "PATCH /v1/schedules/{schedule}" => json!({"expression": "0 30 4 * * *"}),
        "POST /v1/jobs/cancel" => json!({"matching": {"kind": "reports.generate", "states": ["scheduled"]}}),
        "POST /v1/jobs/retry" => json!({"matching": {"kind": "emails.send", "states": ["dead"]}, "per_second": 10}),
        "PATCH /v1/jobs/{job}" => json!({"priority": "high"}),
        "POST /v1/jobs/{job}/retry" => json!({"delay_seconds": 60}),
        "PATCH /v1/queues/{queue}" => json!({"concurrency_limit": 20}),
        "PUT /v1/orgs/{org}/subscription" => json!({"plan": "pro", "currency": "EUR"}),
        "PUT /v1/admin/orgs/{org}/plan" => json!({"plan": "partner"}),
        "PUT /v1/admin/users/{user}/platform-role" => json!({"platform_role": "moderator"}),
        "POST /v1/admin/users/{user}/remove-second-factor" => json!({"reason": "She came with her passport."}),
        name if ["suspend", "reinstate", "reject", "refuse", "cancel"]
            .iter()
            .any(|act| name.ends_with(&format!("/{act}"))) =>
        {
            json!({"reason": "It was sold elsewhere."})
        }
        _ => return None,
    })
}
