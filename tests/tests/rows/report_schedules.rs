#![expect(clippy::unwrap_used, reason = "a test without its data ends here")]

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::testing::TestDb;
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use tests::servers::{OwnPostgres, TestClock};
use tests::until::{until, until_sql};

use super::shipments::{site, stocked};

/// The schedules of reports that nobody asks for.
const SCHEDULES: [&str; 3] = ["reports.daily", "reports.weekly", "reports.monthly"];
/// What the subjects of their mails say.
const REPORT: &str = " report ";

/// Sets a clock to this time, from where it goes on.
fn set(clock: &TestClock, time: &str) {
    let time: DateTime<Utc> = time.parse().unwrap();
    clock.set((time - Clock::SYSTEM.now()).num_seconds()).unwrap();
}

/// The owner of an approved organisation of this kind in this time zone.
async fn owner(market: &TestInstallation, admin: &Person, name: &str, kind: &str, zone: &str) -> Person {
    let mut owner = market.person(name).await;
    let org = json!({"legal_name": format!("{name} Ltd"), "kinds": [kind], "time_zone": zone});
    owner.org = id(&owner.post("/v1/orgs", org).await.ok());
    let _ = admin.post(&format!("/v1/orgs/{}/approve", owner.org), json!({})).await.ok();
    owner
}

/// The reports of an organisation: kind, first and last day, and the first sum of money if there is one.
async fn reports(of: &Person) -> Vec<String> {
    let listed = of.get("/v1/reports").await.ok();
    let shown = |report: &Value| {
        let [kind, first, last] = ["kind", "first_day", "last_day"].map(|field| report[field].as_str().unwrap());
        let sum = report["totals"][0]["amount"]["amount"].as_str().unwrap_or("-");
        format!("{kind} {first} {last} {sum}")
    };
    let mut shown: Vec<_> = listed["items"].as_array().unwrap().iter().map(shown).collect();
    shown.sort_unstable();
    shown
}

/// The clock of the database is set ahead, over the end of summer time, past midnights, mornings and the end of a month in three time
/// zones, up to 25 hours apart. Each time two schedulers find the same times missed, and fire each once; each organisation has one report
/// of each of its own days, weeks and months, with what was sold in them there, and its owner one mail of each in which there is something.
#[tokio::test(flavor = "multi_thread")]
async fn row_periodic_reports_are_made_once_in_the_zone_of_the_organisation() {
    let clock = TestClock::new().unwrap();
    set(&clock, "2026-10-24T12:00:00Z");
    let mut postgres = OwnPostgres::start_by(&clock).await.unwrap();
    let mut market = TestInstallation::on(TestDb::on(&postgres.url()).await).await;
    market.another_scheduler();
    let admin = market.admin().await;
    let bob = owner(&market, &admin, "Bob", "buyer", "UTC").await;
    let mut sellers = Vec::new();
    for (name, zone) in [("Ann", "Europe/Berlin"), ("Kai", "Pacific/Kiritimati"), ("Pua", "Pacific/Pago_Pago")] {
        let seller = owner(&market, &admin, name, "seller", zone).await;
        // Whoever keeps stock has it checked each week.
        let depot = site(&seller, "Depot", None).await;
        let _ = stocked(&seller, &depot, 50).await;
        let listing = json!({"sale_mode": "fixed", "price": eur("100.00"), "quantity": 5});
        let listing = seller.lists(listing).await;
        let _ = bob.buys(&listing, 1, eur("100.00")).await;
        sellers.push((seller, listing));
    }
    market.until_quiet().await;

    // What each of the three has more at these times, and how many units are sold by each of them then.
    let steps: [(&str, [&[&str]; 3], u32); 5] = [
        ("2026-10-24T22:42:00Z", [&["sales 2026-10-24 2026-10-24 100.00"], &[], &[]], 0),
        // Sunday has 25 hours in Berlin. In its last one, Monday has come to Kiritimati.
        (
            "2026-10-25T22:42:00Z",
            [
                &[],
                &["sales 2026-10-25 2026-10-25 100.00", "inventory_check 2026-10-19 2026-10-25 -"],
                &["sales 2026-10-24 2026-10-24 100.00"],
            ],
            2,
        ),
        ("2026-10-25T23:42:00Z", [&["sales 2026-10-25 2026-10-25 200.00"], &[], &[]], 0),
        (
            "2026-10-26T17:42:00Z",
            [
                &["inventory_check 2026-10-19 2026-10-25 -"],
                &["sales 2026-10-26 2026-10-26 200.00"],
                &["sales 2026-10-25 2026-10-25 200.00", "inventory_check 2026-10-19 2026-10-25 -"],
            ],
            0,
        ),
        // Days that nobody has looked at are not made up for.
        (
            "2026-11-01T17:42:00Z",
            [
                &["sales 2026-10-31 2026-10-31 -", "monthly_analytics 2026-10-01 2026-10-31 300.00"],
                &[
                    "sales 2026-11-01 2026-11-01 -",
                    "inventory_check 2026-10-26 2026-11-01 -",
                    "monthly_analytics 2026-10-01 2026-10-31 300.00",
                ],
                &["sales 2026-10-31 2026-10-31 -", "monthly_analytics 2026-10-01 2026-10-31 300.00"],
            ],
            0,
        ),
    ];
    let mut expected: [Vec<&str>; 3] = [Vec::new(), Vec::new(), Vec::new()];
    for (time, more, units) in steps {
        set(&clock, time);
        // The newest of the times that were missed: daily at 35, weekly at 37, monthly at 39 minutes past.
        let since = format!("timestamptz '{time}' - interval '10 minutes'");
        let names = format!("('{}')", SCHEDULES.join("', '"));
        let fired = format!("SELECT count(*) FROM schedule_ticks WHERE schedule IN {names} AND fire_at > {since}");
        until_sql(&market.db.pool, &fired, 3).await;
        for (all, more) in expected.iter_mut().zip(more) {
            all.extend(more);
            all.sort_unstable();
        }
        let ready = "SELECT count(*) FROM reports WHERE status = 'ready'";
        let count = expected.iter().map(Vec::len).sum::<usize>();
        until_sql(&market.db.pool, ready, i64::try_from(count).unwrap()).await;
        market.until_quiet().await;
        let jobs = format!("SELECT count(*) FROM jobs WHERE kind IN {names} AND created_at > {since}");
        until_sql(&market.db.pool, &jobs, 3).await;
        for ((seller, listing), expected) in sellers.iter().zip(&expected) {
            assert_eq!(reports(seller).await, *expected, "{} at {time}", seller.email);
            if units > 0 {
                let _ = bob.buys(listing, units, eur("100.00")).await;
            }
        }
        market.until_quiet().await;
    }

    // Once more, by hand.
    for schedule in SCHEDULES {
        let _ = admin.post(&format!("/v1/schedules/{schedule}/run-now"), json!({})).await.ok();
    }
    market.until_quiet().await;
    for ((seller, _), expected) in sellers.iter().zip(&expected) {
        assert_eq!(reports(seller).await, *expected, "{}", seller.email);
        // Of a day on which nothing was sold nobody is told.
        let told = expected.iter().filter(|report| !(report.starts_with("sales ") && report.ends_with(" -"))).count();
        until(|| market.mails(seller, REPORT) >= told).await;
        let mails = market.mail.list();
        let mails = mails.iter().filter(|mail| mail.is_to(&seller.email) && mail.subject.contains(REPORT));
        let subjects: Vec<_> = mails.map(|mail| &mail.subject).collect();
        let others: BTreeSet<_> = subjects.iter().collect();
        assert_eq!((subjects.len(), others.len()), (told, told), "{subjects:?}");
    }
    market.close().await;
    postgres.stop().await.unwrap();
}
