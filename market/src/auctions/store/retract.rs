//! Taking a bid back: price and leader are computed again from the bids that remain. A bid takes the raises that were built on
//! it along; otherwise they would go on bidding for somebody who has left.

use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use super::AuctionError;
use super::lock::lock;
use crate::auctions::model::{LotMode, Retracted};
use crate::auctions::rules::{Offer, Rank, RetractRefused, Secret, decide_retraction, divisible_standing, replay};
use crate::ids::{AuctionId, BidId};

struct Row {
    id: BidId,
    org_id: OrgId,
    seq: i64,
    raise: bool,
    maximum_minor: i64,
}

/// Takes a bid of `org` back, with the raises on top of it. Four statements.
pub async fn retract(conn: &mut PgConnection, bid: BidId, org: OrgId, user: UserId) -> Result<Retracted, AuctionError> {
    let placed = sqlx::query!(
        r#"SELECT auction_id AS "auction_id: AuctionId", org_id AS "org_id: OrgId", kind, placed_at FROM bids WHERE id = $1"#,
        bid.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(AuctionError::NotFound)?;
    let locked = lock(conn, placed.auction_id, None).await?.ok_or(AuctionError::NotFound)?;
    decide_retraction(&locked.state, org, placed.org_id, placed.placed_at, locked.now)?;
    let standing_bids = sqlx::query_as!(
        Row,
        r#"SELECT b.id AS "id: BidId", b.org_id AS "org_id: OrgId", b.seq, b.kind = 'raise' AS "raise!",
                  b.maximum_minor
           FROM bids AS b
           LEFT JOIN bid_retractions AS r ON r.bid_id = b.id
           WHERE b.auction_id = $1
             AND r.bid_id IS NULL
           ORDER BY b.seq"#,
        locked.id.0,
    )
    .fetch_all(&mut *conn)
    .await?;
    let gone = taken_along(&standing_bids, bid);
    if gone.is_empty() {
        return Err(RetractRefused::Already.into());
    }
    let remaining: Vec<_> = standing_bids.into_iter().filter(|row| !gone.contains(&row.id)).collect();
    let mut after = locked.state.clone();
    after.book.retain(|other| remaining.iter().any(|row| row.seq == other.seq));
    after.standing = match locked.lot_mode {
        LotMode::Whole => replay(&after.terms, remaining.iter().map(Row::offer)),
        LotMode::Divisible => divisible_standing(&after.terms, &after.book),
    };
    let leader = after.standing.leader;
    let leader_bid = leader.and_then(|leader| remaining.iter().find(|row| row.seq == leader.rank.seq));
    let shown = placed.kind == "bid";
    let before = locked.state.standing;
    let public_change = shown
        || after.standing.price != before.price
        || leader.map(|leader| leader.org) != before.leader.map(|leader| leader.org);
    let gone: Vec<_> = gone.iter().map(|bid| bid.0).collect();
    let version = sqlx::query_scalar!(
        "WITH taken_back AS (
             INSERT INTO bid_retractions (bid_id, auction_id, org_id, retracted_by, retracted_at)
             SELECT gone.bid, $1, $3, $4, $5
             FROM unnest($2::uuid[]) AS gone (bid)
         )
         UPDATE auctions
         SET price_minor = $6,
             next_minimum_minor = $7,
             leader_bid_id = $8,
             leader_org_id = $9,
             leader_seq = $10,
             leader_max_minor = $11,
             bid_count = bid_count - $12,
             version = version + $13
         WHERE id = $1
         RETURNING version",
        locked.id.0,
        &gone,
        org.0,
        user.0,
        locked.now,
        after.standing.price,
        after.next_minimum(),
        leader_bid.map(|row| row.id.0),
        leader.map(|leader| leader.org.0),
        leader.map(|leader| leader.rank.seq),
        leader.map(|leader| leader.rank.amount.reveal()),
        i64::from(shown),
        i64::from(public_change),
    )
    .fetch_one(conn)
    .await?;
    Ok(Retracted { auction: locked.id, price: locked.money(after.standing.price), version, public_change })
}

/// The bid, and the raises of its organisation up to that organisation's next bid; nothing when the bid does not stand any more.
fn taken_along(standing: &[Row], bid: BidId) -> Vec<BidId> {
    let mut from_it = standing.iter().skip_while(|row| row.id != bid);
    let Some(first) = from_it.next() else {
        return Vec::new();
    };
    let mut gone = vec![first.id];
    // A raise is taken back for itself: the others remain.
    if !first.raise {
        let later = from_it.filter(|row| row.org_id == first.org_id);
        gone.extend(later.take_while(|row| row.raise).map(|row| row.id));
    }
    gone
}

impl Row {
    fn offer(&self) -> Offer {
        Offer { org: self.org_id, rank: Rank { amount: Secret::new(self.maximum_minor), seq: self.seq } }
    }
}
