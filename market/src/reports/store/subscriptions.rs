//! Reports that people get after each period.
//!
//! A period is requested under its subscription's row, which keeps the last one: of two schedules that look at the same moment, one does.

use chrono::{DateTime, NaiveDate, Utc};
use shared::ids::{OrgId, UserId};
use shared::invalid::violated;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::ReportError;
use crate::emails::model::EmailCategory;
use crate::emails::store::preferences::{Channel, want};
use crate::ids::ReportSubscriptionId;
use crate::reports::model::{Format, Kind, NewSubscription, Parameters, Subscription};
use crate::reports::rules::Cadence;

struct Row {
    id: ReportSubscriptionId,
    org: OrgId,
    kind: Kind,
    format: Format,
    cadence: Cadence,
    parameters: Json<Parameters>,
    falls_by: Option<i16>,
    created_at: DateTime<Utc>,
}

impl From<Row> for Subscription {
    fn from(row: Row) -> Self {
        let Row { id, org, kind, format, cadence, parameters: Json(parameters), falls_by, created_at } = row;
        Self { id, org, kind, format, cadence, parameters, falls_by, created_at }
    }
}

/// Subscribes `user` to a report of an organisation; the first one is of the period that has begun. Whoever has ended the mails of all
/// reports before, with one click, wants them again.
pub async fn subscribe(
    conn: &mut PgConnection,
    user: UserId,
    org: OrgId,
    new: &NewSubscription,
) -> Result<Subscription, ReportError> {
    let row = sqlx::query_as!(
        Row,
        r#"INSERT INTO report_subscriptions (id, org_id, user_id, kind, format, cadence, parameters, falls_by)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
           RETURNING id AS "id: ReportSubscriptionId", org_id AS "org: OrgId", kind AS "kind: Kind", format AS "format: Format",
                     cadence AS "cadence: Cadence", parameters AS "parameters: Json<Parameters>", falls_by, created_at"#,
        ReportSubscriptionId::generate().0,
        org.0,
        user.0,
        new.kind as Kind,
        new.format as Format,
        new.cadence as Cadence,
        Json(new.parameters) as Json<Parameters>,
        new.falls_by,
    )
    .fetch_one(&mut *conn)
    .await
    .map_err(|error| match violated(&error) {
        Some("report_subscriptions_per_person") => ReportError::TooManySubscriptions,
        Some("report_subscriptions_of_org") => ReportError::NoSuchOrg,
        _ => ReportError::Sql(error),
    })?;
    want(conn, user, Channel::Mails, EmailCategory::Reports, true).await?;
    Ok(row.into())
}

/// What `user` has subscribed to of an organisation, oldest first; there are not many.
pub async fn subscriptions(
    conn: &mut PgConnection,
    user: UserId,
    org: OrgId,
) -> Result<Vec<Subscription>, ReportError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: ReportSubscriptionId", org_id AS "org: OrgId", kind AS "kind: Kind", format AS "format: Format",
                  cadence AS "cadence: Cadence", parameters AS "parameters: Json<Parameters>", falls_by, created_at
           FROM report_subscriptions
           WHERE user_id = $1
             AND org_id = $2
           ORDER BY id"#,
        user.0,
        org.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Subscription::from).collect())
}

/// A subscription of `user`.
pub async fn subscription(
    conn: &mut PgConnection,
    user: UserId,
    id: ReportSubscriptionId,
) -> Result<Subscription, ReportError> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: ReportSubscriptionId", org_id AS "org: OrgId", kind AS "kind: Kind", format AS "format: Format",
                  cadence AS "cadence: Cadence", parameters AS "parameters: Json<Parameters>", falls_by, created_at
           FROM report_subscriptions
           WHERE id = $1
             AND user_id = $2"#,
        id.0,
        user.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Subscription::from).ok_or(ReportError::NoSubscription)
}

/// Ends a subscription of `user`. Reports that were requested by it are still made.
pub async fn unsubscribe(conn: &mut PgConnection, user: UserId, id: ReportSubscriptionId) -> Result<(), ReportError> {
    let deleted = sqlx::query!("DELETE FROM report_subscriptions WHERE id = $1 AND user_id = $2", id.0, user.0)
        .execute(conn)
        .await?;
    if deleted.rows_affected() == 1 { Ok(()) } else { Err(ReportError::NoSubscription) }
}

/// When a report by a subscription is mailed, if not always: when its first sums are lower than those of the period before by so many
/// percent.
pub async fn threshold(
    conn: &mut PgConnection,
    id: ReportSubscriptionId,
) -> Result<Option<(Cadence, i16)>, ReportError> {
    let row = sqlx::query!(
        r#"SELECT cadence AS "cadence: Cadence", falls_by FROM report_subscriptions WHERE id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| Some((row.cadence, row.falls_by?))))
}

/// A subscription of which a period may have ended.
#[derive(Clone, Debug)]
pub struct Subscribed {
    pub user: UserId,
    /// Of the organisation.
    pub zone: String,
    /// The last day of the last period that was requested.
    pub last_day: Option<NaiveDate>,
    pub subscription: Subscription,
}

/// Subscriptions by id, after `after`: of those who may still ask for reports of their organisation.
pub async fn subscribed(
    conn: &mut PgConnection,
    after: ReportSubscriptionId,
    limit: i64,
) -> Result<Vec<Subscribed>, ReportError> {
    let rows = sqlx::query!(
        r#"SELECT s.id AS "id: ReportSubscriptionId", s.org_id AS "org: OrgId", s.kind AS "kind: Kind", s.format AS "format: Format",
                  s.cadence AS "cadence: Cadence", s.parameters AS "parameters: Json<Parameters>", s.falls_by, s.created_at,
                  s.user_id AS "user: UserId", s.last_day, o.time_zone
           FROM report_subscriptions AS s
           JOIN orgs AS o ON o.id = s.org_id
           JOIN memberships AS m ON m.org_id = s.org_id AND m.user_id = s.user_id
           WHERE s.id > $1
             AND o.status = 'approved'
             AND m.role IN ('owner', 'trader')
           ORDER BY s.id
           LIMIT $2"#,
        after.0,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let subscribed = rows.into_iter().map(|row| Subscribed {
        user: row.user,
        zone: row.time_zone,
        last_day: row.last_day,
        subscription: Subscription {
            id: row.id,
            org: row.org,
            kind: row.kind,
            format: row.format,
            cadence: row.cadence,
            parameters: row.parameters.0,
            falls_by: row.falls_by,
            created_at: row.created_at,
        },
    });
    Ok(subscribed.collect())
}

/// Notes that a period is being requested. `false`: it was before, or the subscription has ended. Needs the transaction that requests it.
pub async fn note_requested(
    conn: &mut PgConnection,
    id: ReportSubscriptionId,
    last_day: NaiveDate,
) -> Result<bool, ReportError> {
    let noted = sqlx::query!(
        "UPDATE report_subscriptions
         SET last_day = $2
         WHERE id = $1
           AND (last_day IS NULL OR last_day < $2)",
        id.0,
        last_day,
    )
    .execute(conn)
    .await?;
    Ok(noted.rows_affected() == 1)
}
