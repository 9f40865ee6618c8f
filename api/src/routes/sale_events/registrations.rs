//! Who may bid in a sale event, and up to how much.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jobs::sale_events::mail;
use market::identity::OrgKind;
use market::ids::{RegistrationId, SaleEventId};
use market::sale_events::model::{OwnRegistration, Registration};
use market::sale_events::store::{self, SaleEventError};
use serde::Deserialize;
use shared::money::Money;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::found;
use crate::auth::Caller;
use crate::error::Result;
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::paging::{Limit, Page};
use crate::routes::acting::Acting;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_registrations, register_bidder))
        .routes(routes!(get_own_registration))
        .routes(routes!(approve_bidder))
        .routes(routes!(refuse_bidder))
}

/// Nothing: who asks, and for what, is said already.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RegisterBidder {}

/// Register as a bidder of a sale event
///
/// Approved at once with the sale event's limit for everybody if it has one; otherwise its seller decides. Asked again, nothing changes.
#[utoipa::path(post, path = "/v1/sale-events/{sale_event}/registrations", tag = "auctions",
    params(("sale_event" = SaleEventId, Path), Acting, OptionalKey), request_body = Option<RegisterBidder>, responses(
    (status = 201, description = "The registration", body = OwnRegistration, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `org_kind`: it is not a buyer; `own_sale_event`"),
    (status = 409, description = "`sale_event_ended`; `sale_event_cancelled`"),
))]
async fn register_bidder(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(event): Path<SaleEventId>,
    Keyed { key, body: _ }: Keyed<Option<RegisterBidder>>,
) -> Result<Response> {
    let org = acting.trader_as(OrgKind::Buyer, &caller)?;
    key.once(&state.ledger, org.0, StatusCode::CREATED, async |tx| {
        // Of what is hidden nobody hears, not even that it was cancelled.
        found(tx, event, Some(org)).await?;
        let own = store::register(tx, org, caller.user, event).await?;
        Ok(Made::at(format!("/v1/sale-events/{event}/registration"), own))
    })
    .await
}

/// Read your registration in a sale event
///
/// With what is reserved of its limit, and what is left. Nobody else sees that.
#[utoipa::path(get, path = "/v1/sale-events/{sale_event}/registration", tag = "auctions",
    params(("sale_event" = SaleEventId, Path), Acting), responses(
    (status = 200, description = "The registration", body = OwnRegistration),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_own_registration(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(event): Path<SaleEventId>,
) -> Result<Json<OwnRegistration>> {
    let org = acting.member(&caller)?;
    let own = store::own(&mut *state.db.acquire().await?, org, event).await?;
    Ok(Json(own.ok_or(SaleEventError::NotFound("registration"))?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListRegistrations {
    /// The `next` of an earlier page.
    after: Option<RegistrationId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List the registrations in a sale event, oldest first
///
/// For its seller. What is reserved is not in them.
#[utoipa::path(get, path = "/v1/sale-events/{sale_event}/registrations", tag = "auctions",
    params(("sale_event" = SaleEventId, Path), Acting, ListRegistrations), responses(
    (status = 200, description = "A page", body = Page<Registration>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_registrations(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(event): Path<SaleEventId>,
    Query(query): Query<ListRegistrations>,
) -> Result<Json<Page<Registration>>> {
    let seller = acting.member(&caller)?;
    let mut conn = state.db.acquire().await?;
    if found(&mut conn, event, Some(seller)).await?.seller_org_id != seller {
        return Err(SaleEventError::NotFound("sale event").into());
    }
    let rows = store::registrations(&mut conn, event, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |registration| registration.id.to_string(), |registration| registration)))
}

/// Up to how much a bidder may bid.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ApproveBidder {
    /// For all lots of the sale event together, with the buyer's premium.
    limit: Money,
}

/// Approve a bidder
///
/// With a limit, which counts across all lots. That of an approved bidder can be raised, and not be lowered. The same again changes
/// nothing, and nobody is written to.
#[utoipa::path(post, path = "/v1/sale-events/{sale_event}/registrations/{registration}/approve", tag = "auctions",
    params(("sale_event" = SaleEventId, Path), ("registration" = RegistrationId, Path), Acting), request_body = ApproveBidder,
    responses(
    (status = 200, description = "Approved", body = Registration),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`registration_refused`; `limit_lowered`; `sale_event_cancelled`"),
    (status = 422, description = "`invalid_value`"),
))]
async fn approve_bidder(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path((event, registration)): Path<(SaleEventId, RegistrationId)>,
    Json(body): Json<ApproveBidder>,
) -> Result<Json<Registration>> {
    decide(&state, &caller, acting, event, registration, Some(body.limit)).await
}

/// Refuse a bidder
#[utoipa::path(post, path = "/v1/sale-events/{sale_event}/registrations/{registration}/refuse", tag = "auctions",
    params(("sale_event" = SaleEventId, Path), ("registration" = RegistrationId, Path), Acting), responses(
    (status = 200, description = "Refused", body = Registration),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`registration_refused`: it is already; `limit_lowered`: it was approved; `sale_event_cancelled`"),
))]
async fn refuse_bidder(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path((event, registration)): Path<(SaleEventId, RegistrationId)>,
) -> Result<Json<Registration>> {
    decide(&state, &caller, acting, event, registration, None).await
}

async fn decide(
    state: &AppState,
    caller: &Caller,
    acting: Acting,
    event: SaleEventId,
    registration: RegistrationId,
    limit: Option<Money>,
) -> Result<Json<Registration>> {
    let seller = acting.trader(caller)?;
    let mut tx = state.ledger.begin().await?;
    let decided = store::decide(&mut tx, seller, caller.user, event, registration, limit).await?;
    if decided.news {
        mail::decided(&mut tx, &decided).await?;
    }
    tx.commit().await?;
    Ok(Json(decided.registration))
}
