use chrono::TimeDelta;
use market::checkout::model::CheckoutLine;
use market::checkout::store as checkouts;
use market::identity::PlatformRole;
use market::ids::{CheckoutId, OrderId};
use market::listings::model::SaleMode;
use market::payments::rules::signature;
use market::testing::{Trader, eur, listing, pay};
use reqwest::Method;
use serde_json::{Value, json};
use shared::ids::OrgId;

use crate::testing::{Answer, Person, TestApi, with_token};

/// A checkout of one order of 100 euros, which nobody has paid.
pub(in crate::routes) struct TestSale {
    pub(in crate::routes) api: TestApi,
    pub(in crate::routes) ann: Person,
    pub(in crate::routes) bob: Person,
    pub(in crate::routes) eve: Person,
    pub(in crate::routes) moderator: Person,
    seller: OrgId,
    buyer: OrgId,
    pub(in crate::routes) checkout: CheckoutId,
    pub(in crate::routes) order: OrderId,
}

impl TestSale {
    pub(in crate::routes) async fn new() -> Self {
        Self::at(&[("PAYMENTS_KEY", "key"), ("PAYMENTS_WEBHOOK_KEY", "webhooks")]).await
    }

    /// At the payment provider of these settings.
    pub(in crate::routes) async fn at(settings: &[(&str, &str)]) -> Self {
        let api = TestApi::with(settings).await;
        let moderator = api.staff(PlatformRole::Moderator).await;
        let (ann, bob, eve) = (api.person("Ann").await, api.person("Bob").await, api.person("Eve").await);
        let seller = api.org(&ann, "Ann Farm", &moderator).await;
        let buyer = api.org(&bob, "Bob Farm", &moderator).await;
        api.org(&eve, "Eve Farm", &moderator).await;
        let mut tx = api.state.ledger.begin().await.unwrap();
        let listing = listing(&mut tx, Trader { org: seller, user: ann.id }, SaleMode::Fixed, 5).await;
        let lines = [CheckoutLine { listing, quantity: 1, price: eur(10_000) }];
        let checkout = checkouts::place(&mut tx, buyer, bob.id, &lines, TimeDelta::minutes(30)).await.unwrap();
        let order = checkouts::checkout(&mut tx, buyer, checkout).await.unwrap().unwrap().orders[0].id;
        tx.commit().await.unwrap();
        Self { api, ann, bob, eve, moderator, seller, buyer, checkout, order }
    }

    pub(in crate::routes) const fn seller(&self) -> Trader {
        Trader { org: self.seller, user: self.ann.id }
    }

    /// Pays it, as the worker does when the provider has answered.
    pub(in crate::routes) async fn paid(&self) {
        let mut conn = self.api.db.pool.acquire().await.unwrap();
        pay(&mut conn, Trader { org: self.buyer, user: self.bob.id }, self.checkout).await;
    }

    pub(in crate::routes) async fn act(&self, who: &Person, act: &str) -> Answer {
        self.api.post(Some(who), &format!("/v1/orders/{}/{act}", self.order), json!({})).await
    }

    pub(in crate::routes) async fn keyed(&self, who: &Person, path: &str, body: &Value) -> Answer {
        let key = uuid::Uuid::now_v7().to_string();
        let request = self.api.request(Method::POST, path).header("idempotency-key", key).json(body);
        self.api.send(with_token(request, Some(who))).await
    }

    pub(in crate::routes) async fn escrow(&self) -> Value {
        self.api.get(Some(&self.bob), &format!("/v1/orders/{}/escrow", self.order)).await.ok()
    }

    pub(in crate::routes) async fn jobs(&self, kind: &str) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM jobs WHERE kind = $1")
            .bind(kind)
            .fetch_one(&self.api.db.pool)
            .await
            .unwrap()
    }
}

fn cents(amount: &str) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

#[tokio::test]
async fn a_buyer_pays_and_is_told_where_to_look() {
    let sale = TestSale::new().await;
    let path = format!("/v1/checkouts/{}/pay", sale.checkout);
    let card = json!({"method": "card"});
    sale.keyed(&sale.ann, &path, &card).await.refused(404, "not_found");
    for (body, status, code) in [
        (json!({}), 400, "invalid_body"),
        (json!({"method": ""}), 422, "invalid_value"),
        (json!({"method": "x".repeat(201)}), 422, "invalid_value"),
        (json!({"method": "card", "amount": 1}), 400, "invalid_body"),
    ] {
        sale.keyed(&sale.bob, &path, &body).await.refused(status, code);
    }
    let begun = sale.keyed(&sale.bob, &path, &card).await;
    assert_eq!(begun.status, 202);
    assert!(begun.headers["link"].to_str().unwrap().ends_with("rel=\"monitor\""));
    let location = begun.headers["location"].to_str().unwrap().to_owned();
    let payment = sale.api.get(Some(&sale.bob), &location).await.ok();
    assert_eq!((&payment["status"], &payment["amount"]), (&json!("created"), &cents("100.00")));
    sale.api.get(Some(&sale.ann), &location).await.refused(404, "not_found");
    assert_eq!(sale.jobs("payments.charge").await, 1);
    sale.keyed(&sale.bob, &path, &card).await.refused(409, "payment_running");
    let cancel = format!("/v1/checkouts/{}/cancel", sale.checkout);
    sale.api.post(Some(&sale.bob), &cancel, json!({})).await.refused(409, "payment_running");
    sale.api.close().await;
}

#[tokio::test]
async fn what_is_paid_is_sent_arrives_and_is_accepted_by_whom_it_concerns() {
    let sale = TestSale::new().await;
    sale.act(&sale.ann, "ship").await.refused(409, "not_paid");
    sale.paid().await;
    assert_eq!((&sale.escrow().await["status"], &sale.escrow().await["amount"]), (&json!("held"), &cents("100.00")));
    sale.act(&sale.bob, "ship").await.refused(404, "not_found");
    sale.act(&sale.bob, "receive").await.refused(409, "order_status");
    sale.act(&sale.bob, "accept").await.refused(409, "not_delivered");
    assert_eq!(sale.act(&sale.ann, "ship").await.ok()["status"], "in_fulfilment");
    sale.act(&sale.ann, "ship").await.refused(409, "order_status");
    sale.act(&sale.ann, "receive").await.refused(404, "not_found");
    assert_eq!(sale.act(&sale.bob, "receive").await.ok()["status"], "delivered");
    assert!(sale.escrow().await["inspect_until"].is_string());
    assert_eq!(sale.jobs("escrow.release").await, 1);
    sale.act(&sale.ann, "accept").await.refused(404, "not_found");
    assert_eq!(sale.act(&sale.bob, "accept").await.ok()["status"], "completed");
    sale.act(&sale.bob, "accept").await.refused(409, "escrow_released");
    sale.api.get(Some(&sale.eve), &format!("/v1/orders/{}/escrow", sale.order)).await.refused(404, "not_found");
    sale.api.close().await;
}

#[tokio::test]
async fn a_seller_gives_a_part_back_and_then_the_rest() {
    let sale = TestSale::new().await;
    let path = format!("/v1/orders/{}/refunds", sale.order);
    let part = |amount: &str| json!({"amount": cents(amount), "reason": "scratched"});
    sale.keyed(&sale.ann, &path, &part("1.00")).await.refused(409, "not_paid");
    sale.paid().await;
    sale.keyed(&sale.bob, &path, &part("1.00")).await.refused(404, "not_found");
    for (amount, status, code) in [("0.00", 422, "invalid_value"), ("100.01", 422, "invalid_value")] {
        let refused = sale.keyed(&sale.ann, &path, &part(amount)).await.refused(status, code);
        assert_eq!(refused.body["errors"][0]["pointer"], "/amount");
    }
    let yen = json!({"amount": {"amount": "5", "currency": "JPY"}, "reason": "scratched"});
    sale.keyed(&sale.ann, &path, &yen).await.refused(422, "invalid_value");
    sale.keyed(&sale.ann, &path, &json!({"amount": cents("1.00"), "reason": " "})).await.refused(422, "reason_length");
    let made = sale.keyed(&sale.ann, &path, &part("40.00")).await.ok();
    assert_eq!((&made["status"], &made["amount"]), (&json!("intended"), &cents("40.00")));
    assert_eq!((&sale.escrow().await["status"], &sale.escrow().await["refunded"]), (&json!("held"), &cents("40.00")));
    sale.keyed(&sale.ann, &path, &part("60.00")).await.ok();
    assert_eq!(sale.escrow().await["status"], "refunded");
    sale.keyed(&sale.ann, &path, &part("0.01")).await.refused(409, "escrow_refunded");
    let order = sale.api.get(Some(&sale.bob), &format!("/v1/orders/{}", sale.order)).await.ok();
    assert_eq!(order["status"], "refunded");
    assert_eq!(sale.api.get(Some(&sale.bob), &path).await.ok()["items"].as_array().unwrap().len(), 2);
    sale.api.get(Some(&sale.eve), &path).await.refused(404, "not_found");
    assert_eq!(sale.jobs("payments.refund").await, 2);
    sale.api.close().await;
}

#[tokio::test]
async fn a_webhook_is_kept_once_if_its_signature_is_right() {
    let sale = TestSale::new().await;
    let send = async |path: &str, body: &str, signature: &str| {
        let request = sale.api.request(Method::POST, path).header("content-type", "application/json");
        sale.api.send(request.header("simulator-signature", signature).body(body.to_owned())).await
    };
    let path = "/v1/webhooks/simulator";
    let body = json!({"id": "evt_1", "kind": "payment.captured", "subject": "pay_1"}).to_string();
    let now = sale.api.state.clock.now();
    let right = signature::sign(b"webhooks", body.as_bytes(), now).unwrap();
    let foreign = signature::sign(b"somebody", body.as_bytes(), now).unwrap();
    let old = signature::sign(b"webhooks", body.as_bytes(), now - TimeDelta::minutes(6)).unwrap();
    for wrong in ["", "t=1", &foreign, &old] {
        send(path, &body, wrong).await.refused(403, "invalid_signature");
    }
    send(path, &(body.clone() + " "), &right).await.refused(403, "invalid_signature");
    let garbled = signature::sign(b"webhooks", b"{}", now).unwrap();
    send(path, "{}", &garbled).await.refused(400, "invalid_body");
    let long = "x".repeat(65_537);
    send(path, &long, &right).await.refused(413, "body_too_large");
    send("/v1/webhooks/stripe", &body, &right).await.refused(404, "not_found");
    for _ in 0..2 {
        assert_eq!(send(path, &body, &right).await.status, 204);
    }
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM webhook_inbox").fetch_one(&sale.api.db.pool).await.unwrap();
    assert_eq!((kept, sale.jobs("payments.webhook").await), (1, 1));
    sale.api.close().await;
}

#[tokio::test]
async fn what_is_the_sellers_goes_back_by_the_seller_or_by_finance() {
    let sale = TestSale::new().await;
    let finance = sale.api.staff(PlatformRole::Finance).await;
    sale.paid().await;
    let (path, admins) =
        (format!("/v1/orders/{}/refunds", sale.order), format!("/v1/admin/orders/{}/refunds", sale.order));
    let earned = |amount: &str| json!({"from": "earned", "amount": cents(amount), "reason": "so sorry"});
    let decided = |amount: &str| json!({"amount": cents(amount), "reason": "so it is"});
    sale.keyed(&sale.ann, &path, &earned("1.00")).await.refused(409, "escrow_held");
    sale.keyed(&finance, &admins, &decided("1.00")).await.refused(409, "escrow_held");
    sale.act(&sale.ann, "ship").await.ok();
    sale.act(&sale.bob, "receive").await.ok();
    sale.act(&sale.bob, "accept").await.ok();
    sale.keyed(&sale.ann, &path, &json!({"amount": cents("1.00"), "reason": "so"}))
        .await
        .refused(409, "escrow_released");
    sale.keyed(&sale.bob, &path, &earned("1.00")).await.refused(404, "not_found");
    sale.keyed(&sale.eve, &admins, &decided("1.00")).await.refused(403, "role_too_low");
    sale.keyed(&sale.ann, &path, &earned("100.01")).await.refused(422, "invalid_value");
    let back = sale.keyed(&sale.ann, &path, &earned("30.00")).await.ok();
    assert_eq!((&back["cause"], &back["amount"]), (&json!("seller"), &cents("30.00")));
    assert_eq!(sale.jobs("payments.refund").await, 1);
    let back = sale.keyed(&finance, &admins, &decided("70.00")).await.ok();
    assert_eq!(back["cause"], "finance");
    sale.keyed(&finance, &admins, &decided("0.01")).await.refused(409, "escrow_refunded");
    assert_eq!(sale.escrow().await["status"], "refunded");
    sale.api.close().await;
}

/// As `docker-compose.yml` has it until somebody names a provider: nobody buys what never comes to an end.
#[tokio::test]
async fn nobody_pays_at_a_simulator_that_has_no_key_to_sign_with() {
    let sale = TestSale::at(&[("PAYMENTS_WEBHOOK_KEY", "")]).await;
    let pay = format!("/v1/checkouts/{}/pay", sale.checkout);
    sale.keyed(&sale.bob, &pay, &json!({"method": "card"})).await.refused(409, "no_provider");
    sale.api.post(Some(&sale.ann), "/v1/payout-accounts", json!({})).await.refused(409, "no_provider");
    assert_eq!(sale.jobs("payments.charge").await, 0);
    sale.api.close().await;
}

/// Mollie's settings in its test mode.
const MOLLIE: [(&str, &str); 3] =
    [("PAYMENTS_PROVIDER", "mollie"), ("PAYMENTS_KEY", "test_a,access_b"), ("PAYMENTS_WEBHOOK_KEY", "webhooks")];

#[tokio::test]
async fn an_unsigned_webhook_of_mollie_may_name_a_payment_and_nothing_else() {
    let sale = TestSale::at(&MOLLIE).await;
    let send = async |kind: &str, body: &str, signature: Option<&str>| {
        let request = sale.api.request(Method::POST, "/v1/webhooks/mollie").header("content-type", kind);
        let request = signature.into_iter().fold(request, |request, value| request.header("x-mollie-signature", value));
        sale.api.send(request.body(body.to_owned())).await
    };
    let (form, json) = ("application/x-www-form-urlencoded", "application/json");
    let event = r#"{"id":"event_1","type":"payment.paid","entityId":"tr_1"}"#;
    // printf '{"id":"event_1","type":"payment.paid","entityId":"tr_1"}' | openssl dgst -sha256 -hmac 'webhooks'
    let right = "sha256=6972e12905eb974398c9eff130955e982f33556ed957af3f627ac831943fb201";
    send(json, event, None).await.refused(403, "invalid_signature");
    send(json, event, Some("sha256=00")).await.refused(403, "invalid_signature");
    send(form, "id=re_1", None).await.refused(403, "invalid_signature");
    send(form, "id=tr_1", Some(right)).await.refused(403, "invalid_signature");
    for _ in 0..2 {
        assert_eq!(send(json, event, Some(right)).await.status, 204);
        // Nothing tells the repetition of one that names no event from something new.
        assert_eq!(send(form, "id=tr_1&status=paid", None).await.status, 204);
    }
    let sql = "SELECT kind || ' ' || subject FROM webhook_inbox ORDER BY id";
    let kept: Vec<String> = sqlx::query_scalar(sql).fetch_all(&sale.api.db.pool).await.unwrap();
    assert_eq!(kept, ["payment.paid tr_1", "classic tr_1", "classic tr_1"]);
    assert_eq!(sale.jobs("payments.webhook").await, 3);
    sale.api.close().await;
}

#[tokio::test]
async fn a_seller_names_the_account_that_mollie_has_of_them() {
    let sale = TestSale::at(&MOLLIE).await;
    let open = async |body: Value| sale.api.post(Some(&sale.ann), "/v1/payout-accounts", body).await;
    for body in [json!({}), json!({"account": ""}), json!({"account": "org 1"}), json!({"account": "o".repeat(201)})] {
        let refused = open(body).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], "/account");
    }
    assert_eq!(open(json!({"account": "org_1"})).await.status, 202);
    let named: Option<String> =
        sqlx::query_scalar("SELECT own_ref FROM payout_accounts").fetch_one(&sale.api.db.pool).await.unwrap();
    assert_eq!(named.as_deref(), Some("org_1"));
    sale.api.close().await;
}
