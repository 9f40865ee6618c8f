//! The members of an organisation and their roles. How people become members is in [`crate::routes::invitations`].

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use market::identity::MemberRole;
use market::identity::store::{self, MembersError};
use serde::{Deserialize, Serialize};
use shared::audit::Actor;
use shared::ids::{OrgId, UserId};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path};
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_members)).routes(routes!(change_member, remove_member))
}

impl From<MembersError> for Problem {
    fn from(error: MembersError) -> Self {
        match error {
            MembersError::Unknown => Self::not_found("member"),
            MembersError::AlreadyMember => Self::conflict("already_member", error.to_string()),
            MembersError::OrgFull => Self::conflict("org_full", error.to_string()),
            MembersError::PersonFull => Self::conflict("too_many_orgs", error.to_string()),
            MembersError::LastOwner => Self::conflict("last_owner", error.to_string()),
            MembersError::Sql(error) => error.into(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct Member {
    user: UserId,
    name: String,
    email: String,
    role: MemberRole,
    created_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Members {
    items: Vec<Member>,
}

/// List an organisation's members
#[utoipa::path(get, path = "/v1/orgs/{org}/members", tag = "orgs", params(("org" = OrgId, Path)), responses(
    (status = 200, description = "Its members", body = Members),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_members(State(state): State<AppState>, caller: Caller, Path(id): Path<OrgId>) -> Result<Json<Members>> {
    caller.member(id, MemberRole::Viewer)?;
    let members = store::members(&mut *state.db.acquire().await?, id).await?;
    let items = members.into_iter().map(|member| Member {
        user: member.user,
        name: member.name,
        email: member.email,
        role: member.role,
        created_at: member.created_at,
    });
    Ok(Json(Members { items: items.collect() }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeMember {
    role: MemberRole,
}

/// Give a member another role
#[utoipa::path(patch, path = "/v1/orgs/{org}/members/{user}", tag = "orgs",
    params(("org" = OrgId, Path), ("user" = UserId, Path)), request_body = ChangeMember, responses(
    (status = 204, description = "Changed"),
    (status = 409, description = "`last_owner`"),
    (status = 403, description = "`role_too_low`"),
))]
async fn change_member(
    State(state): State<AppState>,
    caller: Caller,
    Path((org, user)): Path<(OrgId, UserId)>,
    Json(body): Json<ChangeMember>,
) -> Result<StatusCode> {
    caller.member(org, MemberRole::Owner)?;
    let mut tx = state.db.begin().await?;
    store::change_member(&mut tx, Actor::User(caller.user), org, user, body.role).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a member
///
/// Owners remove anybody; everybody may leave.
#[utoipa::path(delete, path = "/v1/orgs/{org}/members/{user}", tag = "orgs",
    params(("org" = OrgId, Path), ("user" = UserId, Path)), responses(
    (status = 204, description = "Removed"),
    (status = 409, description = "`last_owner`"),
    (status = 403, description = "`role_too_low`"),
))]
async fn remove_member(
    State(state): State<AppState>,
    caller: Caller,
    Path((org, user)): Path<(OrgId, UserId)>,
) -> Result<StatusCode> {
    let needed = if user == caller.user { MemberRole::Viewer } else { MemberRole::Owner };
    caller.member(org, needed)?;
    let mut tx = state.db.begin().await?;
    store::remove_member(&mut tx, Actor::User(caller.user), org, user).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
