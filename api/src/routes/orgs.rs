//! Organisations. Their members are in [`members`].

mod members;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use jobs::identity::mail;
use market::identity::store::{self, Application, Decision, NewOrg, OrgChange, OrgError, OrgFilter};
use market::identity::{Country, LegalName, MemberRole, OrgKind, OrgStatus, PlatformRole, TimeZone, VatNumber};
use serde::{Deserialize, Serialize};
use shared::audit::Actor;
use shared::ids::OrgId;
use shared::invalid::Invalid;
use shared::text;
use utoipa::openapi::ObjectBuilder;
use utoipa::openapi::schema::Type;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::conditional::IfMatch;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_orgs, create_org))
        .routes(routes!(get_org, change_org))
        .routes(routes!(approve_org))
        .routes(routes!(reject_org))
        .routes(routes!(suspend_org))
        .routes(routes!(reinstate_org))
        .routes(routes!(apply_again))
        .merge(members::router())
}

impl From<OrgError> for Problem {
    fn from(error: OrgError) -> Self {
        match error {
            OrgError::Unknown => Self::not_found("organisation"),
            OrgError::VatNumberTaken => {
                Self::conflict("vat_number_taken", error.to_string()).at("/vat_number", "taken")
            }
            OrgError::SamePlan(_) => Self::conflict("unchanged", error.to_string()),
            OrgError::Subscribed => Self::conflict("subscribed", error.to_string()),
            OrgError::TooMany => Self::conflict("too_many_orgs", error.to_string()),
            OrgError::Status(_) => Self::conflict("org_status", error.to_string()),
            OrgError::KindsApproved => {
                Self::forbidden("kinds_approved", error.to_string()).at("/kinds", "approved as they are")
            }
            OrgError::CountryApproved => {
                Self::forbidden("country_approved", error.to_string()).at("/country", "approved as it is")
            }
            OrgError::VatNumber(fault) => Invalid::new("/vat_number", fault.to_string()).into(),
            OrgError::Sql(error) => error.into(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct Org {
    id: OrgId,
    legal_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    vat_number: Option<String>,
    /// Where it pays its value-added tax; without it no tax is computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Country>)]
    country: Option<String>,
    kinds: Vec<OrgKind>,
    plan: String,
    time_zone: String,
    status: OrgStatus,
    /// Why it was rejected or suspended.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_until: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl From<store::Org> for Org {
    fn from(org: store::Org) -> Self {
        Self {
            id: org.id,
            legal_name: org.legal_name,
            vat_number: org.vat_number,
            country: org.country,
            kinds: org.kinds,
            plan: org.plan,
            time_zone: org.time_zone,
            status: org.status,
            status_reason: org.status_reason,
            verified_until: org.verified_until,
            created_at: org.created_at,
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateOrg {
    legal_name: LegalName,
    vat_number: Option<VatNumber>,
    country: Option<Country>,
    #[schema(min_items = 1, max_items = 4)]
    kinds: Vec<OrgKind>,
    time_zone: TimeZone,
}

/// Found an organisation
///
/// The caller becomes its owner. It may trade when a moderator has approved it.
#[utoipa::path(post, path = "/v1/orgs", tag = "orgs", params(OptionalKey), request_body = CreateOrg, responses(
    (status = 201, description = "Waiting for approval", body = Org, headers(("Location" = String))),
    (status = 409, description = "`too_many_orgs`: a person founds at most 20"),
    (status = 422, description = "`kinds_count`; `invalid_value`: no VAT number is like that, by its country's rules"),
))]
async fn create_org(
    State(state): State<AppState>,
    caller: Caller,
    Keyed { key, body }: Keyed<CreateOrg>,
) -> Result<Response> {
    check_kinds(&body.kinds)?;
    let new = NewOrg {
        legal_name: &body.legal_name,
        vat_number: body.vat_number.as_ref(),
        country: body.country.as_ref(),
        kinds: &body.kinds,
        time_zone: &body.time_zone,
    };
    key.once(&state.ledger, caller.user.0, StatusCode::CREATED, async |tx| {
        let id = store::create_org(tx, new, caller.user).await?;
        let org = store::org(tx, id).await?.ok_or(OrgError::Unknown)?;
        Ok(Made::at(format!("/v1/orgs/{id}"), Org::from(org)))
    })
    .await
}

fn check_kinds(kinds: &[OrgKind]) -> Result<()> {
    if (1..=4).contains(&kinds.len()) {
        return Ok(());
    }
    Err(Problem::unprocessable("kinds_count", "an organisation has 1 to 4 kinds").at("/kinds", "expected 1 to 4"))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListOrgs {
    status: Option<OrgStatus>,
    after: Option<OrgId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List organisations
///
/// Moderators see all of them, everybody else their own.
#[utoipa::path(get, path = "/v1/orgs", tag = "orgs", params(ListOrgs), responses(
    (status = 200, description = "A page", body = Page<Org>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_orgs(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ListOrgs>,
) -> Result<Json<Page<Org>>> {
    let filter = OrgFilter {
        member: caller.platform(PlatformRole::Moderator).is_err().then_some(caller.user),
        status: query.status,
        after: query.after,
        limit: query.limit.fetch(),
    };
    let rows = store::orgs_page(&mut *state.db.acquire().await?, filter).await?;
    Ok(Json(query.limit.page(rows, |org| org.id.to_string(), Org::from)))
}

/// Read an organisation
#[utoipa::path(get, path = "/v1/orgs/{org}", tag = "orgs", params(("org" = OrgId, Path)), responses(
    (status = 200, description = "The organisation", body = Org),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_org(State(state): State<AppState>, caller: Caller, Path(id): Path<OrgId>) -> Result<Json<Org>> {
    if caller.platform(PlatformRole::Moderator).is_err() {
        caller.member(id, MemberRole::Viewer)?;
    }
    let org = store::org(&mut *state.db.acquire().await?, id).await?.ok_or(OrgError::Unknown)?;
    Ok(Json(org.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeOrg {
    #[schema(min_items = 1, max_items = 4)]
    kinds: Option<Vec<OrgKind>>,
    time_zone: Option<TimeZone>,
    country: Option<Country>,
}

/// Change an organisation
///
/// Its owners may. Once it is approved only a moderator adds a kind, takes `broker` away, or changes a country that is stated.
#[utoipa::path(patch, path = "/v1/orgs/{org}", tag = "orgs", params(("org" = OrgId, Path), IfMatch), request_body = ChangeOrg, responses(
    (status = 200, description = "The organisation", body = Org),
    (status = 403, description = "`role_too_low`; `kinds_approved`, `country_approved`: ask a moderator"),
    (status = 422, description = "`kinds_count`"),
))]
async fn change_org(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<OrgId>,
    expected: IfMatch,
    Json(body): Json<ChangeOrg>,
) -> Result<Json<Org>> {
    // Moderators do not decide about their own: there they are an owner like others.
    let moderated = caller.platform(PlatformRole::Moderator).is_ok() && !caller.belongs_to(id);
    if !moderated {
        caller.member(id, MemberRole::Owner)?;
    }
    body.kinds.as_deref().map_or(Ok(()), check_kinds)?;
    let mut tx = state.db.begin().await?;
    if expected.is_sent() {
        expected.check(&Org::from(store::lock_org(&mut tx, id).await?))?;
    }
    let change = OrgChange { kinds: body.kinds, time_zone: body.time_zone, country: body.country, moderated };
    store::change_org(&mut tx, Actor::User(caller.user), id, &change).await?;
    let org = store::org(&mut tx, id).await?.ok_or(OrgError::Unknown)?;
    tx.commit().await?;
    Ok(Json(org.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ApplyAgain {
    legal_name: Option<LegalName>,
    vat_number: Option<VatNumber>,
    country: Option<Country>,
    #[schema(min_items = 1, max_items = 4)]
    kinds: Option<Vec<OrgKind>>,
}

/// Apply again after a rejection
///
/// Its owners may correct what it says of itself; what is left out stays.
#[utoipa::path(post, path = "/v1/orgs/{org}/apply-again", tag = "orgs", params(("org" = OrgId, Path)), request_body = ApplyAgain, responses(
    (status = 200, description = "Waiting for approval", body = Org),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`org_status`: it is not rejected"),
    (status = 422, description = "`kinds_count`; `invalid_value`: no VAT number is like that, by its country's rules"),
))]
async fn apply_again(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<OrgId>,
    Json(body): Json<ApplyAgain>,
) -> Result<Json<Org>> {
    caller.member(id, MemberRole::Owner)?;
    body.kinds.as_deref().map_or(Ok(()), check_kinds)?;
    let ApplyAgain { legal_name, vat_number, country, kinds } = body;
    let application = Application { legal_name, vat_number, country, kinds };
    let mut tx = state.db.begin().await?;
    store::apply_again(&mut tx, Actor::User(caller.user), id, &application).await?;
    let org = store::org(&mut tx, id).await?.ok_or(OrgError::Unknown)?;
    tx.commit().await?;
    Ok(Json(org.into()))
}

/// Why a decision was made; the organisation's members can read it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reason {
    #[schema(schema_with = reason_schema)]
    reason: String,
}

/// What [`given_reason`] takes.
pub(super) fn reason_schema() -> ObjectBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String);
    text.min_length(Some(1)).max_length(Some(1000)).pattern(Some(text::VISIBLE_LINES))
}

/// Approve a waiting organisation
#[utoipa::path(post, path = "/v1/orgs/{org}/approve", tag = "orgs", params(("org" = OrgId, Path)), responses(
    (status = 200, description = "Approved", body = Org),
    (status = 409, description = "`org_status`: it is not waiting; `vat_number_taken`: by another approved one"),
    (status = 403, description = "`own_org`; `role_too_low`"),
))]
async fn approve_org(State(state): State<AppState>, caller: Caller, Path(id): Path<OrgId>) -> Result<Json<Org>> {
    decide(&state, &caller, id, Decision::Approve, None).await
}

/// Reject a waiting organisation
#[utoipa::path(post, path = "/v1/orgs/{org}/reject", tag = "orgs", params(("org" = OrgId, Path)), request_body = Reason, responses(
    (status = 200, description = "Rejected", body = Org),
    (status = 409, description = "`org_status`: it is not waiting"),
    (status = 403, description = "`own_org`; `role_too_low`"),
    (status = 422, description = "`reason_length`"),
))]
async fn reject_org(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<OrgId>,
    Json(body): Json<Reason>,
) -> Result<Json<Org>> {
    decide(&state, &caller, id, Decision::Reject, Some(body)).await
}

/// Suspend an approved organisation
#[utoipa::path(post, path = "/v1/orgs/{org}/suspend", tag = "orgs", params(("org" = OrgId, Path)), request_body = Reason, responses(
    (status = 200, description = "Suspended", body = Org),
    (status = 409, description = "`org_status`: it is not approved"),
    (status = 403, description = "`own_org`; `role_too_low`"),
    (status = 422, description = "`reason_length`"),
))]
async fn suspend_org(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<OrgId>,
    Json(body): Json<Reason>,
) -> Result<Json<Org>> {
    decide(&state, &caller, id, Decision::Suspend, Some(body)).await
}

/// Lift an organisation's suspension
#[utoipa::path(post, path = "/v1/orgs/{org}/reinstate", tag = "orgs", params(("org" = OrgId, Path)), responses(
    (status = 200, description = "Approved again", body = Org),
    (status = 409, description = "`org_status`: it is not suspended"),
    (status = 403, description = "`own_org`; `role_too_low`"),
))]
async fn reinstate_org(State(state): State<AppState>, caller: Caller, Path(id): Path<OrgId>) -> Result<Json<Org>> {
    decide(&state, &caller, id, Decision::Reinstate, None).await
}

/// A reason that people can read, of 1 to 1,000 characters.
pub(super) fn given_reason(text: &str) -> Result<String> {
    let refused = |detail: String| Problem::unprocessable("reason_length", detail.clone()).at("/reason", detail);
    let reason = text::lines(text).map_err(|unshowable| refused(unshowable.to_string()))?;
    if (1..=1000).contains(&reason.chars().count()) {
        return Ok(reason);
    }
    Err(refused("give a reason of up to 1,000 characters".to_owned()))
}

async fn decide(
    state: &AppState,
    caller: &Caller,
    id: OrgId,
    decision: Decision,
    reason: Option<Reason>,
) -> Result<Json<Org>> {
    caller.platform(PlatformRole::Moderator)?;
    if caller.belongs_to(id) {
        return Err(Problem::forbidden("own_org", "somebody else decides about your own organisation"));
    }
    let reason = reason.map(|body| given_reason(&body.reason)).transpose()?;
    let mut tx = state.ledger.begin().await?;
    let act = store::decide(&mut tx, Actor::User(caller.user), id, decision, reason.as_deref()).await?;
    let org = store::org(&mut tx, id).await?.ok_or(OrgError::Unknown)?;
    mail::decided(&mut tx, &org, decision, act).await?;
    tx.commit().await?;
    Ok(Json(org.into()))
}

#[cfg(test)]
mod tests;
