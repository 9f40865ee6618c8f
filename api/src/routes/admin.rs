//! What administrators do with people and organisations, what moderators look at, and the log of it.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use jobs::identity::mail;
use market::auctions::model::AccountFlag;
use market::auctions::store::{self as auctions, FlagFilter};
use market::identity::store::{self, UserError};
use market::identity::{Plan, PlatformRole, UserStatus};
use market::ids::AuctionId;
use serde::{Deserialize, Serialize};
use shared::audit::{self, Actor, ActorKind};
use shared::ids::{OrgId, UserId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::paging::{Limit, Page};
use crate::routes::orgs::{given_reason, reason_schema};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_users))
        .routes(routes!(suspend_user))
        .routes(routes!(reinstate_user))
        .routes(routes!(remove_second_factor))
        .routes(routes!(change_platform_role))
        .routes(routes!(change_plan))
        .routes(routes!(list_flags))
        .routes(routes!(list_audit))
}

impl From<UserError> for Problem {
    fn from(error: UserError) -> Self {
        match error {
            UserError::Unknown => Self::not_found("user"),
            UserError::Already(_) => Self::conflict("unchanged", error.to_string()),
            UserError::Org(error) => error.into(),
            UserError::Sql(error) => error.into(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct User {
    id: UserId,
    email: String,
    email_verified: bool,
    name: String,
    status: UserStatus,
    platform_role: PlatformRole,
    created_at: DateTime<Utc>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListUsers {
    /// The beginning of the address.
    email: Option<String>,
    after: Option<UserId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List users
#[utoipa::path(get, path = "/v1/admin/users", tag = "admin", params(ListUsers), responses(
    (status = 200, description = "A page", body = Page<User>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_users(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ListUsers>,
) -> Result<Json<Page<User>>> {
    caller.platform(PlatformRole::Admin)?;
    let mut conn = state.db.acquire().await?;
    let rows = store::users_page(&mut conn, query.email.as_deref(), query.after, query.limit.fetch()).await?;
    let item = |row: store::UserRow| User {
        id: row.id,
        email: row.email,
        email_verified: row.email_verified,
        name: row.name,
        status: row.status,
        platform_role: row.platform_role,
        created_at: row.created_at,
    };
    Ok(Json(query.limit.page(rows, |row| row.id.to_string(), item)))
}

/// Why somebody who looks after the platform does it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StaffReason {
    #[schema(schema_with = reason_schema)]
    reason: String,
}

/// Suspend a person
///
/// Every session ends at once, open sockets within five seconds. The person is notified by email, and gets no other email from then on.
/// Approved organisations that nobody else who is active owns are suspended as well, for the same reason.
#[utoipa::path(post, path = "/v1/admin/users/{user}/suspend", tag = "admin", params(("user" = UserId, Path)),
    request_body = StaffReason, responses((status = 204, description = "Suspended"),
    (status = 403, description = "`not_yourself`; `role_too_low`"),
    (status = 422, description = "`reason_length`"),
    (status = 409, description = "`unchanged`"),
))]
async fn suspend_user(
    State(state): State<AppState>,
    caller: Caller,
    Path(user): Path<UserId>,
    Json(body): Json<StaffReason>,
) -> Result<StatusCode> {
    set_status(&state, &caller, user, UserStatus::Suspended, &body.reason).await
}

/// Lift a person's suspension
///
/// Organisations that were suspended with the person stay so until a moderator reinstates each.
#[utoipa::path(post, path = "/v1/admin/users/{user}/reinstate", tag = "admin", params(("user" = UserId, Path)),
    request_body = StaffReason, responses((status = 204, description = "Active again"),
    (status = 403, description = "`not_yourself`; `role_too_low`"),
    (status = 422, description = "`reason_length`"),
    (status = 409, description = "`unchanged`"),
))]
async fn reinstate_user(
    State(state): State<AppState>,
    caller: Caller,
    Path(user): Path<UserId>,
    Json(body): Json<StaffReason>,
) -> Result<StatusCode> {
    set_status(&state, &caller, user, UserStatus::Active, &body.reason).await
}

async fn set_status(
    state: &AppState,
    caller: &Caller,
    user: UserId,
    status: UserStatus,
    reason: &str,
) -> Result<StatusCode> {
    caller.platform(PlatformRole::Admin)?;
    not_yourself(caller, user)?;
    let reason = given_reason(reason)?;
    let mut tx = state.ledger.begin().await?;
    let act = store::set_user_status(&mut tx, Actor::User(caller.user), user, status, &reason).await?;
    if status == UserStatus::Suspended {
        mail::suspended(&mut tx, user, act, reason).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a person's second factor away
///
/// For somebody who has lost the app and the recovery codes, and has shown by another way that it is them. They are notified by email,
/// and can begin again.
#[utoipa::path(post, path = "/v1/admin/users/{user}/remove-second-factor", tag = "admin", params(("user" = UserId, Path)),
    request_body = StaffReason, responses((status = 204, description = "The password alone is enough"),
    (status = 403, description = "`not_yourself`; `role_too_low`"),
    (status = 422, description = "`reason_length`"),
    (status = 409, description = "`second_factor_off`"),
))]
async fn remove_second_factor(
    State(state): State<AppState>,
    caller: Caller,
    Path(user): Path<UserId>,
    Json(body): Json<StaffReason>,
) -> Result<StatusCode> {
    caller.platform(PlatformRole::Admin)?;
    not_yourself(&caller, user)?;
    let reason = given_reason(&body.reason)?;
    let mut tx = state.ledger.begin().await?;
    if store::profile(&mut tx, user).await?.is_none() {
        return Err(Problem::not_found("user"));
    }
    store::remove_second_factor(&mut tx, Actor::User(caller.user), user, &reason).await?;
    mail::second_factor_off(&mut tx, user).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Otherwise the last administrator could lock everybody out.
fn not_yourself(caller: &Caller, user: UserId) -> Result<()> {
    if caller.user == user { Err(Problem::forbidden("not_yourself", "somebody else has to do this")) } else { Ok(()) }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangePlatformRole {
    platform_role: PlatformRole,
}

/// Give a person another role on the platform
#[utoipa::path(put, path = "/v1/admin/users/{user}/platform-role", tag = "admin", params(("user" = UserId, Path)),
    request_body = ChangePlatformRole, responses((status = 204, description = "Changed"),
    (status = 403, description = "`not_yourself`; `role_too_low`"),
    (status = 409, description = "`unchanged`"),
))]
async fn change_platform_role(
    State(state): State<AppState>,
    caller: Caller,
    Path(user): Path<UserId>,
    Json(body): Json<ChangePlatformRole>,
) -> Result<StatusCode> {
    caller.platform(PlatformRole::Admin)?;
    not_yourself(&caller, user)?;
    let mut tx = state.db.begin().await?;
    store::set_platform_role(&mut tx, Actor::User(caller.user), user, body.platform_role).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangePlan {
    plan: Plan,
}

/// Put an organisation on another plan
///
/// The people of an approved one on a better plan may ask more often.
#[utoipa::path(put, path = "/v1/admin/orgs/{org}/plan", tag = "admin", params(("org" = OrgId, Path)),
    request_body = ChangePlan, responses(
    (status = 204, description = "Changed"),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`unchanged`: it is on this plan; `subscribed`: it pays for its plan, and that ends first"),
))]
async fn change_plan(
    State(state): State<AppState>,
    caller: Caller,
    Path(org): Path<OrgId>,
    Json(body): Json<ChangePlan>,
) -> Result<StatusCode> {
    caller.platform(PlatformRole::Admin)?;
    let mut tx = state.db.begin().await?;
    store::change_plan(&mut tx, Actor::User(caller.user), org, body.plan).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListFlags {
    /// Only those of this auction.
    auction: Option<AuctionId>,
    /// The id that the page ends before.
    after: Option<i64>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List organisations that may belong to the same people, newest first
///
/// Pairs of bidders, or of a bidder and the seller, in one auction. Nothing follows from a flag by itself.
#[utoipa::path(get, path = "/v1/admin/account-flags", tag = "admin", params(ListFlags), responses(
    (status = 200, description = "A page", body = Page<AccountFlag>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_flags(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ListFlags>,
) -> Result<Json<Page<AccountFlag>>> {
    caller.platform(PlatformRole::Moderator)?;
    let filter = FlagFilter { auction: query.auction, before: query.after, limit: query.limit.fetch() };
    let rows = auctions::flags(&mut *state.db.acquire().await?, filter).await?;
    Ok(Json(query.limit.page(rows, |flag| flag.id.to_string(), |flag| flag)))
}

#[derive(Debug, Serialize, ToSchema)]
struct AuditEntry {
    seq: i64,
    at: DateTime<Utc>,
    /// Absent: an entry from before this was kept, by the command line or the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor_kind: Option<ActorKind>,
    /// The person, when it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<UserId>,
    action: String,
    subject_kind: String,
    subject_id: String,
    data: serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListAudit {
    /// Only entries about this, with `subject_id`.
    subject_kind: Option<String>,
    subject_id: Option<String>,
    /// The seq that the page ends before.
    after: Option<i64>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// Read the audit log, newest first
#[utoipa::path(get, path = "/v1/admin/audit", tag = "admin", params(ListAudit), responses(
    (status = 200, description = "A page", body = Page<AuditEntry>),
    (status = 422, description = "`subject_incomplete`: a kind without an id, or an id without a kind"),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_audit(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ListAudit>,
) -> Result<Json<Page<AuditEntry>>> {
    caller.platform(PlatformRole::Admin)?;
    let subject = match (&query.subject_kind, &query.subject_id) {
        (Some(kind), Some(id)) => Some((kind.as_str(), id.as_str())),
        (None, None) => None,
        _ => return Err(Problem::unprocessable("subject_incomplete", "give subject_kind and subject_id, or neither")),
    };
    let mut conn = state.db.acquire().await?;
    let rows = audit::page(&mut conn, subject, query.after, query.limit.fetch()).await?;
    let item = |row: audit::Written| AuditEntry {
        seq: row.seq,
        at: row.at,
        actor_kind: row.actor_kind,
        actor: row.actor,
        action: row.action,
        subject_kind: row.subject_kind,
        subject_id: row.subject_id,
        data: row.data,
        trace_id: row.trace_id,
    };
    Ok(Json(query.limit.page(rows, |row| row.seq.to_string(), item)))
}
