//! Keys: what they keep out, one by one and in bulk.

use std::time::Duration;

use super::*;
use crate::enqueue::{MAX_KEY_BYTES, enqueue_all};
use crate::{Enqueue, EnqueueError, Enqueued, OnConflict, Unique};

fn keyed(act: &Act, unique: Unique) -> Enqueue {
    Enqueue::new(act).unique(unique)
}

#[tokio::test]
async fn a_key_is_held_while_the_job_is_open_or_for_its_period() {
    let engine = TestEngine::new().await;
    let with = |unique: Unique| Enqueue::new(&Act::Done).unique(unique);
    let mut conn = engine.db.pool.acquire().await.unwrap();
    let first = with(Unique::while_open("a")).insert(&mut conn).await.unwrap();
    let second = with(Unique::while_open("a")).insert(&mut conn).await.unwrap();
    assert_eq!(second, Enqueued::Existing(first.id()));
    let refused = with(Unique::while_open("a").on_conflict(OnConflict::Reject)).insert(&mut conn).await;
    assert!(matches!(refused, Err(EnqueueError::Conflict { existing, .. }) if existing == first.id()));
    let replaced = Enqueue::new(&Act::Result)
        .unique(Unique::while_open("a").on_conflict(OnConflict::Replace))
        .insert(&mut conn)
        .await
        .unwrap();
    assert_eq!(replaced, Enqueued::Replaced(first.id()));
    engine.queue.drain().await;
    assert!(with(Unique::while_open("a")).insert(&mut conn).await.unwrap().is_new(), "free again when finished");

    let hour = Unique::for_period("b", Duration::from_hours(1));
    let first = with(hour.clone()).insert(&mut conn).await.unwrap();
    engine.queue.drain().await;
    assert_eq!(
        with(hour.clone()).insert(&mut conn).await.unwrap(),
        Enqueued::Existing(first.id()),
        "held when finished"
    );
    sqlx::query("UPDATE jobs SET unique_until = now() WHERE id = $1")
        .bind(first.id().0)
        .execute(&mut *conn)
        .await
        .unwrap();
    assert!(with(hour).insert(&mut conn).await.unwrap().is_new(), "free when the period is over");
    drop(conn);
    engine.db.close().await;
}

#[tokio::test]
async fn many_enqueue_the_same_key_and_one_wins() {
    let engine = TestEngine::new().await;
    let asks = (0..20).map(|_| {
        let ledger = engine.ledger.clone();
        tokio::spawn(async move {
            let mut tx = ledger.begin().await.unwrap();
            let one = tx.enqueue_with(Enqueue::new(&Act::Done).unique(Unique::while_open("x"))).await.unwrap();
            tx.commit().await.unwrap();
            one.is_new()
        })
    });
    let new = futures::future::join_all(asks).await.into_iter().filter(|one| *one.as_ref().unwrap()).count();
    assert_eq!(new, 1);
    engine.db.close().await;
}

#[tokio::test]
async fn ten_thousand_are_enqueued_in_one_statement_in_order() {
    let engine = TestEngine::new().await;
    let many: Vec<_> = (0..10_000).map(|_| Enqueue::new(&Act::Done)).collect();
    let mut conn = engine.db.pool.acquire().await.unwrap();
    let all = crate::enqueue::enqueue_all(&mut conn, &many).await.unwrap();
    assert_eq!(all.len(), 10_000);
    assert!(all.iter().all(|one| one.is_new()) && all.is_sorted_by_key(|one| one.id()));
    drop(conn);
    engine.db.close().await;
}

#[tokio::test]
async fn a_queued_job_is_replaced_and_its_message_goes_stale() {
    let engine = TestEngine::new().await;
    let first = engine.ledger.enqueue_with(keyed(&Act::Done, Unique::while_open("a"))).await.unwrap();
    let message = engine.queue.take().await.remove(0);
    let replacing = keyed(&Act::Result, Unique::while_open("a").on_conflict(OnConflict::Replace));
    assert_eq!(engine.ledger.enqueue_with(replacing.clone()).await.unwrap(), Enqueued::Replaced(first.id()));
    engine.queue.run(message).await;
    assert_eq!(engine.services.runs.load(Ordering::Relaxed), 0, "the old message ran the job");
    engine.queue.drain().await;
    let row = rows(&engine.db.pool, "test.act").await.remove(0);
    assert_eq!(row.result, Some(json!({ "rows": 3 })), "the job ran with its old payload");
    engine.db.close().await;
}

#[tokio::test]
async fn a_running_job_is_not_replaced() {
    let engine = TestEngine::new().await;
    let first = engine.ledger.enqueue_with(keyed(&Act::Done, Unique::while_open("a"))).await.unwrap();
    let ticket = engine.queue.take().await.remove(0);
    let worker = engine.queue.engine.lease.worker();
    let mut conn = engine.db.pool.acquire().await.unwrap();
    crate::ledger::claim::claim(&mut conn, worker, &[ticket]).await.unwrap();
    let replacing = keyed(&Act::Result, Unique::while_open("a").on_conflict(OnConflict::Replace));
    assert_eq!(replacing.insert(&mut conn).await.unwrap(), Enqueued::Existing(first.id()));
    drop(conn);
    engine.db.close().await;
}

#[tokio::test]
async fn in_bulk_every_job_says_what_became_of_it() {
    let engine = TestEngine::new().await;
    let mut conn = engine.db.pool.acquire().await.unwrap();
    let hour = || Unique::for_period("expired", Duration::from_hours(1));
    let open = keyed(&Act::Done, Unique::while_open("open")).insert(&mut conn).await.unwrap().id();
    let held = keyed(&Act::Done, Unique::for_period("held", Duration::from_hours(1)));
    let held = held.insert(&mut conn).await.unwrap().id();
    let expired = keyed(&Act::Done, hour()).insert(&mut conn).await.unwrap().id();
    sqlx::query("UPDATE jobs SET unique_until = now() WHERE id = $1")
        .bind(expired.0)
        .execute(&mut *conn)
        .await
        .unwrap();

    let replace = |key: &str| Unique::while_open(key).on_conflict(OnConflict::Replace);
    let all = enqueue_all(
        &mut conn,
        &[
            keyed(&Act::Done, Unique::NO),
            keyed(&Act::Done, Unique::while_open("open")),
            keyed(&Act::Done, Unique::for_period("held", Duration::from_hours(1))),
            keyed(&Act::Done, hour()),
            keyed(&Act::Result, replace("open")),
            keyed(&Act::Done, Unique::while_open("twice")),
            keyed(&Act::Done, Unique::while_open("twice")),
            keyed(&Act::Done, Unique::NO),
        ],
    )
    .await
    .unwrap();
    let twice = all[5].id();
    assert_eq!(all[1], Enqueued::Existing(open));
    assert_eq!(all[2], Enqueued::Existing(held));
    assert_eq!(all[4], Enqueued::Replaced(open));
    assert_eq!(all[6], Enqueued::Existing(twice));
    let new: Vec<_> = [0, 3, 5, 7].map(|place: usize| all[place]).into();
    assert!(new.iter().all(|one| one.is_new()) && new.is_sorted_by_key(|one| one.id()), "{all:?}");
    let payload: serde_json::Value =
        sqlx::query_scalar("SELECT payload FROM jobs WHERE id = $1").bind(open.0).fetch_one(&mut *conn).await.unwrap();
    assert_eq!(payload, json!("Result"));

    let refused = keyed(&Act::Done, Unique::while_open("open").on_conflict(OnConflict::Reject));
    let refused = enqueue_all(&mut conn, &[refused]).await;
    assert!(matches!(refused, Err(EnqueueError::Conflict { existing, .. }) if existing == open), "{refused:?}");
    drop(conn);
    engine.db.close().await;
}

#[tokio::test]
async fn an_over_long_key_and_one_with_a_nul_are_refused_with_the_reason() {
    let engine = TestEngine::new().await;
    let mut conn = engine.db.pool.acquire().await.unwrap();
    let longest = "k".repeat(MAX_KEY_BYTES);
    assert!(keyed(&Act::Done, Unique::while_open(&longest)).insert(&mut conn).await.unwrap().is_new());
    for (key, reason) in [(longest + "k", "513 bytes; the most is 512"), ("a\0b".to_owned(), "contains a NUL")] {
        let bad = keyed(&Act::Done, Unique::while_open(key));
        let one = bad.clone().insert(&mut conn).await.unwrap_err();
        let many = enqueue_all(&mut conn, &[keyed(&Act::Done, Unique::NO), bad]).await.unwrap_err();
        for refused in [one, many] {
            assert!(matches!(refused, EnqueueError::Key { kind: "test.act", .. }), "{refused:?}");
            assert!(refused.to_string().contains(reason), "{refused}");
        }
    }
    drop(conn);
    engine.db.close().await;
}

#[tokio::test]
async fn a_replaced_job_begins_anew() {
    let engine = TestEngine::new().await;
    let first = engine.ledger.enqueue_with(keyed(&Act::Fail, Unique::while_open("a"))).await.unwrap();
    engine.queue.drain().await;
    let failed = rows(&engine.db.pool, "test.act").await.remove(0);
    assert_eq!((failed.state.as_str(), failed.attempt), ("scheduled", 1));
    // Its policy allows two attempts: the replaced job may use both.
    let replacing = keyed(&Act::Fail, Unique::while_open("a").on_conflict(OnConflict::Replace));
    assert_eq!(engine.ledger.enqueue_with(replacing).await.unwrap(), Enqueued::Replaced(first.id()));
    let replaced = rows(&engine.db.pool, "test.act").await.remove(0);
    assert_eq!((replaced.state.as_str(), replaced.attempt, replaced.error), ("available", 0, None));
    for state in ["scheduled", "dead"] {
        engine.queue.make_due().await;
        engine.queue.drain().await;
        assert_eq!(rows(&engine.db.pool, "test.act").await[0].state, state);
    }
    engine.db.close().await;
}

/// [`Act`] as the program of the release before had it, under its former name.
#[derive(Debug, Serialize, Deserialize)]
struct Before;

impl Job for Before {
    const KIND: Kind = Kind::new("test.former");
    const QUEUE: Queue = QUEUE;
}

#[tokio::test]
async fn programs_from_before_and_after_a_rename_mean_the_same_key() {
    let engine = TestEngine::new().await;
    let mut conn = engine.db.pool.acquire().await.unwrap();
    let old = || Enqueue::new(&Before).unique(Unique::while_open("a"));
    let new = || keyed(&Act::Result, Unique::while_open("a"));
    let first = old().insert(&mut conn).await.unwrap();
    assert_eq!(new().insert(&mut conn).await.unwrap(), Enqueued::Existing(first.id()));
    let replacing = keyed(&Act::Result, Unique::while_open("a").on_conflict(OnConflict::Replace));
    assert_eq!(replacing.insert(&mut conn).await.unwrap(), Enqueued::Replaced(first.id()));
    assert_eq!(old().insert(&mut conn).await.unwrap(), Enqueued::Existing(first.id()));
    drop(conn);
    // The replaced row has the new payload, so it has the new name as well.
    engine.queue.drain().await;
    assert_eq!(rows(&engine.db.pool, "test.act").await[0].result, Some(json!({ "rows": 3 })));
    engine.db.close().await;
}
