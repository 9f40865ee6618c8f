#![expect(clippy::expect_used, reason = "a test without its servers ends here")]

use market::money::model::NewSnapshot;
use market::money::store::rates;
use serde_json::{Value, json};
use shared::money::Currency;
use shared::testing::{NetworkFault, Proxy, redis_database};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, id};
use tests::servers::OwnRedis;

const PARTS: &str = "01900000-0000-7000-8000-000000000002";
/// What visitors read.
const PAGES: [&str; 5] =
    ["/v1/listings", "/v1/listings?facets=true&category=parts", "/v1/categories", "/v1/models", "/v1/fx/rates"];

async fn offered(by: &Person, title: &str) {
    let item = json!({"category_id": PARTS, "sku": title, "title": title});
    let item = id(&by.post("/v1/items", item).await.ok());
    let draft = json!({"item_id": item, "title": title, "sale_mode": "fixed", "currency": "EUR",
        "price": {"amount": "90.00", "currency": "EUR"}});
    let listing = id(&by.post("/v1/listings", draft).await.ok());
    let _ = by.post(&format!("/v1/listings/{listing}/publish"), json!({})).await.ok();
}

/// A bank has stated the rates of this day.
async fn stated(market: &TestInstallation, day: &str) {
    let snapshot = NewSnapshot {
        source: "test".to_owned(),
        day: day.parse().expect("a day"),
        checksum: [1; 32],
        rates: [(Currency::USD, "1.0862".parse().expect("a rate"))].into(),
    };
    let mut conn = market.db.pool.acquire().await.expect("a connection");
    rates::store(&mut conn, &snapshot).await.expect("rates");
}

/// What visitors are answered, page by page.
async fn read(market: &TestInstallation) -> Vec<Value> {
    let mut pages = Vec::new();
    for page in PAGES {
        pages.push(market.get(page).await.ok());
    }
    pages
}

fn titles(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("a page");
    items.iter().map(|one| one["title"].as_str().expect("a title")).collect()
}

/// How many answers Redis keeps.
async fn kept(url: &str) -> usize {
    let redis = redis::Client::open(url).expect("an address");
    let mut redis = redis.get_multiplexed_async_connection().await.expect("Redis answers");
    redis::cmd("DBSIZE").query_async(&mut redis).await.expect("a number")
}

/// Reads until Redis keeps answers.
async fn until_kept(market: &TestInstallation, url: &str) {
    while kept(url).await == 0 {
        read(market).await;
    }
}

/// Visitors read the same while the cache's Redis is emptied, killed, started again, silent or slow; and while it is away, they see at once
/// what is new.
#[tokio::test(flavor = "multi_thread")]
async fn row_cache_flushed_stopped_or_slow() {
    let mut redis = OwnRedis::start().await.expect("Redis starts");
    let direct = redis_database(&redis.url(), 1);
    let (proxy, url) = Proxy::before(&direct).await.expect("a proxy");
    let market = TestInstallation::with(&[("CACHE_URL", url)]).await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    offered(&ann, "Plough").await;
    stated(&market, "2026-01-02").await;
    until_kept(&market, &direct).await;
    while titles(&market.get(PAGES[0]).await.ok()) != ["Plough"]
        || titles(&market.get(PAGES[1]).await.ok()) != ["Plough"]
    {}

    let wanted = read(&market).await;
    redis.command("FLUSHALL").await.expect("Redis is emptied");
    assert_eq!(read(&market).await, wanted, "flushed");
    until_kept(&market, &direct).await;

    redis.kill().await.expect("Redis is killed");
    assert_eq!(read(&market).await, wanted, "stopped");
    offered(&ann, "Harrow").await;
    stated(&market, "2026-01-05").await;
    let wanted = read(&market).await;
    assert_eq!(titles(&wanted[0]), ["Harrow", "Plough"]);
    assert_eq!(wanted[4]["day"], "2026-01-05");

    redis.up().await.expect("Redis starts again");
    until_kept(&market, &direct).await;
    for fault in [NetworkFault::Silence, NetworkFault::Delay(std::time::Duration::from_secs(1))] {
        proxy.set(fault);
        for _ in 0..3 {
            assert_eq!(read(&market).await, wanted, "{fault:?}");
        }
        proxy.set(NetworkFault::None);
        proxy.cut();
        redis.command("FLUSHALL").await.expect("Redis is emptied");
        until_kept(&market, &direct).await;
    }
    market.close().await;
}
