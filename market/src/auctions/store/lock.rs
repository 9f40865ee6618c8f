//! The locked row of an auction, as the rules need it.

use chrono::{DateTime, TimeDelta, Utc};
use shared::ids::{OrgId, UserId};
use shared::money::{Currency, Money};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::auctions::model::{AuctionStatus, LotMode, Participant};
use crate::auctions::rules::{
    Bidder, BookBid, IncrementTable, Lot, Offer, Rank, Secret, Standing, State, Terms, most_served,
};
use crate::ids::{AuctionId, BidId, ListingId, SaleEventId};
use crate::sale_events::store::hold::{self, EventLot};
use crate::standing::rules::limit;

/// An auction whose row this transaction has locked.
pub(super) struct Locked {
    pub(super) id: AuctionId,
    pub(super) listing: ListingId,
    pub(super) currency: Currency,
    pub(super) lot_mode: LotMode,
    /// The whole lot's units.
    pub(super) quantity: i64,
    pub(super) leader_bid: Option<BidId>,
    pub(super) state: State,
    /// Who placed each bid of [`State::book`], in the same order.
    pub(super) book_owners: Vec<(BidId, UserId)>,
    /// If it is a lot of a sale event.
    pub(super) event_lot: Option<EventLot>,
    /// Who is acting, if somebody was named.
    pub(super) actor: Option<Bidder>,
    /// Whether the organisation named had no bid here when the lock was requested.
    pub(super) first: bool,
    /// The database's clock, read while the lock was held.
    pub(super) now: DateTime<Utc>,
}

impl Locked {
    pub(super) fn money(&self, minor: i64) -> Money {
        Money::from_minor(minor, self.currency)
    }
}

#[expect(clippy::struct_excessive_bools, reason = "a row of the database, as it is")]
struct Row {
    /// Which of those asked for, from 1.
    place: i64,
    listing_id: ListingId,
    seller_org_id: OrgId,
    currency: Currency,
    status: AuctionStatus,
    lot_mode: LotMode,
    quantity: i64,
    min_order: i64,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    hard_ends_at: DateTime<Utc>,
    soft_close_seconds: i32,
    opening_minor: i64,
    reserve_minor: Option<i64>,
    buy_now_minor: Option<i64>,
    brokers_excluded: bool,
    price_minor: i64,
    leader_bid_id: Option<BidId>,
    leader_org_id: Option<OrgId>,
    leader_seq: Option<i64>,
    leader_max_minor: Option<i64>,
    bid_seq: i64,
    below: Vec<i64>,
    steps: Vec<i64>,
    seller_approved: bool,
    suspended: bool,
    actor_of_seller: bool,
    actor_bids: bool,
    actor_approved: Option<bool>,
    actor_brokers: Option<bool>,
    actor_strikes: Vec<DateTime<Utc>>,
    sale_event_id: Option<SaleEventId>,
    now: DateTime<Utc>,
}

/// The statement that locks auctions `$1` for the acts of organisations `$2` and people `$3`, in this way.
macro_rules! lock_query {
    ($how:literal, $auctions:ident, $orgs:ident, $people:ident) => {
        // The clock is read above the locking subquery, so only once a row has come out of it, locked. What is looked up
        // stands in the select list, where it is one of many with an order that only an index has: a join, an EXISTS or a limit alone
        // may come to read whole tables.
        sqlx::query_as!(
            Row,
            r#"WITH locked AS MATERIALIZED (
                   SELECT a.*, t.below, t.steps
                   FROM auctions AS a
                   JOIN increment_tables AS t ON t.id = a.increment_table_id
                   WHERE a.id = ANY ($1)
                   ORDER BY a.id
                   "# + $how + r#"
               )
               SELECT asked.place AS "place!", locked.listing_id AS "listing_id: ListingId",
                      locked.seller_org_id AS "seller_org_id: OrgId", locked.currency AS "currency: Currency",
                      locked.status AS "status: AuctionStatus", lot_mode AS "lot_mode: LotMode", locked.quantity, min_order,
                      starts_at, ends_at, hard_ends_at, soft_close_seconds, opening_minor, reserve_minor, buy_now_minor,
                      brokers_excluded, locked.price_minor, leader_bid_id AS "leader_bid_id: BidId",
                      leader_org_id AS "leader_org_id: OrgId", leader_seq, leader_max_minor, bid_seq, below, steps,
                      (SELECT status = 'approved' FROM orgs WHERE id = locked.seller_org_id) AS "seller_approved!", locked.suspended,
                      (SELECT status = 'approved' FROM orgs WHERE id = asked.org) AS actor_approved,
                      (SELECT 'broker' = ANY (kinds) FROM orgs WHERE id = asked.org) AS actor_brokers,
                      (SELECT true
                       FROM memberships
                       WHERE org_id = locked.seller_org_id
                         AND user_id = asked.person
                       LIMIT 1) IS NOT NULL AS "actor_of_seller!",
                      (SELECT true
                       FROM bids
                       WHERE auction_id = locked.id
                         AND org_id = asked.org
                       ORDER BY nth
                       LIMIT 1) IS NOT NULL AS "actor_bids!",
                      ARRAY (SELECT at
                             FROM strikes
                             WHERE org_id = asked.org
                               AND NOT EXISTS (SELECT FROM appeals WHERE strike_id = strikes.id AND outcome = 'lifted')
                             ORDER BY at DESC
                             LIMIT 100) AS "actor_strikes!",
                      locked.sale_event_id AS "sale_event_id: SaleEventId",
                      clock_timestamp() AS "now!"
               FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS asked (auction, org, person, place)
               JOIN locked ON locked.id = asked.auction"#,
            &$auctions,
            &$orgs as &[Option<Uuid>],
            &$people as &[Option<Uuid>],
        )
    };
}

/// What to do about an auction that another transaction holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    UntilFree,
    /// It is left out.
    Never,
}

/// Locks the auction, then reads the clock and who `actor` is; a divisible lot's bids are read in a second statement.
pub(super) async fn lock(
    conn: &mut PgConnection,
    id: AuctionId,
    actor: Option<Participant>,
) -> Result<Option<Locked>, sqlx::Error> {
    Ok(lock_all(conn, &[(id, actor)], Wait::UntilFree).await?.pop().flatten())
}

/// Locks auctions in the order of their ids, each once, and reads them for each of `asked`, in that order; `None`: there is no such
/// auction, or somebody holds it and nobody waits.
pub(super) async fn lock_all(
    conn: &mut PgConnection,
    asked: &[(AuctionId, Option<Participant>)],
    wait: Wait,
) -> Result<Vec<Option<Locked>>, sqlx::Error> {
    let auctions: Vec<Uuid> = asked.iter().map(|(auction, _)| auction.0).collect();
    let orgs: Vec<Option<Uuid>> = asked.iter().map(|(_, actor)| actor.map(|actor| actor.org.0)).collect();
    let people: Vec<Option<Uuid>> = asked.iter().map(|(_, actor)| actor.map(|actor| actor.user.0)).collect();
    let rows = match wait {
        Wait::UntilFree => lock_query!("FOR NO KEY UPDATE OF a", auctions, orgs, people).fetch_all(&mut *conn).await,
        Wait::Never => {
            lock_query!("FOR NO KEY UPDATE OF a SKIP LOCKED", auctions, orgs, people).fetch_all(&mut *conn).await
        }
    }?;
    let mut all: Vec<Option<Locked>> = asked.iter().map(|_| None).collect();
    let mut in_events = Vec::new();
    for row in rows {
        let place = usize::try_from(row.place - 1).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        in_events.extend(row.sale_event_id.map(|_| asked[place].0.0));
        let mut locked = row.into_locked(asked[place].0, asked[place].1)?;
        if locked.lot_mode == LotMode::Divisible {
            read_book(conn, &mut locked).await?;
        }
        all[place] = Some(locked);
    }
    if !in_events.is_empty() {
        read_event_lots(conn, &mut all, &in_events).await?;
    }
    Ok(all)
}

/// Reads what auctions are as lots of sale events, and brings their ends to what their groups say. In statements of their own, which see
/// what was written before the auctions were free.
async fn read_event_lots(
    conn: &mut PgConnection,
    all: &mut [Option<Locked>],
    auctions: &[Uuid],
) -> Result<(), sqlx::Error> {
    let lots = hold::lots(conn, auctions).await?;
    for locked in all.iter_mut().flatten() {
        let Some((lot, extension)) = lots.get(&locked.id) else { continue };
        locked.event_lot = Some(lot.clone());
        let before = locked.state.ends_at;
        let ends_at = extension.map_or(before, |extension| extension.applied_to(before));
        if locked.state.status.is_open() && ends_at > before {
            hold::follow(conn, locked.id, ends_at).await?;
            locked.state.ends_at = ends_at;
        }
    }
    Ok(())
}

impl Row {
    fn into_locked(self, id: AuctionId, actor: Option<Participant>) -> Result<Locked, sqlx::Error> {
        let leader = match (self.leader_org_id, self.leader_seq, self.leader_max_minor) {
            (Some(org), Some(seq), Some(maximum)) => {
                Some(Offer { org, rank: Rank { amount: Secret::new(maximum), seq } })
            }
            _ => None,
        };
        let increments =
            IncrementTable::new(self.below, self.steps).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        Ok(Locked {
            id,
            listing: self.listing_id,
            currency: self.currency,
            lot_mode: self.lot_mode,
            quantity: self.quantity,
            leader_bid: self.leader_bid_id,
            book_owners: Vec::new(),
            event_lot: None,
            // An organisation that does not exist is not approved.
            actor: actor.map(|actor| Bidder {
                org: actor.org,
                of_seller: self.actor_of_seller,
                approved: self.actor_approved.unwrap_or(false),
                broker: self.actor_brokers.unwrap_or(false),
                limit: limit(&self.actor_strikes.into_iter().rev().collect::<Vec<_>>(), self.now),
            }),
            first: !self.actor_bids,
            now: self.now,
            state: State {
                terms: Terms {
                    seller: self.seller_org_id,
                    opening: self.opening_minor,
                    reserve: self.reserve_minor.map(Secret::new),
                    buy_now: self.buy_now_minor,
                    increments,
                    brokers_excluded: self.brokers_excluded,
                    starts_at: self.starts_at,
                    hard_end: self.hard_ends_at,
                    soft_close: TimeDelta::seconds(self.soft_close_seconds.into()),
                    lot: match self.lot_mode {
                        LotMode::Whole => Lot::Whole,
                        LotMode::Divisible => Lot::Divisible { quantity: self.quantity, min_order: self.min_order },
                    },
                },
                seller_approved: self.seller_approved,
                listing_suspended: self.suspended,
                status: self.status,
                ends_at: self.ends_at,
                seq: self.bid_seq,
                standing: Standing { price: self.price_minor, leader },
                book: Vec::new(),
            },
        })
    }
}

/// Reads the standing bids of a divisible lot, as far down as they can be served.
async fn read_book(conn: &mut PgConnection, locked: &mut Locked) -> Result<(), sqlx::Error> {
    let Lot::Divisible { quantity, min_order } = locked.state.terms.lot else { return Ok(()) };
    let rows = sqlx::query!(
        r#"SELECT b.id AS "id: BidId", b.org_id AS "org_id: OrgId", b.placed_by AS "placed_by: UserId", b.seq,
                  b.amount_minor, b.quantity
           FROM bids AS b
           LEFT JOIN bid_retractions AS r ON r.bid_id = b.id
           WHERE b.auction_id = $1
             AND b.lot_mode = 'divisible'
             AND r.bid_id IS NULL
           ORDER BY b.amount_minor DESC, b.seq
           LIMIT $2"#,
        locked.id.0,
        most_served(quantity, min_order),
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        locked.book_owners.push((row.id, row.placed_by));
        locked.state.book.push(BookBid {
            seq: row.seq,
            org: row.org_id,
            price: row.amount_minor,
            quantity: row.quantity,
        });
    }
    Ok(())
}

impl Locked {
    /// The bid with this number in a divisible lot, and its owner.
    pub(super) fn owner(&self, seq: i64) -> Option<(BidId, Participant)> {
        let place = self.state.book.iter().position(|bid| bid.seq == seq)?;
        let (bid, user) = *self.book_owners.get(place)?;
        Some((bid, Participant { org: self.state.book[place].org, user }))
    }
}
