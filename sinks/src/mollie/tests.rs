use anyhow::Result;
use serde_json::{Value, json};

use super::*;

struct TestMollie {
    base: String,
    server: Mollie,
    shutdown: CancellationToken,
}

impl TestMollie {
    async fn start() -> Result<Self> {
        let shutdown = CancellationToken::new();
        let options = Options {
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            key: "test_key".into(),
            token: "access_token".into(),
            webhook_key: "webhooks".into(),
            webhook_url: None,
        };
        let server = Mollie::start(options, shutdown.clone()).await?;
        Ok(Self { base: format!("http://{}/v2", server.addr()), server, shutdown })
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> Result<(u16, Value)> {
        let token = if path.starts_with("/payments") { "test_key" } else { "access_token" };
        let request = reqwest::Client::new().post(format!("{}{path}", self.base)).bearer_auth(token);
        let answer = request.header("idempotency-key", key).json(body).send().await?;
        let (status, text) = (answer.status().as_u16(), answer.text().await?);
        Ok((status, serde_json::from_str(&text).unwrap_or_default()))
    }

    async fn get(&self, token: &str, path: &str) -> Result<(u16, Value)> {
        let request = reqwest::Client::new().get(format!("{}{path}", self.base)).bearer_auth(token);
        let answer = request.send().await?;
        Ok((answer.status().as_u16(), answer.json().await?))
    }
}

impl Drop for TestMollie {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn charge(value: &str, currency: &str) -> Value {
    json!({
        "amount": { "value": value, "currency": currency },
        "description": "1",
        "sequenceType": "recurring",
        "customerId": "cst_paying",
        "mandateId": "mdt_card",
    })
}

#[tokio::test]
async fn a_key_gets_its_first_answer_until_it_is_forgotten() -> Result<()> {
    let mollie = TestMollie::start().await?;
    let (status, first) = mollie.post("/payments", "a", &charge("1.00", "EUR")).await?;
    assert_eq!((status, &first["status"]), (201, &json!("paid")), "{first}");
    assert_eq!(mollie.post("/payments", "a", &charge("2.00", "EUR")).await?, (201, first));
    assert_eq!(mollie.server.payments(), 1);
    mollie.server.forget_keys();
    mollie.post("/payments", "a", &charge("1.00", "EUR")).await?;
    assert_eq!(mollie.server.payments(), 2);
    Ok(())
}

#[tokio::test]
async fn each_credential_opens_its_own_doors() -> Result<()> {
    let mollie = TestMollie::start().await?;
    for (token, path, status) in [
        ("test_key", "/payments", 200),
        ("access_token", "/payments", 403),
        ("access_token", "/organizations/me", 200),
        ("test_key", "/organizations/me", 403),
        ("test_key2", "/payments", 401),
        ("access_token", "/connect/balance-transfers?testmode=true", 200),
        ("access_token", "/connect/balance-transfers", 404),
    ] {
        assert_eq!(mollie.get(token, path).await?.0, status, "{token} {path}");
    }
    Ok(())
}

#[tokio::test]
async fn an_amount_has_the_digits_of_its_currency() -> Result<()> {
    let mollie = TestMollie::start().await?;
    for (value, currency, status) in [
        ("12.50", "EUR", 201),
        ("1250", "JPY", 201),
        ("12.5", "EUR", 422),
        ("1250", "EUR", 422),
        ("12.50", "JPY", 422),
        ("1250.", "JPY", 422),
        ("0.00", "EUR", 422),
        ("-1.00", "EUR", 422),
        ("1.250", "KWD", 422),
    ] {
        let key = format!("{value} {currency}");
        let (answered, body) = mollie.post("/payments", &key, &charge(value, currency)).await?;
        assert_eq!(answered, status, "{key}: {body}");
    }
    Ok(())
}

#[tokio::test]
async fn a_page_begins_with_the_item_that_it_is_asked_from() -> Result<()> {
    let mollie = TestMollie::start().await?;
    let mut ids = Vec::new();
    for key in ["a", "b", "c"] {
        ids.push(mollie.post("/payments", key, &charge("1.00", "EUR")).await?.1["id"].clone());
    }
    let (_, first) = mollie.get("test_key", "/payments?limit=2").await?;
    assert_eq!((&first["_embedded"]["payments"][0]["id"], &first["count"]), (&ids[2], &json!(2)), "newest first");
    let next = first["_links"]["next"]["href"].as_str().unwrap_or_default();
    let (_, second) = mollie.get("test_key", next.split("/v2").nth(1).unwrap_or_default()).await?;
    assert_eq!((&second["_embedded"]["payments"][0]["id"], &second["_links"]["next"]), (&ids[0], &Value::Null));
    assert_eq!(mollie.get("test_key", "/payments?from=tr_0").await?.0, 400);
    Ok(())
}

#[tokio::test]
async fn a_lost_reply_leaves_its_act_done_and_a_failure_leaves_nothing() -> Result<()> {
    let mollie = TestMollie::start().await?;
    mollie.server.inject(Fault::LoseReplies { times: 1 });
    assert!(mollie.post("/payments", "a", &charge("1.00", "EUR")).await.is_err());
    assert_eq!(mollie.server.payments(), 1);
    mollie.server.inject(Fault::Fail { times: 1 });
    let (status, _) = mollie.post("/payments", "b", &charge("1.00", "EUR")).await?;
    assert_eq!((status, mollie.server.payments()), (503, 1));
    Ok(())
}

#[tokio::test]
async fn a_transfer_is_under_way_until_it_is_read() -> Result<()> {
    let mollie = TestMollie::start().await?;
    mollie.post("/payments", "a", &charge("1.00", "EUR")).await?;
    let seller = mollie.server.connect();
    let transfer = |value: &str| {
        json!({
            "amount": { "value": value, "currency": "EUR" },
            "description": "1",
            "source": { "type": "organization", "id": PLATFORM },
            "destination": { "type": "organization", "id": seller },
            "testmode": true,
        })
    };
    for (value, onboarding, reason) in [
        ("0.10", Onboarding::InReview, "destination_not_allowed"),
        ("1.01", Onboarding::Completed, "insufficient_funds"),
        ("1.00", Onboarding::Completed, "success"),
    ] {
        assert!(mollie.server.set_account(&seller, onboarding));
        let (status, made) = mollie.post("/connect/balance-transfers", value, &transfer(value)).await?;
        assert_eq!((status, &made["status"]), (201, &json!("created")), "{made}");
        let path = format!("/connect/balance-transfers/{}?testmode=true", made["id"].as_str().unwrap_or_default());
        assert_eq!(mollie.get("access_token", &path).await?.1["statusReason"]["code"], reason);
    }
    assert_eq!(mollie.server.disbursements(), 1);
    Ok(())
}
