//! Each event once, for as long as its key is kept.

use sqlx::error::DatabaseError;

use super::*;

fn is_of_the_keys(error: &dyn DatabaseError) -> bool {
    error.constraint().is_some_and(|name| name.starts_with("cargo_event_keys_"))
}

/// The key is unique in the database itself: across partitions, and for statements that are not ours.
#[tokio::test]
async fn no_statement_can_store_an_event_twice() {
    let db = TestDb::new().await;
    store(&db.pool, &[event("a", "1")]).await;
    ensure_partitions(&mut db.pool.acquire().await.unwrap(), 3).await.unwrap();
    let mut tables = partitions(&db.pool).await;
    tables.push("cargo_events".to_owned());
    assert!(tables.len() >= 5);
    for table in tables {
        let days = if table == "cargo_events" { 0 } else { 31 };
        let statement = format!(
            "INSERT INTO {table} ({} occurred_at, recorded_at, org, type, source, source_event_id, shipment)
            SELECT {} now(), now() + {days} * interval '1 day', '{ORG}', 'actual', 'a', '1', 'S-1'",
            if days == 0 { "" } else { "id," },
            if days == 0 { "" } else { "1," },
        );
        let error = sql(&db.pool, statement).await.unwrap_err();
        let error = error.as_database_error().unwrap();
        // A month's own table also refuses rows of other months.
        let refused = is_of_the_keys(error) || error.message().contains("violates partition constraint");
        assert!(refused, "{table}: {error}");
    }
    let next_month = format!(
        "INSERT INTO cargo_events (occurred_at, recorded_at, org, type, source, source_event_id, shipment)
        SELECT now(), now() + interval '31 days', '{ORG}', 'actual', 'a', '1', 'S-1'"
    );
    let error = sql(&db.pool, next_month).await.unwrap_err();
    assert!(is_of_the_keys(error.as_database_error().unwrap()), "{error}");
    db.close().await;
}

#[tokio::test]
async fn the_log_is_append_only() {
    let db = TestDb::new().await;
    store(&db.pool, &[event("a", "1")]).await;
    let mut tables = partitions(&db.pool).await;
    tables.extend(partitions_of(&db.pool, "cargo_event_keys").await);
    tables.extend(["cargo_events".to_owned(), "cargo_event_keys".to_owned()]);
    for table in tables {
        for statement in [
            format!("UPDATE {table} SET source = 'x'"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table} CASCADE"),
        ] {
            let error = sql(&db.pool, statement.clone()).await.expect_err(&statement);
            assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("42501"), "{statement}: {error}");
        }
    }
    assert_eq!(count(&mut db.pool.acquire().await.unwrap()).await.unwrap(), 1);
    db.close().await;
}

/// Makes the keys so far those of `years` ago.
async fn age_keys(pool: &PgPool, years: i32) {
    let this: i32 = sqlx::query_scalar("SELECT extract(year FROM now() AT TIME ZONE 'UTC')::integer")
        .fetch_one(pool)
        .await
        .unwrap();
    let (part, then) = (format!("cargo_event_keys_{this}"), this - years);
    for statement in [
        format!("ALTER TABLE cargo_event_keys DETACH PARTITION {part}"),
        format!("ALTER TABLE {part} DISABLE TRIGGER USER"),
        format!("UPDATE {part} SET year = {then}"),
        format!("ALTER TABLE {part} ENABLE TRIGGER USER"),
        format!("ALTER TABLE {part} RENAME TO cargo_event_keys_{then}"),
        format!("ALTER TABLE cargo_event_keys_{then} RENAME CONSTRAINT {part}_once TO cargo_event_keys_{then}_once"),
        format!(
            "ALTER TABLE cargo_event_keys ATTACH PARTITION cargo_event_keys_{then} FOR VALUES FROM ({then}) TO ({then} + 1)"
        ),
    ] {
        sql(pool, statement).await.unwrap();
    }
    ensure_partitions(&mut pool.acquire().await.unwrap(), 0).await.unwrap();
}

#[tokio::test]
async fn an_event_of_an_earlier_year_is_known_whatever_its_time() {
    let db = TestDb::new().await;
    store(&db.pool, &[event("a", "1"), event("a", "2")]).await;
    age_keys(&db.pool, 1).await;
    let later = CargoEvent { occurred_at: start() + TimeDelta::days(3), ..event("a", "1") };
    let batch = [later, event("a", "3"), event("a", "2")];
    assert_eq!(store(&db.pool, &batch).await, Stored { stored: 1, duplicates: 2, change: None });
    let past_the_program = format!(
        "INSERT INTO cargo_events (occurred_at, org, type, source, source_event_id, shipment)
        SELECT now(), '{ORG}', 'actual', 'a', id, 'S-1' FROM unnest('{{5,2}}'::text[]) AS id"
    );
    let error = sql(&db.pool, past_the_program).await.unwrap_err();
    assert!(is_of_the_keys(error.as_database_error().unwrap()), "{error}");
    assert_eq!(count(&mut db.pool.acquire().await.unwrap()).await.unwrap(), 3);
    db.close().await;
}

#[tokio::test]
async fn keys_of_years_long_past_are_dropped_and_no_others() {
    let db = TestDb::new().await;
    store(&db.pool, &[event("a", "1")]).await;
    age_keys(&db.pool, 3).await;
    store(&db.pool, &[event("a", "2")]).await;
    let mut conn = db.app.acquire().await.unwrap();
    assert_eq!(drop_keys(&mut conn, 3000).await.unwrap(), 0);
    assert_eq!(drop_keys(&mut conn, 0).await.unwrap(), 1, "not those of this year, whatever is asked for");
    assert_eq!(drop_keys(&mut conn, 0).await.unwrap(), 0, "a second run finds none");
    drop(conn);
    let again = [event("a", "1"), event("a", "2")];
    assert_eq!(store(&db.pool, &again).await, Stored { stored: 1, duplicates: 1, change: None });
    db.close().await;
}

/// One statement runs over midnight of New Year: whichever year it writes to, those after it meet its keys.
#[tokio::test]
async fn keys_of_the_last_day_of_a_year_are_also_in_the_next() {
    let db = TestDb::new().await;
    // As if the last day lasted all year.
    let body: String =
        sqlx::query_scalar("SELECT pg_get_functiondef('cargo_keep_keys'::regproc)").fetch_one(&db.pool).await.unwrap();
    assert!(body.contains("interval '1 day'"), "{body}");
    sql(&db.pool, body.replace("interval '1 day'", "interval '1 year'")).await.unwrap();
    store(&db.pool, &[event("a", "1")]).await;
    let years: i64 = sqlx::query_scalar("SELECT count(*) FROM cargo_event_keys").fetch_one(&db.pool).await.unwrap();
    assert_eq!(years, 2);
    assert_eq!(
        store(&db.pool, &[event("a", "1"), event("a", "2")]).await,
        Stored { stored: 1, duplicates: 1, change: None }
    );
    db.close().await;
}

/// A log from before keys were cut by year and standings were kept: the migrations forget nothing of it.
#[tokio::test]
async fn an_older_log_keeps_its_keys_and_gets_its_standings() {
    let db = TestDb::new().await;
    let name = format!("{}_older", db.options().get_database().unwrap());
    sql(&db.pool, format!("CREATE DATABASE \"{name}\" TEMPLATE template0")).await.unwrap();
    let own = shared::db::pool_with(db.options().clone().database(&name), 2, "test");
    let all = crate::cargo::migrator();
    let older = all.iter().filter(|one| one.version < 610).cloned().collect();
    let mut older = sqlx::migrate::Migrator::with_migrations(older);
    older.table_name = all.table_name.clone();
    shared::db::apply(&older, &own).await.unwrap();
    let insert = format!(
        "INSERT INTO cargo_events (occurred_at, org, type, status, source, source_event_id, shipment)
        SELECT now() - interval '1 day', '{ORG}', 'actual', 'delivered', 'a', id, 'S-1' FROM unnest('{{1,2}}'::text[]) AS id"
    );
    sql(&own, insert).await.unwrap();
    crate::cargo::migrate(&own).await.unwrap();
    let mut conn = own.acquire().await.unwrap();
    assert_eq!(standing(&mut conn, ORG, "S-1").await.unwrap().status, Some(ShipmentStatus::Delivered));
    let again = [event("a", "1"), event("a", "2"), event("a", "3")];
    assert_eq!(store(&own, &again).await, Stored { stored: 1, duplicates: 2, change: None });
    assert_eq!(rank_due(&mut conn, 10).await.unwrap(), 1);
    assert_eq!(standing(&mut conn, ORG, "S-1").await.unwrap().status, Some(ShipmentStatus::Delivered));
    drop(conn);
    own.close().await;
    sql(&db.pool, format!("DROP DATABASE \"{name}\" WITH (FORCE)")).await.unwrap();
    db.close().await;
}
