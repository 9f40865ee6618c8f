use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use jobs::emails::SendEmail;
use jobs::reports::{
    ExpireReports, GenerateReport, RequestSubscribed, ScheduleDailyReports, ScheduleMonthlyReports,
    ScheduleWeeklyReports, request,
};
use market::ids::ReportId;
use market::reports::model::{Format, Kind, NewReport, Parameters, Report, Status};
use market::reports::rules::Period;
use market::reports::store;
use queue::ops::Actor;
use queue::ops::cancel::{Cancelled, cancel};
use queue::testing::{assert_enqueued, rows};
use queue::worker::{Handlers, StopReason};
use shared::blobs::BlobError;
use shared::ids::{OrgId, UserId};
use shared::money::{Currency, Money};

use crate::testing::TestWorkers;

mod subscriptions;

struct TestMarket {
    workers: TestWorkers,
    user: UserId,
    seller: OrgId,
    buyer: OrgId,
}

impl TestMarket {
    async fn new() -> Self {
        let handlers = Handlers::default()
            .with::<GenerateReport>()
            .with::<ScheduleDailyReports>()
            .with::<ScheduleWeeklyReports>()
            .with::<ScheduleMonthlyReports>()
            .with::<RequestSubscribed>()
            .with::<ExpireReports>()
            .with::<SendEmail>();
        let workers = TestWorkers::new(handlers).await;
        let user = workers.user("ada@example.com").await;
        let seller = workers.org(user, "Europe/Berlin").await;
        let buyer = workers.org(user, "Asia/Kolkata").await;
        Self { workers, user, seller, buyer }
    }
}

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 19).unwrap()
}

impl TestMarket {
    async fn order(&self, at: &str, total: i64, currency: &str, status: &str) {
        let listing = self.workers.listing(self.seller, self.user).await;
        let order = uuid::Uuid::now_v7();
        let at: DateTime<Utc> = at.parse().unwrap();
        let fee = (total * 500 + 5_000) / 10_000;
        let mut tx = self.workers.db.pool.begin().await.unwrap();
        sqlx::query(
            "INSERT INTO checkouts (id, buyer_org_id, placed_by, currency, payable_minor, pay_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6 + interval '1 hour', $6)",
        )
        .bind(order)
        .bind(self.buyer)
        .bind(self.user)
        .bind(currency)
        .bind(total)
        .bind(at)
        .execute(&mut *tx)
        .await
        .unwrap();
        sqlx::query(
            "INSERT INTO orders (id, checkout_id, source, buyer_org_id, seller_org_id, placed_by, currency, total_minor, fee_bps,
                                 fee_minor, net_minor, status, pay_by, created_at)
             VALUES ($1, $1, 'trade', $2, $3, $4, $5, $6, 500, $7, $6 - $7, $8, $9, $9)",
        )
        .bind(order)
        .bind(self.buyer)
        .bind(self.seller)
        .bind(self.user)
        .bind(currency)
        .bind(total)
        .bind(fee)
        .bind(status)
        .bind(at)
        .execute(&mut *tx)
        .await
        .unwrap();
        sqlx::query(
            "INSERT INTO order_lines (order_id, line_no, listing_id, item_id, title, quantity, unit, amount_minor)
             SELECT $1, 1, id, item_id, '=cmd()', 2, 'piece', $3 FROM listings WHERE id = $2",
        )
        .bind(order)
        .bind(listing)
        .bind(total)
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }

    async fn request(&self, format: Format, requested_by: Option<UserId>) -> ReportId {
        let period = Period::new(day(), day(), Tz::Europe__Berlin).unwrap();
        let (kind, parameters) = (Kind::Sales, Parameters::default());
        let report = NewReport { org: self.seller, requested_by, subscription: None, kind, format, period, parameters };
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let (id, _) = request(&mut tx, &report).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn report(&self, id: ReportId) -> Report {
        store::get(&mut self.workers.db.pool.acquire().await.unwrap(), id).await.unwrap()
    }
}

#[tokio::test]
async fn a_report_has_the_days_sales_and_reaches_whoever_asked() {
    let market = TestMarket::new().await;
    // 19 November in Berlin is [18th 23:00, 19th 23:00) UTC.
    market.order("2026-11-18T22:59:59Z", 1_000, "EUR", "paid").await;
    market.order("2026-11-18T23:00:00Z", 2_000, "EUR", "paid").await;
    market.order("2026-11-19T22:59:59Z", 4_001, "EUR", "pending_payment").await;
    market.order("2026-11-19T12:00:00Z", 5_000, "JPY", "completed").await;
    market.order("2026-11-19T23:00:00Z", 8_000, "EUR", "paid").await;
    market.order("2026-11-19T12:00:00Z", 16_000, "EUR", "cancelled").await;
    let csv = market.request(Format::Csv, Some(market.user)).await;
    let xlsx = market.request(Format::Xlsx, Some(market.user)).await;
    market.workers.queue.drain().await;
    market.workers.mails(2).await;

    let report = market.report(csv).await;
    assert_eq!((report.status, report.row_count), (Status::Ready, Some(3)));
    let totals: Vec<Money> = report.sums.iter().filter(|sum| sum.column == "total").map(|sum| sum.amount).collect();
    assert_eq!(totals, [Money::from_minor(6_001, Currency::EUR), Money::from_minor(5_000, Currency::JPY)]);
    assert_eq!(report.sums, market.report(xlsx).await.sums);
    let bytes = market.workers.blobs.get(report.object_key.as_deref().unwrap(), 1_000_000).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text.lines().count(), 1 + 3 + 2, "{text}");
    assert!(text.starts_with("Sold at (Europe/Berlin),"));
    assert!(
        text.contains("2026-11-19T00:00:00+01:00") && text.contains(",'=cmd(),2,20.00,1.00,19.00,EUR,paid"),
        "{text}"
    );

    let job = rows(&market.workers.db.pool, "reports.generate").await.remove(0);
    assert_eq!(job.result.unwrap()["rows"], 3);
    let mail = &market.workers.smtp.list()[0];
    assert!(mail.is_to("ada@example.com"));
    assert_eq!(mail.subject, "Sales report 19 November 2026: =Hof Müller");
    // The link in the mail downloads the file.
    let raw = market.workers.smtp.raw(mail.id).await.unwrap().unwrap();
    let text = String::from_utf8(raw).unwrap().replace("=\r\n", "").replace("=3D", "=");
    let start = text.find("http://127.0.0.1").unwrap();
    let url: String = text[start..].chars().take_while(|it| !it.is_whitespace()).collect();
    let answer = reqwest::get(&url).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert!(answer.headers()["content-disposition"].to_str().unwrap().contains("sales_2026-11-19_Europe-Berlin"));
    market.workers.close().await;
}

/// The replica is another database here, which has nothing of what is in the first.
#[tokio::test]
async fn reports_are_read_from_the_replica() {
    let replica = shared::testing::TestDb::new().await;
    let handlers = Handlers::default().with::<GenerateReport>().with::<SendEmail>();
    let workers = TestWorkers::reading_from(handlers, replica.pool.clone()).await;
    let user = workers.user("ada@example.com").await;
    let seller = workers.org(user, "Europe/Berlin").await;
    let buyer = workers.org(user, "Asia/Kolkata").await;
    let market = TestMarket { workers, user, seller, buyer };
    market.order("2026-11-19T12:00:00Z", 2_000, "EUR", "paid").await;
    let id = market.request(Format::Csv, Some(market.user)).await;
    market.workers.queue.drain().await;
    let report = market.report(id).await;
    assert_eq!((report.status, report.row_count), (Status::Ready, Some(0)), "what is in the replica");
    market.workers.close().await;
    replica.close().await;
}

#[tokio::test]
async fn running_again_changes_nothing() {
    let market = TestMarket::new().await;
    market.order("2026-11-19T12:00:00Z", 2_000, "EUR", "paid").await;
    let id = market.request(Format::Csv, Some(market.user)).await;
    // A worker that died halfway.
    store::begin(&mut market.workers.db.pool.acquire().await.unwrap(), id).await.unwrap();
    market.workers.queue.drain().await;
    let first = market.report(id).await;
    assert_eq!(first.status, Status::Ready);
    market.order("2026-11-19T13:00:00Z", 2_000, "EUR", "paid").await;
    let _ = market.workers.ledger.enqueue(&GenerateReport { report: id, org: market.seller }).await.unwrap();
    market.workers.queue.drain().await;
    assert_eq!(market.report(id).await, first);
    market.workers.mails(1).await;
    assert_eq!(market.workers.smtp.count(), 1);
    market.workers.close().await;
}

/// It ends by itself, well before it would be dropped.
#[tokio::test]
async fn a_report_that_is_cancelled_while_it_runs_stops_and_leaves_nothing() {
    let market = TestMarket::new().await;
    market.order("2026-11-19T12:00:00Z", 2_000, "EUR", "paid").await;
    let id = market.request(Format::Xlsx, Some(market.user)).await;
    let job = market.report(id).await.job.unwrap();
    // Its rows do not come.
    let slow = market.workers.hold_up("orders").await;
    let ticket = market.workers.queue.take().await.remove(0);
    let running = market.workers.queue.start(ticket);
    market.workers.held_up("orders").await;
    assert_eq!(market.report(id).await.status, Status::Running);
    let mut conn = market.workers.db.pool.acquire().await.unwrap();
    let cancelled = cancel(&mut conn, job, Actor::User(market.user)).await.unwrap();
    assert_eq!(cancelled, Cancelled::Asked);
    drop(conn);
    market.workers.queue.stop(job, StopReason::Cancelled);
    tokio::time::timeout(Duration::from_secs(2), running).await.unwrap().unwrap();
    assert_eq!(market.report(id).await.status, Status::Cancelled);
    let key = Report::key(id, Format::Xlsx);
    assert!(matches!(market.workers.blobs.head(&key).await, Err(BlobError::NotFound { .. })));
    slow.rollback().await.unwrap();
    assert_eq!(market.workers.queue.drain().await, 0, "no mail");
    market.workers.close().await;
}

#[tokio::test]
async fn a_report_that_cannot_be_stored_fails_visibly_and_can_be_made_later() {
    let market = TestMarket::new().await;
    let id = market.request(Format::Csv, Some(market.user)).await;
    // The bucket is away.
    let (bucket, elsewhere) = (market.workers.objects.join("test"), market.workers.objects.join("elsewhere"));
    std::fs::rename(&bucket, &elsewhere).unwrap();
    for _ in 0..GenerateReport::MAX_ATTEMPTS {
        assert_ne!(market.report(id).await.status, Status::Failed);
        market.workers.queue.drain().await;
        market.workers.queue.make_due().await;
    }
    let report = market.report(id).await;
    assert_eq!(report.status, Status::Failed);
    assert!(report.failure.is_some() && report.sums.is_empty());
    assert_eq!(rows(&market.workers.db.pool, "reports.generate").await[0].state, "dead");

    std::fs::rename(&elsewhere, &bucket).unwrap();
    let _ = market.workers.ledger.enqueue(&GenerateReport { report: id, org: market.seller }).await.unwrap();
    market.workers.queue.drain().await;
    assert_eq!(market.report(id).await.status, Status::Ready);
    market.workers.close().await;
}

/// The file is in the store, and the database restarts before it knows.
#[tokio::test]
async fn a_database_that_restarts_after_the_upload_costs_no_second_attempt_and_no_second_mail() {
    let market = TestMarket::new().await;
    market.order("2026-11-19T12:00:00Z", 2_000, "EUR", "paid").await;
    let id = market.request(Format::Csv, Some(market.user)).await;
    market.workers.restart_database_when("UPDATE ON reports", "new.status = 'ready'").await;
    assert_eq!(market.workers.queue.drain().await, 2, "the report and its mail");
    assert_eq!(market.report(id).await.status, Status::Ready);
    assert_eq!(market.workers.restarts().await, 3);
    let job = rows(&market.workers.db.pool, "reports.generate").await.remove(0);
    assert_eq!((job.state.as_str(), job.attempt), ("succeeded", 1));
    market.workers.mails(1).await;
    market.workers.close().await;
}

#[tokio::test]
async fn the_schedule_requests_each_day_once_per_organisation() {
    let market = TestMarket::new().await;
    let count = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM reports WHERE requested_by IS NULL")
            .fetch_one(&market.workers.db.pool)
            .await
            .unwrap()
    };
    for _ in 0..3 {
        let _ = market.workers.ledger.enqueue(&ScheduleDailyReports {}).await.unwrap();
        market.workers.queue.drain().await;
        assert_eq!(count().await, 2, "one for each zone's last day");
    }
    let days: Vec<(String, DateTime<Utc>, DateTime<Utc>)> =
        sqlx::query_as("SELECT zone, starts_at, ends_at FROM reports ORDER BY zone")
            .fetch_all(&market.workers.db.pool)
            .await
            .unwrap();
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT now()").fetch_one(&market.workers.db.pool).await.unwrap();
    for (zone, starts_at, ends_at) in days {
        assert!(starts_at < ends_at && ends_at <= now, "{zone}: {starts_at} to {ends_at}");
    }
    // Nothing was sold: a report, but no mail.
    let ready: i64 = sqlx::query_scalar("SELECT count(*) FROM reports WHERE status = 'ready'")
        .fetch_one(&market.workers.db.pool)
        .await
        .unwrap();
    assert_eq!((ready, market.workers.smtp.count()), (2, 0));
    market.workers.close().await;
}

/// Two schedulers fire at the same moment: both jobs look, one requests.
#[tokio::test]
async fn two_schedules_at_once_request_each_week_and_month_once() {
    let market = TestMarket::new().await;
    // One of the two organisations keeps stock.
    market.workers.listing(market.seller, market.user).await;
    sqlx::query(
        "WITH site AS (
             INSERT INTO sites (id, org_id, region_id, name, kind, body, latitude, longitude)
             SELECT gen_random_uuid(), $1, id, 'Depot', 'depot', body, 53.5, 10 FROM regions WHERE code = 'earth/de'
             RETURNING id
         )
         INSERT INTO stock_levels (item_id, site_id, org_id)
         SELECT i.id, s.id, $1 FROM items AS i, site AS s WHERE i.org_id = $1",
    )
    .bind(market.seller)
    .execute(&market.workers.db.pool)
    .await
    .unwrap();
    for _ in 0..2 {
        let _ = market.workers.ledger.enqueue(&ScheduleWeeklyReports {}).await.unwrap();
        let _ = market.workers.ledger.enqueue(&ScheduleMonthlyReports {}).await.unwrap();
        market.workers.queue.drain().await;
    }
    let made: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT kind, count(*), max(last_day - first_day)::bigint FROM reports WHERE requested_by IS NULL GROUP BY kind ORDER BY kind",
    )
    .fetch_all(&market.workers.db.pool)
    .await
    .unwrap();
    assert_eq!((made[0].0.as_str(), made[0].1, made[0].2), ("inventory_check", 1, 6), "of the one that keeps stock");
    assert_eq!((made[1].0.as_str(), made[1].1), ("monthly_analytics", 2));
    assert!((27..=30).contains(&made[1].2), "{made:?}");
    // Two that look at the same moment both ask.
    let period = Period::new(day(), day(), Tz::Europe__Berlin).unwrap();
    let report = NewReport {
        org: market.seller,
        requested_by: None,
        subscription: None,
        kind: Kind::InventoryCheck,
        format: Format::Xlsx,
        period,
        parameters: Parameters::default(),
    };
    let once = async || {
        let mut tx = market.workers.ledger.begin().await.unwrap();
        let made = request(&mut tx, &report).await.unwrap();
        tx.commit().await.unwrap();
        u8::from(made.is_some())
    };
    let (one, other) = tokio::join!(once(), once());
    assert_eq!(one + other, 1);
    market.workers.queue.drain().await;
    market.workers.close().await;
}

#[tokio::test]
async fn files_go_when_their_time_is_over() {
    let market = TestMarket::new().await;
    let id = market.request(Format::Csv, Some(market.user)).await;
    assert_enqueued::<GenerateReport>(&market.workers.db.pool, |job| job.report == id).await;
    market.workers.queue.drain().await;
    let key = market.report(id).await.object_key.unwrap();
    let expire = async || {
        let _ = market.workers.ledger.enqueue(&ExpireReports {}).await.unwrap();
        market.workers.queue.drain().await;
        market.report(id).await.status
    };
    assert_eq!(expire().await, Status::Ready);
    sqlx::query("UPDATE reports SET expires_at = now()").execute(&market.workers.db.pool).await.unwrap();
    assert_eq!(expire().await, Status::Expired);
    assert!(market.workers.blobs.head(&key).await.is_err());
    market.workers.close().await;
}
