//! Invitations to organisations: made by owners, sent by mail, answered by whoever has the address.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use jobs::identity::mail;
use market::identity::store::{self, Attempt, InvitationError, Limit, Refusal, ThrottleKey};
use market::identity::{Email, MemberRole, OrgStatus};
use market::ids::InvitationId;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_of_org, invite))
        .routes(routes!(get_of_org, revoke))
        .routes(routes!(list_mine))
        .routes(routes!(accept))
        .routes(routes!(decline))
        .routes(routes!(accept_by_link))
        .routes(routes!(decline_by_link))
}

impl From<InvitationError> for Problem {
    fn from(error: InvitationError) -> Self {
        match error {
            InvitationError::Unknown => Self::not_found("invitation"),
            InvitationError::AlreadyInvited => Self::conflict("already_invited", error.to_string()),
            InvitationError::TooMany | InvitationError::TooManyToday => {
                Self::conflict("too_many_invitations", error.to_string())
            }
            InvitationError::Bidder => Self::conflict("bid_stands", error.to_string()),
            InvitationError::Staff => Self::forbidden("staff", error.to_string()),
            InvitationError::Members(error) => error.into(),
            InvitationError::Sql(error) => error.into(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct Invitation {
    id: InvitationId,
    org: OrgId,
    org_name: String,
    email: String,
    role: MemberRole,
    created_at: DateTime<Utc>,
    /// Until when it can be answered.
    expires_at: DateTime<Utc>,
}

impl From<store::Invitation> for Invitation {
    fn from(it: store::Invitation) -> Self {
        Self {
            id: it.id,
            org: it.org,
            org_name: it.org_name,
            email: it.email,
            role: it.role,
            created_at: it.created_at,
            expires_at: it.expires_at,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct Invitations {
    /// At most 100.
    items: Vec<Invitation>,
}

impl Invitations {
    fn of(invitations: Vec<store::Invitation>) -> Json<Self> {
        Json(Self { items: invitations.into_iter().map(Invitation::from).collect() })
    }
}

/// List an organisation's open invitations
#[utoipa::path(get, path = "/v1/orgs/{org}/invitations", tag = "orgs", params(("org" = OrgId, Path)), responses(
    (status = 200, description = "Those that nobody has answered", body = Invitations),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_of_org(
    State(state): State<AppState>,
    caller: Caller,
    Path(org): Path<OrgId>,
) -> Result<Json<Invitations>> {
    caller.member(org, MemberRole::Owner)?;
    Ok(Invitations::of(store::invitations_of(&mut *state.db.acquire().await?, org).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Invite {
    email: Email,
    role: MemberRole,
}

/// Invite somebody to an organisation
///
/// By mail, for seven days. The answer is the same whether or not the address has an account.
#[utoipa::path(post, path = "/v1/orgs/{org}/invitations", tag = "orgs", params(("org" = OrgId, Path), OptionalKey),
    request_body = Invite, responses(
    (status = 201, description = "A mail with a link is on its way", body = Invitation, headers(("Location" = String))),
    (status = 403, description = "`org_not_approved`; `role_too_low`"),
    (status = 409, description = "`already_member`, `already_invited`, `too_many_invitations`"),
    (status = 429, description = "`too_many_invitations_sent`"),
))]
async fn invite(
    State(state): State<AppState>,
    caller: Caller,
    Path(org): Path<OrgId>,
    Keyed { key, body }: Keyed<Invite>,
) -> Result<Response> {
    // Mail in the name of an organisation is for those that somebody has looked at.
    if caller.member(org, MemberRole::Owner)?.status != OrgStatus::Approved {
        return Err(Problem::forbidden("org_not_approved", "members can be invited once the organisation is approved"));
    }
    let (to, all) = (ThrottleKey::invitations_to(org, &body.email), ThrottleKey::invitations(org));
    key.once(&state.ledger, caller.user.0, StatusCode::CREATED, async |tx| {
        let asked = [(&to, Limit::INVITATIONS_TO), (&all, Limit::INVITATIONS)];
        if let Attempt::Wait(wait) = store::begin_attempt(tx, &asked).await? {
            let detail = "too many invitations; wait before the next";
            return Err(Problem::too_many("too_many_invitations_sent", detail, wait));
        }
        let invitation = store::invite(tx, org, &body.email, body.role, caller.user).await?;
        mail::invited(tx, &invitation).await?;
        Ok(Made::at(format!("/v1/orgs/{org}/invitations/{}", invitation.id), Invitation::from(invitation)))
    })
    .await
}

/// Read an open invitation of an organisation
#[utoipa::path(get, path = "/v1/orgs/{org}/invitations/{invitation}", tag = "orgs",
    params(("org" = OrgId, Path), ("invitation" = InvitationId, Path)), responses(
    (status = 200, description = "Nobody has answered it", body = Invitation),
    (status = 403, description = "`role_too_low`"),
    (status = 404, description = "The organisation has no such open invitation"),
))]
async fn get_of_org(
    State(state): State<AppState>,
    caller: Caller,
    Path((org, id)): Path<(OrgId, InvitationId)>,
) -> Result<Json<Invitation>> {
    caller.member(org, MemberRole::Owner)?;
    let found = store::invitation(&mut *state.db.acquire().await?, org, id).await?;
    Ok(Json(found.ok_or(InvitationError::Unknown)?.into()))
}

/// Take an invitation back
#[utoipa::path(delete, path = "/v1/orgs/{org}/invitations/{invitation}", tag = "orgs",
    params(("org" = OrgId, Path), ("invitation" = InvitationId, Path)), responses(
    (status = 204, description = "Its link no longer works"),
    (status = 403, description = "`role_too_low`"),
    (status = 404, description = "The organisation has no such open invitation"),
))]
async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    Path((org, invitation)): Path<(OrgId, InvitationId)>,
) -> Result<StatusCode> {
    caller.member(org, MemberRole::Owner)?;
    refuse(&state, invitation, Refusal::Revoked(org, caller.user)).await
}

async fn refuse(state: &AppState, invitation: InvitationId, refusal: Refusal) -> Result<StatusCode> {
    let mut tx = state.db.begin().await?;
    store::refuse(&mut tx, invitation, refusal).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the invitations to the caller
///
/// Those to the verified address that can be answered.
#[utoipa::path(get, path = "/v1/me/invitations", tag = "me", responses(
    (status = 200, description = "The open ones", body = Invitations),
))]
async fn list_mine(State(state): State<AppState>, caller: Caller) -> Result<Json<Invitations>> {
    Ok(Invitations::of(store::invitations_to(&mut *state.db.acquire().await?, caller.user).await?))
}

/// What the caller belongs to now.
#[derive(Debug, Serialize, ToSchema)]
struct Joined {
    org: OrgId,
    role: MemberRole,
}

/// Accept an invitation
#[utoipa::path(post, path = "/v1/me/invitations/{invitation}/accept", tag = "me", params(("invitation" = InvitationId, Path)), responses(
    (status = 200, description = "The caller is a member", body = Joined),
    (status = 404, description = "No open invitation to the caller's verified address"),
    (status = 403, description = "`staff`: people who look after the platform do not join"),
    (status = 409, description = "`already_member`, `org_full`, `too_many_orgs`; `bid_stands`: a bid of yours stands in an open auction \
        of the organisation"),
))]
async fn accept(
    State(state): State<AppState>,
    caller: Caller,
    Path(invitation): Path<InvitationId>,
) -> Result<Json<Joined>> {
    join(&state, &caller, invitation).await
}

async fn join(state: &AppState, caller: &Caller, invitation: InvitationId) -> Result<Json<Joined>> {
    let mut tx = state.db.begin().await?;
    let (org, role) = store::accept(&mut tx, invitation, caller.user).await?;
    tx.commit().await?;
    Ok(Json(Joined { org, role }))
}

/// Decline an invitation
#[utoipa::path(post, path = "/v1/me/invitations/{invitation}/decline", tag = "me", params(("invitation" = InvitationId, Path)), responses(
    (status = 204, description = "Declined"),
    (status = 404, description = "No open invitation to the caller's verified address"),
))]
async fn decline(
    State(state): State<AppState>,
    caller: Caller,
    Path(invitation): Path<InvitationId>,
) -> Result<StatusCode> {
    refuse(&state, invitation, Refusal::Invited(caller.user)).await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Link {
    /// From the link in the mail.
    #[schema(value_type = String)]
    token: SecretString,
}

impl Link {
    async fn invitation(&self, state: &AppState) -> Result<InvitationId> {
        let mut conn = state.db.acquire().await?;
        let found = store::invitation_of_token(&mut conn, self.token.expose_secret()).await?;
        found.map(|invitation| invitation.id).ok_or_else(|| {
            Problem::unprocessable(
                "token_invalid",
                "the link is unknown, or its invitation answered, taken back or expired",
            )
        })
    }
}

/// Accept an invitation by its link
///
/// For the person who is logged in with the invited address, verified: a link that was passed on does not work.
#[utoipa::path(post, path = "/v1/invitations/accept", tag = "me", request_body = Link, responses(
    (status = 200, description = "The caller is a member", body = Joined),
    (status = 404, description = "It is not an invitation to the caller's verified address"),
    (status = 403, description = "`staff`: people who look after the platform do not join"),
    (status = 409, description = "`already_member`, `org_full`, `too_many_orgs`; `bid_stands`: a bid of yours stands in an open auction \
        of the organisation"),
    (status = 422, description = "`token_invalid`: unknown, answered, taken back or expired"),
))]
async fn accept_by_link(State(state): State<AppState>, caller: Caller, Json(link): Json<Link>) -> Result<Json<Joined>> {
    let invitation = link.invitation(&state).await?;
    join(&state, &caller, invitation).await
}

/// Decline an invitation by its link
///
/// For anybody who has the email, with or without an account.
#[utoipa::path(post, path = "/v1/invitations/decline", tag = "me", security(()), request_body = Link, responses(
    (status = 204, description = "Declined"),
    (status = 422, description = "`token_invalid`: unknown, answered, taken back or expired"),
))]
async fn decline_by_link(State(state): State<AppState>, Json(link): Json<Link>) -> Result<StatusCode> {
    let invitation = link.invitation(&state).await?;
    refuse(&state, invitation, Refusal::Link).await
}

#[cfg(test)]
mod tests;
