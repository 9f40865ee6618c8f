//! Payloads of other versions, of other programs, and too large ones.

use super::*;
use crate::enqueue::{EnqueueError, MAX_PAYLOAD_BYTES};
use crate::job::Undecodable;
use crate::ops::Actor;
use crate::ops::retry::{Again, retry};
use crate::registry::{KindInfo, Registry};

#[tokio::test]
async fn an_unreadable_payload_is_kept_and_a_former_name_still_runs() {
    let engine = TestEngine::new().await;
    for (kind, payload) in [("test.act", json!({ "Unknown": 1 })), ("test.former", json!("Done"))] {
        sqlx::query(
            "INSERT INTO jobs (state, queue, kind, payload, run_at) VALUES ('available', 'test', $1, $2, now())",
        )
        .bind(kind)
        .bind(payload)
        .execute(&engine.db.pool)
        .await
        .unwrap();
    }
    engine.queue.drain().await;
    let kept = rows(&engine.db.pool, "test.act").await.remove(0);
    assert_eq!(kept.state, "dead");
    assert!(kept.error.unwrap().contains("cannot be read"));
    assert_eq!(rows(&engine.db.pool, "test.former").await[0].state, "succeeded");
    engine.db.close().await;
}

/// The second version of a contract whose first had one name.
#[derive(Debug, Serialize, Deserialize)]
struct Second {
    first: String,
    last: String,
}

impl Job for Second {
    const KIND: Kind = Kind::new("test.versioned");
    const QUEUE: Queue = QUEUE;
    const VERSION: i16 = 2;

    fn upcast(from: i16, payload: serde_json::Value) -> Result<serde_json::Value, Undecodable> {
        let name = payload["name"].as_str().and_then(|name| name.split_once(' '));
        let (first, last) = name.ok_or(Undecodable { version: from, problem: "no two names".to_owned() })?;
        Ok(json!({ "first": first, "last": last }))
    }
}

impl Handler<()> for Second {
    async fn run(self, _: &Cx<()>) -> anyhow::Result<Outcome> {
        Ok(Outcome::DoneWith(json!([self.first, self.last])))
    }
}

/// A later program's contract, which reads anything.
#[derive(Debug, Serialize, Deserialize)]
struct Third(serde_json::Value);

impl Job for Third {
    const KIND: Kind = Kind::new("test.versioned");
    const QUEUE: Queue = QUEUE;
    const VERSION: i16 = 3;

    fn upcast(_: i16, payload: serde_json::Value) -> Result<serde_json::Value, Undecodable> {
        Ok(payload)
    }
}

impl Handler<()> for Third {
    async fn run(self, _: &Cx<()>) -> anyhow::Result<Outcome> {
        Ok(Outcome::DoneWith(self.0))
    }
}

async fn insert(db: &TestDb, version: i16, payload: &serde_json::Value) -> shared::ids::JobId {
    sqlx::query_scalar(
        "INSERT INTO jobs (state, queue, kind, version, payload, run_at)
         VALUES ('available', 'test', 'test.versioned', $1, $2, now()) RETURNING id",
    )
    .bind(version)
    .bind(payload)
    .fetch_one(&db.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_row_of_an_old_version_is_read_by_the_new_program() {
    let db = TestDb::new().await;
    let queue = TestQueue::new(&db.pool, Handlers::default().with::<Second>(), ()).await;
    insert(&db, 1, &json!({ "name": "Ada Lovelace" })).await;
    insert(&db, 2, &json!({ "first": "Ada", "last": "King" })).await;
    queue.drain().await;
    let results: Vec<_> = rows(&db.pool, "test.versioned").await.into_iter().map(|row| row.result).collect();
    assert_eq!(results, [Some(json!(["Ada", "Lovelace"])), Some(json!(["Ada", "King"]))]);
    db.close().await;
}

#[tokio::test]
async fn a_payload_that_nobody_reads_keeps_its_bytes_until_a_later_program_runs_it() {
    let db = TestDb::new().await;
    let queue = TestQueue::new(&db.pool, Handlers::default().with::<Second>(), ()).await;
    let strange = json!({ "name": "Prince", "more": [1, null, { "a": "\u{1F69C}" }] });
    let job = insert(&db, 1, &strange).await;
    queue.drain().await;
    assert_eq!(rows(&db.pool, "test.versioned").await[0].state, "dead");
    let mut conn = db.pool.acquire().await.unwrap();
    let kept: (i16, serde_json::Value) =
        sqlx::query_as("SELECT version, payload FROM jobs").fetch_one(&mut *conn).await.unwrap();
    assert_eq!(kept, (1, strange.clone()));
    let later = Registry::new([KindInfo::of::<Third>()]).unwrap();
    retry(&mut conn, &later, job, &Again::default(), Actor::CommandLine).await.unwrap();
    drop(conn);
    TestQueue::new(&db.pool, Handlers::default().with::<Third>(), ()).await.drain().await;
    let row = rows(&db.pool, "test.versioned").await.remove(0);
    assert_eq!((row.state.as_str(), row.result), ("succeeded", Some(strange)));
    db.close().await;
}

#[tokio::test]
async fn an_old_worker_gives_a_newer_payload_back_and_a_new_one_runs_it() {
    let db = TestDb::new().await;
    let old = TestQueue::new(&db.pool, Handlers::default().with::<Second>(), ()).await;
    insert(&db, 3, &json!("newest")).await;
    assert_eq!(old.drain().await, 1);
    let row = rows(&db.pool, "test.versioned").await.remove(0);
    assert_eq!((row.state.as_str(), row.attempt), ("scheduled", 0));
    assert!(row.error.unwrap().contains("up to version 2, not 3"));
    let new = TestQueue::new(&db.pool, Handlers::default().with::<Third>(), ()).await;
    new.make_due().await;
    new.drain().await;
    assert_eq!(rows(&db.pool, "test.versioned").await[0].state, "succeeded");
    db.close().await;
}

#[tokio::test]
async fn an_unknown_kind_comes_back_ever_later_and_leaves_no_row_for_each_try() {
    let engine = TestEngine::new().await;
    sqlx::query(
        "INSERT INTO jobs (state, queue, kind, payload, run_at) VALUES ('available', 'test', 'new', '{}', now())",
    )
    .execute(&engine.db.pool)
    .await
    .unwrap();
    for seconds in [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0] {
        engine.queue.drain().await;
        let row = rows(&engine.db.pool, "new").await.remove(0);
        assert_eq!((row.state.as_str(), row.attempt), ("scheduled", 0));
        assert!(row.error.as_ref().is_some_and(|error| error.contains("no handler for new")), "{row:?}");
        assert!(attempts(&engine, &row).await.is_empty());
        let delay: f64 =
            sqlx::query_scalar("SELECT extract(epoch FROM run_at - started_at)::double precision FROM jobs")
                .fetch_one(&engine.db.pool)
                .await
                .unwrap();
        assert!(delay >= seconds, "{delay} s, not {seconds}");
        engine.queue.make_due().await;
    }
    engine.db.close().await;
}

#[tokio::test]
async fn a_payload_past_the_limit_is_refused() {
    let engine = TestEngine::new().await;
    let fits = Act::Text("x".repeat(MAX_PAYLOAD_BYTES - 100));
    assert!(engine.ledger.enqueue(&fits).await.is_ok());
    let large = Act::Text("x".repeat(MAX_PAYLOAD_BYTES));
    let refused = engine.ledger.enqueue(&large).await;
    assert!(matches!(refused, Err(EnqueueError::TooLarge { bytes, .. }) if bytes > MAX_PAYLOAD_BYTES), "{refused:?}");
    let mut conn = engine.db.pool.acquire().await.unwrap();
    let refused = crate::enqueue::enqueue_all(&mut conn, &[crate::Enqueue::new(&large)]).await;
    assert!(matches!(refused, Err(EnqueueError::TooLarge { .. })));
    let nul = Act::Text("a\0b".to_owned());
    let refused = crate::Enqueue::new(&nul).insert(&mut conn).await.unwrap_err();
    assert!(refused.to_string().contains("contains a NUL"), "{refused}");
    drop(conn);
    engine.db.close().await;
}

/// Claims a name that another contract had before.
#[derive(Debug, Serialize, Deserialize)]
struct Former;

impl Job for Former {
    const KIND: Kind = Kind::new("test.former");
    const QUEUE: Queue = QUEUE;
}

impl Handler<Services> for Former {
    async fn run(self, _: &Cx<Services>) -> anyhow::Result<Outcome> {
        Ok(Outcome::Done)
    }
}

#[test]
fn a_kind_that_is_there_twice_refuses_to_start() {
    let one = || Handlers::<Services>::default().with::<Act>();
    assert!(one().checked().is_ok());
    assert_eq!(one().with::<Act>().checked().unwrap_err().0, "test.former");
    assert_eq!(one().with::<Former>().checked().unwrap_err().0, "test.former");
    let act = KindInfo::of::<Act>;
    assert!(Registry::new([act()]).is_ok());
    assert_eq!(Registry::new([act(), act()]).unwrap_err().0, "test.act");
    assert_eq!(Registry::new([act(), KindInfo::of::<Former>()]).unwrap_err().0, "test.former");
}
