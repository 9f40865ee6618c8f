#![expect(clippy::expect_used, reason = "a test without its data ends here")]

use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use tests::until::until_sql;
use uuid::Uuid;

/// Requires no attributes.
const CONSOLES: &str = "01900000-0000-7000-8000-000000000012";

/// Puts a console on offer.
pub(crate) async fn offered(by: &Person, title: &str, mode: &str) -> String {
    let item = id(&by.post("/v1/items", json!({"category_id": CONSOLES, "sku": title, "title": title})).await.ok());
    let price = if mode == "fixed" { eur("100.00") } else { Value::Null };
    let new = json!({"item_id": item, "title": title, "sale_mode": mode, "currency": "EUR", "price": price});
    let listing = id(&by.post("/v1/listings", new).await.ok());
    let _ = by.post(&format!("/v1/listings/{listing}/publish"), json!({})).await.ok();
    listing
}

/// The mails of a template, sent or not.
async fn mails(market: &TestInstallation, template: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM emails WHERE template = $1")
        .bind(template)
        .fetch_one(&market.db.pool)
        .await
        .expect("a count")
}

/// Somebody saves a search and hears once, in one mail, of what is new; watches a listing and hears that it costs less, that it is
/// listed again, and that an auction ends soon.
#[tokio::test(flavor = "multi_thread")]
async fn row_saved_searches_and_watches() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let bob = market.person("Bob").await;
    let run = async || {
        let _ = admin.post("/v1/schedules/search.match_saved/run-now", json!({})).await.ok();
        market.until_quiet().await;
    };

    let search = json!({"name": "Red consoles", "query": {"q": "red", "category": "electronics", "price_to": "150"}});
    let search = id(&bob.post("/v1/saved-searches", search).await.ok());
    for title in ["Red console", "Another red console", "Blue console"] {
        offered(&ann, title, "fixed").await;
    }
    run().await;
    let mail = market.mail_to(&bob.email, "2 new matches: Red consoles").await;
    assert!(mail.contains("Another red console, 100.00 EUR") && !mail.contains("Blue"), "{mail}");
    offered(&ann, "A third red console", "fixed").await;
    run().await;
    assert_eq!(mails(&market, "saved_search_digest").await, 1, "one mail a day");
    let off = json!({"alerts": false});
    assert_eq!(bob.patch(&format!("/v1/saved-searches/{search}"), off).await.ok()["alerts"], json!(false));

    let goods = offered(&ann, "Watched console", "fixed").await;
    assert_eq!(bob.put(&format!("/v1/listings/{goods}/watch"), json!({})).await.status, 204);
    for price in ["110.00", "90.00"] {
        let _ = ann.put(&format!("/v1/listings/{goods}/price"), json!({"price": eur(price)})).await.ok();
    }
    let mail = market.mail_to(&bob.email, "Now 90.00 EUR: Watched console").await;
    assert!(mail.contains("110.00 EUR"), "{mail}");
    let _ = ann.post(&format!("/v1/listings/{goods}/withdraw"), json!({})).await.ok();
    let again = id(&ann.post(&format!("/v1/listings/{goods}/relist"), json!({})).await.ok());
    let _ = ann.post(&format!("/v1/listings/{again}/publish"), json!({})).await.ok();
    market.mail_to(&bob.email, "On offer again: Watched console").await;
    let watched = bob.get("/v1/me/watches").await.ok();
    assert_eq!(watched["items"][0]["listing_id"], json!(again));
    assert_eq!((watched["items"].as_array().map(Vec::len), mails(&market, "price_fell").await), (Some(1), 1));

    let lot = offered(&ann, "Watched lot", "auction").await;
    let ends_at: chrono::DateTime<chrono::Utc> = sqlx::query_scalar("SELECT now() + interval '3 days'")
        .fetch_one(&market.db.pool)
        .await
        .expect("the database's clock");
    let terms = json!({"ends_at": ends_at, "opening": eur("10.00")});
    let auction = id(&ann.post(&format!("/v1/listings/{lot}/auctions"), terms).await.ok());
    assert_eq!(bob.put(&format!("/v1/listings/{lot}/watch"), json!({})).await.status, 204);
    let mut tx = market.db.pool.begin().await.expect("a transaction");
    // The table refuses this: promised times do not move.
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
    let moved = "UPDATE auctions
                 SET starts_at = starts_at - interval '70 hours', ends_at = ends_at - interval '70 hours',
                     original_ends_at = original_ends_at - interval '70 hours', hard_ends_at = hard_ends_at - interval '70 hours'
                 WHERE id = $1";
    sqlx::query(moved).bind(auction.parse::<Uuid>().expect("an id")).execute(&mut *tx).await.expect("moved");
    tx.commit().await.expect("committed");
    let due = "SELECT id FROM jobs WHERE kind = 'auctions.ending_soon' AND payload ->> 'reminder' = 'day'";
    let job: i64 = sqlx::query_scalar(due).fetch_one(&market.db.pool).await.expect("a reminder");
    let _ = admin.post(&format!("/v1/jobs/{job}/run-now"), json!({})).await.ok();
    let mail = market.mail_to(&bob.email, "Ending soon: Watched lot").await;
    assert!(mail.contains("You are watching it."), "{mail}");
    until_sql(&market.db.pool, "SELECT count(*) FROM emails WHERE template = 'ending_soon'", 1).await;
    market.close().await;
}
