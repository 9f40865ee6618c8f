use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use serde::Deserialize;
use serde_json::json;
use shared::testing::TestDb;
use tokio::sync::Semaphore;
use tower::ServiceExt;

use super::*;

/// Counts its effects in a table, and waits for a permit before it commits.
#[derive(Clone)]
struct Effects {
    ledger: Ledger,
    started: Arc<AtomicU32>,
    commits: Arc<Semaphore>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pay {
    amount: i32,
}

const OWNER: Uuid = Uuid::from_u128(7);

async fn pay(State(effects): State<Effects>, Idempotent { key, body }: Idempotent<Pay>) -> Result<Response, Problem> {
    key.once(&effects.ledger, OWNER, StatusCode::CREATED, async |tx| {
        sqlx::query("INSERT INTO effects VALUES ($1)").bind(body.amount).execute(&mut **tx).await?;
        if body.amount < 0 {
            return Err(Problem::unprocessable("negative", "no"));
        }
        effects.started.fetch_add(1, Ordering::SeqCst);
        effects.commits.acquire().await.unwrap().forget();
        Ok(Made::at(format!("/paid/{}", body.amount), json!({"paid": body.amount})).by(Some(JobId(7))))
    })
    .await
}

struct TestRoutes {
    db: TestDb,
    effects: Effects,
    router: Router,
}

impl TestRoutes {
    async fn new(commits: usize) -> Self {
        let db = TestDb::new().await;
        sqlx::query("CREATE TABLE effects (amount integer)").execute(&db.pool).await.unwrap();
        let commits = Arc::new(Semaphore::new(commits));
        let effects = Effects { ledger: Ledger::new(db.pool.clone()), started: Arc::default(), commits };
        let router = Router::new().route("/pay", post(pay)).route("/other", post(pay)).with_state(effects.clone());
        Self { db, effects, router }
    }

    async fn post(&self, path: &str, key: &str, body: &str) -> (StatusCode, String, bool) {
        let request = Request::post(path)
            .header("idempotency-key", key)
            .header("content-type", "application/json")
            .body(axum::body::Body::from(body.to_owned()))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let replayed = response.headers().contains_key(REPLAYED);
        if status == StatusCode::CREATED {
            assert!(response.headers()["location"].to_str().unwrap().starts_with("/paid/"));
            assert_eq!(response.headers()["link"], "</v1/jobs/7>; rel=\"monitor\"");
        }
        let bytes = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap(), replayed)
    }

    async fn count(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM effects").fetch_one(&self.db.pool).await.unwrap()
    }
}

#[tokio::test]
async fn the_same_request_has_one_effect_and_one_answer() {
    let routes = TestRoutes::new(10).await;
    let first = routes.post("/pay", "k1", r#"{"amount": 5}"#).await;
    assert_eq!(first, (StatusCode::CREATED, r#"{"paid":5}"#.to_owned(), false));
    let second = routes.post("/pay", "k1", r#"{"amount": 5}"#).await;
    assert_eq!(second, (StatusCode::CREATED, r#"{"paid":5}"#.to_owned(), true));
    assert_eq!(routes.count().await, 1);
    let (status, body, _) = routes.post("/pay", "k1", r#"{"amount": 6}"#).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    let (status, ..) = routes.post("/other", "k1", r#"{"amount": 5}"#).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(routes.post("/pay", "k2", r#"{"amount": 5}"#).await.0, StatusCode::CREATED);
    assert_eq!(routes.count().await, 2);
    routes.db.close().await;
}

#[tokio::test]
async fn a_refusal_leaves_the_key_free_at_once() {
    let routes = TestRoutes::new(100).await;
    // A key that came free some time after the refusal would be met sooner or later.
    for round in 0..100 {
        let key = format!("k{round}");
        for _ in 0..2 {
            let (status, body, _) = routes.post("/pay", &key, r#"{"amount": -1}"#).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        }
        assert_eq!(routes.post("/pay", &key, r#"{"amount": 1}"#).await.0, StatusCode::CREATED);
    }
    assert_eq!(routes.count().await, 100);
    routes.db.close().await;
}

#[tokio::test]
async fn a_second_request_during_the_first_is_told_so() {
    let routes = TestRoutes::new(0).await;
    let first = async { routes.post("/pay", "k", r#"{"amount": 5}"#).await };
    let second = async {
        while routes.effects.started.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let answer = routes.post("/pay", "k", r#"{"amount": 5}"#).await;
        routes.effects.commits.add_permits(1);
        answer
    };
    let (first, second) = futures::join!(first, second);
    assert_eq!(first.0, StatusCode::CREATED);
    assert_eq!(second.0, StatusCode::CONFLICT);
    assert!(second.1.contains("request_in_flight"), "{}", second.1);
    assert!(routes.post("/pay", "k", r#"{"amount": 5}"#).await.2);
    assert_eq!(routes.count().await, 1);
    routes.db.close().await;
}

#[tokio::test]
async fn twenty_at_once_have_one_effect() {
    let routes = TestRoutes::new(100).await;
    let answers = futures::future::join_all((0..20).map(|_| routes.post("/pay", "k", r#"{"amount": 5}"#))).await;
    assert_eq!(routes.count().await, 1);
    for (status, body, _) in answers {
        assert!(status == StatusCode::CREATED || status == StatusCode::CONFLICT, "{status} {body}");
    }
    routes.db.close().await;
}

#[tokio::test]
async fn a_request_without_a_key_is_refused() {
    let routes = TestRoutes::new(1).await;
    for key in ["", " ", &"x".repeat(256)] {
        let (status, body, _) = routes.post("/pay", key, r#"{"amount": 5}"#).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(body.contains("idempotency_key_required"), "{body}");
    }
    routes.db.close().await;
}

/// Two requests that change two rows in opposite orders: the first attempts wait until each holds one.
async fn cross(
    ledger: &Ledger,
    key: &str,
    order: [i32; 2],
    met: &tokio::sync::Barrier,
    runs: &AtomicU32,
) -> Result<Response, Problem> {
    let key = IdempotencyKey { key: Some(key.to_owned()), hash: [0; 32] };
    let first_run = std::sync::atomic::AtomicBool::new(true);
    key.once(ledger, OWNER, StatusCode::CREATED, async |tx| {
        runs.fetch_add(1, Ordering::SeqCst);
        for (place, id) in order.into_iter().enumerate() {
            let change = "UPDATE pairs SET changes = changes + 1 WHERE id = $1";
            sqlx::query(change).bind(id).execute(&mut **tx).await?;
            if place == 0 && first_run.swap(false, Ordering::SeqCst) {
                met.wait().await;
            }
        }
        Ok(Made::new(json!({"changed": order})))
    })
    .await
}

#[tokio::test]
async fn a_deadlock_is_repeated_and_not_seen_by_the_client() {
    let db = TestDb::new().await;
    for statement in
        ["CREATE TABLE pairs (id integer PRIMARY KEY, changes integer)", "INSERT INTO pairs VALUES (1, 0), (2, 0)"]
    {
        sqlx::query(statement).execute(&db.pool).await.unwrap();
    }
    let (ledger, met, runs) = (Ledger::new(db.pool.clone()), tokio::sync::Barrier::new(2), AtomicU32::new(0));
    let (a, b) = futures::join!(cross(&ledger, "a", [1, 2], &met, &runs), cross(&ledger, "b", [2, 1], &met, &runs));
    for answer in [a, b] {
        assert_eq!(answer.expect("an answer").status(), StatusCode::CREATED);
    }
    // The one that is repeated may take its first row again before the other one wakes up, and meet it once more.
    assert!(runs.load(Ordering::SeqCst) >= 3, "one of the two was repeated");
    let changes: Vec<i32> = sqlx::query_scalar("SELECT changes FROM pairs").fetch_all(&db.pool).await.unwrap();
    assert_eq!(changes, [2, 2]);
    db.close().await;
}

#[tokio::test]
async fn a_transaction_that_always_conflicts_is_given_up() {
    let db = TestDb::new().await;
    let key = IdempotencyKey { key: Some("k".to_owned()), hash: [0; 32] };
    let runs = AtomicU32::new(0);
    let ledger = Ledger::new(db.pool.clone());
    for (state, attempts) in [("40001", 5), ("40P01", 5), ("55P03", 1), ("23514", 1)] {
        runs.store(0, Ordering::SeqCst);
        let refused = key.once(&ledger, OWNER, StatusCode::CREATED, async |tx| {
            runs.fetch_add(1, Ordering::SeqCst);
            let fail = format!("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$");
            sqlx::raw_sql(sqlx::AssertSqlSafe(fail)).execute(&mut **tx).await?;
            Ok(Made::new(json!({})))
        });
        let problem = refused.await.expect_err("a problem");
        assert!(problem.status().is_server_error(), "{problem:?}");
        assert_eq!(runs.load(Ordering::SeqCst), attempts, "{state}");
    }
    db.close().await;
}
