//! Offers to next bidders, as they are read.

use shared::ids::OrgId;
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use crate::auctions::model::{ChanceStatus, SecondChance};
use crate::ids::{AuctionId, SecondChanceId};

/// The offers of an auction that `viewer` may see, newest first: all of them for the seller, their own for a bidder.
pub async fn chances(
    conn: &mut PgConnection,
    auction: AuctionId,
    viewer: OrgId,
) -> Result<Vec<SecondChance>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT s.id AS "id: SecondChanceId", s.status AS "status: ChanceStatus", s.org_id AS "org: OrgId", s.quantity,
                  s.amount_minor, a.currency AS "currency: Currency", s.offered_at, s.expires_at
           FROM second_chances AS s
           JOIN auctions AS a ON a.id = s.auction_id
           WHERE s.auction_id = $1
             AND $2 IN (s.org_id, a.seller_org_id)
           ORDER BY s.id DESC
           LIMIT 1000"#,
        auction.0,
        viewer.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let yours = row.org == viewer;
            let shown = yours || row.status == ChanceStatus::Accepted;
            SecondChance {
                id: row.id,
                auction,
                status: row.status,
                quantity: row.quantity,
                amount: shown.then(|| Money::from_minor(row.amount_minor, row.currency)),
                offered_at: row.offered_at,
                expires_at: row.expires_at,
                yours,
            }
        })
        .collect())
}

/// Offers whose time ended more than two seconds ago, the longest overdue first.
pub async fn overdue(conn: &mut PgConnection, limit: i64) -> Result<Vec<SecondChanceId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: SecondChanceId"
           FROM second_chances
           WHERE status = 'offered'
             AND expires_at <= clock_timestamp() - interval '2 seconds'
           ORDER BY expires_at
           LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await
}
