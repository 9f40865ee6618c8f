//! Figures against the rows that they are made of.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use shared::testing::TestDb;
use sqlx::Connection;
use tokio::task::JoinSet;

use super::*;
use crate::checkout::model::CheckoutLine;
use crate::checkout::store::{cancel, place};
use crate::listings::model::SaleMode;
use crate::listings::store::listing as read;
use crate::testing::{Trader, database_time, eur, listing, trader};

const ZONES: [Tz; 3] = [Tz::UTC, Tz::Pacific__Kiritimati, Tz::America__New_York];

struct Walk {
    rng: StdRng,
    sellers: Vec<(Trader, Tz, Vec<ListingId>)>,
    buyers: Vec<Trader>,
    visitors: Vec<[u8; 32]>,
    now: DateTime<Utc>,
}

impl Walk {
    async fn new(conn: &mut PgConnection) -> Self {
        let mut rng = StdRng::seed_from_u64(46);
        let mut sellers = Vec::new();
        for zone in ZONES {
            let seller = trader(conn).await;
            sqlx::query("UPDATE orgs SET time_zone = $2 WHERE id = $1")
                .bind(seller.org)
                .bind(zone.name())
                .execute(&mut *conn)
                .await
                .expect("a zone");
            let mut listings = Vec::new();
            for _ in 0..3 {
                listings.push(listing(conn, seller, SaleMode::Fixed, 1_000).await);
            }
            sellers.push((seller, zone, listings));
        }
        let buyers = vec![trader(conn).await, trader(conn).await];
        let visitors = (0..4).map(|_| rng.random()).collect();
        Self { rng, sellers, buyers, visitors, now: database_time(conn).await }
    }

    fn any_listing(&mut self) -> ListingId {
        let (_, _, listings) = self.sellers.choose(&mut self.rng).expect("a seller");
        *listings.choose(&mut self.rng).expect("a listing")
    }

    async fn step(&mut self, conn: &mut PgConnection) {
        let id = self.any_listing();
        let back = self.rng.random_range(0..10 * 24 * 60);
        match self.rng.random_range(0..10) {
            0..=3 => {
                let mut seen = Vec::new();
                for _ in 0..self.rng.random_range(1..6) {
                    let visitor = *self.visitors.choose(&mut self.rng).expect("a visitor");
                    seen.push(Seen { listing: self.any_listing(), visitor });
                }
                note_views(conn, &seen).await.expect("noted");
            }
            4 => {
                // What was seen of it today was seen some days ago.
                past(
                    conn,
                    "WITH day AS (
                         SELECT max(day) AS day FROM listing_days WHERE listing_id = $1
                     ), free AS (
                         SELECT day, day - ($2::integer / 1440 + 1) AS earlier
                         FROM day
                         WHERE NOT EXISTS (SELECT FROM listing_days WHERE listing_id = $1 AND day = day.day - ($2::integer / 1440 + 1))
                     ), rows AS (
                         UPDATE listing_views AS v SET day = free.earlier FROM free WHERE v.listing_id = $1 AND v.day = free.day
                     )
                     UPDATE listing_days AS d SET day = free.earlier FROM free WHERE d.listing_id = $1 AND d.day = free.day",
                    id.0,
                    back,
                )
                .await;
            }
            5 | 6 => {
                let buyer = *self.buyers.choose(&mut self.rng).expect("a buyer");
                let asked = read(conn, id).await.expect("read").expect("the listing");
                let made = inquire(conn, buyer.org, buyer.user, &asked, "How old is it?").await.expect("asked");
                let sql = "UPDATE inquiries SET created_at = created_at - make_interval(mins => $2) WHERE id = $1";
                past(conn, sql, made.id.0, back).await;
            }
            _ => {
                let buyer = *self.buyers.choose(&mut self.rng).expect("a buyer");
                let mut lines =
                    vec![CheckoutLine { listing: id, quantity: self.rng.random_range(1..4), price: eur(10_000) }];
                let other = self.any_listing();
                if other != id {
                    lines.push(CheckoutLine { listing: other, quantity: 1, price: eur(10_000) });
                }
                let mut tx = conn.begin().await.expect("a transaction");
                let placed =
                    place(&mut tx, buyer.org, buyer.user, &lines, TimeDelta::minutes(30)).await.expect("placed");
                tx.commit().await.expect("committed");
                if self.rng.random_bool(0.3) {
                    let mut tx = conn.begin().await.expect("a transaction");
                    cancel(&mut tx, buyer.org, buyer.user, placed).await.expect("cancelled");
                    tx.commit().await.expect("committed");
                }
                let sql =
                    "UPDATE orders SET created_at = created_at - make_interval(mins => $2) WHERE checkout_id = $1";
                past(conn, sql, placed.0, back).await;
            }
        }
    }

    /// Every seller's figures of some days, against the rows.
    async fn assert_equal(&mut self, conn: &mut PgConnection) {
        for (seller, zone, listings) in self.sellers.clone() {
            let today = self.now.with_timezone(&zone).date_naive();
            let first = today - Days::new(self.rng.random_range(0..8));
            let last = first + Days::new(self.rng.random_range(0..4));
            let period = Period::new(first, last, zone).expect("a period");
            let expected = naive(conn, &listings, zone, (first, last)).await;
            let shown = of_listings(conn, seller.org, &period, None, 100).await.expect("figures");
            let figures: BTreeMap<_, _> = shown.iter().map(|one| (one.listing_id, one.figures.clone())).collect();
            let wanted: BTreeMap<_, _> =
                expected.of.into_iter().filter(|(_, one)| *one != Figures::default()).collect();
            assert_eq!(figures, wanted, "{first} to {last} in {zone}");
            assert_eq!(total(conn, seller.org, &period).await.expect("figures"), expected.total);
            // Page by page it is the same.
            let mut pages = Vec::new();
            while let page =
                of_listings(conn, seller.org, &period, pages.last().map(|one: &ListingFigures| one.listing_id), 1)
                    .await
                    .expect("figures")
                && !page.is_empty()
            {
                pages.extend(page);
            }
            assert_eq!(pages, shown);
        }
    }
}

/// Changes what the tables do not let anybody change.
async fn past(conn: &mut PgConnection, sql: &'static str, id: Uuid, minutes: i32) {
    let mut tx = conn.begin().await.expect("a transaction");
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
    sqlx::query(sql).bind(id).bind(minutes).execute(&mut *tx).await.expect("moved");
    tx.commit().await.expect("committed");
}

struct Expected {
    of: BTreeMap<ListingId, Figures>,
    total: Figures,
}

/// The figures as somebody would count them row by row.
async fn naive(
    conn: &mut PgConnection,
    listings: &[ListingId],
    zone: Tz,
    (first, last): (NaiveDate, NaiveDate),
) -> Expected {
    let within = |day: NaiveDate| (first..=last).contains(&day);
    let day_of = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
    let views: Vec<(ListingId, NaiveDate)> =
        sqlx::query_as("SELECT listing_id, day FROM listing_views").fetch_all(&mut *conn).await.expect("rows");
    let inquiries: Vec<(ListingId, DateTime<Utc>)> =
        sqlx::query_as("SELECT listing_id, created_at FROM inquiries").fetch_all(&mut *conn).await.expect("rows");
    let lines: Vec<(Uuid, ListingId, DateTime<Utc>, String, i64)> = sqlx::query_as(
        "SELECT o.id, n.listing_id, o.created_at, o.status, n.amount_minor
         FROM orders AS o
         JOIN order_lines AS n ON n.order_id = o.id",
    )
    .fetch_all(conn)
    .await
    .expect("rows");
    let count = |which: &[ListingId]| {
        let views = views.iter().filter(|(id, day)| which.contains(id) && within(*day)).count();
        let inquiries = inquiries.iter().filter(|(id, at)| which.contains(id) && within(day_of(*at))).count();
        let sold: Vec<_> = lines
            .iter()
            .filter(|(_, id, at, status, _)| {
                which.contains(id)
                    && within(day_of(*at))
                    && !["expired", "cancelled", "refunded"].contains(&status.as_str())
            })
            .collect();
        let mut orders: Vec<_> = sold.iter().map(|(order, ..)| order).collect();
        orders.sort();
        orders.dedup();
        let revenue: i64 = sold.iter().map(|(.., amount)| amount).sum();
        let revenue = if revenue > 0 { vec![eur(revenue)] } else { vec![] };
        let number = |count: usize| i64::try_from(count).expect("not so many");
        Figures::new(number(views), number(inquiries), number(orders.len()), revenue)
    };
    Expected { of: listings.iter().map(|id| (*id, count(&[*id]))).collect(), total: count(listings) }
}

#[tokio::test]
async fn the_figures_equal_the_rows_after_a_random_walk() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let mut walk = Walk::new(&mut conn).await;
    for round in 0..200 {
        walk.step(&mut conn).await;
        if round % 10 == 9 {
            walk.assert_equal(&mut conn).await;
        }
    }
    let drift: i64 = sqlx::query_scalar(
        "SELECT count(*)
         FROM (SELECT listing_id, day, count(*) AS views FROM listing_views GROUP BY listing_id, day) AS v
         FULL JOIN listing_days AS d USING (listing_id, day)
         WHERE v.views IS DISTINCT FROM d.views",
    )
    .fetch_one(&mut *conn)
    .await
    .expect("compared");
    assert_eq!(drift, 0);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_visitor_counts_once_a_day_however_many_processes_note_it() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let seller = trader(&mut conn).await;
    let mut seen = Vec::new();
    for listing in
        [listing(&mut conn, seller, SaleMode::Fixed, 1).await, listing(&mut conn, seller, SaleMode::Fixed, 1).await]
    {
        seen.extend((0..20).map(|number| Seen { listing, visitor: [number; 32] }));
    }
    let mut tasks = JoinSet::new();
    for process in 0..8 {
        let (pool, mut seen) = (db.pool.clone(), seen.clone());
        // Each has them in another order.
        seen.rotate_left(process * 5);
        tasks.spawn(async move {
            let mut conn = pool.acquire().await.expect("a connection");
            note_views(&mut conn, &seen).await.expect("noted")
        });
    }
    let counted: i64 = tasks.join_all().await.into_iter().sum();
    let views: Vec<i64> =
        sqlx::query_scalar("SELECT views FROM listing_days").fetch_all(&mut *conn).await.expect("views");
    assert_eq!((counted, views), (40, vec![20, 20]));
    // Of what is not there, nothing is noted.
    let nothing = [Seen { listing: ListingId::generate(), visitor: [0; 32] }];
    assert_eq!(note_views(&mut conn, &nothing).await.expect("noted"), 0);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn the_day_of_a_view_is_the_sellers() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    // It is never the same day in the first and the last of them.
    for zone in [Tz::Pacific__Kiritimati, Tz::Europe__Berlin, Tz::Pacific__Pago_Pago] {
        let seller = trader(&mut conn).await;
        sqlx::query("UPDATE orgs SET time_zone = $2 WHERE id = $1")
            .bind(seller.org)
            .bind(zone.name())
            .execute(&mut *conn)
            .await
            .expect("a zone");
        let id = listing(&mut conn, seller, SaleMode::Fixed, 1).await;
        let before = database_time(&mut conn).await;
        note_views(&mut conn, &[Seen { listing: id, visitor: [1; 32] }]).await.expect("noted");
        let around = [before, database_time(&mut conn).await].map(|at| at.with_timezone(&zone).date_naive());
        let day: NaiveDate = sqlx::query_scalar("SELECT day FROM listing_days WHERE listing_id = $1")
            .bind(id)
            .fetch_one(&mut *conn)
            .await
            .expect("a day");
        assert!(around.contains(&day), "{day} in {zone}, not {around:?}");
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn keys_of_days_that_are_over_everywhere_are_gone() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let seller = trader(&mut conn).await;
    let id = listing(&mut conn, seller, SaleMode::Fixed, 1).await;
    sqlx::query("INSERT INTO visit_keys (day, key) VALUES ('2020-01-01', sha256('old'))")
        .execute(&mut *conn)
        .await
        .expect("a key");
    sqlx::query("UPDATE orgs SET time_zone = 'Nowhere/Land'").execute(&mut *conn).await.expect("a zone");
    assert_eq!(note_views(&mut conn, &[Seen { listing: id, visitor: [1; 32] }]).await.expect("noted"), 1);
    let (keys, oldest): (i64, i32) =
        sqlx::query_as("SELECT count(*), (clock_timestamp() AT TIME ZONE 'UTC')::date - min(day) FROM visit_keys")
            .fetch_one(&mut *conn)
            .await
            .expect("keys");
    // At midnight there may be one more.
    assert!((3..=4).contains(&keys) && oldest <= 2, "{keys} keys, the oldest of {oldest} days ago");
    drop(conn);
    db.close().await;
}
