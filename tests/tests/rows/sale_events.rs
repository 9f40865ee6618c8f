#![expect(clippy::unwrap_used, reason = "a test that cannot go on")]

use chrono::{DateTime, TimeDelta, Utc};
use market::testing;
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use tests::until::until_sql;

const LOTS: usize = 4;
/// How long the first lot is offered.
const LENGTH: TimeDelta = TimeDelta::hours(2);

/// A published listing that is sold by auction.
async fn listing(seller: &Person) -> String {
    let item = json!({"category_id": testing::CONSOLES, "sku": uuid::Uuid::now_v7(), "title": "Console"});
    let item = id(&seller.post("/v1/items", item).await.ok());
    let listing = json!({"item_id": item, "title": "A console", "sale_mode": "auction", "currency": "EUR"});
    let listing = id(&seller.post("/v1/listings", listing).await.ok());
    let _ = seller.post(&format!("/v1/listings/{listing}/publish"), json!({})).await.ok();
    listing
}

/// A published sale event whose lots end a second after each other; its path, and its lots as everybody sees them.
async fn published(market: &TestInstallation, seller: &Person) -> (String, Vec<Value>) {
    let mut listings = Vec::new();
    for _ in 0..LOTS {
        listings.push(listing(seller).await);
    }
    let now = testing::database_time(&mut market.db.pool.acquire().await.unwrap()).await;
    let sale = json!({"title": "Autumn sale", "currency": "EUR", "starts_at": now,
        "first_ends_at": now + LENGTH, "step_ms": 1000, "soft_close_seconds": 0});
    let draft = seller.post("/v1/sale-events", sale).await.ok();
    let event = format!("/v1/sale-events/{}", id(&draft));
    market.get(&event).await.refused(404, "not_found");
    seller.post(&format!("{event}/publish"), json!({})).await.refused(409, "no_lots");
    for listing in &listings {
        let lot = json!({"listing_id": listing, "opening": eur("10.00")});
        let _ = seller.post(&format!("{event}/lots"), lot).await.ok();
    }
    let shown = seller.post(&format!("{event}/publish"), json!({})).await.ok();
    assert_eq!((&shown["status"], &shown["lots"]), (&json!("running"), &json!(LOTS)));
    let lots = market.get(&format!("{event}/lots")).await.ok()["items"].as_array().unwrap().clone();
    let ends: Vec<DateTime<Utc>> = lots.iter().map(|lot| lot["ends_at"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(ends.len(), LOTS);
    assert!(ends.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::seconds(1)), "{ends:?}");
    (event, lots)
}

/// Registers for the event and is approved, which a mail says.
async fn approved(market: &TestInstallation, event: &str, seller: &Person, bidder: &Person, limit: &str) {
    let asked = bidder.post(&format!("{event}/registrations"), json!({})).await.ok();
    assert_eq!(asked["status"], "requested");
    let approve = format!("{event}/registrations/{}/approve", id(&asked));
    bidder.post(&approve, json!({"limit": eur("1000000.00")})).await.refused(404, "not_found");
    let shown = seller.post(&approve, json!({"limit": eur(limit)})).await.ok();
    assert!(shown.get("reserved").is_none(), "{shown}");
    market.mail_to(&bidder.email, "You can bid: Autumn sale").await;
}

/// A catalogue of lots, published by its seller, who approves bidders with limits. A limit counts across all lots: what is above it is
/// refused with what is left, being outbid frees it, and what is won stays reserved. The lots end one after the other.
#[tokio::test(flavor = "multi_thread")]
async fn row_sale_event_with_limits_across_lots() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let cid = market.trader(&admin, "Cid").await;
    let (event, lots) = published(&market, &ann).await;
    let bids: Vec<_> =
        lots.iter().map(|lot| format!("/v1/auctions/{}/bids", lot["auction_id"].as_str().unwrap())).collect();
    let max = |amount: &str| json!({"maximum": eur(amount)});

    bob.post(&bids[0], max("20.00")).await.refused(403, "not_registered");
    approved(&market, &event, &ann, &bob, "100.00").await;
    approved(&market, &event, &ann, &cid, "500.00").await;
    let own = format!("{event}/registration");
    let _ = bob.post(&bids[0], max("60.00")).await.ok();
    let beyond = bob.post(&bids[1], max("40.01")).await;
    beyond.refused(409, "limit_exceeded");
    let _ = bob.post(&bids[1], max("40.00")).await.ok();
    let shown = bob.get(&own).await.ok();
    assert_eq!((&shown["reserved"], &shown["left"]), (&eur("100.00"), &eur("0.00")));
    bob.post(&bids[2], max("10.00")).await.refused(409, "limit_exceeded");
    let _ = cid.post(&bids[0], max("80.00")).await.ok();
    let shown = bob.get(&own).await.ok();
    assert_eq!((&shown["reserved"], &shown["left"]), (&eur("40.00"), &eur("60.00")));
    let _ = bob.post(&bids[2], max("60.00")).await.ok();
    assert_eq!(cid.get(&own).await.ok()["reserved"], eur("80.00"));

    // Their ends have come: cid has the first, bob the next two at the opening price, nobody the last.
    for lot in &lots {
        market.pass(lot["auction_id"].as_str().unwrap(), LENGTH).await;
    }
    let over = ann.until(&event, "status", "ended").await;
    assert_eq!(over["lots_open"], 0);
    let statuses: Vec<_> = market.get(&format!("{event}/lots")).await.ok()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lot| lot["status"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(statuses, ["awarded", "awarded", "awarded", "unsold"]);
    assert_eq!(bob.get(&own).await.ok()["reserved"], eur("20.00"));
    let in_order = "SELECT count(*)
                    FROM sale_event_lots AS l
                    JOIN auctions AS a ON a.id = l.auction_id
                    JOIN sale_event_lots AS p ON p.event_id = l.event_id AND p.lot_no = l.lot_no - 1
                    JOIN auctions AS b ON b.id = p.auction_id
                    WHERE a.ends_at = b.ends_at + interval '1 second' AND a.closed_at >= a.ends_at";
    until_sql(&market.db.pool, in_order, i64::try_from(LOTS).unwrap() - 1).await;
    let differ = "SELECT count(*)
                  FROM sale_event_bidders AS b
                  WHERE b.reserved_minor > b.limit_minor
                     OR b.reserved_minor <> (SELECT coalesce(sum(w.amount_minor), 0)
                                             FROM awards AS w
                                             JOIN sale_event_lots AS l ON l.auction_id = w.auction_id
                                             WHERE l.event_id = b.event_id AND w.org_id = b.org_id)";
    until_sql(&market.db.pool, differ, 0).await;
    bob.post(&bids[3], max("10.00")).await.refused(409, "auction_ended");
    market.until_quiet().await;
    market.close().await;
}
