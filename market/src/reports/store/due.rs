//! The organisations whose periods are reported by schedule.

use chrono::{DateTime, NaiveDate, Utc};
use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use super::ReportError;
use crate::identity::Locale;
use crate::reports::model::Kind;

/// An approved organisation of which a period may have ended.
#[derive(Clone, Debug)]
pub struct Due {
    pub org: OrgId,
    pub zone: String,
    pub created_at: DateTime<Utc>,
    /// The latest last day for which the schedule has requested a report of the kind.
    pub last_day: Option<NaiveDate>,
}

/// Approved sellers by id, after `after`, each with what the schedule has requested of this kind. Of the inventory check, only those
/// that keep stock.
pub async fn approved(conn: &mut PgConnection, kind: Kind, after: OrgId, limit: i64) -> Result<Vec<Due>, ReportError> {
    let rows = sqlx::query!(
        r#"
        SELECT
            id, time_zone, created_at,
            (SELECT max(last_day) FROM reports WHERE org_id = orgs.id AND kind = $3 AND requested_by IS NULL) AS last_day
        FROM orgs
        WHERE status = 'approved'
          AND 'seller' = ANY (kinds)
          AND id > $1
          AND ($3 <> 'inventory_check' OR EXISTS (SELECT FROM stock_levels WHERE org_id = orgs.id))
        ORDER BY id
        LIMIT $2
        "#,
        after.0,
        limit,
        kind as Kind,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Due { org: OrgId(row.id), zone: row.time_zone, created_at: row.created_at, last_day: row.last_day })
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

/// How those read who get a report: whoever asked for it, or the organisation's owners, if they all read one language. Of several
/// countries where it is spoken, numbers are those of the first one.
pub async fn readers_locale(
    conn: &mut PgConnection,
    org: OrgId,
    requested_by: Option<UserId>,
) -> Result<Locale, ReportError> {
    let mut locales = sqlx::query_scalar!(
        r#"
        SELECT DISTINCT u.locale AS "locale!"
        FROM (
            SELECT $2::uuid AS id
            UNION ALL
            SELECT user_id
            FROM memberships
            WHERE $2::uuid IS NULL
              AND org_id = $1
              AND role = 'owner'
        ) AS readers
        JOIN users AS u ON u.id = readers.id
        "#,
        org.0,
        requested_by.map(|it| it.0),
    )
    .fetch_all(conn)
    .await?;
    locales.sort_unstable();
    let mut languages: Vec<_> = locales.iter().map(|locale| locale.split('-').next()).collect();
    languages.dedup();
    match (languages.as_slice(), locales.first()) {
        ([_], Some(locale)) => Ok(locale.parse().unwrap_or_default()),
        _ => Ok(Locale::default()),
    }
}

/// The database's clock.
pub async fn now(conn: &mut PgConnection) -> Result<DateTime<Utc>, ReportError> {
    Ok(sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#).fetch_one(conn).await?)
}

#[cfg(test)]
mod tests;
