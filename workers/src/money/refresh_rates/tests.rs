use axum::http::StatusCode;
use chrono::NaiveDate;
use market::money::model::Snapshot;
use queue::Job;
use queue::testing::{Row, rows};
use queue::worker::Handlers;
use shared::clock::Clock;
use sinks::rates::daily;

use super::*;
use crate::testing::TestWorkers;

const USD: (&str, &str) = ("USD", "1.0862");

/// Three weeks ago, and so many days later.
fn day(n: i64) -> NaiveDate {
    (Clock::SYSTEM.now() - TimeDelta::days(21 - n)).date_naive()
}

async fn workers() -> TestWorkers {
    TestWorkers::new(Handlers::default().with::<RefreshRates>()).await
}

/// Runs the job once; its row, with the state and what it said.
async fn refreshed(workers: &TestWorkers) -> Row {
    let _ = workers.ledger.enqueue(&RefreshRates {}).await.unwrap();
    workers.queue.make_due().await;
    assert_eq!(workers.queue.drain().await, 1);
    rows(&workers.db.pool, RefreshRates::KIND.name).await.pop().unwrap()
}

async fn newest(workers: &TestWorkers) -> Option<Snapshot> {
    rates::newest(&mut workers.db.pool.acquire().await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn each_days_rates_are_stored_once() {
    let workers = workers().await;
    for n in 1..=2 {
        workers.rates.serve(daily(day(n), &[USD, ("JPY", "163.06"), ("HRK", "7.5345")]));
        for stored in [true, false] {
            let row = refreshed(&workers).await;
            let said = json!({ "stored": stored, "day": day(n), "skipped": 1 });
            assert_eq!((row.state.as_str(), row.result), ("succeeded", Some(said)));
        }
        let kept = newest(&workers).await.unwrap();
        assert_eq!((kept.source.as_str(), kept.day), ("ecb", day(n)));
        let rates: Vec<String> = kept.rates.iter().map(|(currency, rate)| format!("{currency} {rate}")).collect();
        assert_eq!(rates, ["JPY 163.0600000000", "USD 1.0862000000"]);
    }
    workers.close().await;
}

#[tokio::test]
async fn a_broken_or_old_file_leaves_the_rates_as_they_are() {
    let workers = workers().await;
    workers.rates.serve(daily(day(5), &[USD]));
    refreshed(&workers).await;
    let kept = newest(&workers).await;
    assert!(kept.is_some());

    workers.rates.serve(daily(day(4), &[("USD", "1.2")]));
    let row = refreshed(&workers).await;
    let said = json!({ "stored": false, "day": day(4), "skipped": 0 });
    assert_eq!((row.state.as_str(), row.result), ("succeeded", Some(said)));

    let breaks: [(&dyn Fn(), &str); 5] = [
        (&|| workers.rates.serve(&daily(day(6), &[USD])[..400]), "not in the format of eurofxref"),
        (&|| workers.rates.serve(daily(day(6), &[USD, ("JPY", "0")])), "rate of JPY"),
        (&|| workers.rates.serve(daily(day(6), &[USD]) + &" ".repeat(300_000)), "more than"),
        (&|| workers.rates.serve(daily(day(30), &[USD])), "has not come yet"),
        (&|| workers.rates.fail(StatusCode::SERVICE_UNAVAILABLE), "answered 503"),
    ];
    for (broken, why) in breaks {
        broken();
        let row = refreshed(&workers).await;
        assert_eq!(row.state, "scheduled", "it is tried again: {row:?}");
        assert!(row.error.as_deref().is_some_and(|error| error.contains(why)), "{why}: {row:?}");
        assert_eq!(newest(&workers).await, kept, "{why}");
    }

    // The bank mends its file, and the same job stores it.
    workers.rates.serve(daily(day(6), &[USD]));
    assert_eq!(refreshed(&workers).await.state, "succeeded");
    assert_eq!(newest(&workers).await.unwrap().day, day(6));
    workers.close().await;
}

#[tokio::test]
async fn another_file_of_a_day_that_is_stored_is_for_people_to_look_at() {
    let workers = workers().await;
    workers.rates.serve(daily(day(5), &[USD]));
    refreshed(&workers).await;
    let kept = newest(&workers).await;
    workers.rates.serve(daily(day(5), &[("USD", "1.0863")]));
    let row = refreshed(&workers).await;
    assert_eq!(row.state, "dead");
    assert!(row.error.as_deref().is_some_and(|error| error.contains("stored already")), "{row:?}");
    assert_eq!(newest(&workers).await, kept);
    workers.close().await;
}
