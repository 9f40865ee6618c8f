//! What the acts on auctions need of the sale events that these are lots of: the groups whose ends move together, and the limits.
//!
//! Locks: the auctions first, by the caller; then their groups, then the bidders, each in one order. What holds a bidder waits for no
//! auction, so that bids in several lots that share a transaction never wait for each other in a circle.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use shared::ids::OrgId;
use shared::money::{Currency, Money};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::{AuctionId, SaleEventId};
use crate::money::rules::premium::PremiumTariff;
use crate::money::store::tariffs::tariff;
use crate::sale_events::rules::{Account, Held, Limits};

/// A lot of an event whose auction this transaction has locked.
#[derive(Clone, Debug)]
pub(crate) struct EventLot {
    pub(crate) event: SaleEventId,
    pub(crate) group: Option<i32>,
    pub(crate) held: Option<Held>,
    premium: Option<PremiumTariff>,
}

impl EventLot {
    /// What a maximum, or a price, takes of a limit: itself and the premium on it.
    pub(crate) fn committed(&self, amount: Money) -> i64 {
        let premium = self.premium.as_ref().map_or(Ok(0), |premium| premium.of(amount).map(Money::minor));
        // What cannot be reckoned is above every limit.
        premium.map_or(i64::MAX, |premium| amount.minor().saturating_add(premium))
    }
}

/// A late bid, and until when it keeps open what was open then. One that comes before that time carries the first one on: what was open
/// at the first is open until the end of the last, whether anybody has looked at it in between or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extension {
    pub(crate) at: DateTime<Utc>,
    pub(crate) until: DateTime<Utc>,
}

impl Extension {
    /// The end of a lot of the group, which ended at `ends_at` so far. What was over is not opened again.
    pub(crate) fn applied_to(self, ends_at: DateTime<Utc>) -> DateTime<Utc> {
        if ends_at > self.at { ends_at.max(self.until) } else { ends_at }
    }

    /// With a later one of the same group; [`extend`] does the same to the group's row.
    pub(crate) fn followed_by(self, later: Self) -> Self {
        let at = if later.at < self.until { self.at } else { later.at };
        Self { at, until: self.until.max(later.until) }
    }
}

/// The lots that locked auctions are, and the last extension of each one's group, whose row is locked with it.
pub(crate) async fn lots(
    conn: &mut PgConnection,
    auctions: &[Uuid],
) -> Result<HashMap<AuctionId, (EventLot, Option<Extension>)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT l.auction_id AS "auction!: AuctionId", l.event_id AS "event!: SaleEventId", l.group_no,
                  l.currency AS "currency!: Currency", l.held_org_id AS "held_org: OrgId", l.held_minor,
                  t.upto AS "upto?", t.bps AS "bps?", t.least_minor AS "least?"
           FROM sale_event_lots AS l
           LEFT JOIN premium_tariffs AS t ON t.id = l.premium_tariff_id
           WHERE l.auction_id = ANY ($1)"#,
        auctions,
    )
    .fetch_all(&mut *conn)
    .await?;
    let groups: BTreeSet<_> = rows.iter().filter_map(|row| Some((row.event, row.group_no?))).collect();
    let extended = groups_locked(conn, &groups).await?;
    let mut lots = HashMap::new();
    for row in rows {
        let premium = match (row.upto, row.bps, row.least) {
            (Some(upto), Some(bps), Some(least)) => Some(tariff(row.currency, upto, bps, least)?),
            _ => None,
        };
        let held = row.held_org.zip(row.held_minor).map(|(org, minor)| Held { org, minor });
        let extension = row.group_no.and_then(|group| extended.get(&(row.event, group)).copied());
        lots.insert(row.auction, (EventLot { event: row.event, group: row.group_no, held, premium }, extension));
    }
    Ok(lots)
}

async fn groups_locked(
    conn: &mut PgConnection,
    groups: &BTreeSet<(SaleEventId, i32)>,
) -> Result<HashMap<(SaleEventId, i32), Extension>, sqlx::Error> {
    if groups.is_empty() {
        return Ok(HashMap::new());
    }
    let (events, numbers): (Vec<_>, Vec<_>) = groups.iter().map(|(event, group)| (event.0, *group)).unzip();
    let rows = sqlx::query!(
        r#"SELECT g.event_id AS "event: SaleEventId", g.group_no, g.extended_at, g.extended_until
           FROM sale_event_groups AS g
           JOIN unnest($1::uuid[], $2::integer[]) AS asked (event, number)
               ON asked.event = g.event_id AND asked.number = g.group_no
           ORDER BY g.event_id, g.group_no
           FOR NO KEY UPDATE OF g"#,
        &events,
        &numbers,
    )
    .fetch_all(conn)
    .await?;
    let extensions = rows.into_iter().filter_map(|row| {
        let (at, until) = row.extended_at.zip(row.extended_until)?;
        Some(((row.event, row.group_no), Extension { at, until }))
    });
    Ok(extensions.collect())
}

/// Locks these bidders, in one order, as far as they are registered.
pub(crate) async fn limits(
    conn: &mut PgConnection,
    bidders: &BTreeSet<(SaleEventId, OrgId)>,
) -> Result<Limits, sqlx::Error> {
    let mut limits = Limits::default();
    if bidders.is_empty() {
        return Ok(limits);
    }
    let (events, orgs): (Vec<_>, Vec<_>) = bidders.iter().map(|(event, org)| (event.0, org.0)).unzip();
    let rows = sqlx::query!(
        r#"SELECT b.event_id AS "event: SaleEventId", b.org_id AS "org: OrgId", b.limit_minor, b.reserved_minor
           FROM sale_event_bidders AS b
           JOIN unnest($1::uuid[], $2::uuid[]) AS asked (event, org) ON asked.event = b.event_id AND asked.org = b.org_id
           ORDER BY b.event_id, b.org_id
           FOR NO KEY UPDATE OF b"#,
        &events,
        &orgs,
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        limits.insert(row.event, row.org, Account { limit: row.limit_minor, reserved: row.reserved_minor });
    }
    Ok(limits)
}

/// Writes what lots hold from now on; what is reserved of the limits follows in the same statement. Their bidders are locked.
pub(crate) async fn write(
    conn: &mut PgConnection,
    held: impl Iterator<Item = (AuctionId, Option<Held>)>,
) -> Result<(), sqlx::Error> {
    let (mut auctions, mut orgs, mut minors) = (Vec::new(), Vec::new(), Vec::new());
    for (auction, held) in held {
        auctions.push(auction.0);
        orgs.push(held.map(|held| held.org.0));
        minors.push(held.map(|held| held.minor));
    }
    if auctions.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE sale_event_lots AS l
         SET held_org_id = now.org,
             held_minor = now.minor
         FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS now (auction, org, minor)
         WHERE l.auction_id = now.auction
           AND (l.held_org_id, l.held_minor) IS DISTINCT FROM (now.org, now.minor)",
        &auctions,
        &orgs as &[Option<Uuid>],
        &minors as &[Option<i64>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps a group open, whose row is locked: the auctions of its lots that are open and that nobody holds follow now, the others when
/// they are next locked. A lot that somebody held during an earlier late bid may be behind: what counts is that it was open then.
pub(crate) async fn extend(
    conn: &mut PgConnection,
    event: SaleEventId,
    group: i32,
    extension: Extension,
) -> Result<(), sqlx::Error> {
    let now = sqlx::query_as!(
        Extension,
        r#"UPDATE sale_event_groups
           SET extended_at = CASE WHEN $3 < extended_until THEN extended_at ELSE $3 END,
               extended_until = greatest(extended_until, $4)
           WHERE event_id = $1
             AND group_no = $2
           RETURNING extended_at AS "at!", extended_until AS "until!""#,
        event.0,
        group,
        extension.at,
        extension.until,
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::query!(
        "WITH free AS MATERIALIZED (
             SELECT a.id
             FROM sale_event_lots AS l
             JOIN auctions AS a ON a.id = l.auction_id
             WHERE l.event_id = $1
               AND l.group_no = $2
               AND a.status IN ('scheduled', 'live')
               AND a.ends_at > $3
               AND a.ends_at < $4
             FOR NO KEY UPDATE OF a SKIP LOCKED
         )
         UPDATE auctions AS a
         SET ends_at = $4,
             version = version + 1
         FROM free
         WHERE a.id = free.id",
        event.0,
        group,
        now.at,
        now.until,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Brings the end of a locked auction to what its group's row says.
pub(crate) async fn follow(
    conn: &mut PgConnection,
    auction: AuctionId,
    ends_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE auctions
         SET ends_at = $2,
             version = version + 1
         WHERE id = $1
           AND status IN ('scheduled', 'live')
           AND ends_at < $2",
        auction.0,
        ends_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}
