//! Taking a bid back: price and leader are computed again from the bids that remain. A bid takes
//! along the raises built on it; otherwise they would go on bidding for somebody who has left.

use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use super::lock::{Locked, lock};
use super::view::view_query;
use super::{AuctionError, limits};
use crate::auctions::model::Retracted;
use crate::auctions::rules::{Lot, Secret, StandingBid, decide_retraction, most_served, take_back, taken_along};
use crate::ids::{AuctionId, BidId};

struct Row {
    id: BidId,
    org_id: OrgId,
    seq: i64,
    raise: bool,
    maximum_minor: i64,
    quantity: i64,
}

/// Takes back a bid of `org`, with the raises on top of it. In a lot of a sale event, whoever would lead then needs the limit for it: the
/// bids of somebody who has spent it elsewhere in the meantime go along, and the next one leads. It reads only the organisation's own
/// bids and those that decide what remains, however many others there are; in a lot of a sale event, also who has bid at all.
pub async fn retract(conn: &mut PgConnection, bid: BidId, org: OrgId, user: UserId) -> Result<Retracted, AuctionError> {
    let placed = sqlx::query!(
        r#"SELECT auction_id AS "auction_id: AuctionId", org_id AS "org_id: OrgId", seq, placed_at FROM bids WHERE id = $1"#,
        bid.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(AuctionError::NotFound)?;
    let mut locked = lock(conn, placed.auction_id, None).await?.ok_or(AuctionError::NotFound)?;
    decide_retraction(&locked.state, org, placed.org_id, placed.placed_at, locked.now)?;
    let own = own_from(conn, locked.id, org, placed.seq).await?;
    let mut gone = taken_along(&own.iter().map(Row::standing).collect::<Vec<_>>(), placed.seq)?;
    let raise = own.first().is_some_and(|row| row.raise);
    let mut taken: Vec<_> = own.iter().filter(|row| gone.contains(&row.seq)).map(|row| row.id.0).collect();
    // Bids that others see and that go along, because the limit of their bidder does not cover them any more.
    let (mut lapsed, mut lapsed_of) = (0, Vec::new());
    let mut limits = limits::of_bidders(conn, &locked).await?;
    let (rows, retraction) = loop {
        let mut rows = match locked.state.terms.lot {
            Lot::Whole => deciding(conn, &locked, &gone).await?,
            Lot::Divisible { quantity, min_order } => {
                best_of_book(conn, locked.id, &gone, most_served(quantity, min_order)).await?
            }
        };
        rows.sort_unstable_by_key(|row| row.seq);
        let remaining: Vec<_> = rows.iter().map(Row::standing).collect();
        let retraction = take_back(&locked.state, raise, &remaining);
        let Err(spent) = locked.reserve_again(&mut limits, retraction.standing) else { break (rows, retraction) };
        lapsed_of.push(spent);
        // None of them has gone before: they would not lead.
        for row in own_from(conn, locked.id, spent, 1).await? {
            lapsed += i64::from(!row.raise);
            // Nobody has taken them back, which is how they are written down.
            taken.push(row.id.0);
            gone.push(row.seq);
        }
    };
    let leader = retraction.standing.leader;
    let before = locked.state.standing.leader.map(|leader| leader.org);
    let new_leader = leader.map(|leader| leader.org).filter(|org| Some(*org) != before);
    let leading = leader.and_then(|leader| rows.iter().find(|row| row.seq == leader.rank.seq)).map(|row| row.id.0);
    let public_change = retraction.public_change || lapsed > 0;
    limits::write(conn, std::iter::once(&locked)).await?;
    let written = view_query!(
        "WITH taken_back AS (
             INSERT INTO bid_retractions (bid_id, auction_id, org_id, retracted_by, retracted_at)
             SELECT b.id, b.auction_id, b.org_id, CASE b.org_id WHEN $3 THEN $4::uuid END, $5
             FROM bids AS b
             WHERE b.id = ANY ($2)
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
        &taken,
        org.0,
        user.0,
        locked.now,
        retraction.standing.price,
        retraction.next_minimum,
        leading,
        leader.map(|leader| leader.org.0),
        leader.map(|leader| leader.rank.seq),
        leader.map(|leader| leader.rank.amount.reveal()),
        retraction.shown + lapsed,
        i64::from(public_change),
    )
    .fetch_one(conn)
    .await?;
    Ok(Retracted { auction: written.into_view(Some(org)), public_change, lapsed: lapsed_of, new_leader })
}

/// The organisation's standing bids, from the one numbered `seq` on.
async fn own_from(conn: &mut PgConnection, auction: AuctionId, org: OrgId, seq: i64) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT b.id AS "id: BidId", b.org_id AS "org_id: OrgId", b.seq, b.kind = 'raise' AS "raise!",
                  b.maximum_minor, b.quantity
           FROM bids AS b
           WHERE b.auction_id = $1
             AND b.org_id = $2
             AND b.seq >= $3
             AND NOT EXISTS (SELECT FROM bid_retractions AS r WHERE r.bid_id = b.id)
           ORDER BY b.nth"#,
        auction.0,
        org.0,
        seq,
    )
    .fetch_all(conn)
    .await
}

/// The bids on a whole lot that decide price and leader once those in `gone` have left: all those
/// of the organisation that then leads, and those of others that could raise the price above the
/// highest maximum among them. The price is at least that maximum, whenever it was bid, and every
/// other bid lifts it to at most its own maximum plus one increment.
async fn deciding(conn: &mut PgConnection, locked: &Locked, gone: &[i64]) -> Result<Vec<Row>, sqlx::Error> {
    let best = sqlx::query!(
        r#"WITH best AS (
               SELECT b.org_id
               FROM bids AS b
               WHERE b.auction_id = $1
                 AND b.lot_mode = 'whole'
                 AND b.seq <> ALL ($2)
                 AND NOT EXISTS (SELECT FROM bid_retractions AS r WHERE r.bid_id = b.id)
               ORDER BY b.maximum_minor DESC, b.seq
               LIMIT 1
           )
           SELECT best.org_id AS "org: OrgId", (
               SELECT b.maximum_minor
               FROM bids AS b
               WHERE b.auction_id = $1
                 AND b.lot_mode = 'whole'
                 AND b.seq <> ALL ($2)
                 AND b.org_id <> best.org_id
                 AND NOT EXISTS (SELECT FROM bid_retractions AS r WHERE r.bid_id = b.id)
               ORDER BY b.maximum_minor DESC, b.seq
               LIMIT 1
           ) AS highest_of_others
           FROM best"#,
        locked.id.0,
        gone,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(best) = best else { return Ok(Vec::new()) };
    // Increments never fall with the price.
    let from = best.highest_of_others.map(|highest| highest - locked.state.terms.increments.step(highest));
    sqlx::query_as!(
        Row,
        r#"SELECT b.id AS "id!: BidId", b.org_id AS "org_id!: OrgId", b.seq AS "seq!", b.kind = 'raise' AS "raise!",
                  b.maximum_minor AS "maximum_minor!", b.quantity AS "quantity!"
           FROM (
               SELECT *
               FROM bids
               WHERE auction_id = $1
                 AND org_id = $3
               UNION ALL
               SELECT *
               FROM bids
               WHERE auction_id = $1
                 AND lot_mode = 'whole'
                 AND maximum_minor >= $4
                 AND org_id <> $3
           ) AS b
           WHERE b.seq <> ALL ($2)
             AND NOT EXISTS (SELECT FROM bid_retractions AS r WHERE r.bid_id = b.id)"#,
        locked.id.0,
        gone,
        best.org.0,
        from,
    )
    .fetch_all(conn)
    .await
}

/// The best bids on a divisible lot without those in `gone`, no more than can be served.
async fn best_of_book(
    conn: &mut PgConnection,
    auction: AuctionId,
    gone: &[i64],
    most: i64,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT b.id AS "id: BidId", b.org_id AS "org_id: OrgId", b.seq, b.kind = 'raise' AS "raise!",
                  b.maximum_minor, b.quantity
           FROM bids AS b
           WHERE b.auction_id = $1
             AND b.lot_mode = 'divisible'
             AND b.seq <> ALL ($2)
             AND NOT EXISTS (SELECT FROM bid_retractions AS r WHERE r.bid_id = b.id)
           ORDER BY b.amount_minor DESC, b.seq
           LIMIT $3"#,
        auction.0,
        gone,
        most,
    )
    .fetch_all(conn)
    .await
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
