use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};
use jobs::reports::ScheduleDailyReports;
use queue::testing::rows;
use queue::worker::Handlers;

use super::*;
use crate::testing::TestWorkers;

fn org(zone: &str, last_day: Option<(i32, u32, u32)>) -> Due {
    Due {
        org: OrgId::generate(),
        zone: zone.to_owned(),
        created_at: "2026-11-18T12:00:00Z".parse().unwrap(),
        last_day: last_day.map(|(y, m, d)| NaiveDate::from_ymd_opt(y, m, d).unwrap()),
    }
}

fn first_day(org: &Due, cadence: Cadence, now: &str) -> Option<String> {
    due(org, cadence, now.parse().unwrap()).map(|it| it.first_day().to_string())
}

#[test]
fn a_day_is_due_once_and_only_when_it_has_ended() {
    let day = |org: &Due, now: &str| first_day(org, Cadence::Daily, now);
    let berlin = org("Europe/Berlin", Some((2026, 11, 18)));
    assert_eq!(day(&berlin, "2026-11-19T22:59:59Z"), None, "the 19th has a second to go");
    assert_eq!(day(&berlin, "2026-11-19T23:00:00Z").as_deref(), Some("2026-11-19"));
    let done = org("Europe/Berlin", Some((2026, 11, 19)));
    assert_eq!(day(&done, "2026-11-19T23:00:00Z"), None);
    let fresh = org("Asia/Kolkata", None);
    assert_eq!(day(&fresh, "2026-11-18T18:00:00Z"), None, "it did not exist on the 17th");
    assert_eq!(day(&fresh, "2026-11-18T18:30:00Z").as_deref(), Some("2026-11-18"));
    assert_eq!(day(&org("Mars/Olympus", None), "2026-11-20T00:00:00Z").as_deref(), Some("2026-11-19"));
}

#[test]
fn a_week_and_a_month_are_due_once_and_at_six() {
    let berlin = org("Europe/Berlin", None);
    let week = |org: &Due, now: &str| first_day(org, Cadence::Weekly, now);
    assert_eq!(week(&berlin, "2026-11-23T04:59:59Z"), None, "it did not exist in the week before");
    assert_eq!(week(&berlin, "2026-11-23T05:00:00Z").as_deref(), Some("2026-11-16"));
    assert_eq!(week(&org("Europe/Berlin", Some((2026, 11, 22))), "2026-11-27T05:00:00Z"), None);
    let month = |org: &Due, now: &str| first_day(org, Cadence::Monthly, now);
    assert_eq!(month(&berlin, "2026-12-01T04:59:59Z"), None);
    assert_eq!(month(&berlin, "2026-12-01T05:00:00Z").as_deref(), Some("2026-11-01"));
    assert_eq!(month(&org("Europe/Berlin", Some((2026, 11, 30))), "2026-12-31T05:00:00Z"), None);
}

const ZONES: [Tz; 3] = [Tz::Europe__Berlin, Tz::America__Havana, Tz::Australia__Lord_Howe];
const CADENCES: [(Kind, Cadence); 3] = [
    (Kind::Sales, Cadence::Daily),
    (Kind::InventoryCheck, Cadence::Weekly),
    (Kind::MonthlyAnalytics, Cadence::Monthly),
];

/// Each hour from noon on the Saturday before the clocks are changed in one of the zones until Tuesday, and around the first of April.
fn around_clock_changes() -> Vec<DateTime<Utc>> {
    let hours = |from: &str, hours: i64| {
        let from: DateTime<Utc> = from.parse().unwrap();
        (0..hours).map(move |hour| from + TimeDelta::hours(hour))
    };
    let saturdays = ["2026-03-07", "2026-03-28", "2026-04-04", "2026-10-03", "2026-10-24", "2026-10-31"];
    let mut all: Vec<_> = saturdays.iter().flat_map(|day| hours(&format!("{day}T12:00:00Z"), 60)).collect();
    all.extend(hours("2026-04-01T00:00:00Z", 12));
    all.sort();
    all
}

/// A scheduler's turn, as [`request_due`] has it; returns how many reports it requested.
async fn turn(workers: &TestWorkers, kind: Kind, cadence: Cadence, now: DateTime<Utc>) -> usize {
    let (mut requested, mut after) = (0, OrgId(uuid::Uuid::nil()));
    loop {
        let mut tx = workers.ledger.begin().await.unwrap();
        let Some((last, some)) = request_page(&mut tx, kind, cadence, now, after).await.unwrap() else {
            return usize::try_from(requested).unwrap();
        };
        tx.commit().await.unwrap();
        after = last;
        requested += some;
    }
}

/// Whatever the clocks do: in Havana midnight is left out in March and comes twice in November, on Lord Howe they move by half an hour.
#[tokio::test]
async fn two_schedulers_at_once_request_each_period_once_across_clock_changes() {
    let workers = TestWorkers::new(Handlers::default().with::<ScheduleDailyReports>()).await;
    let user = workers.user("ada@example.com").await;
    let mut orgs = Vec::new();
    for zone in ZONES {
        let org = workers.org(user, zone.name()).await;
        workers.listing(org, user).await;
        orgs.push((org, zone));
    }
    sqlx::query(
        "WITH places AS (
             INSERT INTO sites (id, org_id, region_id, name, kind, body, latitude, longitude)
             SELECT gen_random_uuid(), o.id, r.id, 'Depot', 'depot', r.body, 53.5, 10
             FROM orgs AS o
             JOIN regions AS r ON r.code = 'earth/de'
             RETURNING id, org_id
         )
         INSERT INTO stock_levels (item_id, site_id, org_id)
         SELECT i.id, p.id, p.org_id FROM items AS i JOIN places AS p ON p.org_id = i.org_id",
    )
    .execute(&workers.db.pool)
    .await
    .unwrap();

    let mut expected = BTreeSet::new();
    for now in around_clock_changes() {
        for (kind, cadence) in CADENCES {
            let before = expected.len();
            for &(org, zone) in &orgs {
                let period = cadence.due(now, zone).unwrap();
                assert!(period.ends_at() <= now, "{zone} at {now}: {period:?}");
                expected.insert((kind.name().to_owned(), org.0, period.first_day(), period.last_day()));
            }
            let (one, other) = tokio::join!(turn(&workers, kind, cadence, now), turn(&workers, kind, cadence, now));
            assert_eq!(one + other, expected.len() - before, "{cadence:?} at {now}");
        }
    }
    let made: Vec<(String, uuid::Uuid, NaiveDate, NaiveDate)> =
        sqlx::query_as("SELECT kind, org_id, first_day, last_day FROM reports ORDER BY 1, 2, 3, 4")
            .fetch_all(&workers.db.pool)
            .await
            .unwrap();
    assert_eq!(made, expected.into_iter().collect::<Vec<_>>());
    assert_eq!(rows(&workers.db.pool, "reports.generate").await.len(), made.len(), "one job each");

    // Every day between was reported, each from where the one before ended.
    let lengths: Vec<(String, NaiveDate, i64)> = sqlx::query_as(
        "SELECT zone, first_day, (extract(epoch FROM ends_at - starts_at) / 60)::bigint FROM reports WHERE kind = 'sales' ORDER BY 1, 2",
    )
    .fetch_all(&workers.db.pool)
    .await
    .unwrap();
    let minutes = |zone: Tz, month, day| {
        let day = NaiveDate::from_ymd_opt(2026, month, day).unwrap();
        lengths.iter().find(|(name, of, _)| name == zone.name() && *of == day).map(|(.., minutes)| *minutes)
    };
    let hour = 60;
    assert_eq!(minutes(Tz::Europe__Berlin, 3, 29), Some(23 * hour));
    assert_eq!(minutes(Tz::Europe__Berlin, 10, 25), Some(25 * hour));
    assert_eq!(minutes(Tz::America__Havana, 3, 8), Some(23 * hour));
    assert_eq!(minutes(Tz::America__Havana, 11, 1), Some(25 * hour));
    assert_eq!(minutes(Tz::Australia__Lord_Howe, 4, 5), Some(24 * hour + 30));
    assert_eq!(minutes(Tz::Australia__Lord_Howe, 10, 4), Some(23 * hour + 30));
    // The jobs are not run here.
    workers.leave().await;
}
