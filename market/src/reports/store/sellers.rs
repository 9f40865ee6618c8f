//! The sellers whose days are reported.

use chrono::{DateTime, NaiveDate, Utc};
use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use super::ReportError;

/// An approved seller whose day may have ended.
#[derive(Clone, Debug)]
pub struct Seller {
    pub org: OrgId,
    pub zone: String,
    pub created_at: DateTime<Utc>,
    /// The latest day for which the schedule has requested a sales report.
    pub last_day: Option<NaiveDate>,
}

/// Approved sellers by id, after `after`.
pub async fn sellers(conn: &mut PgConnection, after: OrgId, limit: i64) -> Result<Vec<Seller>, ReportError> {
    let rows = sqlx::query!(
        r#"
        SELECT
            id, time_zone, created_at,
            (SELECT max(first_day) FROM reports WHERE org_id = orgs.id AND kind = 'sales' AND requested_by IS NULL)
                AS last_day
        FROM orgs
        WHERE status = 'approved'
          AND 'seller' = ANY (kinds)
          AND id > $1
        ORDER BY id
        LIMIT $2
        "#,
        after.0,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Seller {
            org: OrgId(row.id),
            zone: row.time_zone,
            created_at: row.created_at,
            last_day: row.last_day,
        })
        .collect())
}

/// Owners of an organisation, who get the reports that nobody in particular asked for.
pub async fn owners(conn: &mut PgConnection, org: OrgId) -> Result<Vec<UserId>, ReportError> {
    let rows = sqlx::query_scalar!(
        r#"
        SELECT user_id
        FROM memberships
        WHERE org_id = $1
          AND role = 'owner'
        ORDER BY user_id
        "#,
        org.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(UserId).collect())
}

/// The database's clock.
pub async fn now(conn: &mut PgConnection) -> Result<DateTime<Utc>, ReportError> {
    Ok(sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#).fetch_one(conn).await?)
}
