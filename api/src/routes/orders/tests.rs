//! Trades that nobody pays.

use market::identity::PlatformRole;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::testing::{Answer, Person, TestApi, with_token};

const EARTH: &str = "01900000-0000-7000-8001-000000000001";

/// Ten units at a site of Ann's.
struct Station {
    api: TestApi,
    ann: Person,
    bob: Person,
    /// Bob's organisation.
    buyer: String,
    item: String,
    site: String,
}

fn text(answer: &Value, field: &str) -> String {
    answer[field].as_str().unwrap().to_owned()
}

impl Station {
    async fn new() -> Self {
        let api = TestApi::new().await;
        let moderator = api.staff(PlatformRole::Moderator).await;
        let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
        api.org(&ann, "Ann Farm", &moderator).await;
        let buyer = api.org(&bob, "Bob Farm", &moderator).await.to_string();
        let item = json!({"category_id": market::testing::CONSOLES, "sku": "ice", "title": "Ice"});
        let item = text(&api.post(Some(&ann), "/v1/items", item).await.ok(), "id");
        let site =
            json!({"region_id": EARTH, "name": "Shackleton", "kind": "station", "latitude": 53.5, "longitude": 10});
        let site = text(&api.post(Some(&ann), "/v1/sites", site).await.ok(), "id");
        api.post(Some(&ann), &format!("/v1/items/{item}/stock/{site}/adjust"), json!({"to": 10})).await.ok();
        Self { api, ann, bob, buyer, item, site }
    }

    async fn post(&self, person: &Person, path: &str, body: Value) -> Answer {
        let request = self.api.request(Method::POST, path).json(&body);
        let request = request.header("idempotency-key", Uuid::now_v7().to_string());
        self.api.send(with_token(request, Some(person))).await
    }

    /// A trade of two units that is agreed and packed: its order, its checkout and its shipment.
    async fn packed(&self) -> (String, String, String) {
        let trade = json!({"buyer_org_id": self.buyer, "item_id": self.item, "site_id": self.site,
            "price": market::testing::eur(500), "quantity": 2});
        let offer = text(&self.post(&self.ann, "/v1/trades", trade).await.ok(), "id");
        let accept = format!("/v1/offers/{offer}/accept");
        let agreed = self.post(&self.bob, &accept, json!({"version": 1})).await.ok();
        let order = text(&agreed, "order");
        let cargo = json!({"order_id": order, "lines": [{"order_line": 1, "quantity": 2}]});
        let cargo = self.post(&self.ann, "/v1/shipments", cargo).await.ok();
        (order, text(&agreed, "checkout"), format!("/v1/shipments/{}", text(&cargo, "tracking")))
    }

    /// Ends the time to pay.
    async fn age(&self, checkout: &str) {
        let mut tx = self.api.db.pool.begin().await.unwrap();
        // The table refuses this: a promised time does not move.
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
        sqlx::query(
            "UPDATE checkouts
             SET created_at = created_at - interval '9 days', pay_by = clock_timestamp() - interval '1 minute'
             WHERE id = $1",
        )
        .bind(checkout.parse::<Uuid>().unwrap())
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }

    /// On hand and reserved.
    async fn level(&self) -> (Value, Value) {
        let path = format!("/v1/items/{}/stock/{}", self.item, self.site);
        let level = self.api.get(Some(&self.ann), &path).await.ok();
        (level["on_hand"].clone(), level["reserved"].clone())
    }

    /// What the event log is to hear of shipments.
    async fn reported(&self) -> Vec<String> {
        let sql = "SELECT payload ->> 'act' FROM jobs WHERE kind = 'shipments.report' ORDER BY id";
        sqlx::query_scalar(sql).fetch_all(&self.api.db.pool).await.unwrap()
    }
}

#[tokio::test]
async fn a_seller_writes_off_what_was_not_paid_and_both_sides_hear_of_it_once() {
    let station = Station::new().await;
    let (api, ann, bob) = (&station.api, &station.ann, &station.bob);
    let (order, checkout, cargo) = station.packed().await;
    let path = format!("/v1/orders/{order}/write-off");
    let write_off = async |who: &Person, reason: &str| station.post(who, &path, json!({"reason": reason})).await;
    write_off(ann, "No answer.").await.refused(409, "nothing_owed");
    station.post(ann, &format!("{cargo}/pick-up"), json!({})).await.ok();
    write_off(ann, "No answer.").await.refused(409, "time_to_pay");
    station.age(&checkout).await;
    write_off(bob, "No answer.").await.refused(404, "not_found");
    for reason in ["", "x".repeat(501).as_str()] {
        let refused = write_off(ann, reason).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], "/reason");
    }
    assert_eq!(station.level().await, (json!(10), json!(2)));
    assert_eq!(write_off(ann, "No answer.").await.ok()["status"], "expired");
    assert_eq!(station.level().await, (json!(8), json!(0)));
    write_off(ann, "No answer.").await.refused(409, "checkout_ended");
    let mails: Vec<(Uuid, String, String)> = sqlx::query_as(
        "SELECT user_id, data ->> 'side', data ->> 'reason'
         FROM emails
         WHERE template = 'order_written_off'
         ORDER BY data ->> 'side'",
    )
    .fetch_all(&api.db.pool)
    .await
    .unwrap();
    let mail = |person: &Person, side: &str| (person.id.0, side.to_owned(), "No answer.".to_owned());
    assert_eq!(mails, [mail(bob, "buyer"), mail(ann, "seller")]);
    let strikes = api.get(Some(bob), "/v1/standing").await.ok()["strikes"].clone();
    assert_eq!((strikes.as_array().unwrap().len(), &strikes[0]["order"]), (1, &json!(order)));
    // Nothing was packed any more.
    assert_eq!(station.reported().await, ["create", "pick_up"]);
    station.api.close().await;
}

#[tokio::test]
async fn what_is_packed_of_a_trade_that_its_buyer_cancels_does_not_leave() {
    let station = Station::new().await;
    let (api, ann, bob) = (&station.api, &station.ann, &station.bob);
    let (_, checkout, cargo) = station.packed().await;
    station.post(bob, &format!("/v1/checkouts/{checkout}/cancel"), json!({})).await.ok();
    assert_eq!(api.get(Some(ann), &cargo).await.ok()["status"], "cancelled");
    station.post(ann, &format!("{cargo}/pick-up"), json!({})).await.refused(409, "shipment_status");
    assert_eq!(station.level().await, (json!(10), json!(0)));
    assert_eq!(station.reported().await, ["create", "cancel"]);
    station.api.close().await;
}
