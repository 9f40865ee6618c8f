//! The answers of the API, with the cache and without it.

use market::identity::PlatformRole;
use market::listings::model::SaleMode;
use market::money::model::NewSnapshot;
use market::money::store::rates;
use market::testing::{self, Trader};
use redis::aio::MultiplexedConnection;
use reqwest::Method;
use serde_json::json;
use shared::config::Config;
use shared::money::Currency;
use shared::testing::{NetworkFault, Proxy};

use super::super::LIFETIME;
use super::{connection, new_namespace, redis_url};
use crate::app;
use crate::serve::Server;
use crate::testing::{Person, TestApi};

const TRACTORS: &str = "01900000-0000-7000-8000-000000000011";
/// Every answer that is kept.
const PAGES: [&str; 8] = [
    "/v1/listings",
    "/v1/listings?sort=price&limit=1",
    "/v1/listings?facets=true&category=machinery",
    "/v1/categories",
    "/v1/models",
    "/v1/models/fendt-313/parts",
    "/v1/fx/rates",
    "/v1/fx/rates?day=2026-01-02",
];
/// What is of each request, whatever is answered.
const OWN: [&str; 3] = ["date", "ratelimit", "traceparent"];

/// Status, headers and body.
type Whole = (u16, Vec<(String, String)>, String);

struct Market {
    api: TestApi,
    moderator: Person,
    seller: Trader,
    namespace: String,
    redis: MultiplexedConnection,
}

impl Market {
    /// An API with its cache at this address, with something to find.
    async fn new(cache: &str) -> Self {
        let namespace = new_namespace();
        let api = TestApi::with(&[("CACHE_URL", cache), ("NAMESPACE", &namespace)]).await;
        let (admin, moderator) = (api.admin().await, api.staff(PlatformRole::Moderator).await);
        let ann = api.person("Ann").await;
        let org = api.org(&ann, "Ann Farm", &moderator).await;
        let seller = Trader { org, user: ann.id };
        let model = json!({"category_id": TRACTORS, "make": "Fendt", "name": "313"});
        api.post(Some(&admin), "/v1/models", model).await.ok();
        let mut conn = api.db.pool.acquire().await.unwrap();
        for quantity in [1, 2] {
            testing::listing(&mut conn, seller, SaleMode::Fixed, quantity).await;
        }
        let snapshot = NewSnapshot {
            source: "test".to_owned(),
            day: "2026-01-02".parse().unwrap(),
            checksum: [1; 32],
            rates: [(Currency::USD, "1.0862".parse().unwrap())].into(),
        };
        rates::store(&mut conn, &snapshot).await.unwrap();
        drop(conn);
        Self { api, moderator, seller, namespace, redis: connection().await }
    }

    /// The address of another API over the same database, without the cache.
    async fn without_cache(&self) -> String {
        let config = Config { cache_url: None, ..self.api.state.config.clone() };
        let stop = self.api.state.shutdown.clone();
        let server = Server::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let base = format!("http://{}", server.addr);
        let router = app::router(&crate::start(config, stop.clone()).unwrap()).unwrap();
        tokio::spawn(server.run(router, stop));
        base
    }

    async fn get(&self, path: &str) -> Whole {
        whole(self.api.request(Method::GET, path)).await
    }

    /// The names of the entries.
    async fn entries(&mut self) -> Vec<String> {
        let pattern = format!("{}.cache:*", self.namespace);
        redis::cmd("KEYS").arg(pattern).query_async(&mut self.redis).await.unwrap()
    }

    /// Asks until an answer is in Redis.
    async fn until_kept(&mut self) {
        while self.entries().await.is_empty() {
            self.get("/v1/listings").await;
        }
    }

    async fn flush(&mut self) {
        let entries = self.entries().await;
        if !entries.is_empty() {
            redis::cmd("DEL").arg(entries).exec_async(&mut self.redis).await.unwrap();
        }
    }

    /// The clock of Redis, in milliseconds.
    async fn clock(&mut self) -> u64 {
        let (seconds, micros): (u64, u64) = redis::cmd("TIME").query_async(&mut self.redis).await.unwrap();
        seconds * 1_000 + micros / 1_000
    }
}

async fn whole(request: reqwest::RequestBuilder) -> Whole {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let headers = answer.headers().iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
    let mut headers: Vec<_> =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    (status, headers, answer.text().await.unwrap())
}

#[tokio::test]
async fn the_same_answer_with_and_without_the_cache() {
    let mut market = Market::new(&redis_url()).await;
    let without = market.without_cache().await;
    let plain = reqwest::Client::new();
    market.until_kept().await;
    for path in PAGES {
        let wanted = whole(plain.get(format!("{without}{path}"))).await;
        assert_eq!(wanted.0, 200, "{path}: {wanted:?}");
        let (_, tag) = wanted.1.iter().find(|(name, _)| name == "etag").unwrap();
        for method in [Method::GET, Method::HEAD] {
            for tag in [None, Some(tag.as_str()), Some("\"another\"")] {
                let with = |request: reqwest::RequestBuilder| match tag {
                    Some(tag) => request.header("if-none-match", tag),
                    None => request,
                };
                let wanted = whole(with(plain.request(method.clone(), format!("{without}{path}")))).await;
                // Read, kept, and read from where it is kept.
                for _ in 0..3 {
                    let answer = whole(with(market.api.request(method.clone(), path))).await;
                    assert_eq!(answer, wanted, "{method} {path} {tag:?}");
                }
            }
        }
    }
    for (path, status) in
        [("/v1/listings?sort=best", 400), ("/v1/listings?sort=distance", 422), ("/v1/fx/rates?day=1999-01-01", 404)]
    {
        for _ in 0..2 {
            assert_eq!(market.get(path).await.0, status, "{path}");
        }
    }
    // That some of it came from there is in the metrics.
    loop {
        market.get("/v1/listings").await;
        let (_, metrics) = market.api.for_operators("/metrics").await;
        let mut reads = metrics.lines().filter(|line| line.starts_with("tradeyard_cache_reads_total{"));
        if reads.any(|line| line.contains(r#"what="listings""#) && line.contains(r#"result="hit""#)) {
            break;
        }
    }
    market.api.close().await;
}

#[tokio::test]
async fn a_flushed_stopped_or_slow_cache_changes_no_answer() {
    let (proxy, url) = Proxy::before(&redis_url()).await.unwrap();
    let mut market = Market::new(&url).await;
    let mut wanted = Vec::new();
    for path in PAGES {
        wanted.push(market.get(path).await);
    }
    market.until_kept().await;
    market.flush().await;
    for (path, wanted) in PAGES.iter().zip(&wanted) {
        assert_eq!(&market.get(path).await, wanted, "flushed: {path}");
    }
    for fault in [NetworkFault::Delay(LIFETIME), NetworkFault::Silence, NetworkFault::DropAnswers, NetworkFault::Refuse]
    {
        market.flush().await;
        market.until_kept().await;
        proxy.set(fault);
        if fault == NetworkFault::Refuse {
            proxy.cut();
        }
        // More than once: with a connection that fails, and without one.
        for _ in 0..3 {
            for (path, wanted) in PAGES.iter().zip(&wanted) {
                assert_eq!(&market.get(path).await, wanted, "{fault:?}: {path}");
            }
        }
        proxy.set(NetworkFault::None);
        proxy.cut();
    }
    market.flush().await;
    market.until_kept().await;
    market.api.close().await;
}

/// What is hidden may be seen until [`LIFETIME`] later by Redis' clock, and never after it.
#[tokio::test]
async fn what_is_hidden_is_gone_within_the_bound() {
    let mut market = Market::new(&redis_url()).await;
    let lifetime = u64::try_from(LIFETIME.as_millis()).unwrap();
    let mut conn = market.api.db.pool.acquire().await.unwrap();
    let hidden = testing::listing(&mut conn, market.seller, SaleMode::Fixed, 1).await.to_string();
    drop(conn);
    let pages = ["/v1/listings", "/v1/listings?facets=true", "/v1/listings?limit=1"];
    for page in pages {
        while !market.get(page).await.2.contains(&hidden) {}
    }
    market.until_kept().await;
    let path = format!("/v1/listings/{hidden}/suspend");
    market.api.post(Some(&market.moderator), &path, json!({"reason": "It is not theirs."})).await.ok();
    let hidden_at = market.clock().await;
    // Everybody goes on asking, so that there is something to be kept all the time.
    while market.clock().await < hidden_at + lifetime {
        for page in pages {
            market.get(page).await;
        }
    }
    for page in pages {
        assert!(!market.get(page).await.2.contains(&hidden), "{page}");
    }
    market.api.close().await;
}
