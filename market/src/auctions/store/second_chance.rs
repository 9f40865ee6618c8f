//! A lot that was not sold, or not paid, is offered to its next bidder.
//!
//! Whoever offers or decides has locked the auction. While an offer is open its units are kept and its listing is not relisted.
//!
//! How to get this wrong: to offer a lot again while its winner can still pay; to tell the seller the bidder's maximum before the
//! bidder has agreed to pay it.

use chrono::{DateTime, Utc};
use shared::ids::{OrgId, UserId};
use shared::money::Money;
use sqlx::PgConnection;

use super::lock::{Locked, lock};
use super::settle::{self, AwardSource, Share};
use super::view::view_query;
use super::{AuctionError, limits};
use crate::auctions::model::{AuctionStatus, AuctionView, ChanceStatus, Closed, Participant, SecondChance};
use crate::auctions::rules::{NextBid, Refused, SECOND_CHANCE, Secret, decide_second_chance};
use crate::ids::{AuctionId, BidId, SecondChanceId};
use crate::listings::model::ListingStatus;
use crate::stock::model::{Holder, Want};
use crate::stock::store::{self as stock, Kept};

/// Offers `free` units to the next bidder if the auction allows one more offer that comes by itself.
pub(super) async fn follow(
    conn: &mut PgConnection,
    locked: &Locked,
    free: i64,
) -> Result<Option<(SecondChance, Participant)>, AuctionError> {
    let left = sqlx::query_scalar!(
        r#"SELECT a.second_chances > (SELECT count(*) FROM second_chances AS s WHERE s.auction_id = a.id) AS "left!"
           FROM auctions AS a
           WHERE a.id = $1"#,
        locked.id.0,
    )
    .fetch_one(&mut *conn)
    .await?;
    if !left {
        return Ok(None);
    }
    match next(conn, locked, free, false).await {
        Ok(offered) => Ok(Some(offered)),
        Err(AuctionError::NoNextBidder(_) | AuctionError::BelowReserve(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Offers `free` units to the best bid that has won nothing and was offered nothing. `consent`: the seller agrees to less than the
/// reserve.
async fn next(
    conn: &mut PgConnection,
    locked: &Locked,
    free: i64,
    consent: bool,
) -> Result<(SecondChance, Participant), AuctionError> {
    if !locked.state.seller_approved || locked.state.listing_suspended {
        return Err(AuctionError::NoNextBidder("the seller or the listing is suspended"));
    }
    let found = sqlx::query!(
        r#"SELECT b.id AS "id: BidId", b.org_id AS "org: OrgId", b.placed_by AS "user: UserId", b.maximum_minor, b.quantity
           FROM bids AS b
           JOIN orgs AS o ON o.id = b.org_id
           WHERE b.auction_id = $1
             AND o.status = 'approved'
             AND NOT EXISTS (SELECT FROM bid_retractions AS r WHERE r.bid_id = b.id)
             AND NOT EXISTS (SELECT FROM second_chances AS s WHERE s.bid_id = b.id)
             AND NOT EXISTS (SELECT FROM awards AS a WHERE a.bid_id = b.id)
             -- On a whole lot somebody's lower bids stand behind their highest; who has not paid is not asked again.
             AND NOT EXISTS (SELECT FROM second_chances AS s
                             WHERE s.auction_id = b.auction_id AND s.org_id = b.org_id AND b.lot_mode = 'whole')
             AND NOT EXISTS (SELECT FROM awards AS a
                             WHERE a.auction_id = b.auction_id
                               AND a.org_id = b.org_id
                               AND (b.lot_mode = 'whole' OR a.status = 'defaulted'))
           ORDER BY b.maximum_minor DESC, b.seq
           LIMIT 1"#,
        locked.id.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let found = found.ok_or(AuctionError::NoNextBidder("no other bid stands"))?;
    let bid = NextBid { maximum: Secret::new(found.maximum_minor), quantity: found.quantity };
    let chance = decide_second_chance(&locked.state, bid, free, consent)?;
    keep(conn, locked, chance.quantity).await?;
    let id = SecondChanceId::generate();
    let expires_at = locked.now + SECOND_CHANCE;
    sqlx::query!(
        "INSERT INTO second_chances (id, auction_id, bid_id, org_id, quantity, amount_minor, offered_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        id.0,
        locked.id.0,
        found.id.0,
        found.org.0,
        chance.quantity,
        chance.amount,
        locked.now,
        expires_at,
    )
    .execute(&mut *conn)
    .await?;
    let offered = SecondChance {
        id,
        auction: locked.id,
        status: ChanceStatus::Offered,
        quantity: chance.quantity,
        amount: Some(locked.money(chance.amount)),
        offered_at: locked.now,
        expires_at,
        yours: false,
    };
    Ok((offered, Participant { org: found.org, user: found.user }))
}

/// Keeps units of a lot that lies at a site for whoever is offered them.
async fn keep(conn: &mut PgConnection, locked: &Locked, quantity: i64) -> Result<(), AuctionError> {
    let at_site = sqlx::query_scalar!(
        r#"SELECT site_id IS NOT NULL AS "at_site!" FROM listings WHERE id = $1"#,
        locked.listing.0,
    );
    if at_site.fetch_one(&mut *conn).await? {
        let holder = Holder::Auction(locked.id);
        stock::reserve(conn, &[Want { listing: locked.listing, quantity, holder }]).await?;
    }
    Ok(())
}

/// Brings auction and listing to what awards and offers make of them; returns the auction as it then is.
pub(super) async fn move_on(
    conn: &mut PgConnection,
    locked: &Locked,
    offered: bool,
) -> Result<AuctionView, AuctionError> {
    let given = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(quantity), 0)::bigint AS "given!" FROM awards WHERE auction_id = $1 AND status = 'standing'"#,
        locked.id.0,
    )
    .fetch_one(&mut *conn)
    .await?;
    let listing = if offered || given == locked.quantity { ListingStatus::SoldOut } else { ListingStatus::Ended };
    let status = match (given, locked.state.status) {
        (0, AuctionStatus::Awarded) => AuctionStatus::Defaulted,
        (0, AuctionStatus::OnApproval) => AuctionStatus::Unsold,
        (0, status) => status,
        _ => AuctionStatus::Awarded,
    };
    sqlx::query!(
        "UPDATE listings
         SET status = $2,
             updated_at = $3
         WHERE id = $1
           AND status IN ('sold_out', 'ended')
           AND status <> $2",
        locked.listing.0,
        listing as ListingStatus,
        locked.now,
    )
    .execute(&mut *conn)
    .await?;
    let moved = view_query!(
        "UPDATE auctions AS a
         SET status = $2,
             version = version + 1
         WHERE id = $1
         RETURNING",
        "",
        locked.id.0,
        status as AuctionStatus,
    )
    .fetch_one(conn)
    .await?;
    Ok(moved.into_view(None))
}

/// A lot that is offered to its next bidder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    pub auction: AuctionView,
    pub title: String,
    pub chance: SecondChance,
    pub bidder: Participant,
}

/// Offers the lot of an auction that was not sold, or not paid, to its next bidder, by the seller's wish. `consent`: even below the
/// reserve. Needs a transaction.
pub async fn offer(
    conn: &mut PgConnection,
    seller: OrgId,
    auction: AuctionId,
    consent: bool,
) -> Result<Offered, AuctionError> {
    let locked = lock(conn, auction, None).await?.filter(|locked| locked.state.terms.seller == seller);
    let locked = locked.ok_or(AuctionError::NotFound)?;
    match locked.state.status {
        AuctionStatus::Unsold | AuctionStatus::Defaulted | AuctionStatus::Awarded => {}
        AuctionStatus::OnApproval => return Err(AuctionError::NoNextBidder("the highest bid waits for an answer")),
        AuctionStatus::Scheduled | AuctionStatus::Live | AuctionStatus::Cancelled => {
            return Err(AuctionError::NoNextBidder("the auction is not over"));
        }
    }
    sqlx::query!("SELECT FROM listings WHERE id = $1 FOR NO KEY UPDATE", locked.listing.0).execute(&mut *conn).await?;
    let row = sqlx::query!(
        r#"SELECT EXISTS (SELECT FROM listings WHERE relist_of = $2) AS "relisted!",
                  EXISTS (SELECT FROM second_chances WHERE auction_id = $1 AND status = 'offered') AS "offered!",
                  (SELECT coalesce(sum(quantity), 0)::bigint FROM awards WHERE auction_id = $1 AND status = 'standing')
                      AS "given!""#,
        auction.0,
        locked.listing.0,
    )
    .fetch_one(&mut *conn)
    .await?;
    if row.relisted {
        return Err(AuctionError::NoNextBidder("the lot was listed again"));
    }
    if row.offered {
        return Err(AuctionError::NoNextBidder("the lot is offered to a bidder"));
    }
    let free = locked.quantity - row.given;
    if free < 1 {
        return Err(AuctionError::NoNextBidder("the lot is sold"));
    }
    let (chance, bidder) = next(conn, &locked, free, consent).await?;
    let goods = settle::goods(conn, &locked).await?;
    let auction = move_on(conn, &locked, true).await?;
    Ok(Offered { auction, title: goods.title, chance, bidder })
}

/// An offer that is open, with its auction locked.
struct Open {
    locked: Locked,
    bid: BidId,
    quantity: i64,
    amount: Money,
    expires_at: DateTime<Utc>,
}

/// Locks the auction of an offer. `Err`: the offer is over, or there is none.
async fn open(conn: &mut PgConnection, id: SecondChanceId, actor: Option<Participant>) -> Result<Open, AuctionError> {
    // That never changes, so that it needs no lock.
    let auction =
        sqlx::query_scalar!(r#"SELECT auction_id AS "auction: AuctionId" FROM second_chances WHERE id = $1"#, id.0);
    let auction = auction.fetch_optional(&mut *conn).await?.ok_or(AuctionError::NoChance)?;
    let locked = lock(conn, auction, actor).await?.ok_or(AuctionError::NotFound)?;
    let row = sqlx::query!(
        r#"SELECT status AS "status: ChanceStatus", bid_id AS "bid: BidId", org_id AS "org: OrgId", quantity, amount_minor,
                  expires_at
           FROM second_chances
           WHERE id = $1"#,
        id.0,
    )
    .fetch_one(conn)
    .await?;
    if actor.is_some_and(|actor| actor.org != row.org) {
        return Err(AuctionError::NoChance);
    }
    if row.status != ChanceStatus::Offered {
        return Err(AuctionError::ChanceEnded(row.status));
    }
    let amount = locked.money(row.amount_minor);
    let (bid, quantity, expires_at) = (row.bid, row.quantity, row.expires_at);
    Ok(Open { locked, bid, quantity, amount, expires_at })
}

async fn set(
    conn: &mut PgConnection,
    id: SecondChanceId,
    status: ChanceStatus,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE second_chances SET status = $2, decided_at = $3 WHERE id = $1",
        id.0,
        status as ChanceStatus,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The bidder agrees: an award with its order, as if the bid had won. Needs a transaction.
pub async fn accept(
    conn: &mut PgConnection,
    id: SecondChanceId,
    org: OrgId,
    user: UserId,
) -> Result<Closed, AuctionError> {
    let open = open(conn, id, Some(Participant { org, user })).await?;
    let locked = &open.locked;
    if locked.now >= open.expires_at {
        return Err(AuctionError::ChanceEnded(ChanceStatus::Expired));
    }
    if locked.actor.is_none_or(|actor| actor.of_seller) {
        let refusal = Refused::SellersPeople;
        return Err(AuctionError::Refused { refusal, currency: locked.currency });
    }
    set(conn, id, ChanceStatus::Accepted, locked.now).await?;
    let goods = settle::goods(conn, locked).await?;
    let share = Share {
        winner: Participant { org, user },
        bid: Some(open.bid),
        source: AwardSource::SecondChance,
        quantity: open.quantity,
        unit_price: None,
        amount: open.amount,
    };
    limits::keep(conn, locked, org, share.amount).await?;
    let (awards, orders) = settle::awards(conn, locked, &goods, &[share]).await?;
    let auction = move_on(conn, locked, false).await?;
    settle::pass_on(conn, locked, &goods, &awards).await?;
    Ok(Closed { auction, title: goods.title, seller: goods.seller, awards, orders, closed_at: locked.now })
}

/// An offer that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lapsed {
    pub auction: AuctionView,
    pub title: String,
    pub seller: Participant,
    /// Who is offered the lot now.
    pub chance: Option<(SecondChance, Participant)>,
}

/// What an attempt to expire an offer finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    Lapsed(Box<Lapsed>),
    /// The bidder has time; both by the database's clock.
    NotYet {
        until: DateTime<Utc>,
        now: DateTime<Utc>,
    },
    /// It was decided before.
    Nothing,
}

/// The bidder does not want it: it goes to the next one, or back to the seller. Needs a transaction.
pub async fn decline(conn: &mut PgConnection, id: SecondChanceId, bidder: Participant) -> Result<Lapsed, AuctionError> {
    let open = open(conn, id, Some(bidder)).await?;
    lapse(conn, id, open, ChanceStatus::Declined).await
}

/// Ends an offer that its bidder has not answered in time. Needs a transaction.
pub async fn expire(conn: &mut PgConnection, id: SecondChanceId) -> Result<Decided, AuctionError> {
    let open = match open(conn, id, None).await {
        Ok(open) => open,
        Err(AuctionError::NoChance | AuctionError::ChanceEnded(_)) => return Ok(Decided::Nothing),
        Err(error) => return Err(error),
    };
    if open.locked.now < open.expires_at {
        return Ok(Decided::NotYet { until: open.expires_at, now: open.locked.now });
    }
    Ok(Decided::Lapsed(Box::new(lapse(conn, id, open, ChanceStatus::Expired).await?)))
}

async fn lapse(
    conn: &mut PgConnection,
    id: SecondChanceId,
    open: Open,
    status: ChanceStatus,
) -> Result<Lapsed, AuctionError> {
    let locked = &open.locked;
    set(conn, id, status, locked.now).await?;
    stock::free(conn, Kept::OfAuction(locked.id)).await?;
    let chance = follow(conn, locked, open.quantity).await?;
    let goods = settle::goods(conn, locked).await?;
    let auction = move_on(conn, locked, chance.is_some()).await?;
    Ok(Lapsed { auction, title: goods.title, seller: goods.seller, chance })
}
