//! Taking a bid back: price and leader are computed again from the bids that remain. A bid takes the raises that were built on
//! it along; otherwise they would go on bidding for somebody who has left.

use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use super::AuctionError;
use super::lock::lock;
use super::view::view_query;
use crate::auctions::model::Retracted;
use crate::auctions::rules::{Secret, StandingBid, decide_retraction, take_back};
use crate::ids::{AuctionId, BidId};

struct Row {
    id: BidId,
    org_id: OrgId,
    seq: i64,
    raise: bool,
    maximum_minor: i64,
    quantity: i64,
}

/// Takes a bid of `org` back, with the raises on top of it. Four statements.
pub async fn retract(conn: &mut PgConnection, bid: BidId, org: OrgId, user: UserId) -> Result<Retracted, AuctionError> {
    let placed = sqlx::query!(
        r#"SELECT auction_id AS "auction_id: AuctionId", org_id AS "org_id: OrgId", seq, placed_at FROM bids WHERE id = $1"#,
        bid.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(AuctionError::NotFound)?;
    let locked = lock(conn, placed.auction_id, None).await?.ok_or(AuctionError::NotFound)?;
    decide_retraction(&locked.state, org, placed.org_id, placed.placed_at, locked.now)?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT b.id AS "id: BidId", b.org_id AS "org_id: OrgId", b.seq, b.kind = 'raise' AS "raise!",
                  b.maximum_minor, b.quantity
           FROM bids AS b
           LEFT JOIN bid_retractions AS r ON r.bid_id = b.id
           WHERE b.auction_id = $1
             AND r.bid_id IS NULL
           ORDER BY b.seq"#,
        locked.id.0,
    )
    .fetch_all(&mut *conn)
    .await?;
    let standing: Vec<_> = rows.iter().map(Row::standing).collect();
    let retraction = take_back(&locked.state, &standing, placed.seq)?;
    let leader = retraction.standing.leader;
    let id_of = |seq| rows.iter().find(|row| row.seq == seq).map(|row| row.id.0);
    let gone: Vec<_> = retraction.gone.iter().filter_map(|seq| id_of(*seq)).collect();
    let written = view_query!(
        "WITH taken_back AS (
             INSERT INTO bid_retractions (bid_id, auction_id, org_id, retracted_by, retracted_at)
             SELECT gone.bid, $1, $3, $4, $5
             FROM unnest($2::uuid[]) AS gone (bid)
         )
         UPDATE auctions AS a
         SET price_minor = $6,
             next_minimum_minor = $7,
             leader_bid_id = $8,
             leader_org_id = $9,
             leader_seq = $10,
             leader_max_minor = $11,
             bid_count = bid_count - $12,
             version = version + $13
         WHERE id = $1
         RETURNING",
        "",
        locked.id.0,
        &gone,
        org.0,
        user.0,
        locked.now,
        retraction.standing.price,
        retraction.next_minimum,
        leader.and_then(|leader| id_of(leader.rank.seq)),
        leader.map(|leader| leader.org.0),
        leader.map(|leader| leader.rank.seq),
        leader.map(|leader| leader.rank.amount.reveal()),
        retraction.shown,
        i64::from(retraction.public_change),
    )
    .fetch_one(conn)
    .await?;
    Ok(Retracted { auction: written.into_view(Some(org)), public_change: retraction.public_change })
}

impl Row {
    fn standing(&self) -> StandingBid {
        StandingBid {
            seq: self.seq,
            org: self.org_id,
            raise: self.raise,
            maximum: Secret::new(self.maximum_minor),
            quantity: self.quantity,
        }
    }
}
