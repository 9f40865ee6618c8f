use std::cell::RefCell;

use chrono::{DateTime, TimeDelta, Utc};
use market::identity::PlatformRole;
use market::ids::AuctionId;
use market::testing;
use reqwest::Method;
use serde_json::{Value, json};
use shared::ids::OrgId;

use crate::testing::{Answer, Person, TestApi, with_token};

mod bidding;
mod ending;
mod live;
mod pace;
mod people;
mod statements;

/// An API with a seller, two buyers and a moderator, that remembers the text of every answer.
struct TestMarket {
    api: TestApi,
    seller: Person,
    ann: Person,
    bob: Person,
    moderator: Person,
    seller_org: OrgId,
    ann_org: OrgId,
    bob_org: OrgId,
    said: RefCell<String>,
}

fn eur(amount: &str) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

impl TestMarket {
    async fn new() -> Self {
        let api = TestApi::new().await;
        let moderator = api.staff(PlatformRole::Moderator).await;
        let (seller, ann, bob) = (api.person("Sue").await, api.person("Ann").await, api.person("Bob").await);
        let seller_org = api.org(&seller, "Sue Sales", &moderator).await;
        let (ann_org, bob_org) =
            (api.org(&ann, "Ann Farm", &moderator).await, api.org(&bob, "Bob Farm", &moderator).await);
        let said = RefCell::default();
        Self { api, seller, ann, bob, moderator, seller_org, ann_org, bob_org, said }
    }

    fn heard(&self, answer: Answer) -> Answer {
        self.said.borrow_mut().push_str(&answer.body.to_string());
        answer
    }

    async fn get(&self, person: Option<&Person>, path: &str) -> Answer {
        self.heard(self.api.get(person, path).await)
    }

    async fn post(&self, person: &Person, path: &str, body: Value) -> Answer {
        self.heard(self.api.post(Some(person), path, body).await)
    }

    /// A POST with an `Idempotency-Key`.
    async fn keyed(&self, person: &Person, key: &str, path: &str, body: Value) -> Answer {
        let request = self.api.request(Method::POST, path).header("idempotency-key", key).json(&body);
        self.heard(self.api.send(with_token(request, Some(person))).await)
    }

    async fn bid(&self, person: &Person, auction: AuctionId, maximum: &str) -> Answer {
        let key = uuid::Uuid::now_v7().to_string();
        self.keyed(person, &key, &format!("/v1/auctions/{auction}/bids"), json!({"maximum": eur(maximum)})).await
    }

    async fn buy(&self, person: &Person, auction: AuctionId, key: &str) -> Answer {
        self.keyed(person, key, &format!("/v1/auctions/{auction}/buy-now"), json!({})).await
    }

    /// A published listing, over the API.
    async fn listing(&self, sale_mode: &str) -> String {
        let item = json!({"category_id": testing::CONSOLES, "sku": uuid::Uuid::now_v7(), "title": "Console"});
        let item = self.post(&self.seller, "/v1/items", item).await.ok();
        let listing = json!({"item_id": item["id"], "title": "A console", "sale_mode": sale_mode, "currency": "EUR"});
        let listing = self.post(&self.seller, "/v1/listings", listing).await.ok();
        assert_eq!(listing["status"], "draft");
        let path = format!("/v1/listings/{}", listing["id"].as_str().unwrap());
        let published = self.post(&self.seller, &format!("{path}/publish"), json!({})).await.ok();
        assert_eq!(published["status"], "published");
        path
    }

    /// An auction with these terms on top of the usual ones: ten days, opening at 10.00 EUR, live at once.
    async fn auction(&self, sale_mode: &str, more: Value) -> AuctionId {
        let listing = self.listing(sale_mode).await;
        let terms = self.terms(more).await;
        let view = self.post(&self.seller, &format!("{listing}/auctions"), terms).await.ok();
        view["id"].as_str().unwrap().parse().unwrap()
    }

    async fn terms(&self, more: Value) -> Value {
        let ends_at = self.now().await + TimeDelta::days(10);
        let mut terms = json!({"ends_at": ends_at, "opening": eur("10.00")});
        terms.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        terms
    }

    /// The database's time.
    async fn now(&self) -> DateTime<Utc> {
        testing::database_time(&mut self.api.db.pool.acquire().await.unwrap()).await
    }

    /// Moves the auction so that it ends so long from now, or ended before now.
    async fn end_in(&self, auction: AuctionId, from_now: TimeDelta) {
        testing::end_in(&mut self.api.db.pool.acquire().await.unwrap(), auction, from_now).await;
    }

    /// The mails that were posted: template, the recipient's address and data, by template and address.
    async fn mails(&self) -> Vec<(String, String, Value)> {
        sqlx::query_as(
            "SELECT m.template, u.email, m.data
             FROM emails AS m
             JOIN users AS u ON u.id = m.user_id
             WHERE m.template IN ('sold', 'won')
               AND EXISTS (SELECT FROM jobs AS j WHERE j.kind = 'emails.send' AND j.payload ->> 'email' = m.id::text)
             ORDER BY m.template, u.email",
        )
        .fetch_all(&self.api.db.pool)
        .await
        .unwrap()
    }

    /// The payloads of the jobs that tell those who were outbid, the oldest first.
    async fn notices(&self) -> Vec<Value> {
        sqlx::query_scalar("SELECT payload FROM jobs WHERE kind = 'auctions.notify_outbid' ORDER BY id")
            .fetch_all(&self.api.db.pool)
            .await
            .unwrap()
    }

    /// The jobs about an auction: kind and time, by kind.
    async fn timers(&self, auction: AuctionId) -> Vec<(String, DateTime<Utc>)> {
        sqlx::query_as("SELECT kind, run_at FROM jobs WHERE payload ->> 'auction' = $1 ORDER BY kind, run_at")
            .bind(auction.to_string())
            .fetch_all(&self.api.db.pool)
            .await
            .unwrap()
    }
}
