//! What people see of auctions.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use shared::ids::OrgId;
use shared::money::{Currency, Money};
use sqlx::PgConnection;
use uuid::Uuid;

use super::view::{Row, view_query};
use crate::auctions::model::{AuctionBidder, AuctionStatus, AuctionView, BidStatus, BidView, LotMode};
use crate::auctions::rules::{BookBid, allocate, most_served};
use crate::ids::{AuctionId, BidId, ListingId};

/// These auctions as `viewer` sees them, in the order of `ids`; unknown ones are left out.
pub async fn views(
    conn: &mut PgConnection,
    ids: &[AuctionId],
    viewer: Option<OrgId>,
) -> Result<Vec<AuctionView>, sqlx::Error> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    Ok(rows(conn, &ids).await?.into_iter().map(|row| row.into_view(viewer)).collect())
}

/// Auctions as each viewer sees them, in this order; `None` for an unknown one.
pub async fn views_of(
    conn: &mut PgConnection,
    wanted: &[(AuctionId, Option<OrgId>)],
) -> Result<Vec<Option<AuctionView>>, sqlx::Error> {
    let ids: Vec<_> = wanted.iter().map(|(id, _)| id.0).collect();
    // In the order of the ids, so an auction's row is the next one or there is none.
    let mut rows = rows(conn, &ids).await?.into_iter().peekable();
    let view =
        |(id, viewer): &(AuctionId, Option<OrgId>)| rows.next_if(|row| row.id == *id).map(|row| row.into_view(*viewer));
    Ok(wanted.iter().map(view).collect())
}

async fn rows(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Row>, sqlx::Error> {
    view_query!(
        "SELECT",
        "FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, place)
         JOIN auctions AS a ON a.id = wanted.id
         ORDER BY wanted.place",
        ids,
    )
    .fetch_all(conn)
    .await
}

/// How many changes visible to everybody each of these auctions has had; unknown ones are left out.
pub async fn versions(conn: &mut PgConnection, ids: &[AuctionId]) -> Result<HashMap<AuctionId, i64>, sqlx::Error> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(r#"SELECT id AS "id: AuctionId", version FROM auctions WHERE id = ANY ($1)"#, &ids)
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.version)).collect())
}

/// One auction as `viewer` sees it.
pub async fn view(
    conn: &mut PgConnection,
    id: AuctionId,
    viewer: Option<OrgId>,
) -> Result<Option<AuctionView>, sqlx::Error> {
    Ok(views(conn, &[id], viewer).await?.pop())
}

/// Those of the auctions in which this organisation has bid.
pub async fn bid_in(conn: &mut PgConnection, ids: &[AuctionId], org: OrgId) -> Result<Vec<AuctionId>, sqlx::Error> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    sqlx::query_scalar!(
        r#"SELECT auction_id AS "id: AuctionId" FROM bids WHERE auction_id = ANY ($1) AND org_id = $2 AND nth = 1"#,
        &ids,
        org.0,
    )
    .fetch_all(conn)
    .await
}

/// The latest auctions of a listing, the latest first; at most a hundred.
pub async fn of_listing(conn: &mut PgConnection, listing: ListingId) -> Result<Vec<AuctionId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: AuctionId" FROM auctions WHERE listing_id = $1 ORDER BY id DESC LIMIT 100"#,
        listing.0,
    )
    .fetch_all(conn)
    .await
}

/// Live auctions that end within `within`, the next to end first.
pub async fn ending_soon(
    conn: &mut PgConnection,
    within: TimeDelta,
    limit: i64,
) -> Result<Vec<AuctionId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: AuctionId"
           FROM auctions
           WHERE status = 'live'
             AND ends_at > clock_timestamp()
             AND ends_at <= clock_timestamp() + make_interval(secs => $1)
           ORDER BY ends_at, id
           LIMIT $2"#,
        // Whole seconds: exact as a float.
        f64::from(i32::try_from(within.num_seconds()).unwrap_or(i32::MAX)),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Up to `limit` organisations with a standing bid in the auction, after the bidder numbered
/// `after`, in the order of their numbers.
pub async fn bidders(
    conn: &mut PgConnection,
    auction: AuctionId,
    after: i64,
    limit: i64,
) -> Result<Vec<AuctionBidder>, sqlx::Error> {
    sqlx::query_as!(
        AuctionBidder,
        r#"SELECT first.bidder AS number, first.org_id AS "org: OrgId"
           FROM bids AS first
           WHERE first.auction_id = $1
             AND first.nth = 1
             AND first.bidder > $2
             AND EXISTS (
                 SELECT
                 FROM bids AS b
                 LEFT JOIN bid_retractions AS r ON r.bid_id = b.id
                 WHERE b.auction_id = $1
                   AND b.org_id = first.org_id
                   AND r.bid_id IS NULL
             )
           ORDER BY first.bidder
           LIMIT $3"#,
        auction.0,
        after,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Who leads now; nobody does on a divisible lot.
pub async fn leader(conn: &mut PgConnection, auction: AuctionId) -> Result<Option<OrgId>, sqlx::Error> {
    let row = sqlx::query!(r#"SELECT leader_org_id AS "leader: OrgId" FROM auctions WHERE id = $1"#, auction.0)
        .fetch_optional(conn)
        .await?;
    Ok(row.and_then(|row| row.leader))
}

struct BidRow {
    id: BidId,
    seq: i64,
    org_id: OrgId,
    number: i64,
    bidder: i64,
    raise: bool,
    amount_minor: i64,
    quantity: i64,
    placed_at: DateTime<Utc>,
    retracted_at: Option<DateTime<Utc>>,
    won: bool,
    last_of_org: bool,
}

/// Up to `limit` bids as `viewer` sees them, the latest first, before the bid numbered `before`. [`None`]: no such auction.
pub async fn bids(
    conn: &mut PgConnection,
    auction: AuctionId,
    viewer: Option<OrgId>,
    before: Option<i64>,
    limit: i64,
) -> Result<Option<Vec<BidView>>, sqlx::Error> {
    let Some(lot) = sqlx::query!(
        r#"SELECT currency AS "currency: Currency", status AS "status: AuctionStatus", lot_mode AS "lot_mode: LotMode",
                  quantity, min_order, price_minor, leader_org_id AS "leader_org_id: OrgId"
           FROM auctions
           WHERE id = $1"#,
        auction.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    else {
        return Ok(None);
    };
    let raises = match viewer {
        Some(viewer) => own_raises(conn, auction, viewer).await?,
        None => Vec::new(),
    };
    let end = End::before(&raises, before.unwrap_or(i64::MAX));
    // Numbered without others' raises: a gap would reveal them. An award to an organisation marks
    // its last bid as won. What a bid showed when it was outbid may be the maximum that leads after
    // a retraction, so a leader's bids show no more than the price.
    let rows = sqlx::query_as!(
        BidRow,
        r#"WITH page AS (
               (
                   SELECT *
                   FROM bids
                   WHERE auction_id = $1
                     AND kind = 'bid'
                     AND number < $2
                   ORDER BY number DESC
                   LIMIT $3
               )
               UNION ALL
               (
                   SELECT *
                   FROM bids
                   WHERE auction_id = $1
                     AND org_id = $4
                     AND kind = 'raise'
                     AND seq < $7
                   ORDER BY nth DESC
                   LIMIT $3
               )
           )
           SELECT n.id AS "id!: BidId", n.seq AS "seq!", n.org_id AS "org_id!: OrgId", n.number AS "number!",
                  n.bidder AS "bidder!", n.kind = 'raise' AS "raise!",
                  CASE
                      WHEN n.org_id = $5 AND r.retracted_at IS NULL THEN least(n.amount_minor, $6)
                      ELSE n.amount_minor
                  END AS "amount_minor!",
                  n.quantity AS "quantity!", n.placed_at AS "placed_at!", r.retracted_at AS "retracted_at?",
                  EXISTS (
                      SELECT
                      FROM awards AS w
                      WHERE w.auction_id = $1
                        AND w.status = 'standing'
                        AND w.org_id = n.org_id
                        AND w.source <> 'buy_now'
                        AND (w.lot_mode = 'whole' OR w.bid_id = n.id)
                  ) AS "won!",
                  n.seq >= coalesce(last.seq, n.seq + 1) AS "last_of_org!"
           FROM page AS n
           LEFT JOIN bid_retractions AS r ON r.bid_id = n.id
           LEFT JOIN LATERAL (
               SELECT b.seq
               FROM bids AS b
               WHERE b.auction_id = $1
                 AND b.org_id = n.org_id
                 AND b.kind = 'bid'
                 AND NOT EXISTS (SELECT FROM bid_retractions AS gone WHERE gone.bid_id = b.id)
               ORDER BY b.nth DESC
               LIMIT 1
           ) AS last ON true
           ORDER BY n.seq DESC
           LIMIT $3"#,
        auction.0,
        end.number,
        limit,
        viewer.map(|org| org.0),
        lot.leader_org_id.map(|org| org.0),
        lot.price_minor,
        end.seq,
    )
    .fetch_all(&mut *conn)
    .await?;
    let served = match lot.lot_mode {
        LotMode::Divisible if lot.status.is_open() => served(conn, auction, lot.quantity, lot.min_order).await?,
        _ => Vec::new(),
    };
    let leads = |row: &BidRow| match lot.lot_mode {
        LotMode::Whole => row.last_of_org && lot.leader_org_id == Some(row.org_id),
        LotMode::Divisible => served.contains(&row.seq),
    };
    let views = rows.into_iter().map(|row| {
        let mine = viewer == Some(row.org_id);
        BidView {
            id: mine.then_some(row.id),
            number: row.number + raises_until(&raises, row.seq),
            bidder: row.bidder,
            mine,
            raise: row.raise,
            amount: Money::from_minor(row.amount_minor, lot.currency),
            quantity: row.quantity,
            status: match (row.retracted_at, lot.status.is_open()) {
                (Some(_), _) => BidStatus::Retracted,
                (None, true) if leads(&row) => BidStatus::Leading,
                (None, true) => BidStatus::Outbid,
                (None, false) if row.won && (row.last_of_org || lot.lot_mode == LotMode::Divisible) => BidStatus::Won,
                (None, false) => BidStatus::Lost,
            },
            placed_at: row.placed_at,
            retracted_at: row.retracted_at,
        }
    });
    Ok(Some(views.collect()))
}

/// A raise by the organisation viewing the list, which counts only in its own list.
struct OwnRaise {
    seq: i64,
    /// The number of the bid before it.
    number: i64,
}

/// The organisation's raises in the order in which they were placed.
async fn own_raises(conn: &mut PgConnection, auction: AuctionId, org: OrgId) -> Result<Vec<OwnRaise>, sqlx::Error> {
    sqlx::query_as!(
        OwnRaise,
        "SELECT seq, number
         FROM bids
         WHERE auction_id = $1
           AND org_id = $2
           AND kind = 'raise'
         ORDER BY nth",
        auction.0,
        org.0,
    )
    .fetch_all(conn)
    .await
}

/// How many of the viewer's raises there were up to the bid numbered `seq`.
fn raises_until(raises: &[OwnRaise], seq: i64) -> i64 {
    i64::try_from(raises.partition_point(|raise| raise.seq <= seq)).unwrap_or(i64::MAX)
}

/// Where a page ends, in stored numbers: bids lie before `number`, own raises before `seq`.
struct End {
    number: i64,
    seq: i64,
}

impl End {
    /// The page that ends before `before`, a number that counts own raises.
    fn before(raises: &[OwnRaise], before: i64) -> Self {
        // Both grow along the list, so the first raise at or after the end ends the raises, and
        // what follows the one before it is numbered with that many raises.
        let within = (1_i64..).zip(raises).take_while(|(nth, raise)| raise.number + nth < before).count();
        let counted = i64::try_from(within).unwrap_or(i64::MAX);
        Self { number: before.saturating_sub(counted), seq: raises.get(within).map_or(i64::MAX, |raise| raise.seq) }
    }
}

/// The numbers of the bids that would get a share of a divisible lot now.
async fn served(
    conn: &mut PgConnection,
    auction: AuctionId,
    quantity: i64,
    min_order: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    let book = sqlx::query_as!(
        BookBid,
        r#"SELECT b.seq, b.org_id AS "org: OrgId", b.amount_minor AS price, b.quantity
           FROM bids AS b
           LEFT JOIN bid_retractions AS r ON r.bid_id = b.id
           WHERE b.auction_id = $1
             AND b.lot_mode = 'divisible'
             AND r.bid_id IS NULL
           ORDER BY b.amount_minor DESC, b.seq
           LIMIT $2"#,
        auction.0,
        most_served(quantity, min_order),
    )
    .fetch_all(conn)
    .await?;
    Ok(allocate(quantity, min_order, &book).iter().map(|share| share.bid.seq).collect())
}
