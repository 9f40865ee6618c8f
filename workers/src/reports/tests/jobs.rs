use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use jobs::emails::SendEmail;
use jobs::reports::{ExpireReports, GenerateReport, ScheduleDailyReports, request};
use market::ids::ReportId;
use market::reports::model::{Format, Kind, NewReport, Report, Status};
use market::reports::rules::Period;
use market::reports::store;
use queue::testing::{assert_enqueued, rows};
use queue::worker::Handlers;
use shared::ids::{OrgId, UserId};
use shared::money::{Currency, Money};

use crate::testing::Stage;

struct Scene {
    stage: Stage,
    user: UserId,
    seller: OrgId,
    buyer: OrgId,
}

async fn scene() -> Scene {
    let handlers = Handlers::default()
        .with::<GenerateReport>()
        .with::<ScheduleDailyReports>()
        .with::<ExpireReports>()
        .with::<SendEmail>();
    let stage = Stage::new(handlers).await;
    let user = stage.user("ada@example.com").await;
    let seller = stage.org(user, "Europe/Berlin").await;
    let buyer = stage.org(user, "Asia/Kolkata").await;
    Scene { stage, user, seller, buyer }
}

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 19).unwrap()
}

impl Scene {
    async fn order(&self, at: &str, total: i64, currency: &str, status: &str) {
        let listing = self.stage.listing(self.seller, self.user).await;
        let order = uuid::Uuid::now_v7();
        let at: DateTime<Utc> = at.parse().unwrap();
        let fee = (total * 500 + 5_000) / 10_000;
        let mut tx = self.stage.db.pool.begin().await.unwrap();
        sqlx::query(
            "INSERT INTO orders (id, source, buyer_org_id, seller_org_id, placed_by, currency, total_minor, fee_bps, fee_minor,
                                 net_minor, status, pay_by, created_at)
             VALUES ($1, 'checkout', $2, $3, $4, $5, $6, 500, $7, $6 - $7, $8, $9, $9)",
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
        let report = NewReport { org: self.seller, requested_by, kind: Kind::Sales, format, period };
        let mut tx = self.stage.ledger.begin().await.unwrap();
        let (id, _) = request(&mut tx, &report).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn report(&self, id: ReportId) -> Report {
        store::get(&mut self.stage.db.pool.acquire().await.unwrap(), id).await.unwrap()
    }
}

#[tokio::test]
async fn a_report_has_the_days_sales_and_reaches_whoever_asked() {
    let scene = scene().await;
    // 19 November in Berlin is [18th 23:00, 19th 23:00) UTC.
    scene.order("2026-11-18T22:59:59Z", 1_000, "EUR", "paid").await;
    scene.order("2026-11-18T23:00:00Z", 2_000, "EUR", "paid").await;
    scene.order("2026-11-19T22:59:59Z", 4_001, "EUR", "pending_payment").await;
    scene.order("2026-11-19T12:00:00Z", 5_000, "JPY", "completed").await;
    scene.order("2026-11-19T23:00:00Z", 8_000, "EUR", "paid").await;
    scene.order("2026-11-19T12:00:00Z", 16_000, "EUR", "cancelled").await;
    let csv = scene.request(Format::Csv, Some(scene.user)).await;
    let xlsx = scene.request(Format::Xlsx, Some(scene.user)).await;
    scene.stage.bench.drain().await;
    scene.stage.mails(2).await;

    let report = scene.report(csv).await;
    assert_eq!((report.status, report.row_count), (Status::Ready, Some(3)));
    let totals: Vec<Money> = report.totals.iter().map(|it| it.total).collect();
    assert_eq!(totals, [Money::from_minor(6_001, Currency::EUR), Money::from_minor(5_000, Currency::JPY)]);
    assert_eq!(report.totals, scene.report(xlsx).await.totals);
    let bytes = scene.stage.blobs.get(report.object_key.as_deref().unwrap(), 1_000_000).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text.lines().count(), 1 + 3 + 2, "{text}");
    assert!(text.starts_with("Sold at (Europe/Berlin),"));
    assert!(
        text.contains("2026-11-19T00:00:00+01:00") && text.contains(",'=cmd(),2,20.00,1.00,19.00,EUR,paid"),
        "{text}"
    );

    let job = rows(&scene.stage.db.pool, "reports.generate").await.remove(0);
    assert_eq!(job.result.unwrap()["rows"], 3);
    let mail = &scene.stage.smtp.list()[0];
    assert!(mail.is_to("ada@example.com"));
    assert_eq!(mail.subject, "Sales report 19 November 2026: =Hof Müller");
    // The link in the mail downloads the file.
    let raw = scene.stage.smtp.raw(mail.id).await.unwrap().unwrap();
    let text = String::from_utf8(raw).unwrap().replace("=\r\n", "").replace("=3D", "=");
    let start = text.find("http://127.0.0.1").unwrap();
    let url: String = text[start..].chars().take_while(|it| !it.is_whitespace()).collect();
    let answer = reqwest::get(&url).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert!(answer.headers()["content-disposition"].to_str().unwrap().contains("sales_2026-11-19_Europe-Berlin"));
    scene.stage.close().await;
}

#[tokio::test]
async fn running_again_changes_nothing() {
    let scene = scene().await;
    scene.order("2026-11-19T12:00:00Z", 2_000, "EUR", "paid").await;
    let id = scene.request(Format::Csv, Some(scene.user)).await;
    // A worker that died halfway.
    store::begin(&mut scene.stage.db.pool.acquire().await.unwrap(), id).await.unwrap();
    scene.stage.bench.drain().await;
    let first = scene.report(id).await;
    assert_eq!(first.status, Status::Ready);
    scene.order("2026-11-19T13:00:00Z", 2_000, "EUR", "paid").await;
    let _ = scene.stage.ledger.enqueue(&GenerateReport { report: id, org: scene.seller }).await.unwrap();
    scene.stage.bench.drain().await;
    assert_eq!(scene.report(id).await, first);
    scene.stage.mails(1).await;
    assert_eq!(scene.stage.smtp.count(), 1);
    scene.stage.close().await;
}

#[tokio::test]
async fn a_report_that_cannot_be_stored_fails_visibly_and_can_be_made_later() {
    let scene = scene().await;
    let id = scene.request(Format::Csv, Some(scene.user)).await;
    // The bucket is away.
    let (bucket, elsewhere) = (scene.stage.objects.join("test"), scene.stage.objects.join("elsewhere"));
    std::fs::rename(&bucket, &elsewhere).unwrap();
    for _ in 0..GenerateReport::MAX_ATTEMPTS {
        assert_ne!(scene.report(id).await.status, Status::Failed);
        scene.stage.bench.drain().await;
        scene.stage.bench.make_due().await;
    }
    let report = scene.report(id).await;
    assert_eq!(report.status, Status::Failed);
    assert!(report.failure.is_some() && report.totals.is_empty());
    assert_eq!(rows(&scene.stage.db.pool, "reports.generate").await[0].state, "dead");

    std::fs::rename(&elsewhere, &bucket).unwrap();
    let _ = scene.stage.ledger.enqueue(&GenerateReport { report: id, org: scene.seller }).await.unwrap();
    scene.stage.bench.drain().await;
    assert_eq!(scene.report(id).await.status, Status::Ready);
    scene.stage.close().await;
}

#[tokio::test]
async fn the_schedule_requests_each_day_once_per_organisation() {
    let scene = scene().await;
    let count = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM reports WHERE requested_by IS NULL")
            .fetch_one(&scene.stage.db.pool)
            .await
            .unwrap()
    };
    for _ in 0..3 {
        let _ = scene.stage.ledger.enqueue(&ScheduleDailyReports {}).await.unwrap();
        scene.stage.bench.drain().await;
        assert_eq!(count().await, 2, "one for each zone's last day");
    }
    let days: Vec<(String, DateTime<Utc>, DateTime<Utc>)> =
        sqlx::query_as("SELECT zone, starts_at, ends_at FROM reports ORDER BY zone")
            .fetch_all(&scene.stage.db.pool)
            .await
            .unwrap();
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT now()").fetch_one(&scene.stage.db.pool).await.unwrap();
    for (zone, starts_at, ends_at) in days {
        assert!(starts_at < ends_at && ends_at <= now, "{zone}: {starts_at} to {ends_at}");
    }
    // Nothing was sold: a report, but no mail.
    let ready: i64 = sqlx::query_scalar("SELECT count(*) FROM reports WHERE status = 'ready'")
        .fetch_one(&scene.stage.db.pool)
        .await
        .unwrap();
    assert_eq!((ready, scene.stage.smtp.count()), (2, 0));
    scene.stage.close().await;
}

#[tokio::test]
async fn files_go_when_their_time_is_over() {
    let scene = scene().await;
    let id = scene.request(Format::Csv, Some(scene.user)).await;
    assert_enqueued::<GenerateReport>(&scene.stage.db.pool, |job| job.report == id).await;
    scene.stage.bench.drain().await;
    let key = scene.report(id).await.object_key.unwrap();
    let expire = async || {
        let _ = scene.stage.ledger.enqueue(&ExpireReports {}).await.unwrap();
        scene.stage.bench.drain().await;
        scene.report(id).await.status
    };
    assert_eq!(expire().await, Status::Ready);
    sqlx::query("UPDATE reports SET expires_at = now()").execute(&scene.stage.db.pool).await.unwrap();
    assert_eq!(expire().await, Status::Expired);
    assert!(scene.stage.blobs.head(&key).await.is_err());
    scene.stage.close().await;
}
