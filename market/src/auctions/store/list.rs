//! Finding open auctions.

use chrono::{DateTime, Utc};
use shared::ids::OrgId;
use sqlx::PgConnection;

use crate::ids::AuctionId;

/// Which open auctions to find; every criterion given must hold.
#[derive(Clone, Copy, Debug)]
pub struct OpenFilter {
    pub seller: Option<OrgId>,
    /// Continue after this one.
    pub after: Option<Place>,
    pub limit: i64,
}

/// The place of an open auction in the list, the next to end first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub ends_at: DateTime<Utc>,
    pub id: AuctionId,
}

/// Scheduled and live auctions, the next to end first, without those of suspended listings and
/// sellers. One whose end moves while somebody is paging may show up twice.
pub async fn open_auctions(conn: &mut PgConnection, filter: OpenFilter) -> Result<Vec<Place>, sqlx::Error> {
    sqlx::query_as!(
        Place,
        r#"SELECT ends_at, auctions.id AS "id: AuctionId"
           FROM auctions
           WHERE status IN ('scheduled', 'live')
             AND NOT suspended
             AND NOT EXISTS (SELECT FROM orgs WHERE orgs.id = seller_org_id AND orgs.status = 'suspended')
             AND ($1::uuid IS NULL OR seller_org_id = $1)
             AND ($2::timestamptz IS NULL OR (ends_at, auctions.id) > ($2, $3))
           ORDER BY ends_at, auctions.id
           LIMIT $4"#,
        filter.seller.map(|org| org.0),
        filter.after.map(|after| after.ends_at),
        filter.after.map(|after| after.id.0),
        filter.limit,
    )
    .fetch_all(conn)
    .await
}
