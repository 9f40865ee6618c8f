//! The caller's own account.

use axum::extract::State;
use chrono::{DateTime, Utc};
use market::identity::store::{self, ProfileChange};
use market::identity::{MemberRole, OrgStatus, PersonName, PlatformRole, TimeZone};
use serde::{Deserialize, Serialize};
use shared::ids::{OrgId, UserId};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::conditional::IfMatch;
use crate::error::{Problem, Result};
use crate::extract::Json;
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_me, change_me))
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
    let change = ProfileChange { name: body.name, time_zone: body.time_zone };
    store::change_profile(&mut tx, caller.user, &change).await?;
    let me = view(store::profile(&mut tx, caller.user).await?, &caller)?;
    tx.commit().await?;
    Ok(Json(me))
}
