//! The locked row of an auction, as the rules need it.

use chrono::{DateTime, TimeDelta, Utc};
use shared::ids::{OrgId, UserId};
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use crate::auctions::model::{AuctionStatus, LotMode, Participant};
use crate::auctions::rules::{
    Bidder, BookBid, IncrementTable, Lot, Offer, Rank, Secret, Standing, State, Terms, most_served,
};
use crate::ids::{AuctionId, BidId, ListingId};
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
    now: DateTime<Utc>,
}

/// Locks the auction, then reads the clock and who `actor` is; a divisible lot's bids are read in a second statement.
pub(super) async fn lock(
    conn: &mut PgConnection,
    id: AuctionId,
    actor: Option<Participant>,
) -> Result<Option<Locked>, sqlx::Error> {
    // The clock is read above the locking subquery, so only once the row has come out of it, locked.
    let row = sqlx::query_as!(
        Row,
        r#"WITH locked AS MATERIALIZED (
               SELECT a.*, t.below, t.steps
               FROM auctions AS a
               JOIN increment_tables AS t ON t.id = a.increment_table_id
               WHERE a.id = $1
               FOR NO KEY UPDATE OF a
           )
           SELECT locked.listing_id AS "listing_id: ListingId", locked.seller_org_id AS "seller_org_id: OrgId",
                  locked.currency AS "currency: Currency", locked.status AS "status: AuctionStatus",
                  lot_mode AS "lot_mode: LotMode", locked.quantity, min_order, starts_at, ends_at, hard_ends_at,
                  soft_close_seconds, opening_minor, reserve_minor, buy_now_minor, brokers_excluded, locked.price_minor,
                  leader_bid_id AS "leader_bid_id: BidId", leader_org_id AS "leader_org_id: OrgId", leader_seq,
                  leader_max_minor, bid_seq, below, steps,
                  seller.status = 'approved' AS "seller_approved!", locked.suspended,
                  actor.status = 'approved' AS actor_approved, 'broker' = ANY (actor.kinds) AS actor_brokers,
                  EXISTS (SELECT FROM memberships WHERE org_id = locked.seller_org_id AND user_id = $3)
                      AS "actor_of_seller!",
                  EXISTS (SELECT FROM bids WHERE auction_id = locked.id AND org_id = $2) AS "actor_bids!",
                  ARRAY (SELECT at
                         FROM strikes
                         WHERE org_id = $2
                           AND NOT EXISTS (SELECT FROM appeals WHERE strike_id = strikes.id AND outcome = 'lifted')
                         ORDER BY at DESC
                         LIMIT 100) AS "actor_strikes!",
                  clock_timestamp() AS "now!"
           FROM locked
           JOIN orgs AS seller ON seller.id = locked.seller_org_id
           LEFT JOIN orgs AS actor ON actor.id = $2"#,
        id.0,
        actor.map(|actor| actor.org.0),
        actor.map(|actor| actor.user.0),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let mut locked = row.into_locked(id, actor)?;
    if locked.lot_mode == LotMode::Divisible {
        read_book(conn, &mut locked).await?;
    }
    Ok(Some(locked))
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
