//! Placing a bid: two statements (lock and judge, write), one more for a divisible lot and for a bidder with strikes.

use shared::ids::{OrgId, UserId};
use shared::invalid::Invalid;
use shared::money::Currency;
use sqlx::PgConnection;

use super::AuctionError;
use super::lock::lock;
use super::view::view_query;
use crate::auctions::model::{LotMode, Participant, PlacedBid, SecretMoney};
use crate::auctions::rules::{Bid, Effect, Refused, Secret, decide_bid};
use crate::ids::{AuctionId, BidId};
use crate::standing::rules::Limit;

/// A bid to place.
#[derive(Clone, Copy, Debug)]
pub struct PlaceBid {
    pub auction: AuctionId,
    /// Whether it is approved, and a broker, is read with the auction.
    pub org: OrgId,
    pub user: UserId,
    /// The secret maximum, or the price per unit of a divisible lot.
    pub maximum: SecretMoney,
    /// On divisible lots only.
    pub quantity: Option<i64>,
}

/// In how many open auctions an organisation has bids that it has not taken back; counted up to `most`.
async fn open_auctions_of(conn: &mut PgConnection, org: OrgId, most: i64) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "n!"
           FROM (SELECT DISTINCT b.auction_id
                 FROM bids AS b
                 JOIN auctions AS a ON a.id = b.auction_id
                 WHERE b.org_id = $1
                   AND a.status IN ('scheduled', 'live')
                   AND NOT EXISTS (SELECT FROM bid_retractions AS r WHERE r.bid_id = b.id)
                 LIMIT $2) AS open"#,
        org.0,
        most,
    )
    .fetch_one(conn)
    .await
}

/// Judges and stores a bid. On [`Err`], nothing has been written, but the transaction still holds
/// the lock: roll it back.
pub async fn place_bid(conn: &mut PgConnection, place: &PlaceBid) -> Result<PlacedBid, AuctionError> {
    let actor = Participant { org: place.org, user: place.user };
    let locked = lock(conn, place.auction, Some(actor)).await?.ok_or(AuctionError::NotFound)?;
    let bidder = locked.actor.ok_or(AuctionError::NotFound)?;
    if let Limit::Auctions(most) = bidder.limit
        && locked.first
        && open_auctions_of(conn, place.org, most).await? >= most
    {
        return Err(AuctionError::Refused { refusal: Refused::TooManyAuctions { most }, currency: locked.currency });
    }
    if place.maximum.0.currency() != locked.currency {
        return Err(Invalid::new("/maximum/currency", "must be the auction's currency").into());
    }
    let maximum = Secret::new(place.maximum.0.minor());
    let bid = Bid { bidder, maximum, quantity: place.quantity, at: locked.now };
    let accepted = decide_bid(&locked.state, &bid)
        .map_err(|refusal| AuctionError::Refused { refusal, currency: locked.currency })?;
    let after = locked.state.after(&accepted, &bid);
    let id = BidId::generate();
    let raised = accepted.effect == Effect::Raised;
    let leader = accepted.standing.leader;
    let leader_bid = match leader {
        Some(leader) if leader.rank.seq == accepted.seq => Some(id),
        Some(_) => locked.leader_bid,
        None => None,
    };
    // Bid and auction in one statement, which returns what the answer shows.
    let written = view_query!(
        "WITH placed AS (
             INSERT INTO bids
                 (id, auction_id, seller_org_id, currency, lot_mode, org_id, placed_by, seq, kind, amount_minor,
                  maximum_minor, quantity, placed_at)
             VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         )
         UPDATE auctions AS a
         SET status = 'live',
             price_minor = $14,
             next_minimum_minor = $15,
             leader_bid_id = $16,
             leader_org_id = $17,
             leader_seq = $18,
             leader_max_minor = $19,
             ends_at = $20,
             bid_seq = $8,
             bid_count = bid_count + $21,
             version = version + $22
         WHERE id = $1
         RETURNING",
        "",
        locked.id.0,
        id.0,
        locked.state.terms.seller.0,
        locked.currency as Currency,
        locked.lot_mode as LotMode,
        place.org.0,
        place.user.0,
        accepted.seq,
        if raised { "raise" } else { "bid" },
        accepted.visible,
        maximum.reveal(),
        place.quantity.unwrap_or(locked.quantity),
        locked.now,
        accepted.standing.price,
        after.next_minimum(),
        leader_bid.map(|bid| bid.0),
        leader.map(|leader| leader.org.0),
        leader.map(|leader| leader.rank.seq),
        leader.map(|leader| leader.rank.amount.reveal()),
        accepted.ends_at,
        i64::from(!raised),
        i64::from(accepted.public_change),
    )
    .fetch_one(conn)
    .await
    .map_err(|error| AuctionError::of_write(error, locked.currency))?;
    Ok(PlacedBid {
        bid: id,
        first: locked.first,
        effect: accepted.effect,
        end_moved: accepted.ends_at != locked.state.ends_at,
        placed_at: locked.now,
        public_change: accepted.public_change,
        outbid: accepted.outbid,
        auction: written.into_view(Some(place.org)),
    })
}
