//! What belongs to an organisation, against everybody else.

use market::testing::CONSOLES;
use reqwest::Method;
use serde_json::{Value, json};

use super::super::test_market::{EARTH, TestMarket};
use super::{Owner, access, shipments};

fn message() -> Value {
    json!({"client_id": uuid::Uuid::nil(), "text": "Is it still there?"})
}

fn sale() -> Value {
    json!({"title": "Sale", "currency": "EUR", "starts_at": "2099-01-01T00:00:00Z", "first_ends_at": "2099-01-02T00:00:00Z"})
}

/// What an operation on something of an organisation answers to the owner of another one, to a viewer of the organisation, and to
/// the owner of one that waits for approval. Nobody of them changes the market.
pub(super) fn owners() -> Vec<(&'static str, Value, [u16; 3])> {
    let none = || json!({});
    let file = || json!({"upload": uuid::Uuid::nil()});
    let item = |sku: &str| json!({"category_id": CONSOLES, "sku": sku, "title": "Console"});
    let report = json!({"kind": "sales", "format": "csv", "first_day": "2026-01-01", "last_day": "2026-01-01"});
    let subscription = json!({"kind": "sales", "format": "pdf", "cadence": "weekly"});
    let nil = uuid::Uuid::nil();
    let listing = json!({"item_id": nil, "title": "A console", "sale_mode": "auction", "currency": "EUR"});
    let site = json!({"region_id": EARTH, "name": "Depot", "kind": "depot", "latitude": 53.5, "longitude": 10});
    let transfer = json!({"item_id": nil, "from": nil, "to": nil, "quantity": 1});
    let proof = json!({"mrn": "26DE586600006143E3", "left_on": "2026-01-01", "upload": uuid::Uuid::nil()});
    let amount = |amount: &str| json!({"amount": amount, "currency": "EUR"});
    let trade = json!({"buyer_org_id": nil, "item_id": nil, "site_id": nil, "price": amount("1.00"), "quantity": 1});
    let mut owners = vec![
        ("POST /v1/items", item("new"), [201, 403, 201]),
        ("GET /v1/items", none(), [200, 200, 200]),
        ("GET /v1/items/{item}", none(), [404, 200, 404]),
        ("PATCH /v1/items/{item}", json!({"title": "Mine"}), [404, 403, 404]),
        ("DELETE /v1/items/{item}", none(), [404, 403, 404]),
        ("GET /v1/items/{item}/fits", none(), [404, 200, 404]),
        ("PUT /v1/items/{item}/fits", json!({"fits": []}), [404, 403, 404]),
        ("GET /v1/items/{item}/calendar/{year}", none(), [404, 200, 404]),
        ("PUT /v1/items/{item}/calendar/{year}", json!({"taken": []}), [404, 403, 404]),
        ("POST /v1/sites", site, [201, 403, 201]),
        ("GET /v1/sites", none(), [200, 200, 200]),
        ("GET /v1/sites/{site}", none(), [404, 200, 404]),
        ("PATCH /v1/sites/{site}", json!({"name": "Mine"}), [404, 403, 404]),
        ("DELETE /v1/sites/{site}", none(), [404, 403, 404]),
        ("GET /v1/stock", none(), [200, 200, 200]),
        // There is no such item; that transfers keep to their organisation is asserted with stock.
        ("POST /v1/stock/transfer", transfer, [422, 403, 422]),
        ("GET /v1/items/{item}/stock/{site}", none(), [404, 200, 404]),
        ("PATCH /v1/items/{item}/stock/{site}", json!({"low_at": 1}), [404, 403, 404]),
        ("POST /v1/items/{item}/stock/{site}/adjust", json!({"by": 1}), [404, 403, 404]),
        ("GET /v1/items/{item}/stock/{site}/movements", none(), [404, 200, 404]),
        ("PATCH /v1/listings/{listing}", json!({"title": "Mine"}), [404, 403, 404]),
        ("GET /v1/listings/{listing}/missing", none(), [404, 200, 404]),
        ("POST /v1/listings/{listing}/relist", none(), [404, 403, 404]),
        // There is no such item; that the place is right is asserted with listings.
        ("POST /v1/listings", listing, [422, 403, 403]),
        ("GET /v1/listings/mine", none(), [200, 200, 200]),
        (
            "POST /v1/listings/{listing}/auctions",
            json!({"ends_at": "2099-01-01T00:00:00Z", "opening": amount("1.00")}),
            [404, 403, 404],
        ),
        ("POST /v1/listings/{listing}/publish", none(), [404, 403, 404]),
        ("PUT /v1/listings/{listing}/price", json!({"price": amount("1.00")}), [404, 403, 404]),
        // Nobody else sees the draft.
        ("POST /v1/listings/{listing}/inquiries", json!({"text": "How old is it?"}), [404, 403, 403]),
        ("GET /v1/dashboard", none(), [200, 200, 200]),
        ("POST /v1/listings/{listing}/withdraw", none(), [404, 403, 404]),
        ("POST /v1/auctions/{auction}/bids", json!({"maximum": amount("60.00")}), [201, 403, 403]),
        ("POST /v1/auctions/{auction}/bids/{bid}/retract", none(), [404, 403, 403]),
        // It has a bid.
        ("POST /v1/auctions/{auction}/buy-now", none(), [409, 403, 403]),
        ("POST /v1/auctions/{auction}/cancel", none(), [404, 403, 404]),
        ("GET /v1/auctions/{auction}/second-chances", none(), [200, 200, 200]),
        ("POST /v1/auctions/{auction}/second-chances", none(), [404, 403, 403]),
        ("POST /v1/second-chances/{chance}/accept", none(), [404, 403, 403]),
        ("POST /v1/second-chances/{chance}/decline", none(), [404, 403, 403]),
        ("GET /v1/auctions/{auction}/approval", none(), [404, 200, 404]),
        ("POST /v1/auctions/{auction}/approval/accept", none(), [404, 403, 403]),
        ("POST /v1/auctions/{auction}/approval/decline", none(), [404, 403, 403]),
        ("POST /v1/auctions/{auction}/approval/counter", json!({"amount": amount("60.00")}), [404, 403, 403]),
        ("POST /v1/orders/{order}/renounce", none(), [404, 403, 403]),
        ("POST /v1/orders/{order}/write-off", json!({"reason": "so"}), [404, 403, 403]),
        ("GET /v1/standing", none(), [200, 200, 200]),
        ("POST /v1/strikes/{strike}/appeal", json!({"text": "The bank was closed."}), [404, 403, 403]),
        ("GET /v1/basket", none(), [200, 200, 200]),
        ("DELETE /v1/basket", none(), [204, 204, 204]),
        // It is a draft.
        ("PUT /v1/basket/{listing}", json!({"quantity": 1}), [404, 403, 403]),
        ("DELETE /v1/basket/{listing}", none(), [204, 204, 204]),
        // It is a draft.
        ("POST /v1/listings/{listing}/offers", json!({"price": amount("1.00"), "quantity": 1}), [409, 403, 403]),
        // There is no such buyer.
        ("POST /v1/trades", trade, [422, 403, 403]),
        ("GET /v1/offers", none(), [200, 200, 200]),
        ("GET /v1/offers/{offer}", none(), [404, 200, 404]),
        (
            "POST /v1/offers/{offer}/counter",
            json!({"version": 1, "price": amount("1.00"), "quantity": 1}),
            [404, 403, 403],
        ),
        ("POST /v1/offers/{offer}/accept", json!({"version": 1}), [404, 403, 403]),
        ("POST /v1/offers/{offer}/decline", json!({"version": 1}), [404, 403, 403]),
        ("POST /v1/offers/{offer}/withdraw", json!({"version": 1}), [404, 403, 403]),
        // There is no such listing; that the parties' own is needed is asserted with conversations.
        ("POST /v1/conversations", json!({"listing_id": nil, "message": message()}), [404, 403, 403]),
        ("GET /v1/conversations", none(), [200, 200, 200]),
        ("GET /v1/conversations/{conversation}", none(), [404, 200, 404]),
        ("PUT /v1/conversations/{conversation}/read", json!({"seq": 1}), [404, 403, 403]),
        ("POST /v1/conversations/{conversation}/archive", none(), [404, 403, 403]),
        ("POST /v1/conversations/{conversation}/unarchive", none(), [404, 403, 403]),
        ("POST /v1/conversations/{conversation}/block", none(), [404, 403, 403]),
        ("POST /v1/conversations/{conversation}/unblock", none(), [404, 403, 403]),
        ("POST /v1/conversations/{conversation}/messages", message(), [404, 403, 403]),
        ("GET /v1/conversations/{conversation}/messages", none(), [404, 200, 404]),
        ("GET /v1/conversations/{conversation}/messages/{seq}/attachments/{place}", none(), [404, 200, 404]),
        ("POST /v1/conversations/{conversation}/reports", json!({"seq": 1, "reason": "spam"}), [404, 403, 403]),
        ("GET /v1/checkouts", none(), [200, 200, 200]),
        ("POST /v1/checkouts", json!({"lines": []}), [422, 403, 403]),
        ("GET /v1/checkouts/{checkout}", none(), [404, 200, 404]),
        ("POST /v1/checkouts/{checkout}/cancel", none(), [404, 403, 403]),
        // It is an auction's.
        ("POST /v1/listings/{listing}/buy", json!({"quantity": 1, "price": amount("1.00")}), [409, 403, 403]),
        ("GET /v1/orders", none(), [200, 200, 200]),
        ("GET /v1/orders/{order}", none(), [404, 200, 404]),
        ("POST /v1/checkouts/{checkout}/pay", json!({"method": "card"}), [404, 403, 403]),
        ("GET /v1/payments/{payment}", none(), [404, 200, 404]),
        // Nobody has paid it.
        ("GET /v1/orders/{order}/escrow", none(), [404, 404, 404]),
        ("POST /v1/orders/{order}/ship", none(), [404, 403, 403]),
        ("POST /v1/orders/{order}/receive", none(), [404, 403, 403]),
        ("POST /v1/orders/{order}/accept", none(), [404, 403, 403]),
        ("GET /v1/orders/{order}/refunds", none(), [404, 200, 404]),
        ("POST /v1/orders/{order}/refunds", json!({"amount": amount("1.00"), "reason": "so"}), [404, 403, 403]),
        ("GET /v1/orders/{order}/returns", none(), [404, 200, 404]),
        (
            "POST /v1/orders/{order}/returns",
            json!({"lines": [{"line": 1, "quantity": 1}], "reason": "other"}),
            [404, 403, 403],
        ),
        ("GET /v1/returns", none(), [200, 200, 200]),
        ("GET /v1/returns/{return}", none(), [404, 200, 404]),
        ("POST /v1/returns/{return}/approve", none(), [404, 403, 403]),
        ("POST /v1/returns/{return}/refuse", json!({"reason": "so"}), [404, 403, 403]),
        ("POST /v1/returns/{return}/cancel", none(), [404, 403, 403]),
        ("POST /v1/returns/{return}/send", json!({"tracking": "by hand"}), [404, 403, 403]),
        (
            "POST /v1/returns/{return}/receive",
            json!({"lines": [{"line": 1, "disposition": "on_hand"}]}),
            [404, 403, 403],
        ),
        ("PUT /v1/orders/{order}/review", json!({"stars": 5, "text": "Fine."}), [404, 403, 403]),
        ("GET /v1/orders/{order}/reviews", none(), [404, 200, 404]),
        ("GET /v1/orders/{order}/export-proof", none(), [404, 200, 404]),
        ("PUT /v1/orders/{order}/export-proof", proof, [404, 403, 403]),
        ("GET /v1/orders/{order}/lines/{line}/days", none(), [404, 200, 404]),
        ("PUT /v1/orders/{order}/lines/{line}/days", json!({"days": []}), [404, 403, 403]),
        ("POST /v1/reviews/{review}/answer", json!({"text": "Thank you."}), [404, 403, 403]),
        // Everybody who trades can read it, and say that it should not be there.
        ("POST /v1/reviews/{review}/reports", json!({"reason": "spam"}), [200, 403, 403]),
        ("POST /v1/sale-events", sale(), [201, 403, 403]),
        ("PATCH /v1/sale-events/{sale_event}", json!({"title": "Mine"}), [404, 403, 403]),
        (
            "POST /v1/sale-events/{sale_event}/lots",
            json!({"listing_id": nil, "opening": amount("1.00")}),
            [404, 403, 403],
        ),
        ("DELETE /v1/sale-events/{sale_event}/lots/{lot}", none(), [404, 403, 403]),
        ("POST /v1/sale-events/{sale_event}/publish", none(), [404, 403, 403]),
        ("POST /v1/sale-events/{sale_event}/cancel", none(), [404, 403, 403]),
        ("GET /v1/sale-events/{sale_event}/registration", none(), [404, 404, 404]),
        ("GET /v1/sale-events/{sale_event}/registrations", none(), [404, 200, 404]),
        ("POST /v1/sale-events/{sale_event}/registrations", none(), [201, 403, 403]),
        (
            "POST /v1/sale-events/{sale_event}/registrations/{registration}/approve",
            json!({"limit": amount("100.00")}),
            [404, 403, 403],
        ),
        ("POST /v1/sale-events/{sale_event}/registrations/{registration}/refuse", none(), [404, 403, 403]),
        ("POST /v1/orders/{order}/disputes", json!({"reason": "other", "text": "so"}), [404, 403, 403]),
        ("GET /v1/disputes", none(), [200, 200, 200]),
        ("GET /v1/disputes/{dispute}", none(), [404, 200, 404]),
        ("POST /v1/disputes/{dispute}/withdraw", none(), [404, 403, 403]),
        ("GET /v1/balances", none(), [200, 200, 200]),
        ("GET /v1/statement", none(), [200, 200, 200]),
        ("GET /v1/payout-accounts", none(), [200, 200, 200]),
        ("POST /v1/payout-accounts", none(), [202, 403, 403]),
        ("GET /v1/payout-accounts/{payout_account}", none(), [404, 200, 404]),
        ("GET /v1/payouts", none(), [200, 200, 200]),
        ("GET /v1/invoices", none(), [200, 200, 200]),
        ("GET /v1/invoices/{invoice}", none(), [404, 200, 404]),
        ("POST /v1/papers", json!({"kind": "picking_list", "about": nil}), [404, 403, 403]),
        ("GET /v1/papers/{paper}", none(), [404, 200, 404]),
        ("GET /v1/invoices/{invoice}/file", none(), [404, 200, 404]),
        ("GET /v1/orders/{order}/invoices", none(), [404, 200, 404]),
        ("POST /v1/uploads", json!({"content_type": "image/png", "size": 5}), [201, 403, 403]),
        ("GET /v1/uploads/{upload}", none(), [404, 200, 404]),
        ("POST /v1/uploads/{upload}/complete", none(), [404, 403, 404]),
        ("DELETE /v1/images/{image}", none(), [404, 403, 404]),
        // There is no such upload; that the organisation's own is needed is asserted with imports.
        ("POST /v1/stock/imports", file(), [422, 403, 403]),
        ("POST /v1/stock/imports/preview", file(), [422, 403, 403]),
        ("POST /v1/listings/imports", file(), [422, 403, 403]),
        ("POST /v1/listings/imports/preview", file(), [422, 403, 403]),
        ("POST /v1/past-sales/imports", json!({"upload": nil, "book": "Shop"}), [422, 403, 403]),
        ("POST /v1/past-sales/imports/preview", json!({"upload": nil, "book": "Shop"}), [422, 403, 403]),
        ("GET /v1/imports/{import}", none(), [404, 200, 404]),
        ("GET /v1/imports/{import}/rows", none(), [404, 200, 404]),
        ("POST /v1/exports", json!({"kind": "orders", "format": "csv"}), [202, 403, 202]),
        ("GET /v1/exports", none(), [200, 200, 200]),
        ("GET /v1/exports/{export}", none(), [404, 200, 404]),
        ("POST /v1/exports/{export}/cancel", none(), [404, 403, 404]),
        ("POST /v1/reports", report, [202, 403, 202]),
        ("GET /v1/reports", none(), [200, 200, 200]),
        ("GET /v1/reports/{report}", none(), [404, 200, 404]),
        ("POST /v1/reports/{report}/cancel", none(), [404, 403, 404]),
        ("POST /v1/report-subscriptions", subscription, [201, 403, 201]),
        ("GET /v1/report-subscriptions", none(), [200, 200, 200]),
        ("POST /v1/api-keys", json!({"name": "Shop", "scopes": ["orders:read"]}), [201, 403, 201]),
        ("GET /v1/api-keys", none(), [200, 200, 200]),
        ("GET /v1/api-keys/{key}", none(), [404, 200, 404]),
        ("DELETE /v1/api-keys/{key}", none(), [404, 403, 404]),
        ("POST /v1/api-keys/{key}/rotate", none(), [404, 403, 404]),
        (
            "POST /v1/webhook-endpoints",
            json!({"url": "https://hooks.example/", "name": "Shop", "events": ["order.paid"]}),
            [201, 403, 201],
        ),
        ("GET /v1/webhook-endpoints", none(), [200, 200, 200]),
        ("GET /v1/webhook-endpoints/{endpoint}", none(), [404, 200, 404]),
        ("PATCH /v1/webhook-endpoints/{endpoint}", json!({"name": "Mine"}), [404, 403, 404]),
        ("DELETE /v1/webhook-endpoints/{endpoint}", none(), [404, 403, 404]),
        ("POST /v1/webhook-endpoints/{endpoint}/secret", none(), [404, 403, 404]),
        ("POST /v1/webhook-endpoints/{endpoint}/pause", none(), [404, 403, 404]),
        ("POST /v1/webhook-endpoints/{endpoint}/resume", none(), [404, 403, 404]),
        ("POST /v1/webhook-endpoints/{endpoint}/test", none(), [404, 403, 404]),
        ("POST /v1/webhook-endpoints/{endpoint}/replay", json!({"since": "2026-01-01T00:00:00Z"}), [404, 403, 404]),
        ("GET /v1/webhook-endpoints/{endpoint}/deliveries", none(), [404, 200, 404]),
        ("GET /v1/webhook-deliveries/{delivery}", none(), [404, 200, 404]),
        ("POST /v1/webhook-deliveries/{delivery}/replay", none(), [404, 403, 404]),
    ];
    owners.extend(shipments::owners());
    owners
}

/// Method and path of an operation on something of this market, with the query that it cannot do without.
pub(super) fn request(market: &TestMarket, operation: &str) -> (Method, String) {
    let (method, path) = operation.split_once(' ').unwrap();
    let mut path = market.path(path);
    match path.as_str() {
        "/v1/orders" | "/v1/offers" | "/v1/invoices" => path.push_str("?side=buyer"),
        "/v1/dashboard" => path.push_str("?first_day=2026-01-01&last_day=2026-01-31"),
        slots if slots.ends_with("/slots") => path.push_str("?first_day=2026-01-01&last_day=2026-01-07"),
        "/v1/statement" => path.push_str("?currency=EUR&first_day=2026-01-01&last_day=2026-01-31"),
        _ => {}
    }
    (method.parse().unwrap(), path)
}

#[tokio::test]
async fn what_is_an_organisations_is_refused_to_others() {
    let mut listed: Vec<_> = owners().into_iter().map(|(operation, ..)| operation).collect();
    let mut needed: Vec<_> =
        access().into_iter().filter(|(_, who, _)| *who == Owner).map(|(operation, ..)| operation).collect();
    listed.sort_unstable();
    needed.sort_unstable();
    assert_eq!(listed, needed);

    let market = TestMarket::new().await;
    let mut wrong = Vec::new();
    for (operation, body, expected) in owners() {
        let (method, path) = request(&market, operation);
        let call = async |person| market.call(person, &method, &path, body.clone()).await;
        call(None).await.refused(401, "unauthenticated");
        call(Some(&market.suspended)).await.refused(401, "session_ended");
        for ((name, person), status) in
            [("other", &market.eve), ("viewer", &market.vic), ("pending", &market.pete)].into_iter().zip(expected)
        {
            let answer = call(Some(person)).await;
            if answer.status.as_u16() != status {
                wrong.push(format!("{operation} as {name}: not {status} but {answer:?}"));
            }
            // Nothing of the organisation shows in what others are answered.
            if name != "viewer" && method == Method::GET && answer.body.to_string().contains(&market.path("{org}")) {
                wrong.push(format!("{operation} as {name} shows too much: {answer:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    market.api.close().await;
}

/// What only owners of the organisation may do; its traders may do everything else.
const OWNERS_ALONE: [&str; 16] = [
    "POST /v1/payout-accounts",
    "POST /v1/api-keys",
    "DELETE /v1/api-keys/{key}",
    "POST /v1/api-keys/{key}/rotate",
    "POST /v1/webhook-endpoints",
    "PATCH /v1/webhook-endpoints/{endpoint}",
    "DELETE /v1/webhook-endpoints/{endpoint}",
    "POST /v1/webhook-endpoints/{endpoint}/secret",
    "POST /v1/webhook-endpoints/{endpoint}/pause",
    "POST /v1/webhook-endpoints/{endpoint}/resume",
    "POST /v1/webhook-endpoints/{endpoint}/test",
    "POST /v1/webhook-endpoints/{endpoint}/replay",
    "POST /v1/webhook-deliveries/{delivery}/replay",
    "POST /v1/carriers",
    "DELETE /v1/carriers/{carrier}",
    "POST /v1/carriers/{carrier}/secret",
];

#[tokio::test]
async fn traders_may_do_what_is_not_the_owners_alone() {
    let market = TestMarket::new().await;
    let mut refused = Vec::new();
    for (operation, body, _) in owners() {
        let (method, path) = operation.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let path = market.path(path);
        let answer = market.call(Some(&market.tom), &method, &path, body).await;
        assert!(!matches!(answer.status.as_u16(), 401 | 500..), "{operation}: {answer:?}");
        if ["role_too_low", "org_not_approved", "org_kind"].contains(&answer.body["code"].as_str().unwrap_or_default())
        {
            refused.push(operation);
        }
    }
    assert_eq!(refused, OWNERS_ALONE);
    market.api.close().await;
}
