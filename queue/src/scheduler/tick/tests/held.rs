//! Schedules whose rows somebody holds.

use super::*;

async fn until(db: &TestDb, condition: &str) {
    let waiting = async {
        let query = || sqlx::query_scalar::<_, bool>(AssertSqlSafe(condition.to_owned())).fetch_one(&db.pool);
        while !query().await.unwrap() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, waiting).await.unwrap_or_else(|_| panic!("{condition} comes true"));
}

#[tokio::test]
async fn a_schedule_whose_row_is_held_stops_no_other_and_is_declared_when_it_is_free() {
    let db = TestDb::new().await;
    let before = Arc::new(Registry::new([KindInfo::of::<Minute>(), KindInfo::of::<Second>()]).unwrap());
    ticker(&db, &before).declare(true).await.unwrap();
    let declared: String = sqlx::query_scalar("SELECT expression FROM schedules WHERE name = 't.minute'")
        .fetch_one(&db.pool)
        .await
        .unwrap();
    let as_declared = format!("SELECT expression = '{declared}' FROM schedules WHERE name = 't.minute'");
    // As an older version declared it, and long ago.
    sql(
        &db,
        "UPDATE schedules SET declared_at = declared_at - interval '1 hour',
             expression = CASE name WHEN 't.minute' THEN '@every 90s' ELSE expression END",
    )
    .await;
    let mut holder = db.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM schedules WHERE name = 't.minute' FOR UPDATE").execute(&mut *holder).await.unwrap();

    let kinds = [KindInfo::of::<Minute>(), KindInfo::of::<Second>(), KindInfo::of::<Quarter>()];
    let after = Arc::new(Registry::new(kinds).unwrap());
    let stop = CancellationToken::new();
    let running = tokio::spawn(ticker(&db, &after).run(stop.clone()));
    until(&db, "SELECT count(*) > 0 FROM schedule_ticks WHERE schedule = 't.second'").await;
    until(&db, "SELECT count(*) = 1 FROM schedules WHERE name = 't.quarter'").await;
    holder.rollback().await.unwrap();
    until(&db, &as_declared).await;
    until(&db, "SELECT bool_and(retired_at IS NULL) FROM schedules").await;
    stop.cancel();
    running.await.unwrap();
    db.close().await;
}

#[tokio::test]
async fn a_scheduler_that_cannot_declare_fires_what_is_declared() {
    let db = TestDb::new().await;
    let registry = Arc::new(Registry::new([KindInfo::of::<Second>()]).unwrap());
    ticker(&db, &registry).declare(true).await.unwrap();
    sql(&db, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$").await;
    sql(&db, "CREATE TRIGGER refuse BEFORE UPDATE OF declared_at ON schedules FOR EACH ROW EXECUTE FUNCTION refuse()")
        .await;
    assert!(ticker(&db, &registry).declare(true).await.is_err());
    let stop = CancellationToken::new();
    let running = tokio::spawn(ticker(&db, &registry).run(stop.clone()));
    until(&db, "SELECT count(*) > 0 FROM schedule_ticks WHERE schedule = 't.second'").await;
    stop.cancel();
    running.await.unwrap();
    db.close().await;
}
