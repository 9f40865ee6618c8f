use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::body::to_bytes;
use futures::future::join_all;
use serde_json::{Value, json};
use shared::testing::TestDb;

use super::*;

/// Adds a row of this amount. Those below zero are refused, and the table refuses 13.
#[derive(Clone)]
struct Pay {
    amount: i32,
    /// How many transactions were shared.
    shared: Arc<AtomicU32>,
}

impl Act for Pay {
    const NAME: &'static str = "test";
    const STATUS: StatusCode = StatusCode::CREATED;
    type Body = Value;

    async fn all(tx: &mut JobTx, acts: &[&Self]) -> Result<Vec<Option<Done<Self>>>, Problem> {
        if let Some(act) = acts.first() {
            act.shared.fetch_add(1, Ordering::Relaxed);
        }
        // What somebody else holds is left out.
        let able: Vec<_> = acts.iter().filter(|act| act.amount != 7).collect();
        let amounts: Vec<i32> = able.iter().map(|act| act.amount).filter(|amount| *amount >= 0).collect();
        sqlx::query("INSERT INTO effects SELECT unnest($1::integer[])").bind(&amounts).execute(&mut **tx).await?;
        let done = |act: &&Self| match act.amount {
            7 => None,
            ..0 => Some(Err(Problem::unprocessable("negative", "no"))),
            amount => Some(Ok(Made::at(format!("/paid/{amount}"), json!({ "paid": amount })))),
        };
        Ok(acts.iter().map(done).collect())
    }
}

struct TestPays {
    db: TestDb,
    ledger: Ledger,
    together: Together<Pay>,
    shared: Arc<AtomicU32>,
}

impl TestPays {
    async fn new() -> Self {
        let db = TestDb::new().await;
        sqlx::query("CREATE TABLE effects (amount integer CHECK (amount <> 13))").execute(&db.pool).await.unwrap();
        let ledger = Ledger::new(db.pool.clone());
        Self { db, together: Together::start(ledger.clone()), ledger, shared: Arc::default() }
    }

    /// As a route does it.
    async fn pay(&self, owner: u128, key: &str, amount: i32) -> Result<(StatusCode, Value), Problem> {
        let key = IdempotencyKey { key: Some(key.to_owned()), hash: [u8::try_from(amount & 0xff).unwrap(); 32] };
        let (owner, act) = (Uuid::from_u128(owner), Pay { amount, shared: self.shared.clone() });
        let answer = match self.together.ask(&key, owner, act).await {
            Some(answer) => answer?,
            None => {
                key.once(&self.ledger, owner, StatusCode::CREATED, async |tx| {
                    if amount < 0 {
                        return Err(Problem::unprocessable("negative", "no"));
                    }
                    sqlx::query("INSERT INTO effects VALUES ($1)").bind(amount).execute(&mut **tx).await?;
                    Ok(Made::at(format!("/paid/{amount}"), json!({ "paid": amount })))
                })
                .await?
            }
        };
        let status = answer.status();
        Ok((status, serde_json::from_slice(&to_bytes(answer.into_body(), 10_000).await.unwrap()).unwrap()))
    }

    async fn effects(&self) -> Vec<i32> {
        sqlx::query_scalar("SELECT amount FROM effects ORDER BY amount").fetch_all(&self.db.pool).await.unwrap()
    }

    async fn close(self) {
        drop((self.ledger, self.together));
        self.db.close().await;
    }
}

#[tokio::test]
async fn acts_at_the_same_time_share_transactions_and_each_gets_its_own_answer() {
    let pays = TestPays::new().await;
    let keys: Vec<String> = (0..200).map(|n| format!("k{n}")).collect();
    let asks = keys.iter().zip(100..).map(|(key, amount)| pays.pay(1, key, amount));
    for (answer, amount) in join_all(asks).await.into_iter().zip(100..) {
        assert_eq!(answer.unwrap(), (StatusCode::CREATED, json!({ "paid": amount })));
    }
    assert_eq!(pays.effects().await, (100..300).collect::<Vec<_>>());
    assert!(pays.shared.load(Ordering::Relaxed) < 50, "nothing was shared");
    // And each again: the same answers, and no effect.
    let asks = keys.iter().zip(100..).map(|(key, amount)| pays.pay(1, key, amount));
    for (answer, amount) in join_all(asks).await.into_iter().zip(100..) {
        assert_eq!(answer.unwrap(), (StatusCode::CREATED, json!({ "paid": amount })));
    }
    assert_eq!(pays.effects().await.len(), 200);
    pays.close().await;
}

#[tokio::test]
async fn the_same_key_at_once_has_one_effect() {
    let pays = TestPays::new().await;
    for round in 0..50 {
        let key = format!("k{round}");
        // Of another owner the key is another one; with other contents it is refused.
        let asks = (0..8).map(|n| {
            let (owner, amount) = if n == 0 { (2, 5) } else { (1, if n == 7 { 6 } else { 5 }) };
            pays.pay(owner, &key, amount)
        });
        let answers = join_all(asks).await;
        let codes: BTreeSet<_> =
            answers.iter().map(|answer| answer.as_ref().map_or(0, |answer| answer.0.as_u16())).collect();
        assert!(codes.contains(&201), "{codes:?}");
    }
    let amounts = pays.effects().await;
    assert_eq!(amounts.len(), 100, "one effect for each owner and key");
    pays.close().await;
}

#[tokio::test]
async fn a_refusal_or_a_failure_of_one_is_its_own() {
    let scrape = shared::telemetry::metrics();
    let pays = TestPays::new().await;
    for round in 0..30 {
        let key = |name: &str| format!("{name}{round}");
        let (good, bad, failing, held, after) = (key("good"), key("bad"), key("failing"), key("held"), key("after"));
        // The thirteenth fails the transaction that it shares, and then alone.
        let asks = [
            pays.pay(1, &good, 1),
            pays.pay(1, &bad, -1),
            pays.pay(1, &failing, 13),
            pays.pay(1, &held, 7),
            pays.pay(1, &after, 2),
        ];
        let answers = join_all(asks).await;
        let done: Vec<_> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(done, [true, false, false, true, true]);
        // What was refused has left its key free.
        let again = pays.pay(1, &bad, 3).await;
        assert_eq!(again.unwrap().1, json!({ "paid": 3 }));
    }
    let mut wanted = [1, 2, 3, 7].repeat(30);
    wanted.sort_unstable();
    assert_eq!(pays.effects().await, wanted);
    // Whoever looks at the metrics learns of each.
    let (text, line) = (scrape.render(), "tradeyard_shared_transactions_total{acts=\"test\",outcome=\"failed\"} ");
    let failed: Option<u32> = text.lines().find_map(|found| found.strip_prefix(line)?.parse().ok());
    assert!(failed.is_some_and(|failed| failed >= 30), "{text}");
    pays.close().await;
}
