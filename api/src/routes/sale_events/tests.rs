use market::auctions::store::{PlaceBid, place_bid};
use market::testing::{Trader, eur, listing, register, sale_event, secret, trader};
use serde_json::{Value, json};
use shared::ids::UserId;

use crate::testing::socket::Client;
use crate::testing::{TestApi, with_token};

fn sale(title: &str) -> Value {
    json!({"title": title, "currency": "EUR", "starts_at": "2099-01-01T08:00:00Z", "first_ends_at": "2099-01-02T18:00:00Z"})
}

fn money(amount: &str) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

/// A draft is its seller's; published, it is everybody's, and nothing of it changes.
#[tokio::test]
async fn a_draft_becomes_a_catalogue_for_everybody() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let org = api.org(&ann, "Ann Ltd", &api.admin().await).await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    let seller = Trader { org, user: ann.id };
    let lots = [
        listing(&mut conn, seller, market::listings::model::SaleMode::Auction, 1).await,
        listing(&mut conn, seller, market::listings::model::SaleMode::Auction, 1).await,
    ];
    drop(conn);
    let draft = api.post(Some(&ann), "/v1/sale-events", sale("Autumn sale")).await.ok();
    let event = format!("/v1/sale-events/{}", draft["id"].as_str().unwrap());
    assert_eq!(draft["status"], "draft");
    api.get(None, &event).await.refused(404, "not_found");
    api.post(Some(&ann), &format!("{event}/publish"), json!({})).await.refused(409, "no_lots");
    for listing in lots {
        let lot = json!({"listing_id": listing, "opening": money("10.00"), "group": 1});
        api.post(Some(&ann), &format!("{event}/lots"), lot).await.ok();
    }
    let again = json!({"listing_id": lots[0], "opening": money("10.00")});
    let again = api.post(Some(&ann), &format!("{event}/lots"), again).await.refused(422, "invalid_value");
    assert_eq!(again.body["errors"][0]["pointer"], "/listing_id");
    let published = api.post(Some(&ann), &format!("{event}/publish"), json!({})).await.ok();
    assert_eq!((&published["status"], &published["lots_open"]), (&json!("published"), &json!(2)));
    assert_eq!(api.get(None, &event).await.ok(), published);
    let page = api.get(None, &format!("{event}/lots?limit=1")).await.ok();
    assert_eq!((&page["items"][0]["lot_no"], &page["next"]), (&json!(1), &json!("1")));
    assert_eq!(page["items"][0]["ends_at"], "2099-01-02T18:00:00Z");
    let page = api.get(None, &format!("{event}/lots?after=1")).await.ok();
    assert_eq!((&page["items"][0]["lot_no"], page["items"].as_array().unwrap().len()), (&json!(2), 1));
    assert_eq!(page["items"][0]["ends_at"], "2099-01-02T18:00:30Z");
    let listed = api.get(None, "/v1/sale-events").await.ok();
    assert_eq!(listed["items"], json!([published]));
    api.get(None, "/v1/sale-events?mine=true").await.refused(401, "unauthenticated");
    api.post(Some(&ann), &format!("{event}/publish"), json!({})).await.refused(409, "not_draft");
    api.post(Some(&ann), &format!("{event}/cancel"), json!({})).await.ok();
    assert_eq!(api.get(None, &event).await.ok()["status"], "cancelled");
    api.close().await;
}

/// A lot that cannot be auctioned is named, and then none of them is.
#[tokio::test]
async fn a_catalogue_is_published_whole_or_not_at_all() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let org = api.org(&ann, "Ann Ltd", &api.admin().await).await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    let seller = Trader { org, user: ann.id };
    let published = listing(&mut conn, seller, market::listings::model::SaleMode::Auction, 1).await;
    let draft = market::testing::draft(&mut conn, seller, market::listings::model::SaleMode::Auction, 1).await;
    drop(conn);
    let event = api.post(Some(&ann), "/v1/sale-events", sale("Autumn sale")).await.ok();
    let event = format!("/v1/sale-events/{}", event["id"].as_str().unwrap());
    for listing in [published, draft] {
        let lot = json!({"listing_id": listing, "opening": money("10.00"), "group": 1});
        api.post(Some(&ann), &format!("{event}/lots"), lot).await.ok();
    }
    let refused = api.post(Some(&ann), &format!("{event}/publish"), json!({})).await.refused(409, "lot_not_for_sale");
    assert!(refused.body["detail"].as_str().unwrap().starts_with("lot 2: "), "{refused:?}");
    assert_eq!(api.get(Some(&ann), &event).await.ok()["status"], "draft");
    let auctions: i64 = sqlx::query_scalar("SELECT count(*) FROM auctions").fetch_one(&api.db.pool).await.unwrap();
    assert_eq!(auctions, 0);
    api.post(Some(&ann), &format!("/v1/listings/{draft}/publish"), json!({})).await.ok();
    let shown = api.post(Some(&ann), &format!("{event}/publish"), json!({})).await.ok();
    assert_eq!((&shown["status"], &shown["lots_open"]), (&json!("published"), &json!(2)));
    api.close().await;
}

/// What is wrong with a sale event, a lot or a limit is said, and where.
#[tokio::test]
async fn what_a_sale_event_cannot_be_is_refused_with_the_place() {
    let api = TestApi::new().await;
    let admin = api.admin().await;
    let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
    let org = api.org(&ann, "Ann Ltd", &admin).await;
    api.org(&bob, "Bob Ltd", &admin).await;
    let dollars = json!({"amount": "10.00", "currency": "USD"});
    let refused = async |path: &str, body: Value, pointer: &str| {
        let answer = api.post(Some(&ann), path, body.clone()).await.refused(422, "invalid_value");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{body}");
    };
    for (field, value, pointer) in [
        ("title", json!("x".repeat(201)), "/title"),
        ("description", json!("x".repeat(5_001)), "/description"),
        ("first_ends_at", json!("2099-01-01T08:00:00Z"), "/first_ends_at"),
        ("step_ms", json!(-1), "/step_ms"),
        ("step_ms", json!(86_400_001), "/step_ms"),
        ("soft_close_seconds", json!(-1), "/soft_close_seconds"),
        ("hard_close_seconds", json!(86_401), "/hard_close_seconds"),
        ("default_limit", money("0.00"), "/default_limit"),
        ("default_limit", money("10000000000000.01"), "/default_limit"),
        ("default_limit", dollars.clone(), "/default_limit/currency"),
    ] {
        let mut body = sale("Autumn sale");
        body[field] = value;
        refused("/v1/sale-events", body, pointer).await;
    }
    let mut conn = api.db.pool.acquire().await.unwrap();
    let seller = Trader { org, user: ann.id };
    let listing = listing(&mut conn, seller, market::listings::model::SaleMode::Auction, 1).await;
    let (open, _) = sale_event(&mut conn, seller, &[None], None).await;
    drop(conn);
    let event = api.post(Some(&ann), "/v1/sale-events", sale("Autumn sale")).await.ok();
    let lots = format!("/v1/sale-events/{}/lots", event["id"].as_str().unwrap());
    for (field, value, pointer) in [
        ("lot_no", json!(0), "/lot_no"),
        ("lot_no", json!(501), "/lot_no"),
        ("group", json!(501), "/group"),
        ("opening", money("0.00"), "/opening"),
        ("opening", dollars.clone(), "/opening/currency"),
        ("reserve", money("10.00"), "/reserve"),
        ("buy_now", money("10.00"), "/buy_now"),
        ("listing_id", json!(org), "/listing_id"),
    ] {
        let mut body = json!({"listing_id": listing, "opening": money("10.00")});
        body[field] = value;
        refused(&lots, body, pointer).await;
    }
    let registrations = format!("/v1/sale-events/{open}/registrations");
    let asked = api.post(Some(&bob), &registrations, json!({})).await.ok();
    let approve = format!("{registrations}/{}/approve", asked["id"].as_str().unwrap());
    refused(&approve, json!({"limit": money("0.00")}), "/limit").await;
    refused(&approve, json!({"limit": money("10000000000000.01")}), "/limit").await;
    refused(&approve, json!({"limit": dollars}), "/limit/currency").await;
    api.close().await;
}

/// What is left of a limit is said with the refusal; what is reserved only the bidder reads.
#[tokio::test]
async fn a_bid_beyond_the_limit_is_refused_with_what_is_left() {
    let api = TestApi::new().await;
    let admin = api.admin().await;
    let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
    let org = api.org(&ann, "Ann Ltd", &admin).await;
    api.org(&bob, "Bob Ltd", &admin).await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    let (event, lots) = sale_event(&mut conn, Trader { org, user: ann.id }, &[None], Some(eur(10_000))).await;
    drop(conn);
    let event = format!("/v1/sale-events/{event}");
    let bids = format!("/v1/auctions/{}/bids", lots[0]);
    let bid = async |amount: &str, key: &str| {
        let request = api.request(reqwest::Method::POST, &bids).header("idempotency-key", key);
        let request = request.json(&json!({"maximum": money(amount)}));
        api.send(with_token(request, Some(&bob))).await
    };
    bid("20.00", "one").await.refused(403, "not_registered");
    api.post(Some(&bob), &format!("{event}/registrations"), json!({})).await.ok();
    api.post(Some(&ann), &format!("{event}/registrations"), json!({})).await.refused(403, "own_sale_event");
    let refused = bid("100.01", "two").await.refused(409, "limit_exceeded");
    assert_eq!(refused.body["left"], money("100.00"));
    bid("90.00", "three").await.ok();
    let own = api.get(Some(&bob), &format!("{event}/registration")).await.ok();
    assert_eq!((&own["reserved"], &own["left"]), (&money("90.00"), &money("10.00")));
    let seen = api.get(Some(&ann), &format!("{event}/registrations")).await.ok();
    assert!(!seen.to_string().contains("90.00"), "{seen}");
    api.close().await;
}

/// A seller who approves again, because an answer was lost, writes to nobody again.
#[tokio::test]
async fn a_bidder_is_written_to_once_for_each_limit() {
    let api = TestApi::new().await;
    let admin = api.admin().await;
    let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
    let org = api.org(&ann, "Ann Ltd", &admin).await;
    api.org(&bob, "Bob Ltd", &admin).await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    let (event, _) = sale_event(&mut conn, Trader { org, user: ann.id }, &[None], None).await;
    drop(conn);
    let registrations = format!("/v1/sale-events/{event}/registrations");
    let asked = api.post(Some(&bob), &registrations, json!({})).await.ok();
    let one = format!("{registrations}/{}", asked["id"].as_str().unwrap());
    for (limit, mails) in [("100.00", 1), ("100.00", 1), ("200.00", 2)] {
        let approved = api.post(Some(&ann), &format!("{one}/approve"), json!({"limit": money(limit)})).await.ok();
        assert_eq!((&approved["status"], &approved["limit"]), (&json!("approved"), &money(limit)));
        let sql = "SELECT count(*) FROM emails WHERE template = 'bidder_approved' AND user_id = $1";
        let written: i64 = sqlx::query_scalar(sql).bind(bob.id.0).fetch_one(&api.db.pool).await.unwrap();
        assert_eq!(written, mails, "{limit}");
    }
    api.post(Some(&ann), &format!("{one}/refuse"), json!({})).await.refused(409, "limit_lowered");
    api.close().await;
}

/// Whoever cannot see a sale event cannot register for it either, and does not hear what became of it.
#[tokio::test]
async fn nobody_registers_for_what_is_hidden() {
    let api = TestApi::new().await;
    let admin = api.admin().await;
    let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
    let org = api.org(&ann, "Ann Ltd", &admin).await;
    api.org(&bob, "Bob Ltd", &admin).await;
    let register = async |event: &str| {
        let answer = api.get(Some(&bob), event).await;
        answer.refused(404, "not_found");
        api.post(Some(&bob), &format!("{event}/registrations"), json!({})).await.refused(404, "not_found");
    };
    let draft = api.post(Some(&ann), "/v1/sale-events", sale("Never")).await.ok();
    let draft = format!("/v1/sale-events/{}", draft["id"].as_str().unwrap());
    register(&draft).await;
    api.post(Some(&ann), &format!("{draft}/cancel"), json!({})).await.ok();
    register(&draft).await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    let (event, _) = sale_event(&mut conn, Trader { org, user: ann.id }, &[None], Some(eur(10_000))).await;
    drop(conn);
    api.post(Some(&admin), &format!("/v1/orgs/{org}/suspend"), json!({"reason": "fraud"})).await.ok();
    register(&format!("/v1/sale-events/{event}")).await;
    api.close().await;
}

/// Whoever watches a sale event sees the lot that ends next, and how its price moves.
#[tokio::test]
async fn a_sale_event_is_watched() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let org = api.org(&ann, "Ann Ltd", &api.admin().await).await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    let (event, lots) = sale_event(&mut conn, Trader { org, user: ann.id }, &[None, None], None).await;
    let mut socket = Client::open(&api, &ann).await;
    let snapshot = socket.subscribe(&format!("event:{event}")).await;
    assert_eq!((&snapshot["data"]["lots_open"], &snapshot["data"]["current"]["lot_no"]), (&json!(2), &json!(1)));
    let mut tx = sqlx::Connection::begin(&mut *conn).await.unwrap();
    market::auctions::store::cancel(&mut tx, shared::audit::Actor::System, lots[0], None).await.unwrap();
    tx.commit().await.unwrap();
    drop(conn);
    // The snapshot is not told again.
    let news = socket.hear().await;
    assert_eq!((&news["data"]["lots_open"], &news["data"]["current"]["lot_no"]), (&json!(1), &json!(2)), "{news}");
    assert!(news["seq"].as_i64() > snapshot["seq"].as_i64(), "{news}");
    drop(socket);
    api.close().await;
}

/// While its seller is suspended nobody watches a sale event, as nobody reads it.
#[tokio::test]
async fn a_sale_event_ends_for_its_watchers_with_its_sellers_suspension() {
    let api = TestApi::new().await;
    let (admin, ann, bob) = (api.admin().await, api.person("Ann").await, api.person("Bob").await);
    let org = api.org(&ann, "Ann Ltd", &admin).await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    let (event, _) = sale_event(&mut conn, Trader { org, user: ann.id }, &[None, None], None).await;
    drop(conn);
    let topic = format!("event:{event}");
    let mut socket = Client::open(&api, &bob).await;
    assert_eq!(socket.subscribe(&topic).await["type"], "snapshot");
    api.post(Some(&admin), &format!("/v1/orgs/{org}/suspend"), json!({"reason": "fraud"})).await.ok();
    let ended = socket.hear().await;
    assert_eq!((&ended["code"], &ended["topic"]), (&json!("not_found"), &json!(topic)), "{ended}");
    assert_eq!(socket.subscribe(&topic).await["code"], "not_found");
    api.post(Some(&admin), &format!("/v1/orgs/{org}/reinstate"), json!({})).await.ok();
    assert_eq!(socket.subscribe(&topic).await["type"], "snapshot");
    api.close().await;
}

async fn written(api: &TestApi, template: &str) -> Vec<(UserId, Value)> {
    sqlx::query_as("SELECT user_id, data FROM emails WHERE template = $1 ORDER BY user_id")
        .bind(template)
        .fetch_all(&api.db.pool)
        .await
        .unwrap()
}

/// Whoever has asked to bid hears that nothing is sold there, whether the seller had answered or not.
#[tokio::test]
async fn bidders_hear_that_their_sale_event_is_cancelled() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let org = api.org(&ann, "Ann Ltd", &api.admin().await).await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    let (event, _) = sale_event(&mut conn, Trader { org, user: ann.id }, &[None, None], None).await;
    let mut asked = Vec::new();
    let (approved, requested, refused) = (trader(&mut conn).await, trader(&mut conn).await, trader(&mut conn).await);
    for bidder in [approved, requested, refused] {
        asked.push(register(&mut conn, event, bidder).await.registration.id);
    }
    drop(conn);
    let event = format!("/v1/sale-events/{event}");
    let approve = format!("{event}/registrations/{}/approve", asked[0]);
    api.post(Some(&ann), &approve, json!({"limit": money("100.00")})).await.ok();
    api.post(Some(&ann), &format!("{event}/registrations/{}/refuse", asked[2]), json!({})).await.ok();
    api.post(Some(&ann), &format!("{event}/cancel"), json!({})).await.ok();
    api.post(Some(&ann), &format!("{event}/cancel"), json!({})).await.refused(409, "sale_event_cancelled");
    let mut expected = vec![approved.user, requested.user];
    expected.sort_unstable_by_key(|user| user.0);
    let mails = written(&api, "sale_event_cancelled").await;
    assert_eq!(mails.iter().map(|(user, _)| *user).collect::<Vec<_>>(), expected);
    assert!(mails.iter().all(|(_, data)| data["title"] == "Autumn sale"), "{mails:?}");
    api.close().await;
}

/// A better bid is taken back, and who would lead has spent the limit on another lot: they hear that they can bid again, once.
#[tokio::test]
async fn who_does_not_lead_again_hears_that_the_bids_lapsed() {
    let api = TestApi::new().await;
    let admin = api.admin().await;
    let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
    let org = api.org(&ann, "Ann Ltd", &admin).await;
    let better = Trader { org: api.org(&bob, "Bob Ltd", &admin).await, user: bob.id };
    let mut conn = api.db.pool.acquire().await.unwrap();
    let (event, lots) = sale_event(&mut conn, Trader { org, user: ann.id }, &[None, None], Some(eur(10_000))).await;
    let (spent, other) = (trader(&mut conn).await, trader(&mut conn).await);
    for bidder in [better, spent, other] {
        register(&mut conn, event, bidder).await;
    }
    let mut last = None;
    for (lot, by, cents) in [(0, other, 2_000), (0, spent, 6_000), (0, better, 9_000), (1, spent, 7_000)] {
        let mut tx = sqlx::Connection::begin(&mut *conn).await.unwrap();
        let bid = PlaceBid { auction: lots[lot], org: by.org, user: by.user, maximum: secret(cents), quantity: None };
        let placed = place_bid(&mut tx, &bid).await.unwrap();
        tx.commit().await.unwrap();
        if by.org == better.org {
            last = Some(placed.bid);
        }
    }
    drop(conn);
    let retract = format!("/v1/auctions/{}/bids/{}/retract", lots[0], last.unwrap());
    let left = api.post(Some(&bob), &retract, json!({})).await.ok();
    assert_eq!((&left["price"], &left["bid_count"]), (&money("10.00"), &json!(1)));
    let mails = written(&api, "bids_lapsed").await;
    let [(user, data)] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!((*user, &data["auction"], &data["price"]), (spent.user, &json!(lots[0]), &money("10.00")));
    assert_eq!(data["next_minimum"], left["next_minimum"]);
    api.close().await;
}

/// When lots end follows from the sale event: what is wrong with it is a field of the event, not of a lot's auction.
#[tokio::test]
async fn what_ends_in_the_past_is_published_by_nobody_and_the_field_is_the_events() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let org = api.org(&ann, "Ann Ltd", &api.admin().await).await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    let lot = listing(&mut conn, Trader { org, user: ann.id }, market::listings::model::SaleMode::Auction, 1).await;
    drop(conn);
    let draft = api.post(Some(&ann), "/v1/sale-events", sale("Last year")).await.ok();
    let event = format!("/v1/sale-events/{}", draft["id"].as_str().unwrap());
    let lot = json!({"listing_id": lot, "opening": money("10.00")});
    api.post(Some(&ann), &format!("{event}/lots"), lot).await.ok();
    let past =
        "UPDATE sale_events SET starts_at = now() - interval '2 hours', first_ends_at = now() - interval '1 hour'";
    sqlx::query(past).execute(&api.db.pool).await.unwrap();
    let refused = api.post(Some(&ann), &format!("{event}/publish"), json!({})).await.refused(422, "invalid_value");
    let fault = &refused.body["errors"][0];
    assert_eq!(fault["pointer"], "/first_ends_at");
    assert_eq!(fault["detail"], "lot 1: must lie in the future");
    let later = json!({"starts_at": "2099-01-01T08:00:00Z", "first_ends_at": "2099-01-02T18:00:00Z"});
    api.call(Some(&ann), reqwest::Method::PATCH, &event, later).await.ok();
    api.post(Some(&ann), &format!("{event}/publish"), json!({})).await.ok();
    api.close().await;
}
