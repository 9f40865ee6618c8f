//! The caller's own account, and its sessions. Invitations to it are in [`super::invitations`].

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use market::identity::store::{self, ProfileChange};
use market::identity::{Locale, MemberRole, OrgStatus, PersonName, PlatformRole, TimeZone};
use market::ids::SessionId;
use serde::{Deserialize, Serialize};
use shared::ids::{OrgId, UserId};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{Caller, Session};
use crate::conditional::IfMatch;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_me, change_me))
        .routes(routes!(list_sessions, end_other_sessions))
        .routes(routes!(end_session))
}

#[derive(Debug, Serialize, ToSchema)]
struct Me {
    id: UserId,
    email: String,
    email_verified: bool,
    name: String,
    locale: String,
    time_zone: String,
    platform_role: PlatformRole,
    memberships: Vec<MyMembership>,
    created_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, ToSchema)]
struct MyMembership {
    org: OrgId,
    role: MemberRole,
    org_status: OrgStatus,
}

/// The caller's account and memberships
#[utoipa::path(get, path = "/v1/me", tag = "me", responses((status = 200, description = "The account", body = Me)))]
async fn get_me(State(state): State<AppState>, caller: Caller) -> Result<Json<Me>> {
    let profile = store::profile(&mut *state.db.acquire().await?, caller.user).await?;
    Ok(Json(view(profile, &caller)?))
}

fn view(profile: Option<store::Profile>, caller: &Caller) -> Result<Me> {
    let profile = profile.ok_or(Problem::not_found("user"))?;
    let memberships = caller.memberships.iter().map(|membership| MyMembership {
        org: membership.org,
        role: membership.role,
        org_status: membership.status,
    });
    Ok(Me {
        id: profile.id,
        email: profile.email,
        email_verified: profile.email_verified,
        name: profile.name,
        locale: profile.locale,
        time_zone: profile.time_zone,
        platform_role: profile.platform_role,
        memberships: memberships.collect(),
        created_at: profile.created_at,
    })
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeMe {
    name: Option<PersonName>,
    time_zone: Option<TimeZone>,
    /// In what language mails are written, and how numbers and dates are.
    locale: Option<Locale>,
}

/// Change the caller's account
#[utoipa::path(patch, path = "/v1/me", tag = "me", params(IfMatch), request_body = ChangeMe, responses(
    (status = 200, description = "The account", body = Me),
))]
async fn change_me(
    State(state): State<AppState>,
    caller: Caller,
    expected: IfMatch,
    Json(body): Json<ChangeMe>,
) -> Result<Json<Me>> {
    let mut tx = state.db.begin().await?;
    if expected.is_sent() {
        expected.check(&view(store::lock_profile(&mut tx, caller.user).await?, &caller)?)?;
    }
    let change = ProfileChange { name: body.name, time_zone: body.time_zone, locale: body.locale };
    store::change_profile(&mut tx, caller.user, &change).await?;
    let me = view(store::profile(&mut tx, caller.user).await?, &caller)?;
    tx.commit().await?;
    Ok(Json(me))
}

/// A login on one device.
#[derive(Debug, Serialize, ToSchema)]
struct MySession {
    id: SessionId,
    /// Whether it is the one that asks.
    current: bool,
    /// The program that logged in, as it names itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    created_at: DateTime<Utc>,
    refreshed_at: DateTime<Utc>,
    /// When it ends unless it is refreshed before.
    expires_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, ToSchema)]
struct MySessions {
    /// The last used first, at most 100.
    items: Vec<MySession>,
}

/// List the caller's sessions
#[utoipa::path(get, path = "/v1/me/sessions", tag = "me", responses(
    (status = 200, description = "The open ones", body = MySessions),
))]
async fn list_sessions(State(state): State<AppState>, Session(caller): Session) -> Result<Json<MySessions>> {
    let sessions = store::sessions_of(&mut *state.db.acquire().await?, caller.user).await?;
    let items = sessions.into_iter().map(|session| MySession {
        id: session.id,
        current: session.id == caller.session,
        user_agent: session.user_agent,
        created_at: session.created_at,
        refreshed_at: session.refreshed_at,
        expires_at: session.expires_at,
    });
    Ok(Json(MySessions { items: items.collect() }))
}

/// End all sessions but this one
#[utoipa::path(delete, path = "/v1/me/sessions", tag = "me", responses((status = 204, description = "Ended")))]
async fn end_other_sessions(State(state): State<AppState>, Session(caller): Session) -> Result<StatusCode> {
    store::revoke_other(&mut *state.db.acquire().await?, caller.user, None, Some(caller.session)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End one session
#[utoipa::path(delete, path = "/v1/me/sessions/{session}", tag = "me", params(("session" = SessionId, Path)), responses(
    (status = 204, description = "Ended"),
    (status = 404, description = "The caller has no such open session"),
))]
async fn end_session(
    State(state): State<AppState>,
    Session(caller): Session,
    Path(session): Path<SessionId>,
) -> Result<StatusCode> {
    match store::revoke_other(&mut *state.db.acquire().await?, caller.user, Some(session), None).await? {
        0 => Err(Problem::not_found("session")),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}
