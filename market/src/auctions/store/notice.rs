//! What those who notify bidders look at: the auction as it stays meanwhile, and when somebody was last notified of being outbid.

use chrono::{DateTime, Utc};
use shared::ids::OrgId;
use sqlx::PgConnection;

use crate::ids::AuctionId;

/// Keeps an auction as it is until the transaction ends. What changed it before is seen by the next statement.
pub async fn hold(conn: &mut PgConnection, auction: AuctionId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT FROM auctions WHERE id = $1 FOR SHARE", auction.0).execute(conn).await?;
    Ok(())
}

/// When each of these organisations was last notified. Their rows stay locked: of two transactions
/// about to notify the same organisation, the second sees what the first did, and reads the auction
/// after it.
pub async fn lock_notices(
    conn: &mut PgConnection,
    auction: AuctionId,
    orgs: &[OrgId],
) -> Result<Vec<(OrgId, Option<DateTime<Utc>>)>, sqlx::Error> {
    let orgs: Vec<_> = orgs.iter().map(|org| org.0).collect();
    // In one order everywhere, so that two transactions never wait for each other.
    let rows = sqlx::query!(
        r#"INSERT INTO outbid_notices AS n (auction_id, org_id)
           SELECT $1, org
           FROM unnest($2::uuid[]) AS org
           ORDER BY org
           ON CONFLICT (auction_id, org_id) DO UPDATE SET notified_at = n.notified_at
           RETURNING org_id AS "org_id: OrgId", notified_at"#,
        auction.0,
        &orgs,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.org_id, row.notified_at)).collect())
}

/// Notes that these organisations are being notified now.
pub async fn note_notified(conn: &mut PgConnection, auction: AuctionId, orgs: &[OrgId]) -> Result<(), sqlx::Error> {
    let orgs: Vec<_> = orgs.iter().map(|org| org.0).collect();
    sqlx::query!(
        "INSERT INTO outbid_notices (auction_id, org_id, notified_at)
         SELECT $1, org, clock_timestamp()
         FROM unnest($2::uuid[]) AS org
         ORDER BY org
         ON CONFLICT (auction_id, org_id) DO UPDATE SET notified_at = excluded.notified_at",
        auction.0,
        &orgs,
    )
    .execute(conn)
    .await?;
    Ok(())
}
