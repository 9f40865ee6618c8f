//! SQL for strikes and appeals.

use chrono::{DateTime, Utc};
use serde_json::json;
use shared::audit::{self, Actor};
use shared::ids::{OrgId, UserId};
use shared::invalid::violated;
use sqlx::PgConnection;

use super::model::{Appeal, AppealOutcome, BuyerStanding, Strike};
use super::rules::{Limit, limit};
use crate::ids::{OrderId, StrikeId};

/// Why nothing was done about a strike.
#[derive(Debug, thiserror::Error)]
pub enum StandingError {
    #[error("there is no such strike")]
    NotFound,
    #[error("the strike was appealed against before")]
    Appealed,
    #[error("nobody has appealed against the strike")]
    NotAppealed,
    #[error("the appeal is decided")]
    Decided,
    #[error("nobody decides about an organisation of their own")]
    Own,
    #[error("the database failed")]
    Sql(#[from] sqlx::Error),
}

/// The buyer of this order has not paid: one strike, however often it is said. Returns it if it is new.
pub async fn strike(conn: &mut PgConnection, order: OrderId) -> Result<Option<StrikeId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"INSERT INTO strikes (id, org_id, order_id)
           SELECT $1, buyer_org_id, id FROM orders WHERE id = $2
           ON CONFLICT (order_id) DO NOTHING
           RETURNING id AS "id: StrikeId""#,
        StrikeId::generate().0,
        order.0,
    )
    .fetch_optional(conn)
    .await
}

/// What an organisation may do, by the strikes that count and the database's clock.
async fn limit_of(conn: &mut PgConnection, org: OrgId) -> Result<Limit, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT ARRAY (SELECT at
                         FROM strikes
                         WHERE org_id = $1
                           AND NOT EXISTS (SELECT FROM appeals WHERE strike_id = strikes.id AND outcome = 'lifted')
                         ORDER BY at DESC
                         LIMIT 100) AS "strikes!", clock_timestamp() AS "now!""#,
        org.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(limit(&row.strikes.into_iter().rev().collect::<Vec<_>>(), row.now))
}

/// What an organisation may do, and why.
pub async fn standing(conn: &mut PgConnection, org: OrgId) -> Result<BuyerStanding, sqlx::Error> {
    let (most_auctions, barred_until) = match limit_of(conn, org).await? {
        Limit::None => (None, None),
        Limit::Auctions(most) => (Some(most), None),
        Limit::Barred { until } => (None, Some(until)),
    };
    let strikes = strikes(conn, StrikeFilter { org: Some(org), appealed: false, before: None, limit: 100 }).await?;
    Ok(BuyerStanding { most_auctions, barred_until, strikes })
}

struct Row {
    id: StrikeId,
    org_id: OrgId,
    order: OrderId,
    at: DateTime<Utc>,
    text: Option<String>,
    appealed_at: Option<DateTime<Utc>>,
    outcome: Option<AppealOutcome>,
    note: Option<String>,
}

impl From<Row> for Strike {
    fn from(row: Row) -> Self {
        let Row { id, org_id, order, at, text, appealed_at, outcome, note } = row;
        let appeal = text.zip(appealed_at).map(|(text, appealed_at)| Appeal { text, appealed_at, outcome, note });
        Self { id, org_id, order, at, appeal }
    }
}

/// Which strikes.
#[derive(Clone, Copy, Debug)]
pub struct StrikeFilter {
    /// Of this organisation alone.
    pub org: Option<OrgId>,
    /// Only those with an appeal that nobody has decided.
    pub appealed: bool,
    pub before: Option<StrikeId>,
    pub limit: i64,
}

/// Strikes, newest first.
pub async fn strikes(conn: &mut PgConnection, filter: StrikeFilter) -> Result<Vec<Strike>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT s.id AS "id: StrikeId", s.org_id AS "org_id: OrgId", s.order_id AS "order: OrderId", s.at,
                  a.text AS "text?", a.appealed_at AS "appealed_at?", a.outcome AS "outcome?: AppealOutcome", a.note AS "note?"
           FROM strikes AS s
           LEFT JOIN appeals AS a ON a.strike_id = s.id
           WHERE ($1::uuid IS NULL OR s.org_id = $1)
             AND (NOT $2 OR (a.strike_id IS NOT NULL AND a.outcome IS NULL))
             AND ($3::uuid IS NULL OR s.id < $3)
           ORDER BY s.id DESC
           LIMIT $4"#,
        filter.org.map(|org| org.0),
        filter.appealed,
        filter.before.map(|before| before.0),
        filter.limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Strike::from).collect())
}

/// One strike; for an organisation, if it is its own.
pub async fn find(conn: &mut PgConnection, org: Option<OrgId>, id: StrikeId) -> Result<Option<Strike>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT s.id AS "id: StrikeId", s.org_id AS "org_id: OrgId", s.order_id AS "order: OrderId", s.at,
                  a.text AS "text?", a.appealed_at AS "appealed_at?", a.outcome AS "outcome?: AppealOutcome", a.note AS "note?"
           FROM strikes AS s
           LEFT JOIN appeals AS a ON a.strike_id = s.id
           WHERE s.id = $1 AND ($2::uuid IS NULL OR s.org_id = $2)"#,
        id.0,
        org.map(|org| org.0),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Strike::from))
}

/// Appeals against a strike of `org`, once. Needs a transaction.
pub async fn appeal(
    conn: &mut PgConnection,
    org: OrgId,
    by: UserId,
    id: StrikeId,
    text: &str,
) -> Result<Strike, StandingError> {
    find(conn, Some(org), id).await?.ok_or(StandingError::NotFound)?;
    sqlx::query!("INSERT INTO appeals (strike_id, text, appealed_by) VALUES ($1, $2, $3)", id.0, text, by.0)
        .execute(&mut *conn)
        .await
        .map_err(|error| match violated(&error) {
            Some("appeals_pkey") => StandingError::Appealed,
            _ => error.into(),
        })?;
    find(conn, Some(org), id).await?.ok_or(StandingError::NotFound)
}

/// Decides an appeal and writes that to the audit log. Whoever belongs to the organisation does not decide. Needs a transaction.
pub async fn decide(
    conn: &mut PgConnection,
    by: UserId,
    id: StrikeId,
    outcome: AppealOutcome,
    note: &str,
) -> Result<Strike, StandingError> {
    let found = find(conn, None, id).await?.ok_or(StandingError::NotFound)?;
    let own = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM memberships WHERE user_id = $1 AND org_id = $2) AS "own!""#,
        by.0,
        found.org_id.0,
    );
    if own.fetch_one(&mut *conn).await? {
        return Err(StandingError::Own);
    }
    let decided = sqlx::query!(
        "UPDATE appeals
         SET outcome = $2, note = $3, decided_by = $4, decided_at = clock_timestamp()
         WHERE strike_id = $1
           AND outcome IS NULL",
        id.0,
        outcome as AppealOutcome,
        note,
        by.0,
    )
    .execute(&mut *conn)
    .await?;
    if decided.rows_affected() == 0 {
        return Err(if found.appeal.is_some() { StandingError::Decided } else { StandingError::NotAppealed });
    }
    let (actor, subject) = (Actor::User(by), ("strike", id.to_string()));
    let data = json!({"org": found.org_id, "order": found.order, "outcome": outcome, "note": note});
    audit::append(conn, audit::Entry { actor, action: "strike.decide", subject, data }).await?;
    find(conn, None, id).await?.ok_or(StandingError::NotFound)
}
