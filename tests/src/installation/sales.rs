//! What people list, bid for, buy and pay, and what of it is in the books.

use chrono::{DateTime, TimeDelta, Utc};
use queue::ops::retry::pull_forward;
use serde_json::{Value, json};
use shared::ids::JobId;

use super::TestInstallation;
use super::people::{Person, eur, id};

/// Requires no attributes.
pub const CONSOLES: &str = "01900000-0000-7000-8000-000000000012";

/// `fields` with those of `more`, which win.
fn with(mut fields: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().into_iter().flatten() {
        fields[name] = value.clone();
    }
    fields
}

impl Person {
    /// Makes a listing of a new item, one console at auction in euros unless `fields` say otherwise; a draft.
    pub async fn drafts(&self, fields: Value) -> String {
        let item = json!({"category_id": CONSOLES, "sku": uuid::Uuid::now_v7(), "title": "Console"});
        let item = id(&self.post("/v1/items", item).await.ok());
        let listing = json!({"item_id": item, "title": "A console", "sale_mode": "auction", "currency": "EUR"});
        id(&self.post("/v1/listings", with(listing, &fields)).await.ok())
    }

    /// [`Person::drafts`], published.
    pub async fn lists(&self, fields: Value) -> String {
        let listing = self.drafts(fields).await;
        let _ = self.post(&format!("/v1/listings/{listing}/publish"), json!({})).await.ok();
        listing
    }

    /// Buys units of a listing at this price each and pays; the order.
    pub async fn buys(&self, listing: &str, quantity: u32, price: Value) -> String {
        let line = json!({"listing": listing, "quantity": quantity, "price": price});
        let placed = self.post("/v1/checkouts", json!({"lines": [line]})).await.ok();
        let pay = format!("/v1/checkouts/{}/pay", id(&placed));
        let payment = id(&self.post(&pay, json!({"method": "card"})).await.ok());
        self.until(&format!("/v1/payments/{payment}"), "status", "held").await;
        id(&placed["orders"][0])
    }

    /// Does these acts on an order, one after the other, such as `ship`.
    pub async fn does(&self, order: &str, acts: &[&str]) {
        for act in acts {
            let _ = self.post(&format!("/v1/orders/{order}/{act}"), json!({})).await.ok();
        }
    }
}

#[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a test without its data ends here")]
impl TestInstallation {
    /// The database's time.
    pub async fn time(&self) -> DateTime<Utc> {
        let time = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&self.db.pool).await;
        time.expect("the database answers")
    }

    /// An auction from 10 euros on, from now for this long, of a listing as [`Person::lists`] makes it; its terms are those unless
    /// `terms` say otherwise. No late bid moves its end.
    pub async fn auction(&self, seller: &Person, length: TimeDelta, listing: Value, terms: Value) -> String {
        let listing = seller.lists(listing).await;
        let ends_at = self.time().await + length;
        let usual = json!({"ends_at": ends_at, "soft_close_seconds": 0, "opening": eur("10.00")});
        id(&seller.post(&format!("/v1/listings/{listing}/auctions"), with(usual, &terms)).await.ok())
    }

    /// Lets so much time pass for an auction, and has the jobs look at it that open and close it: no test has to be done before a
    /// beginning or an end that comes by itself. Past the tables, which refuse it: promised times do not move.
    pub async fn pass(&self, auction: &str, time: TimeDelta) {
        let mut tx = self.db.pool.begin().await.expect("a transaction");
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
        let earlier = "UPDATE auctions
                       SET starts_at = starts_at - t.time, ends_at = ends_at - t.time,
                           original_ends_at = original_ends_at - t.time, hard_ends_at = hard_ends_at - t.time
                       FROM make_interval(secs => $2) AS t (time)
                       WHERE id = $1::uuid";
        let moved = sqlx::query(earlier).bind(auction).bind(time.as_seconds_f64()).execute(&mut *tx).await;
        assert_eq!(moved.expect("moved").rows_affected(), 1, "{auction}");
        sqlx::query("SET LOCAL session_replication_role = origin").execute(&mut *tx).await.expect("a superuser");
        let opening =
            "SELECT id FROM jobs WHERE kind = 'auctions.open' AND payload ->> 'auction' = $1 AND state = 'scheduled'";
        let job: Option<i64> =
            sqlx::query_scalar(opening).bind(auction).fetch_optional(&mut *tx).await.expect("the database answers");
        if let Some(job) = job {
            // One that has become due meanwhile runs by itself.
            let _ = pull_forward(&mut tx, JobId(job), "a test").await;
        }
        let closing =
            "SELECT id FROM jobs WHERE kind = 'auctions.close' AND payload ->> 'auction' = $1 AND state < 'succeeded'";
        let job: i64 = sqlx::query_scalar(closing).bind(auction).fetch_one(&mut *tx).await.expect("a job closes it");
        pull_forward(&mut tx, JobId(job), "a test").await.expect("it waits for the end");
        tx.commit().await.expect("committed");
    }

    /// Lets three days pass for whoever has an open checkout, past the table as well. The sweep of a schedule finds it then.
    pub async fn pass_time_to_pay(&self) {
        let mut tx = self.db.pool.begin().await.expect("a transaction");
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
        let earlier = "UPDATE checkouts
                       SET created_at = created_at - interval '73 hours', pay_by = pay_by - interval '73 hours'
                       WHERE status = 'open'";
        sqlx::query(earlier).execute(&mut *tx).await.expect("moved");
        tx.commit().await.expect("committed");
    }

    /// What is booked on accounts of this kind in the money ledger, in minor units.
    pub async fn booked(&self, kind: &str) -> i64 {
        let sql = "SELECT coalesce(sum(e.amount_minor), 0)::bigint
                   FROM money_entries AS e
                   JOIN money_accounts AS a ON a.id = e.account_id
                   WHERE a.kind = $1";
        sqlx::query_scalar(sql).bind(kind).fetch_one(&self.db.pool).await.expect("the database answers")
    }

    /// How far the money ledger is from zero, in minor units of each currency.
    pub async fn imbalance(&self) -> i64 {
        let sql = "SELECT coalesce(sum(abs(of_one.sum)), 0)::bigint
                   FROM (SELECT sum(e.amount_minor) AS sum
                         FROM money_entries AS e
                         JOIN money_accounts AS a ON a.id = e.account_id
                         GROUP BY a.currency) AS of_one";
        sqlx::query_scalar(sql).fetch_one(&self.db.pool).await.expect("the database answers")
    }

    /// How many mails with this in their subject went to somebody.
    #[must_use]
    pub fn mails(&self, to: &Person, subject: &str) -> usize {
        self.mail.list().iter().filter(|mail| mail.is_to(&to.email) && mail.subject.contains(subject)).count()
    }

    /// Every row of every table, as text; bytes are in hexadecimal.
    pub async fn dump(&self) -> String {
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT format('%I.%I', table_schema, table_name)
             FROM information_schema.tables
             WHERE table_type = 'BASE TABLE'
               AND table_schema NOT IN ('pg_catalog', 'information_schema')",
        )
        .fetch_all(&self.db.pool)
        .await
        .expect("the database answers");
        let mut dump = String::new();
        for table in tables {
            let sql = format!("SELECT coalesce(string_agg(t::text, E'\\n'), '') FROM {table} AS t");
            let rows = sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(sql)).fetch_one(&self.db.pool).await;
            dump.push_str(&rows.expect("the database answers"));
        }
        dump
    }
}
