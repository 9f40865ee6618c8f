use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::*;

struct TestSimulator {
    base: String,
    server: Simulator,
    shutdown: CancellationToken,
}

impl TestSimulator {
    async fn start() -> Result<Self> {
        let shutdown = CancellationToken::new();
        let options = Options {
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            key: "secret".into(),
            webhook_key: "webhooks".into(),
            webhook_url: None,
        };
        let server = Simulator::start(options, shutdown.clone()).await?;
        Ok(Self { base: format!("http://{}", server.addr()), server, shutdown })
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> Result<(u16, Value)> {
        let request = reqwest::Client::new().post(format!("{}{path}", self.base)).bearer_auth("secret");
        let answer = request.header("idempotency-key", key).json(body).send().await?;
        Ok((answer.status().as_u16(), answer.json().await?))
    }
}

impl Drop for TestSimulator {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn charge(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "EUR", "capture": "automatic", "method": "card", "reference": "1", "back": "http://shop/" })
}

#[tokio::test]
async fn a_key_does_one_thing_and_other_words_with_it_are_refused() -> Result<()> {
    let simulator = TestSimulator::start().await?;
    let (status, first) = simulator.post("/v1/payments", "a", &charge(100)).await?;
    assert_eq!(status, 200, "{first}");
    let (_, second) = simulator.post("/v1/payments", "a", &charge(100)).await?;
    assert_eq!(first, second);
    let (status, other) = simulator.post("/v1/payments", "a", &charge(200)).await?;
    assert_eq!((status, &other["code"]), (422, &json!("key_reused")));
    assert_eq!(simulator.server.payments(), 1);
    Ok(())
}

#[tokio::test]
async fn a_caller_without_the_key_is_refused() -> Result<()> {
    let simulator = TestSimulator::start().await?;
    for key in ["", "secret2", "secre"] {
        let request = reqwest::Client::new().get(format!("{}/v1/payments", simulator.base)).bearer_auth(key);
        assert_eq!(request.send().await?.status(), 401, "{key}");
    }
    Ok(())
}

#[tokio::test]
async fn a_lost_reply_leaves_its_act_done_and_a_failure_leaves_nothing() -> Result<()> {
    let simulator = TestSimulator::start().await?;
    simulator.server.inject(Fault::LoseReplies { times: 1 });
    assert!(simulator.post("/v1/payments", "a", &charge(100)).await.is_err());
    assert_eq!(simulator.server.payments(), 1);
    simulator.server.inject(Fault::Fail { times: 1 });
    let (status, _) = simulator.post("/v1/payments", "b", &charge(100)).await?;
    assert_eq!((status, simulator.server.payments()), (503, 1));
    Ok(())
}

#[tokio::test]
async fn a_late_answer_is_to_an_act_that_is_done() -> Result<()> {
    let simulator = TestSimulator::start().await?;
    let fault: Fault = serde_json::from_value(json!({ "fault": "delay", "times": 1, "by_ms": 3_600_000 }))?;
    assert_eq!(fault, Fault::Delay { times: 1, by: Duration::from_hours(1) });
    simulator.server.inject(fault);
    let asked = charge(100);
    let mut late = Box::pin(simulator.post("/v1/payments", "a", &asked));
    let made = async {
        while simulator.server.payments() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = &mut late => panic!("answered early: {answer:?}"),
        () = made => {}
    }
    // Whoever asks again is answered, and the first one still waits.
    let (status, again) = simulator.post("/v1/payments", "a", &asked).await?;
    assert_eq!((status, again["payment"]["amount"].as_i64()), (200, Some(100)), "{again}");
    assert!(tokio::time::timeout(Duration::ZERO, late).await.is_err());
    assert_eq!(simulator.server.payments(), 1);
    Ok(())
}

#[tokio::test]
async fn what_waits_for_its_buyer_is_cancelled_and_what_is_taken_is_not() -> Result<()> {
    let simulator = TestSimulator::start().await?;
    let mut asked = charge(100);
    asked["method"] = CHALLENGED.into();
    let (_, waiting) = simulator.post("/v1/payments", "a", &asked).await?;
    let page = waiting["payment"]["action"].as_str().unwrap_or_default().to_owned();
    let cancels = format!("/v1/payments/{}/cancels", waiting["payment"]["id"].as_str().unwrap_or_default());
    let (status, cancelled) = simulator.post(&cancels, "b", &json!({})).await?;
    assert_eq!((status, &cancelled["payment"]["state"]), (200, &json!("cancelled")));
    assert_eq!(cancelled["payment"]["action"], json!(null));
    let form = reqwest::Client::new().post(page).header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(form.body("passed=true").send().await?.status(), 404, "nothing is asked any more");
    let (_, taken) = simulator.post("/v1/payments", "c", &charge(100)).await?;
    let cancels = format!("/v1/payments/{}/cancels", taken["payment"]["id"].as_str().unwrap_or_default());
    let refused = simulator.post(&cancels, "d", &json!({})).await?;
    assert_eq!(refused, (422, json!({ "code": "payment_not_authorised" })));
    Ok(())
}

#[tokio::test]
async fn what_is_not_understood_is_refused_with_its_code() -> Result<()> {
    let simulator = TestSimulator::start().await?;
    for (path, body, status, code) in [
        ("/v1/payments", json!({}), 400, "body_malformed"),
        ("/v1/payments", charge(0), 422, "amount_not_positive"),
        ("/v1/payments/x/captures", json!({ "amount": 1, "currency": "EUR" }), 422, "no_such_payment"),
        ("/v1/payments/x/cancels", json!({}), 422, "no_such_payment"),
        ("/v1/payouts", json!({ "account": "x", "amount": 1, "currency": "EUR" }), 422, "no_such_account"),
    ] {
        let answer = simulator.post(path, &format!("{path}{code}"), &body).await?;
        assert_eq!(answer, (status, json!({ "code": code })), "{path}");
    }
    let (status, answer) = simulator.post("/v1/payments", "", &charge(1)).await?;
    assert_eq!((status, &answer["code"]), (400, &json!("idempotency_key_missing")));
    Ok(())
}
