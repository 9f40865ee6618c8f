#![expect(clippy::unwrap_used, reason = "a test without its data ends here")]

use std::collections::BTreeMap;
use std::path::Path;

use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use tests::installation::socket::Socket;

use super::escrow::offered;
use super::notices::noticed;
use super::reports::{FORMATS, report, run};
use super::shipments::{site, stocked};

/// Those that people read.
const ASKED: [&str; 3] = ["csv", "pdf", "xlsx"];

/// Lets nobody read a table until the transaction ends.
async fn held_up(market: &TestInstallation, table: &str) -> Transaction<'static, Postgres> {
    let mut tx = market.db.pool.begin().await.unwrap();
    let lock = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
    sqlx::raw_sql(sqlx::AssertSqlSafe(lock)).execute(&mut *tx).await.unwrap();
    tx
}

/// A socket, and all that it has heard of some jobs, by topic.
struct Following {
    socket: Socket,
    jobs: BTreeMap<String, Vec<Value>>,
}

impl Following {
    /// Follows the jobs of reports.
    async fn of(market: &TestInstallation, person: &Person, asked: &[Value]) -> Self {
        let mut socket = Socket::open(&market.base, person).await;
        let jobs: BTreeMap<_, _> = asked.iter().map(|report| (format!("job:{}", report["job"]), Vec::new())).collect();
        for topic in jobs.keys() {
            socket.say(&json!({"subscribe": topic})).await;
        }
        Self { socket, jobs }
    }

    /// Listens until this holds of the newest of each job.
    async fn until(&mut self, is: impl Fn(&Value) -> bool) {
        while !self.jobs.values().all(|heard| heard.last().is_some_and(&is)) {
            let message = self.socket.hear().await;
            if let Some(heard) = message["topic"].as_str().and_then(|topic| self.jobs.get_mut(topic)) {
                heard.push(message["data"].clone());
            }
        }
    }

    /// Asserts that each job has waited, run and succeeded, in this order, and that the percent of none has fallen.
    fn assert_in_order(&self) {
        for heard in self.jobs.values() {
            let stage = |job: &Value| match job["state"].as_str() {
                Some("available" | "queued") => 0,
                Some("running") => 1,
                Some("succeeded") => 2,
                _ => panic!("neither waits nor runs nor has succeeded: {job}"),
            };
            let mut stages: Vec<_> = heard.iter().map(stage).collect();
            assert!(stages.is_sorted(), "{heard:?}");
            stages.dedup();
            assert_eq!(stages, [0, 1, 2], "{heard:?}");
            let running = heard.iter().filter(|job| job["state"] == "running");
            let percent: Vec<_> = running.filter_map(|job| job["progress"].as_i64()).collect();
            assert!(percent.is_sorted() && percent.contains(&0) && percent.contains(&90), "{heard:?}");
        }
    }
}

/// What the API says of reports: their status, and how many percent are done.
async fn assert_shown(by: &Person, reports: &[String], status: &str, percent: Option<i64>) {
    for report in reports {
        let shown = by.get(report).await.ok();
        assert_eq!((shown["status"].as_str(), shown["progress"].as_i64()), (Some(status), percent), "{shown}");
        assert!(shown["download"].is_null(), "{shown}");
    }
}

async fn status_of(url: &str) -> StatusCode {
    reqwest::get(url).await.unwrap().status()
}

/// Puts a report's file into the folder; its address.
async fn download(by: &Person, report: &str, folder: &Path, name: &str) -> String {
    let ready = by.until(report, "status", "ready").await;
    let url = ready["download"]["url"].as_str().unwrap();
    let file = reqwest::get(url).await.unwrap();
    assert_eq!(file.status(), StatusCode::OK, "{ready}");
    std::fs::write(folder.join(name), file.bytes().await.unwrap()).unwrap();
    url.to_owned()
}

/// A report is asked for in three formats: it waits, runs from 0 to 90 percent, and is ready, as its page and a socket say, and never less
/// than before. The three files have the same figures, and so has one with charts. Their addresses are good for a quarter of an hour, which
/// nobody makes longer, and for no time when the files are removed. Whoever asked has one mail and one notice of each, and nobody else has.
#[tokio::test(flavor = "multi_thread")]
async fn row_a_report_is_followed_until_it_is_ready_and_its_link_expires() {
    let mut market = TestInstallation::without(&["reports"]).await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let folder = tempfile::tempdir().unwrap();
    let (station, depot) = (site(&ann, "Shackleton", None).await, site(&ann, "Tycho", None).await);
    let (_, levels) = stocked(&ann, &station, 50).await;
    let _ = ann.patch(&format!("{levels}/{station}"), json!({"capacity": 100})).await.ok();
    let _ = ann.post(&format!("{levels}/{station}/adjust"), json!({"to": 5})).await.ok();
    let _ = ann.post(&format!("{levels}/{depot}/adjust"), json!({"to": 7})).await.ok();
    let _ = bob.buys(&offered(&ann).await, 2, eur("100.00")).await;

    let today = market.time().await.date_naive();
    let days = |kind: &str| json!({"kind": kind, "first_day": today - TimeDelta::days(3), "last_day": today});
    let mut asked = Vec::new();
    for format in ASKED {
        let mut ask = days("inventory_check");
        ask["format"] = json!(format);
        let answer = ann.post("/v1/reports", ask).await;
        assert_eq!((answer.status, &answer.body["status"]), (StatusCode::ACCEPTED, &json!("queued")), "{answer:?}");
        asked.push(answer.body);
    }
    let reports: Vec<_> = asked.iter().map(|report| format!("/v1/reports/{}", id(report))).collect();
    let mut following = Following::of(&market, &ann, &asked).await;
    following.until(|job| job["state"] != "running").await;
    assert_shown(&ann, &reports, "queued", None).await;

    // The levels are what it reads first, and all that is counted beforehand; alerts are the rest.
    let (before_levels, before_alerts) =
        (held_up(&market, "stock_movements").await, held_up(&market, "stock_alerts").await);
    market.run("reports");
    following.until(|job| job["state"] == "running" && job["progress"] == 0).await;
    assert_shown(&ann, &reports, "running", Some(0)).await;
    before_levels.rollback().await.unwrap();
    following.until(|job| job["progress"] == 90).await;
    assert_shown(&ann, &reports, "running", Some(90)).await;
    before_alerts.rollback().await.unwrap();
    following.until(|job| job["state"] == "succeeded").await;
    following.assert_in_order();

    let mut urls = Vec::new();
    for (path, format) in reports.iter().zip(ASKED) {
        urls.push(download(&ann, path, folder.path(), &format!("inventory_check.{format}")).await);
    }
    // The one that the programs below compare the others with.
    let mut ask = days("inventory_check");
    ask["format"] = json!("json");
    let path = format!("/v1/reports/{}", id(&ann.post("/v1/reports", ask).await.ok()));
    download(&ann, &path, folder.path(), "inventory_check.json").await;
    let mut ask = days("sales");
    ask["parameters"] = json!({"group_by": "month"});
    report(&ann, folder.path(), "sales-month", ask).await;
    let found = run("read.py", &[folder.path().to_str().unwrap()]).await;
    let counted = |name: &str, section: &str| found[name]["sections"][section].as_u64();
    assert!(
        counted("inventory_check", "levels") >= Some(2) && counted("inventory_check", "alerts") == Some(1),
        "{found}"
    );
    assert!(counted("sales-month", "times") >= Some(1), "{found}");
    assert!(found["sales-month"]["charts"].as_u64() >= Some(1), "{found}");

    for url in &urls {
        assert!(url.contains("X-Amz-Expires=900"), "{url}");
        assert_eq!(status_of(&url.replace("X-Amz-Expires=900", "X-Amz-Expires=9000")).await, StatusCode::FORBIDDEN);
        assert_eq!(status_of(url).await, StatusCode::OK);
    }
    sqlx::query("UPDATE reports SET expires_at = clock_timestamp()").execute(&market.db.pool).await.unwrap();
    let _ = admin.post("/v1/schedules/reports.expire/run-now", json!({})).await.ok();
    for (path, url) in reports.iter().zip(&urls) {
        let expired = ann.until(path, "status", "expired").await;
        assert!(expired["download"].is_null() && expired["row_count"].is_i64(), "{expired}");
        assert_eq!(status_of(url).await, StatusCode::NOT_FOUND);
    }

    market.until_quiet().await;
    let count = ASKED.len() + 1 + FORMATS.len();
    for (person, count) in [(&ann, count), (&bob, 0)] {
        assert_eq!((market.mails(person, " report "), noticed(person, "report_ready").await), (count, count));
    }
    market.close().await;
}
