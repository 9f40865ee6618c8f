use market::identity::PlatformRole;
use market::ids::ListingId;
use market::listings::model::SaleMode;
use market::testing::{self, Trader, eur};
use reqwest::Method;
use serde_json::{Value, json};

use crate::testing::{Answer, Person, TestApi, with_token};

struct TestMarket {
    api: TestApi,
    ann: Person,
    seller: Trader,
    bob: Person,
}

impl TestMarket {
    async fn new() -> Self {
        let api = TestApi::new().await;
        let moderator = api.staff(PlatformRole::Moderator).await;
        let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
        let seller = Trader { org: api.org(&ann, "Ann Farm", &moderator).await, user: ann.id };
        api.org(&bob, "Bob Farm", &moderator).await;
        Self { api, ann, seller, bob }
    }

    async fn listing(&self, mode: SaleMode) -> ListingId {
        testing::listing(&mut self.api.db.pool.acquire().await.unwrap(), self.seller, mode, 3).await
    }

    async fn post(&self, person: &Person, path: &str, body: Value) -> Answer {
        let request = self.api.request(Method::POST, path).json(&body);
        let request = request.header("idempotency-key", uuid::Uuid::now_v7().to_string());
        self.api.send(with_token(request, Some(person))).await
    }

    /// Templates and recipients of the mails about offers, in their order.
    async fn mails(&self) -> Vec<(String, bool)> {
        let rows: Vec<(String, uuid::Uuid)> = sqlx::query_as(
            "SELECT template, user_id FROM emails WHERE template LIKE 'offer_%' ORDER BY created_at, template, user_id = $1",
        )
        .bind(self.ann.id.0)
        .fetch_all(&self.api.db.pool)
        .await
        .unwrap();
        rows.into_iter().map(|(template, user)| (template, user == self.ann.id.0)).collect()
    }
}

#[tokio::test]
async fn an_offer_is_haggled_over_and_each_step_is_told_to_the_other_side() {
    let market = TestMarket::new().await;
    let goods = market.listing(SaleMode::Offer).await;
    let path = format!("/v1/listings/{goods}/offers");
    let body = json!({"price": eur(8_000), "quantity": 2, "note": "Cash.\nToday."});
    let made = market.post(&market.bob, &path, body.clone()).await;
    let offer_path = made.headers["location"].to_str().unwrap().to_owned();
    let offer = made.ok();
    assert_eq!((&offer["status"], &offer["turn"], &offer["version"]), (&json!("open"), &json!("seller"), &json!(1)));
    assert_eq!(market.api.get(Some(&market.ann), &offer_path).await.ok(), offer);
    market.post(&market.bob, &path, body).await.refused(409, "offer_open");
    let step =
        async |who: &Person, act: &str, body: Value| market.post(who, &format!("{offer_path}/{act}"), body).await;
    step(&market.bob, "accept", json!({"version": 1})).await.refused(409, "offer_turn");
    step(&market.ann, "withdraw", json!({"version": 1})).await.refused(409, "offer_turn");
    let answered = step(&market.ann, "counter", json!({"version": 1, "price": eur(9_000), "quantity": 2})).await.ok();
    assert_eq!((&answered["status"], &answered["turn"]), (&json!("countered"), &json!("buyer")));
    let changed = step(&market.bob, "accept", json!({"version": 1})).await.refused(409, "offer_changed");
    assert_eq!(changed.body["errors"][0]["pointer"], "/version");
    let accepted = step(&market.bob, "accept", json!({"version": 2})).await.ok();
    assert_eq!(accepted["status"], "accepted");
    let order = format!("/v1/orders/{}", accepted["order"].as_str().unwrap());
    let order = market.api.get(Some(&market.bob), &order).await.ok();
    assert_eq!((&order["source"], &order["total"]), (&json!("offer"), &json!(eur(18_000))));
    let checkout = format!("/v1/checkouts/{}", accepted["checkout"].as_str().unwrap());
    assert_eq!(market.api.get(Some(&market.bob), &checkout).await.ok()["status"], "open");
    step(&market.ann, "decline", json!({"version": 2})).await.refused(409, "offer_ended");
    let told = |template: &str, seller| (template.to_owned(), seller);
    assert_eq!(
        market.mails().await,
        [
            told("offer_received", true),
            told("offer_countered", false),
            told("offer_accepted", false),
            told("offer_accepted", true)
        ]
    );
    for (act, by, template, seller) in
        [("decline", &market.ann, "offer_declined", false), ("withdraw", &market.bob, "offer_withdrawn", true)]
    {
        let body = json!({"price": eur(8_000), "quantity": 1});
        let offer = market.post(&market.bob, &path, body).await.ok();
        let path = format!("/v1/offers/{}/{act}", offer["id"].as_str().unwrap());
        market.post(by, &path, json!({"version": 1})).await.ok();
        assert_eq!(market.mails().await.last(), Some(&told(template, seller)));
    }
    let list = async |person, side| market.api.get(Some(person), &format!("/v1/offers?side={side}")).await.ok();
    assert_eq!(list(&market.bob, "buyer").await["items"].as_array().unwrap().len(), 3);
    assert_eq!(list(&market.ann, "buyer").await["items"], json!([]));
    assert_eq!(list(&market.ann, "seller").await["items"].as_array().unwrap().len(), 3);
    market.api.close().await;
}

#[tokio::test]
async fn the_same_accept_twice_gets_the_same_answer_and_one_order() {
    let market = TestMarket::new().await;
    let goods = market.listing(SaleMode::Offer).await;
    let body = json!({"price": eur(8_000), "quantity": 1});
    let offer = market.post(&market.bob, &format!("/v1/listings/{goods}/offers"), body).await.ok();
    let path = format!("/v1/offers/{}/accept", offer["id"].as_str().unwrap());
    let accept = async || {
        let request = market.api.request(Method::POST, &path).json(&json!({"version": 1}));
        market.api.send(with_token(request.header("idempotency-key", "once"), Some(&market.ann))).await.ok()
    };
    assert_eq!(accept().await, accept().await);
    let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(&market.api.db.pool).await.unwrap();
    assert_eq!(orders, 1);
    market.api.close().await;
}

#[tokio::test]
async fn listings_say_whether_they_take_offers_and_terms_must_fit() {
    let market = TestMarket::new().await;
    let (api, ann, bob) = (&market.api, &market.ann, &market.bob);
    let (goods, fixed) = (market.listing(SaleMode::Offer).await, market.listing(SaleMode::Fixed).await);
    let offer = async |who: &Person, listing: &str, body: Value| {
        market.post(who, &format!("/v1/listings/{listing}/offers"), body).await
    };
    let terms = |price: Value, quantity: i64| json!({"price": price, "quantity": quantity});
    let (goods, fixed) = (goods.to_string(), fixed.to_string());
    offer(bob, &fixed, terms(json!(eur(1)), 1)).await.refused(409, "takes_no_offers");
    offer(ann, &goods, terms(json!(eur(1)), 1)).await.refused(403, "own_lot");
    for (body, pointer) in [
        (terms(json!(eur(0)), 1), "/price"),
        (terms(json!({"amount": "1.00", "currency": "USD"}), 1), "/price/currency"),
        (terms(json!(eur(1)), 0), "/quantity"),
        (terms(json!(eur(1)), 4), "/quantity"),
        (json!({"price": eur(1), "quantity": 1, "note": "x".repeat(1_001)}), "/note"),
        (json!({"price": eur(1), "quantity": 1, "item_id": uuid::Uuid::nil()}), "/item_id"),
    ] {
        let refused = offer(bob, &goods, body).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
    let item = api
        .post(Some(ann), "/v1/items", json!({"category_id": testing::CONSOLES, "sku": "A", "title": "A"}))
        .await
        .ok();
    let draft = json!({"item_id": item["id"], "title": "A", "sale_mode": "fixed", "currency": "EUR", "price": eur(100),
        "takes_offers": true});
    let draft = api.post(Some(ann), "/v1/listings", draft).await.ok();
    assert_eq!(draft["takes_offers"], true);
    let path = format!("/v1/listings/{}", draft["id"].as_str().unwrap());
    let change = api.call(Some(ann), Method::PATCH, &path, json!({"sale_mode": "offer"})).await;
    assert_eq!(change.refused(422, "invalid_value").body["errors"][0]["pointer"], "/takes_offers");
    offer(bob, draft["id"].as_str().unwrap(), terms(json!(eur(1)), 1)).await.refused(409, "not_on_offer");
    api.post(Some(ann), &format!("{path}/publish"), json!({})).await.ok();
    offer(bob, draft["id"].as_str().unwrap(), terms(json!(eur(90)), 1)).await.ok();
    market.api.close().await;
}

#[tokio::test]
async fn a_trade_needs_no_listing_and_only_what_is_at_the_site_is_agreed() {
    let market = TestMarket::new().await;
    let (api, ann, bob) = (&market.api, &market.ann, &market.bob);
    let buyer: uuid::Uuid = sqlx::query_scalar("SELECT org_id FROM memberships WHERE user_id = $1")
        .bind(bob.id.0)
        .fetch_one(&api.db.pool)
        .await
        .unwrap();
    let item = json!({"category_id": testing::CONSOLES, "sku": "ice", "title": "Ice"});
    let item = api.post(Some(ann), "/v1/items", item).await.ok()["id"].clone();
    let site = json!({"region_id": "01900000-0000-7000-8001-000000000001", "name": "Shackleton", "kind": "station",
        "latitude": 53.5, "longitude": 10});
    let site = api.post(Some(ann), "/v1/sites", site).await.ok()["id"].clone();
    let level = format!("/v1/items/{}/stock/{}", item.as_str().unwrap(), site.as_str().unwrap());
    api.post(Some(ann), &format!("{level}/adjust"), json!({"to": 2})).await.ok();
    let trade = |field: &str, value: Value| {
        let mut trade =
            json!({"buyer_org_id": buyer, "item_id": item, "site_id": site, "price": eur(500), "quantity": 3});
        trade[field] = value;
        trade
    };
    for (field, value, pointer) in [
        ("buyer_org_id", json!(uuid::Uuid::nil()), "/buyer_org_id"),
        ("item_id", json!(uuid::Uuid::nil()), "/item_id"),
        ("site_id", json!(uuid::Uuid::nil()), "/site_id"),
        ("price", json!(eur(0)), "/price"),
        ("quantity", json!(0), "/quantity"),
        ("note", json!("x".repeat(1_001)), "/note"),
    ] {
        let refused = market.post(ann, "/v1/trades", trade(field, value)).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
    let own = trade("buyer_org_id", json!(market.seller.org));
    market.post(ann, "/v1/trades", own).await.refused(403, "own_lot");
    let offer = market.post(ann, "/v1/trades", trade("note", json!("From the dark side."))).await.ok();
    assert_eq!((&offer["title"], &offer["site_id"], &offer["turn"]), (&json!("Ice"), &site, &json!("buyer")));
    assert_eq!(offer.get("listing_id"), None);
    market.post(ann, "/v1/trades", trade("quantity", json!(1))).await.refused(409, "trade_open");
    let path = format!("/v1/offers/{}", offer["id"].as_str().unwrap());
    let step = async |who: &Person, act: &str, body: Value| market.post(who, &format!("{path}/{act}"), body).await;
    step(bob, "accept", json!({"version": 1})).await.refused(409, "out_of_stock");
    let dollars = json!({"version": 1, "price": {"amount": "4.00", "currency": "USD"}, "quantity": 2});
    let refused = step(bob, "counter", dollars).await.refused(422, "invalid_value");
    assert_eq!(refused.body["errors"][0]["pointer"], "/price/currency");
    step(bob, "counter", json!({"version": 1, "price": eur(400), "quantity": 2})).await.ok();
    let agreed = step(ann, "accept", json!({"version": 2})).await.ok();
    let order = api.get(Some(bob), &format!("/v1/orders/{}", agreed["order"].as_str().unwrap())).await.ok();
    assert_eq!((&order["source"], &order["total"]), (&json!("trade"), &json!(eur(800))));
    assert_eq!(order["lines"][0].get("listing_id"), None);
    let level = api.get(Some(ann), &level).await.ok();
    assert_eq!((&level["on_hand"], &level["reserved"]), (&json!(2), &json!(2)));
    market.api.close().await;
}
