//! What is stored of a demo, read from the databases on connections that cannot write: everything
//! is written through the API.

pub(crate) mod books;
pub(crate) mod chats;
pub(crate) mod flood;
pub(crate) mod hooks;
pub(crate) mod sale;
pub(crate) mod sales;
pub(crate) mod shipped;
pub(crate) mod shop;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use market::auctions::model::AuctionStatus;
use market::identity::OrgStatus;
use market::ids::{AuctionId, ItemId, ListingId, ReportId};
use market::listings::model::ListingStatus;
use shared::config::{Config, keys};
use shared::ids::{OrgId, UserId};
use sqlx::{Connection, PgConnection};

use super::journey;
use super::plan::Plan;
use crate::connect;
use crate::failure::advised;

/// The marketplace's database and that of the cargo events.
#[derive(Debug)]
pub(crate) struct Stored {
    market: PgConnection,
    events: PgConnection,
}

/// Somebody who is registered, and their organisation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    pub(crate) user: UserId,
    pub(crate) verified: bool,
    pub(crate) org: Option<OrgId>,
    pub(crate) org_status: Option<OrgStatus>,
}

/// How far one lot has got.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lot {
    pub(crate) item: ItemId,
    pub(crate) listing: Option<ListingId>,
    pub(crate) listing_status: Option<ListingStatus>,
    pub(crate) images: i64,
    pub(crate) auction: Option<AuctionId>,
    pub(crate) auction_status: Option<AuctionStatus>,
    pub(crate) ends_at: Option<DateTime<Utc>>,
    pub(crate) closed_at: Option<DateTime<Utc>>,
    /// Accepted bids only.
    pub(crate) bids: i64,
    /// The price at its close, in the currency's minor units, whether that was paid or not.
    pub(crate) sold_for: Option<i64>,
}

/// The newest report that the seller asked for.
#[derive(Clone, Debug)]
pub(crate) struct ReportRow {
    pub(crate) id: ReportId,
    pub(crate) status: String,
    pub(crate) row_count: Option<i64>,
    /// In minor units.
    pub(crate) total: i64,
}

/// The numbers of jobs, by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Jobs {
    /// Due and not finished, or waiting for another try.
    pub(crate) open: u64,
    pub(crate) succeeded: u64,
    pub(crate) cancelled: u64,
    pub(crate) dead: u64,
}

/// Registered people by their addresses.
pub(crate) type People = HashMap<String, Person>;
/// Lots by their names.
pub(crate) type Lots = HashMap<String, Lot>;

impl Stored {
    /// Connects and takes the demo's lock, which is held as long as this value lives, so that two
    /// processes cannot play the same file at once.
    pub(crate) async fn open(config: &Config, plan: &Plan) -> anyhow::Result<Self> {
        let mut market = connect::read_only(keys::DATABASE_URL, &config.database.url).await?;
        let events = connect::read_only(keys::EVENTS_DATABASE_URL, &config.events_database_url).await?;
        let lock = format!("tradeyard demo {}", plan.run);
        let free =
            sqlx::query_scalar!(r#"SELECT pg_try_advisory_lock(hashtextextended($1, 7261391)) AS "free!""#, lock)
                .fetch_one(&mut market)
                .await?;
        if !free {
            return Err(advised("this demo is being played by another process", "wait for it, or end it first"));
        }
        Ok(Self { market, events })
    }

    pub(crate) async fn close(self) {
        // The figures have been read; how the connections end does not matter.
        let _ = self.market.close().await;
        let _ = self.events.close().await;
    }

    /// The present time of the database, whose clock decides starts, ends and bids.
    pub(crate) async fn now(&mut self) -> sqlx::Result<DateTime<Utc>> {
        sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#).fetch_one(&mut self.market).await
    }

    /// The pools without a live worker.
    pub(crate) async fn idle_pools(&mut self, pools: &[&str]) -> sqlx::Result<Vec<String>> {
        let pools: Vec<String> = pools.iter().map(|pool| (*pool).to_owned()).collect();
        sqlx::query_scalar!(
            r#"SELECT pool AS "pool!"
               FROM unnest($1::text[]) AS pool
               WHERE NOT EXISTS (
                   SELECT
                   FROM workers AS w
                   WHERE w.pool = pool.pool
                     AND w.stopped_at IS NULL
                     AND w.lease_until > clock_timestamp()
               )"#,
            &pools,
        )
        .fetch_all(&mut self.market)
        .await
    }

    /// Everybody in this demo, including the administrator.
    pub(crate) async fn people(&mut self, plan: &Plan) -> sqlx::Result<People> {
        let rows = sqlx::query!(
            r#"SELECT u.email AS "email!", u.id AS "user!: UserId", u.email_verified_at IS NOT NULL AS "verified!",
                      o.id AS "org?: OrgId", o.status AS "org_status?: OrgStatus"
               FROM users AS u
               LEFT JOIN memberships AS m ON m.user_id = u.id
               LEFT JOIN orgs AS o ON o.id = m.org_id
               WHERE u.email = $2
                  OR u.email LIKE '%@' || $1"#,
            plan.domain(),
            super::plan::ADMIN,
        )
        .fetch_all(&mut self.market)
        .await?;
        let person = |user, verified, org, org_status| Person { user, verified, org, org_status };
        Ok(rows.into_iter().map(|row| (row.email, person(row.user, row.verified, row.org, row.org_status))).collect())
    }

    /// How many of these people are waiting for the mail that asks them to confirm their address.
    pub(crate) async fn unasked(&mut self, people: &[UserId]) -> sqlx::Result<u64> {
        let people: Vec<_> = people.iter().map(|user| user.0).collect();
        let count = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!"
               FROM emails
               WHERE template = 'verify_address'
                 AND user_id = ANY ($1)
                 AND status = 'queued'"#,
            &people,
        )
        .fetch_one(&mut self.market)
        .await?;
        Ok(unsigned(count))
    }

    /// The lots of a round's seller.
    pub(crate) async fn lots(&mut self, seller: OrgId) -> sqlx::Result<Lots> {
        let rows = sqlx::query!(
            r#"SELECT i.sku AS "sku!", i.id AS "item!: ItemId", l.id AS "listing?: ListingId",
                      l.status AS "listing_status?: ListingStatus", a.id AS "auction?: AuctionId",
                      a.status AS "auction_status?: AuctionStatus", a.ends_at AS "ends_at?", a.closed_at AS "closed_at?",
                      (SELECT count(*) FROM images WHERE listing_id = l.id AND status <> 'deleting') AS "images!",
                      (SELECT count(*) FROM bids WHERE auction_id = a.id) AS "bids!",
                      (SELECT sum(amount_minor)::bigint FROM awards WHERE auction_id = a.id AND source = 'bid') AS sold_for
               FROM items AS i
               LEFT JOIN listings AS l ON l.item_id = i.id
               LEFT JOIN auctions AS a ON a.listing_id = l.id
               WHERE i.org_id = $1
                 AND i.archived_at IS NULL"#,
            seller.0,
        )
        .fetch_all(&mut self.market)
        .await?;
        let lots = rows.into_iter().map(|row| {
            let lot = Lot {
                item: row.item,
                listing: row.listing,
                listing_status: row.listing_status,
                images: row.images,
                auction: row.auction,
                auction_status: row.auction_status,
                ends_at: row.ends_at,
                closed_at: row.closed_at,
                bids: row.bids,
                sold_for: row.sold_for,
            };
            (row.sku, lot)
        });
        Ok(lots.collect())
    }

    /// The newest report that one of the seller's people asked for.
    pub(crate) async fn report(&mut self, seller: OrgId) -> sqlx::Result<Option<ReportRow>> {
        sqlx::query_as!(
            ReportRow,
            r#"SELECT id AS "id!: ReportId", status AS "status!", row_count,
                      (SELECT coalesce(sum(amount_minor), 0)::bigint
                       FROM report_sums
                       WHERE report_id = r.id
                         AND name = 'total') AS "total!"
               FROM reports AS r
               WHERE org_id = $1
                 AND requested_by IS NOT NULL
               ORDER BY id DESC
               LIMIT 1"#,
            seller.0,
        )
        .fetch_optional(&mut self.market)
        .await
    }

    /// How many mails about the bids and ends of these auctions, about these people and the report the SMTP server has accepted.
    pub(crate) async fn emails(
        &mut self,
        auctions: &[AuctionId],
        people: &[UserId],
        report: Option<ReportId>,
    ) -> sqlx::Result<u64> {
        let auctions: Vec<_> = auctions.iter().map(ToString::to_string).collect();
        let people: Vec<_> = people.iter().map(|user| user.0).collect();
        let count = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!"
               FROM emails
               WHERE status = 'sent'
                 AND (
                     (template IN ('outbid', 'won', 'sold', 'unsold')
                      AND data ->> 'auction' = ANY ($1)
                      AND NOT EXISTS (
                          SELECT
                          FROM orders AS o
                          JOIN awards AS a ON a.id = o.award_id
                          WHERE o.id::text = data ->> 'order'
                            AND a.source = 'second_chance'
                      ))
                     OR (template IN ('verify_address', 'org_approved') AND user_id = ANY ($2))
                     OR data ->> 'report' = $3
                 )"#,
            &auctions,
            &people,
            report.map(|report| report.to_string()),
        )
        .fetch_one(&mut self.market)
        .await?;
        Ok(unsigned(count))
    }

    /// How many files have been made from the seller's photographs.
    pub(crate) async fn image_variants(&mut self, seller: OrgId) -> sqlx::Result<u64> {
        let count = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!"
               FROM image_variants AS v
               JOIN images AS i ON i.id = v.image_id
               WHERE i.org_id = $1
                 AND i.status = 'ready'"#,
            seller.0,
        )
        .fetch_one(&mut self.market)
        .await?;
        Ok(unsigned(count))
    }

    /// How many cargo events of the seller are stored.
    pub(crate) async fn events(&mut self, seller: OrgId) -> sqlx::Result<u64> {
        let count = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM cargo_events WHERE org = $1 AND source = $2"#,
            seller.0,
            journey::SOURCE,
        )
        .fetch_one(&mut self.events)
        .await?;
        Ok(unsigned(count))
    }

    /// What became of the jobs made since the demo began: until the last of its orders was settled (and mailed about), or until
    /// now. Jobs scheduled for later do not count as open, unless they are waiting for
    /// another try.
    pub(crate) async fn jobs(&mut self, since: DateTime<Utc>, sellers: &[OrgId]) -> sqlx::Result<Jobs> {
        let sellers: Vec<_> = sellers.iter().map(|seller| seller.0).collect();
        let row = sqlx::query!(
            r#"SELECT count(*) FILTER (
                          WHERE state < 'succeeded'
                            AND (state <> 'scheduled' OR attempt > 0 OR run_at <= clock_timestamp())
                      ) AS "open!",
                      count(*) FILTER (WHERE state = 'succeeded') AS "succeeded!",
                      count(*) FILTER (WHERE state = 'cancelled') AS "cancelled!",
                      count(*) FILTER (WHERE state = 'dead') AS "dead!"
               FROM jobs
               WHERE created_at >= $1
                 AND created_at < coalesce(
                     (SELECT max(e.at)
                      FROM order_events AS e
                      JOIN orders AS o ON o.id = e.order_id
                      WHERE o.seller_org_id = ANY ($2)) + interval '1 minute',
                     'infinity'
                 )"#,
            since,
            &sellers,
        )
        .fetch_one(&mut self.market)
        .await?;
        Ok(Jobs {
            open: unsigned(row.open),
            succeeded: unsigned(row.succeeded),
            cancelled: unsigned(row.cancelled),
            dead: unsigned(row.dead),
        })
    }

    /// [`Jobs::open`] alone, which indexes know.
    pub(crate) async fn open_jobs(&mut self, since: DateTime<Utc>, sellers: &[OrgId]) -> sqlx::Result<u64> {
        let sellers: Vec<_> = sellers.iter().map(|seller| seller.0).collect();
        let count = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!"
               FROM jobs
               WHERE (
                     state = 'available'
                     OR state IN ('queued', 'running')
                     OR (state = 'scheduled' AND (attempt > 0 OR run_at <= clock_timestamp()))
                 )
                 AND created_at >= $1
                 AND created_at < coalesce(
                     (SELECT max(e.at)
                      FROM order_events AS e
                      JOIN orders AS o ON o.id = e.order_id
                      WHERE o.seller_org_id = ANY ($2)) + interval '1 minute',
                     'infinity'
                 )"#,
            since,
            &sellers,
        )
        .fetch_one(&mut self.market)
        .await?;
        Ok(unsigned(count))
    }

    /// When the first of the demo's people was registered: nothing else of the demo is older.
    pub(crate) async fn began(&mut self, plan: &Plan) -> sqlx::Result<Option<DateTime<Utc>>> {
        sqlx::query_scalar!("SELECT min(created_at) FROM users WHERE email LIKE '%@' || $1", plan.domain())
            .fetch_one(&mut self.market)
            .await
    }
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

#[cfg(test)]
mod tests;
