//! What makes something: it takes a key, and says where the thing is.

use market::testing::CONSOLES;
use reqwest::Method;
use serde_json::{Value, json};

use super::semantics::{documented, takes};
use super::test_market::{EARTH, TestMarket};
use crate::testing::with_token;

/// Makers without a key, and why.
const UNKEYED: [(&str, &str); 25] = [
    ("POST /invitation/register", "a form for people; the address is the key"),
    (
        "POST /v1/auth/login",
        "the kept answer would hold the session's tokens; a session that is not used ends by itself",
    ),
    ("POST /v1/auth/login/second-factor", "the kept answer would hold the session's tokens; the token works once"),
    (
        "POST /v1/me/second-factor/enrol",
        "the kept answer would hold the secret; one that nobody got is replaced by the next",
    ),
    ("POST /v1/me/second-factor/confirm", "the kept answer would hold the codes; ones that nobody got are replaced"),
    (
        "POST /v1/me/second-factor/recovery-codes",
        "the kept answer would hold the codes; ones that nobody got are replaced",
    ),
    ("POST /v1/auth/refresh", "the refresh token is the key: used again at once, it gets the same tokens"),
    ("POST /v1/ws/ticket", "the kept answer would hold the ticket; one that is not used expires within seconds"),
    ("POST /v1/auth/register", "the address is the key: a second request with it makes nothing"),
    ("POST /v1/auth/verify-email/resend", "the hour is the key: it posts one mail an hour"),
    ("POST /v1/cargo-events", "each event's own id is its key"),
    ("POST /v1/carriers", "the kept answer would hold the secret; the slug is the key"),
    ("POST /v1/carriers/{carrier}/secret", "the kept answer would hold the secret; one that nobody got is replaced"),
    (
        "POST /v1/appointments/{appointment}/pass",
        "the kept answer would hold the pass; one that nobody got is replaced",
    ),
    ("POST /v1/conversations", "the kept answer would hold what was written; the client's own id is the key"),
    (
        "POST /v1/conversations/{conversation}/messages",
        "the kept answer would hold what was written; the client's own id is the key",
    ),
    ("POST /v1/webhooks/carriers/{carrier}", "the standard's own header is its key"),
    ("POST /v1/api-keys", "the kept answer would hold the key; one that nobody got is revoked"),
    ("POST /v1/api-keys/{key}/rotate", "the kept answer would hold the key; one that nobody got is revoked"),
    ("POST /v1/webhook-endpoints", "the kept answer would hold the secret; the address is the key"),
    (
        "POST /v1/webhook-endpoints/{endpoint}/secret",
        "the kept answer would hold the secret; one that nobody got is replaced",
    ),
    ("POST /v1/epcis/capture", "each event's own id, or its hash, is its key"),
    ("POST /v1/epcis/events", "the event's own id, or its hash, is its key"),
    ("POST /v1/auth/password-reset", "the hour is the key: it posts one mail an hour"),
    ("POST /verify-email/new-password", "the hour is the key: it posts one mail an hour"),
];

/// Acts on what is there already: done again, they find it done.
const ACTS: [&str; 94] = [
    // They keep nothing.
    "POST /v1/stock/imports/preview",
    "POST /v1/listings/imports/preview",
    "POST /v1/past-sales/imports/preview",
    "POST /v1/listings/{listing}/publish",
    "POST /v1/listings/{listing}/withdraw",
    "POST /v1/exports/{export}/cancel",
    "POST /v1/reports/{report}/cancel",
    "POST /v1/jobs/{job}/cancel",
    "POST /v1/jobs/{job}/retry",
    "POST /v1/jobs/{job}/run-now",
    "POST /v1/auth/verify-email",
    "POST /v1/auth/logout",
    "POST /v1/me/second-factor/disable",
    "POST /v1/me/erase",
    "POST /v1/auctions/{auction}/cancel",
    "POST /v1/checkouts/{checkout}/cancel",
    "POST /v1/orders/{order}/renounce",
    "POST /v1/orders/{order}/write-off",
    "POST /v1/orders/{order}/ship",
    "POST /v1/orders/{order}/receive",
    "POST /v1/orders/{order}/accept",
    "POST /v1/disputes/{dispute}/withdraw",
    "POST /v1/admin/disputes/{dispute}/resolve",
    "POST /v1/returns/{return}/approve",
    "POST /v1/returns/{return}/refuse",
    "POST /v1/returns/{return}/cancel",
    "POST /v1/returns/{return}/send",
    "POST /v1/orders/{order}/storage/settle",
    "POST /v1/appointments/{appointment}/accept",
    "POST /v1/appointments/{appointment}/move",
    "POST /v1/appointments/{appointment}/cancel",
    "POST /v1/shipments/{shipment}/cancel",
    "POST /v1/shipments/{shipment}/pick-up",
    "POST /v1/shipments/{shipment}/fail",
    "POST /v1/shipments/{shipment}/return",
    "POST /v1/admin/reconciliation-differences/{difference}/close",
    "POST /v1/webhooks/{provider}",
    "POST /v1/webhooks/postmark",
    "POST /v1/admin/cargo-rejects/{reject}/replay",
    "POST /v1/webhook-endpoints/{endpoint}/pause",
    "POST /v1/webhook-endpoints/{endpoint}/resume",
    "POST /v1/webhook-endpoints/{endpoint}/replay",
    "POST /v1/webhook-deliveries/{delivery}/replay",
    "POST /v1/second-chances/{chance}/decline",
    "POST /v1/auctions/{auction}/approval/decline",
    "POST /v1/auctions/{auction}/approval/counter",
    "POST /v1/strikes/{strike}/appeal",
    "POST /v1/conversations/{conversation}/archive",
    "POST /v1/conversations/{conversation}/unarchive",
    "POST /v1/conversations/{conversation}/block",
    "POST /v1/conversations/{conversation}/unblock",
    "POST /v1/conversations/{conversation}/reports",
    "POST /v1/admin/chat-reports/{chat_report}/decide",
    "POST /v1/sale-events/{sale_event}/publish",
    "POST /v1/sale-events/{sale_event}/cancel",
    "POST /v1/sale-events/{sale_event}/registrations/{registration}/approve",
    "POST /v1/sale-events/{sale_event}/registrations/{registration}/refuse",
    "POST /v1/reviews/{review}/answer",
    "POST /v1/me/notices/{notice}/read",
    "POST /v1/me/notices/read",
    "POST /v1/reviews/{review}/reports",
    "POST /v1/admin/review-reports/{review_report}/decide",
    "POST /v1/admin/strikes/{strike}/decide",
    "POST /v1/queues/{queue}/pause",
    "POST /v1/queues/{queue}/resume",
    "POST /v1/me/invitations/{invitation}/accept",
    "POST /v1/me/invitations/{invitation}/decline",
    "POST /v1/invitations/accept",
    "POST /v1/invitations/decline",
    "POST /verify-email",
    "POST /reset-password",
    "POST /v1/orgs/{org}/apply-again",
    "POST /v1/orgs/{org}/documents/{document}/verify",
    "POST /v1/orgs/{org}/documents/{document}/reject",
    "POST /v1/orgs/{org}/subscription/cancel",
    "POST /v1/orgs/{org}/approve",
    "POST /v1/orgs/{org}/reject",
    "POST /v1/orgs/{org}/suspend",
    "POST /v1/orgs/{org}/reinstate",
    "POST /v1/schedules/{schedule}/pause",
    "POST /v1/schedules/{schedule}/resume",
    "POST /v1/schedules/{schedule}/reset",
    "POST /v1/admin/users/{user}/suspend",
    "POST /v1/admin/users/{user}/reinstate",
    "POST /v1/admin/users/{user}/remove-second-factor",
    "POST /v1/auth/password-reset/confirm",
    "POST /v1/listings/{listing}/suspend",
    "POST /v1/listings/{listing}/reinstate",
    "POST /v1/listings/{listing}/approve",
    "POST /v1/listings/{listing}/refuse",
    "POST /v1/auctions/{auction}/bids/{bid}/retract",
    "POST /unsubscribe",
    "POST /invitation",
    "POST /invitation/accept",
];

/// Work that is asked for without a job to look at, and why.
const WITHOUT_A_JOB: [(&str, &str); 7] = [
    ("POST /v1/auth/password-reset", "a job would tell whether the address has an account"),
    ("POST /v1/auth/register", "a job would tell whether the address has an account"),
    ("POST /v1/auth/verify-email/resend", "there may be nothing to do"),
    ("POST /v1/me/export", "the job is no organisation's; the export says how far it is"),
    ("POST /v1/cargo-events", "the flood has no row in the ledger"),
    ("POST /v1/webhooks/carriers/{carrier}", "the flood has no row in the ledger"),
    ("POST /v1/epcis/capture", "it is done when it is answered; the standard asks for 202"),
];

#[test]
fn what_makes_something_takes_a_key_and_says_where_it_is() {
    let listed = |list: &[(&str, &str)], name: &str| list.iter().any(|(listed, _)| *listed == name);
    for (name, _, method, operation) in documented() {
        if method != Method::POST {
            continue;
        }
        let (made, accepted) = (&operation["responses"]["201"], &operation["responses"]["202"]);
        if ACTS.contains(&name.as_str()) {
            assert!(
                !made.is_object() && !accepted.is_object() && !listed(&UNKEYED, &name),
                "{name} is not only an act"
            );
            continue;
        }
        assert_ne!(takes(&operation, "Idempotency-Key"), listed(&UNKEYED, &name), "{name}");
        if made.is_object() {
            assert!(made["headers"]["Location"].is_object(), "{name}");
        }
        if accepted.is_object() {
            assert_ne!(accepted["headers"]["Link"].is_object(), listed(&WITHOUT_A_JOB, &name), "{name}");
        }
    }
}

#[tokio::test]
async fn the_same_key_makes_one_thing_at_one_place() {
    let market = TestMarket::new().await;
    let (ann, admin, eve) = (&market.ann, &market.admin, &market.eve);
    let lot = market.path("{listing}");
    market.api.post(Some(ann), &format!("/v1/listings/{lot}/publish"), json!({})).await.ok();
    let report = json!({"kind": "sales", "format": "csv", "first_day": "2026-01-01", "last_day": "2026-01-01"});
    let amount = json!({"amount": "60.00", "currency": "EUR"});
    let price = json!({"amount": "100.00", "currency": "EUR"});
    let ends_at = market.api.state.clock.now() + chrono::TimeDelta::days(30);
    let day = chrono::TimeDelta::days(1);
    let requests = [
        ("/v1/items", ann, json!({"category_id": CONSOLES, "sku": "new", "title": "Console"})),
        ("/v1/sites", ann, json!({"region_id": EARTH, "name": "New", "kind": "store", "latitude": 0, "longitude": 0})),
        ("/v1/vehicles", ann, json!({"name": "Van", "registration": "HH-TY 2", "max_weight_g": 1, "max_volume_ml": 1})),
        (
            "/v1/vehicles/{vehicle}/maintenance",
            ann,
            json!({"starts_at": "2099-01-01T00:00:00Z", "ends_at": "2099-01-02T00:00:00Z"}),
        ),
        (
            "/v1/shipments",
            ann,
            json!({"from_site": market.path("{site}"), "to_address": "The Moon",
                "lines": [{"item_id": market.path("{item}"), "quantity": 1}]}),
        ),
        (
            "/v1/listings",
            ann,
            json!({"item_id": market.path("{item}"), "title": "A", "sale_mode": "auction", "currency": "EUR"}),
        ),
        ("/v1/listings/{listing}/auctions", ann, json!({"ends_at": ends_at, "opening": amount})),
        ("/v1/auctions/{auction}/bids", eve, json!({"maximum": amount})),
        (
            "/v1/sale-events",
            ann,
            json!({"title": "Sale", "currency": "EUR", "starts_at": ends_at, "first_ends_at": ends_at + day}),
        ),
        ("/v1/sale-events/{draft_event}/lots", ann, json!({"listing_id": lot, "opening": amount})),
        ("/v1/sale-events/{sale_event}/registrations", eve, json!({})),
        ("/v1/checkouts", ann, json!({"lines": [{"listing": market.path("{goods}"), "quantity": 1, "price": price}]})),
        ("/v1/checkouts/{checkout}/pay", ann, json!({"method": "card"})),
        ("/v1/orders/{bought}/returns", ann, json!({"lines": [{"line": 1, "quantity": 1}], "reason": "other"})),
        ("/v1/orders/{bought}/disputes", ann, json!({"reason": "other", "text": "so"})),
        ("/v1/admin/commission-rates", admin, json!({"plan": "free", "fee_bps": 1})),
        ("/v1/admin/premium-tariffs", admin, json!({"currency": "EUR", "tiers": [{"bps": 1}]})),
        ("/v1/listings/{goods}/buy", ann, json!({"quantity": 1, "price": price})),
        ("/v1/auctions/{unsold}/second-chances", ann, json!({"below_reserve": true})),
        ("/v1/second-chances/{chance}/accept", ann, json!({})),
        ("/v1/auctions/{on_approval}/approval/accept", ann, json!({})),
        ("/v1/uploads", ann, json!({"content_type": "image/png", "size": 5})),
        ("/v1/orgs/{org}/document-uploads", ann, json!({"content_type": "application/pdf", "size": 5})),
        ("/v1/reports", ann, report),
        ("/v1/exports", ann, json!({"kind": "bids", "format": "jsonl"})),
        ("/v1/webhook-endpoints/{endpoint}/test", ann, json!({})),
        ("/v1/papers", ann, json!({"kind": "shipping_label", "about": market.path("{parcel}")})),
        ("/v1/report-subscriptions", ann, json!({"kind": "sales", "format": "pdf", "cadence": "daily"})),
        ("/v1/categories", admin, json!({"slug": "new", "name": "New"})),
        ("/v1/regions", admin, json!({"kind": "body", "slug": "titan", "name": "Titan", "radius_m": 2_574_730})),
        ("/v1/models", admin, json!({"category_id": CONSOLES, "make": "Claas", "name": "Arion 420"})),
        (
            "/v1/schedules",
            admin,
            json!({"name": "key.test", "kind": "jobs.prune", "expression": "0 3 * * *",
            "payload": {"finished_after_hours": 1, "dead_after_hours": 1}}),
        ),
        ("/v1/schedules/key.test/run-now", admin, json!(null)),
        ("/v1/orgs/{org}/invitations", ann, json!({"email": "new@example.com", "role": "viewer"})),
        ("/v1/uploads/{upload}/complete", ann, json!({})),
        ("/v1/jobs/cancel", admin, json!({"matching": {"kind": "none"}})),
        ("/v1/jobs/retry", admin, json!({"matching": {"kind": "none"}})),
        ("/v1/orgs", eve, json!({"legal_name": "Eve Shop", "kinds": ["buyer"], "time_zone": "UTC"})),
    ];
    for (path, who, body) in requests {
        let path = market.path(path);
        let send = async |key: &str, body: &Value| {
            let request = market.api.request(Method::POST, &path).header("idempotency-key", key).json(body);
            market.api.send(with_token(request, Some(who))).await
        };
        let first = send(&path, &body).await;
        assert!(first.status.is_success() && !first.headers.contains_key("idempotent-replayed"), "{path}: {first:?}");
        let again = send(&path, &body).await;
        assert_eq!(again.headers["idempotent-replayed"], "true", "{path}");
        assert_eq!((again.status, &again.body), (first.status, &first.body), "{path}");
        for header in ["location", "link"] {
            assert_eq!(again.headers.get(header), first.headers.get(header), "{path}");
        }
        send(&path, &json!({"other": 1})).await.refused_with(&["idempotency_key_reused", "invalid_body"]);
        send("", &body).await.refused_with(&["idempotency_key_invalid", "idempotency_key_required"]);
        // What was made is there, and so is its job.
        let location = first.headers["location"].to_str().unwrap();
        let found = market.api.get(Some(who), location).await;
        // Founding another organisation makes one name which acts, from the next request on.
        assert!(found.status == 200, "{path}: {location}: {found:?}");
        if first.status == 202 {
            let link = first.headers["link"].to_str().unwrap();
            let (job, rest) = link.trim_start_matches('<').split_once('>').unwrap();
            assert_eq!(rest, "; rel=\"monitor\"");
            market.api.get(Some(who), job).await.ok();
        }
    }
    market.api.close().await;
}
