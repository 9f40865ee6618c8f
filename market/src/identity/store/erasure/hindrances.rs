//! What stands in the way of an erasure: a role on the platform, and what is open of organisations that nobody else owns.

use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use super::{ErasureError, Hindrance};
use crate::identity::model::{OpenMatter, PlatformRole};

/// What stands in the way at present.
pub(super) async fn check(conn: &mut PgConnection, user: UserId) -> Result<(), ErasureError> {
    let role = sqlx::query_scalar!(r#"SELECT platform_role AS "role: PlatformRole" FROM users WHERE id = $1"#, user.0,)
        .fetch_one(&mut *conn)
        .await?;
    if role != PlatformRole::User {
        return Err(ErasureError::Role);
    }
    let open = sqlx::query_as!(
        Hindrance,
        r#"
        SELECT alone.org_id AS "org: OrgId", matters.open AS "open!: OpenMatter"
        FROM (
            SELECT own.org_id
            FROM memberships AS own
            WHERE own.user_id = $1
              AND own.role = 'owner'
              AND NOT EXISTS (
                  SELECT
                  FROM memberships AS other
                  JOIN users ON users.id = other.user_id
                  WHERE other.org_id = own.org_id
                    AND other.user_id <> $1
                    AND other.role = 'owner'
                    AND users.status = 'active'
              )
        ) AS alone
        CROSS JOIN LATERAL (
            SELECT 'order' AS open
            WHERE EXISTS (
                SELECT
                FROM orders
                WHERE buyer_org_id = alone.org_id
                  AND status NOT IN ('completed', 'expired', 'cancelled', 'refunded')
            ) OR EXISTS (
                SELECT
                FROM orders
                WHERE seller_org_id = alone.org_id
                  AND status NOT IN ('completed', 'expired', 'cancelled', 'refunded')
            )
            UNION ALL
            SELECT 'auction'
            WHERE EXISTS (
                SELECT
                FROM auctions
                WHERE seller_org_id = alone.org_id
                  AND status IN ('scheduled', 'live', 'on_approval')
            )
            UNION ALL
            SELECT 'bid'
            WHERE EXISTS (
                SELECT
                FROM bids
                JOIN auctions ON auctions.id = bids.auction_id
                WHERE bids.org_id = alone.org_id
                  AND auctions.status IN ('live', 'on_approval')
            )
            UNION ALL
            SELECT 'return'
            WHERE EXISTS (
                SELECT
                FROM returns
                JOIN orders ON orders.id = returns.order_id
                WHERE alone.org_id IN (orders.buyer_org_id, orders.seller_org_id)
                  AND returns.ended_at IS NULL
            )
            UNION ALL
            SELECT 'payout'
            WHERE EXISTS (
                SELECT
                FROM payouts
                WHERE org_id = alone.org_id
                  AND status IN ('waiting', 'intended', 'sent')
            )
        ) AS matters
        ORDER BY alone.org_id, matters.open
        "#,
        user.0,
    )
    .fetch_all(conn)
    .await?;
    if open.is_empty() { Ok(()) } else { Err(ErasureError::Open(open)) }
}
