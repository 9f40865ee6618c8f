use shared::testing::TestDb;
use sqlx::PgPool;

use super::*;

/// A database where `test` leads the queue `emails`.
async fn led() -> TestDb {
    let db = TestDb::new().await;
    sqlx::query(
        "INSERT INTO queue_status (queue, dispatcher, seen_at, inflight, backlog)
         VALUES ('emails', 'test', clock_timestamp(), 0, false)",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    db
}

async fn enqueue(pool: &PgPool, tenant: u128, count: i32) {
    sqlx::query(
        "INSERT INTO jobs (state, queue, kind, tenant, payload, run_at)
         SELECT 'available', 'emails', 't.send', $1, '{}', now() FROM generate_series(1, $2)",
    )
    .bind(Uuid::from_u128(tenant))
    .bind(count)
    .execute(pool)
    .await
    .unwrap();
}

/// Takes turns with this much room until nothing is left, or at most `turns`; returns whose jobs went, in their order.
async fn turns(db: &TestDb, rotation: &mut Rotation, room: i64, turns: usize) -> Vec<u128> {
    let mut conn = db.pool.acquire().await.unwrap();
    let mut order = Vec::new();
    for _ in 0..turns {
        if rotation.is_stale(room) {
            rotation.refresh(&mut conn, "emails").await.unwrap();
        }
        let taken = rotation.take(&mut conn, "emails", room, "test").await.unwrap();
        assert!(taken.iter().map(Vec::len).sum::<usize>() <= usize::try_from(room).unwrap());
        order.extend(taken.iter().flatten().map(|one| one.tenant.as_u128()));
    }
    order
}

#[tokio::test]
async fn with_room_for_one_the_tenants_alternate() {
    let db = led().await;
    enqueue(&db.pool, 1, 100).await;
    enqueue(&db.pool, 2, 5).await;
    enqueue(&db.pool, 3, 5).await;
    let order = turns(&db, &mut Rotation::default(), 1, 15).await;
    assert_eq!(order, [1, 2, 3].repeat(5));
    db.close().await;
}

#[tokio::test]
async fn it_goes_on_after_the_last_served_when_everything_else_was_forgotten() {
    let db = led().await;
    for tenant in 1..=4 {
        enqueue(&db.pool, tenant, 10).await;
    }
    let mut rotation = Rotation::default();
    assert_eq!(turns(&db, &mut rotation, 3, 1).await, [1, 2, 3]);
    rotation.forget();
    assert_eq!(turns(&db, &mut rotation, 3, 1).await, [4, 1, 2]);
    db.close().await;
}

#[tokio::test]
async fn more_tenants_than_share_a_turn_are_all_served_before_any_is_served_twice() {
    let db = led().await;
    for tenant in 1..=150 {
        enqueue(&db.pool, tenant, 3).await;
    }
    for room in [7, 64, 200] {
        let turns_needed = 150_usize.div_ceil(usize::try_from(room.min(64)).unwrap());
        let mut order = turns(&db, &mut Rotation::default(), room, turns_needed).await;
        order.sort_unstable();
        order.dedup();
        assert_eq!(order.len(), 150, "room for {room}");
        sqlx::query("UPDATE jobs SET state = 'available' WHERE state = 'queued'").execute(&db.pool).await.unwrap();
    }
    db.close().await;
}

#[tokio::test]
async fn what_short_lines_leave_goes_to_the_others() {
    let db = led().await;
    enqueue(&db.pool, 1, 100).await;
    enqueue(&db.pool, 2, 2).await;
    let order = turns(&db, &mut Rotation::default(), 50, 1).await;
    assert_eq!(order.iter().filter(|&&tenant| tenant == 2).count(), 2);
    assert_eq!(order.len(), 50);
    db.close().await;
}

#[tokio::test]
async fn who_no_longer_leads_the_queue_takes_nothing() {
    let db = led().await;
    enqueue(&db.pool, 1, 10).await;
    let mut rotation = Rotation::default();
    assert_eq!(turns(&db, &mut rotation, 2, 1).await.len(), 2);
    sqlx::query("UPDATE queue_status SET dispatcher = 'another'").execute(&db.pool).await.unwrap();
    assert_eq!(turns(&db, &mut rotation, 2, 2).await, [0_u128; 0]);
    db.close().await;
}
