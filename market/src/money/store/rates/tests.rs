use std::sync::Arc;

use shared::testing::TestDb;
use sqlx::PgPool;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

/// Rates of the dollar and the yen, from a file whose checksum is this byte over and over.
fn snapshot(on: &str, checksum: u8, dollar: &str) -> NewSnapshot {
    let rates = [(Currency::USD, dollar), (Currency::JPY, "182.35")];
    NewSnapshot {
        source: "test".to_owned(),
        day: day(on),
        checksum: [checksum; 32],
        rates: rates.into_iter().map(|(currency, rate)| (currency, rate.parse().expect("a rate"))).collect(),
    }
}

/// Stores in a transaction of its own, as an act does.
async fn stored(pool: &PgPool, new: &NewSnapshot) -> Result<Stored, RatesError> {
    let mut tx = pool.begin().await?;
    let made = store(&mut tx, new).await?;
    tx.commit().await?;
    Ok(made)
}

#[tokio::test]
async fn rates_of_a_day_are_never_changed() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let first = snapshot("2026-01-05", 1, "1.0862");
    // As a program: the application role may do all of it.
    let Stored::Now(id) = stored(&db.app, &first).await.unwrap() else { panic!("nothing was stored before") };
    let kept = newest(&mut conn).await.unwrap().expect("the rates");
    assert_eq!((kept.id, &kept.source, kept.day, &kept.rates), (id, &first.source, first.day, &first.rates));

    assert_eq!(stored(&db.app, &first).await.unwrap(), Stored::Before(id));
    for other in [snapshot("2026-01-05", 2, "1.0863"), snapshot("2026-01-05", 3, "1.0862")] {
        let refused = stored(&db.app, &other).await;
        assert!(matches!(&refused, Err(RatesError::DayTaken { day, .. }) if *day == first.day), "{refused:?}");
    }
    assert_eq!(newest(&mut conn).await.unwrap(), Some(kept));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn of_two_files_of_a_day_at_once_one_is_stored() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    for round in 1..=20 {
        let on = format!("2026-01-{round:02}");
        let barrier = Arc::new(Barrier::new(2));
        let mut tasks = JoinSet::new();
        for file in 1..=2 {
            let (pool, barrier) = (db.app.clone(), Arc::clone(&barrier));
            let new = snapshot(&on, file, &format!("1.{file}"));
            tasks.spawn(async move {
                barrier.wait().await;
                let made = stored(&pool, &new).await;
                (new, made)
            });
        }
        let made = tasks.join_all().await;
        let winners: Vec<_> = made.iter().filter(|(_, made)| matches!(made, Ok(Stored::Now(_)))).collect();
        assert_eq!(winners.len(), 1, "{made:?}");
        assert!(made.iter().any(|(_, made)| matches!(made, Err(RatesError::DayTaken { .. }))), "{made:?}");
        assert_eq!(newest(&mut conn).await.unwrap().expect("the rates").rates, winners[0].0.rates);
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_day_without_rates_has_those_of_the_last_day_before() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    assert_eq!(newest(&mut conn).await.unwrap(), None);
    // A Monday, and the Friday before it that arrives late.
    for (on, file) in [("2026-01-05", 1), ("2026-01-02", 2)] {
        stored(&db.app, &snapshot(on, file, "1.0862")).await.unwrap();
    }
    for (asked, expected) in [
        ("2026-01-01", None),
        ("2026-01-02", Some("2026-01-02")),
        ("2026-01-04", Some("2026-01-02")),
        ("2026-01-05", Some("2026-01-05")),
        ("2031-01-01", Some("2026-01-05")),
    ] {
        let found = of_day(&mut conn, day(asked)).await.unwrap().map(|found| found.day);
        assert_eq!(found, expected.map(day), "{asked}");
    }
    assert_eq!(newest(&mut conn).await.unwrap().map(|found| found.day), Some(day("2026-01-05")));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_rate_is_read_as_it_was_written() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let ends = ["0.0000000001", "999999999999.9999999999", "1.1"];
    for (file, text) in (1..).zip(ends) {
        let rate = text.parse().expect("a rate");
        let mut new = snapshot(&format!("2026-01-{file:02}"), file, "1");
        new.rates.insert(Currency::USD, rate);
        stored(&db.app, &new).await.unwrap();
        assert_eq!(newest(&mut conn).await.unwrap().expect("the rates").rates, new.rates, "{text}");
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_snapshot_without_rates_or_with_one_of_the_euro_is_refused() {
    let db = TestDb::new().await;
    let mut empty = snapshot("2026-01-05", 1, "1.0862");
    empty.rates.clear();
    let mut euro = snapshot("2026-01-05", 1, "1.0862");
    euro.rates.insert(Currency::EUR, PerEuro::EURO);
    for new in [empty, euro] {
        let refused = stored(&db.app, &new).await;
        assert!(matches!(refused, Err(RatesError::Unusable)), "{refused:?}");
    }
    db.close().await;
}
