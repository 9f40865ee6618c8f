#![expect(clippy::unwrap_used, reason = "a test that cannot go on")]

use chrono::{DateTime, TimeDelta, Utc};
use market::carriers::rules::{secret, signature};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Answer, Person};
use tests::until::until_sql;

/// A carrier's system: an address, and the secrets that it signs with.
struct System {
    address: String,
    secrets: Vec<String>,
}

impl System {
    /// Registers a carrier as its organisation's owner does, who hands over address and secret.
    async fn registered(owner: &Person, slug: &str) -> (Self, String) {
        let made = owner.post("/v1/carriers", json!({"slug": slug, "name": slug})).await.ok();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (Self { address: text("address"), secrets: vec![text("secret")] }, format!("/v1/carriers/{}", text("id")))
    }

    async fn send(&self, id: &str, at: DateTime<Utc>, body: &Value) -> Answer {
        let body = body.to_string();
        let signatures = self.secrets.iter().map(|shown| {
            let key = secret::read(shown).unwrap();
            signature::sign(&key, id, at, body.as_bytes())
        });
        let signatures = signatures.collect::<Vec<_>>().join(" ");
        let request = Client::new().post(&self.address).header("content-type", "application/json");
        let request = request.header("webhook-id", id).header("webhook-timestamp", at.timestamp().to_string());
        let response = request.header("webhook-signature", signatures).body(body).send().await.unwrap();
        let status = response.status();
        Answer { status, body: response.json().await.unwrap() }
    }
}

fn event(id: &str, shipment: &str, status: &str, at: DateTime<Utc>) -> Value {
    json!({"source_event_id": id, "shipment": shipment, "type": "actual", "status": status, "occurred_at": at})
}

/// Two carriers report about one organisation's shipment, each with its own secret. What one of them has signed arrives in the log
/// under its name, once, and nothing that it has not signed does.
#[tokio::test(flavor = "multi_thread")]
async fn row_signed_carrier_webhooks() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT now()").fetch_one(&market.db.pool).await.unwrap();
    let (hansa, hansas) = System::registered(&ann, "hansa").await;
    let (nord, _) = System::registered(&ann, "nord").await;

    let picked_up = json!([event("1", "S-1", "picked_up", now - TimeDelta::hours(2))]);
    assert_eq!(hansa.send("msg_1", now, &picked_up).await.ok(), json!({"accepted": 1}));
    ann.until("/v1/shipments/S-1/standing", "status", "picked_up").await;
    // The other one's event of the same name is another event.
    let arrived = json!([event("1", "S-1", "in_transit", now - TimeDelta::hours(1))]);
    let _ = nord.send("msg_1", now, &arrived).await.ok();
    ann.until("/v1/shipments/S-1/standing", "status", "in_transit").await;
    let history = ann.get("/v1/shipments/S-1/events").await.ok();
    let sources: Vec<_> = history["items"].as_array().unwrap().iter().map(|one| one["source"].clone()).collect();
    assert_eq!(sources, ["carrier:hansa", "carrier:nord"]);

    // A wrong secret, the other one's address, an old time, a repeat.
    let delivered = json!([event("2", "S-1", "delivered", now)]);
    let crossed = System { address: hansa.address.clone(), secrets: nord.secrets.clone() };
    crossed.send("msg_2", now, &delivered).await.refused(401, "invalid_signature");
    let guessed =
        System { address: hansa.address.clone(), secrets: vec!["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()] };
    guessed.send("msg_2", now, &delivered).await.refused(401, "invalid_signature");
    let old = hansa.send("msg_2", now - TimeDelta::seconds(600), &delivered).await;
    old.refused(400, "webhook_time");
    assert!(old.body["detail"].as_str().unwrap().contains("behind our clock"), "{old:?}");
    let again = hansa.send("msg_1", now, &picked_up).await;
    assert_eq!((again.status, again.body), (StatusCode::ACCEPTED, json!({"accepted": 1})));
    hansa.send("msg_1", now, &delivered).await.refused(422, "webhook_id_reused");

    // The secret is replaced: both are good, and a carrier that signs with both does not notice when one ends.
    let replaced = ann.post(&format!("{hansas}/secret"), json!({})).await.ok();
    let new = System { address: hansa.address.clone(), secrets: vec![replaced["secret"].as_str().unwrap().to_owned()] };
    let both =
        System { address: hansa.address.clone(), secrets: [hansa.secrets.clone(), new.secrets.clone()].concat() };
    for (system, id) in [(&hansa, "3"), (&new, "4"), (&both, "5")] {
        let out = json!(event(id, "S-1", "out_for_delivery", now - TimeDelta::minutes(30)));
        assert_eq!(system.send(&format!("msg_{id}"), now, &out).await.ok(), json!({"accepted": 1}));
    }
    let tomorrow =
        "UPDATE carrier_secrets SET made_at = made_at - interval '1 day', good_until = good_until - interval '1 day'";
    sqlx::query(tomorrow).execute(&market.db.pool).await.unwrap();
    hansa.send("msg_6", now, &delivered).await.refused(401, "invalid_signature");
    let _ = both.send("msg_6", now, &delivered).await.ok();
    ann.until("/v1/shipments/S-1/standing", "status", "delivered").await;
    until_sql(&market.db.pool, "SELECT count(*) FROM cargo_events", 6).await;

    // A clock that was never set.
    let strange = json!([event("7", "S-1", "delivered", DateTime::UNIX_EPOCH), event("8", "S-2", "pending", now)]);
    let answer = new.send("msg_7", now, &strange).await.ok();
    assert_eq!((&answer["accepted"], &answer["quarantined"][0]["pointer"]), (&json!(1), &json!("/0/occurred_at")));
    until_sql(&market.db.pool, "SELECT count(*) FROM cargo_rejects WHERE routing_key = 'cargo.quarantine'", 1).await;
    market.close().await;
}
