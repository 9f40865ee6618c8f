use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::audit::{self, Actor};
use shared::ids::{OrgId, UserId};
use shared::invalid::violated;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::identity::model::{Country, LegalName, OrgKind, OrgStatus, Plan, TimeZone, VatNumber};
use crate::identity::rules::vat_numbers::{VatFault, judge};
use crate::identity::rules::{may_change_country, may_change_kinds};

/// An organisation asking to be admitted.
#[derive(Clone, Copy, Debug)]
pub struct NewOrg<'a> {
    pub legal_name: &'a LegalName,
    pub vat_number: Option<&'a VatNumber>,
    pub country: Option<&'a Country>,
    pub kinds: &'a [OrgKind],
    pub time_zone: &'a TimeZone,
}

#[derive(Clone, Debug)]
pub struct Org {
    pub id: OrgId,
    pub legal_name: String,
    pub vat_number: Option<String>,
    pub country: Option<String>,
    pub kinds: Vec<OrgKind>,
    pub plan: String,
    pub time_zone: String,
    pub status: OrgStatus,
    pub status_reason: Option<String>,
    pub verified_until: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// Why an organisation was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum OrgError {
    #[error("no such organisation")]
    Unknown,
    #[error("an approved organisation has this VAT number")]
    VatNumberTaken,
    #[error("a person founds, and belongs to, at most 20 organisations")]
    TooMany,
    #[error("not possible while the organisation is {0}")]
    Status(OrgStatus),
    #[error("the organisation is already on the plan {0}")]
    SamePlan(Plan),
    #[error("the organisation has subscribed to its plan; the subscription ends first")]
    Subscribed,
    #[error("the organisation was approved as it is: only a moderator adds a kind, or takes {} away", OrgKind::Broker)]
    KindsApproved,
    #[error("the organisation was approved as it is: only a moderator changes its country")]
    CountryApproved,
    #[error(transparent)]
    VatNumber(#[from] VatFault),
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

impl From<sqlx::Error> for OrgError {
    fn from(error: sqlx::Error) -> Self {
        match violated(&error) {
            Some("orgs_vat_number_of_approved") => Self::VatNumberTaken,
            Some("orgs_per_founder" | "memberships_per_person") => Self::TooMany,
            _ => Self::Sql(error),
        }
    }
}

/// Adds an organisation with its founder as the first owner. Needs a transaction.
pub async fn create_org(conn: &mut PgConnection, org: NewOrg<'_>, owner: UserId) -> Result<OrgId, OrgError> {
    org.vat_number.map_or(Ok(()), |number| judge(number.as_str()))?;
    let id = sqlx::query_scalar!(
        r#"
        WITH created AS (
            INSERT INTO orgs (id, legal_name, vat_number, kinds, time_zone, created_by, country)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            RETURNING id
        )
        INSERT INTO memberships (org_id, user_id, role)
        SELECT id, $6, 'owner'
        FROM created
        RETURNING org_id AS "org: OrgId"
        "#,
        OrgId::generate().0,
        org.legal_name.as_str(),
        org.vat_number.map(VatNumber::as_str),
        &names(org.kinds) as &[&str],
        org.time_zone.as_str(),
        owner.0,
        org.country.map(Country::as_str),
    )
    .fetch_one(&mut *conn)
    .await?;
    write_down(conn, Actor::User(owner), "org.found", id, json!({"kinds": names(org.kinds)})).await?;
    Ok(id)
}

async fn write_down(
    conn: &mut PgConnection,
    actor: Actor,
    action: &str,
    org: OrgId,
    data: Value,
) -> Result<i64, sqlx::Error> {
    let subject = ("org", org.to_string());
    audit::append(conn, audit::Entry { actor, action, subject, data }).await
}

/// The kinds in a row. One that this program does not know yet is left out.
fn parsed(names: &[String]) -> Vec<OrgKind> {
    names.iter().filter_map(|name| name.parse().ok()).collect()
}

fn names(kinds: &[OrgKind]) -> Vec<&'static str> {
    let mut names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

struct Row {
    id: OrgId,
    legal_name: String,
    vat_number: Option<String>,
    country: Option<String>,
    kinds: Vec<String>,
    plan: String,
    time_zone: String,
    status: OrgStatus,
    status_reason: Option<String>,
    verified_until: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl From<Row> for Org {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            legal_name: row.legal_name,
            vat_number: row.vat_number,
            country: row.country,
            kinds: parsed(&row.kinds),
            plan: row.plan,
            time_zone: row.time_zone,
            status: row.status,
            status_reason: row.status_reason,
            verified_until: row.verified_until,
            created_at: row.created_at,
        }
    }
}

pub async fn org(conn: &mut PgConnection, id: OrgId) -> Result<Option<Org>, sqlx::Error> {
    Ok(orgs_by_id(conn, &[id]).await?.remove(&id))
}

/// Those of the organisations that there are.
pub async fn orgs_by_id(conn: &mut PgConnection, ids: &[OrgId]) -> Result<HashMap<OrgId, Org>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT
            id AS "id: OrgId", legal_name, vat_number, country, kinds, plan, time_zone, status AS "status: OrgStatus",
            status_reason, verified_until, created_at
        FROM orgs
        WHERE id = ANY ($1)
        "#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.into())).collect())
}

/// [`org`], locked against changes until the transaction ends.
pub async fn lock_org(conn: &mut PgConnection, id: OrgId) -> Result<Org, OrgError> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM orgs WHERE id = $1 FOR NO KEY UPDATE", id.0).fetch_optional(&mut *conn).await?;
    org(conn, id).await?.ok_or(OrgError::Unknown)
}

/// Which organisations a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrgFilter {
    /// Only those that this person belongs to.
    pub member: Option<UserId>,
    pub status: Option<OrgStatus>,
    /// Only those after this one, in the order of their ids.
    pub after: Option<OrgId>,
    pub limit: i64,
}

pub async fn orgs_page(conn: &mut PgConnection, filter: OrgFilter) -> Result<Vec<Org>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT
            id AS "id: OrgId", legal_name, vat_number, country, kinds, plan, time_zone, status AS "status: OrgStatus",
            status_reason, verified_until, created_at
        FROM orgs
        WHERE ($1::uuid IS NULL OR id IN (SELECT org_id FROM memberships WHERE user_id = $1))
          AND ($2::text IS NULL OR status = $2)
          AND ($3::uuid IS NULL OR id > $3)
        ORDER BY id
        LIMIT $4
        "#,
        filter.member.map(|user| user.0),
        filter.status.map(OrgStatus::name),
        filter.after.map(|org| org.0),
        filter.limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// A change to an organisation. Its name and VAT number are what was approved: they do not change.
#[derive(Clone, Debug)]
pub struct OrgChange {
    pub kinds: Option<Vec<OrgKind>>,
    pub time_zone: Option<TimeZone>,
    pub country: Option<Country>,
    /// Whether a moderator answers for it.
    pub moderated: bool,
}

/// Changes an organisation and writes it to the audit log. Needs a transaction.
///
/// What an owner may change without a moderator: [`may_change_kinds`], [`may_change_country`].
pub async fn change_org(conn: &mut PgConnection, actor: Actor, id: OrgId, change: &OrgChange) -> Result<(), OrgError> {
    let before = sqlx::query!(
        r#"
        SELECT kinds, time_zone, country, status AS "status: OrgStatus"
        FROM orgs
        WHERE id = $1
        FOR NO KEY UPDATE
        "#,
        id.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(OrgError::Unknown)?;
    if let Some(kinds) = &change.kinds
        && !change.moderated
        && !may_change_kinds(before.status, &parsed(&before.kinds), kinds)
    {
        return Err(OrgError::KindsApproved);
    }
    if let Some(country) = &change.country
        && !change.moderated
        && !may_change_country(before.status, before.country.as_deref(), country.as_str())
    {
        return Err(OrgError::CountryApproved);
    }
    let after = sqlx::query!(
        r#"
        UPDATE orgs
        SET kinds = coalesce($2, kinds),
            time_zone = coalesce($3, time_zone),
            country = coalesce($4, country)
        WHERE id = $1
        RETURNING kinds, time_zone, country
        "#,
        id.0,
        change.kinds.as_deref().map(names) as Option<Vec<&str>>,
        change.time_zone.as_ref().map(TimeZone::as_str),
        change.country.as_ref().map(Country::as_str),
    )
    .fetch_one(&mut *conn)
    .await?;
    let before = json!({"kinds": before.kinds, "time_zone": before.time_zone, "country": before.country});
    let after = json!({"kinds": after.kinds, "time_zone": after.time_zone, "country": after.country});
    if before != after {
        let data = json!({"from": before, "to": after});
        write_down(conn, actor, "org.change", id, data).await?;
    }
    Ok(())
}

/// Puts an organisation that has not subscribed to a plan on another one, and writes it to the audit log. Needs a transaction.
pub async fn change_plan(conn: &mut PgConnection, actor: Actor, id: OrgId, plan: Plan) -> Result<(), OrgError> {
    let before = lock_org(conn, id).await?.plan;
    if before == plan.name() {
        return Err(OrgError::SamePlan(plan));
    }
    let subscribed = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM plan_subscriptions WHERE org_id = $1 AND status <> 'cancelled') AS "subscribed!""#,
        id.0,
    );
    if subscribed.fetch_one(&mut *conn).await? {
        return Err(OrgError::Subscribed);
    }
    sqlx::query!("UPDATE orgs SET plan = $2 WHERE id = $1", id.0, plan.name()).execute(&mut *conn).await?;
    write_down(conn, actor, "org.change_plan", id, json!({"from": before, "to": plan.name()})).await?;
    Ok(())
}

/// What an organisation says about itself when it applies again; what is left out does not change.
#[derive(Clone, Debug, Default)]
pub struct Application {
    pub legal_name: Option<LegalName>,
    pub vat_number: Option<VatNumber>,
    pub country: Option<Country>,
    pub kinds: Option<Vec<OrgKind>>,
}

/// Puts a rejected organisation, corrected, back to waiting for approval. Needs a transaction.
pub async fn apply_again(
    conn: &mut PgConnection,
    actor: Actor,
    id: OrgId,
    application: &Application,
) -> Result<(), OrgError> {
    application.vat_number.as_ref().map_or(Ok(()), |number| judge(number.as_str()))?;
    let kinds = application.kinds.as_deref().map(names);
    let applied = sqlx::query!(
        r#"
        UPDATE orgs
        SET status = 'pending',
            status_reason = NULL,
            legal_name = coalesce($2, legal_name),
            vat_number = coalesce($3, vat_number),
            kinds = coalesce($4, kinds),
            country = coalesce($5, country)
        WHERE id = $1
          AND status = 'rejected'
        "#,
        id.0,
        application.legal_name.as_ref().map(LegalName::as_str),
        application.vat_number.as_ref().map(VatNumber::as_str),
        kinds.clone() as Option<Vec<&str>>,
        application.country.as_ref().map(Country::as_str),
    )
    .execute(&mut *conn)
    .await?;
    if applied.rows_affected() == 0 {
        return Err(org(conn, id).await?.map_or(OrgError::Unknown, |org| OrgError::Status(org.status)));
    }
    write_down(conn, actor, "org.apply_again", id, json!({"kinds": kinds})).await?;
    Ok(())
}

/// What a moderator decides about an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Approve,
    Reject,
    Suspend,
    /// Lifts a suspension.
    Reinstate,
}

impl Decision {
    const fn step(self) -> (OrgStatus, OrgStatus, &'static str) {
        match self {
            Self::Approve => (OrgStatus::Pending, OrgStatus::Approved, "org.approve"),
            Self::Reject => (OrgStatus::Pending, OrgStatus::Rejected, "org.reject"),
            Self::Suspend => (OrgStatus::Approved, OrgStatus::Suspended, "org.suspend"),
            Self::Reinstate => (OrgStatus::Suspended, OrgStatus::Approved, "org.reinstate"),
        }
    }
}

/// Carries out a decision and writes it to the audit log; returns the number of the act. Needs a transaction.
pub async fn decide(
    conn: &mut PgConnection,
    actor: Actor,
    id: OrgId,
    decision: Decision,
    reason: Option<&str>,
) -> Result<i64, OrgError> {
    let (from, to, action) = decision.step();
    let changed = sqlx::query!(
        r#"
        UPDATE orgs
        SET status = $3, status_reason = $4
        WHERE id = $1
          AND status = $2
          AND ($3 <> 'approved' OR abandoned_at IS NULL)
        "#,
        id.0,
        from.name(),
        to.name(),
        reason,
    )
    .execute(&mut *conn)
    .await?;
    if changed.rows_affected() == 0 {
        return Err(org(conn, id).await?.map_or(OrgError::Unknown, |org| OrgError::Status(org.status)));
    }
    let data = json!({"from": from.name(), "to": to.name(), "reason": reason});
    Ok(write_down(conn, actor, action, id, data).await?)
}
