//! What moderators do to listings.

use axum::extract::State;
use jobs::auctions::events::{News, announce};
use jobs::listings::mail;
use market::identity::PlatformRole;
use market::ids::ListingId;
use market::listings::model::Listing;
use market::listings::store::{self, Decision};
use serde::Deserialize;
use shared::audit::Actor;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::found;
use super::price::tell_relisted;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::paging::{Limit, Page, TimeCursor};
use crate::routes::orgs::{given_reason, reason_schema};
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(listings_in_review))
        .routes(routes!(approve_listing))
        .routes(routes!(refuse_listing))
        .routes(routes!(suspend_listing))
        .routes(routes!(reinstate_listing))
}

/// Why a listing is refused or suspended; the seller reads it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ListingReason {
    #[schema(schema_with = reason_schema)]
    reason: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InReview {
    #[param(inline)]
    after: Option<TimeCursor>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List the listings that wait for a moderator, those that have waited longest first
#[utoipa::path(get, path = "/v1/listings/review", tag = "listings", params(InReview), responses(
    (status = 200, description = "A page", body = Page<Listing>),
    (status = 403, description = "`role_too_low`"),
))]
async fn listings_in_review(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<InReview>,
) -> Result<Json<Page<Listing>>> {
    caller.platform(PlatformRole::Moderator)?;
    let after = query.after.map(|after| (after.at, ListingId(after.id)));
    let rows = store::in_review(&mut *state.db.acquire().await?, after, query.limit.fetch()).await?;
    let cursor = |listing: &Listing| {
        // What waits was submitted, so that there is a time.
        TimeCursor { at: listing.submitted_at.unwrap_or(listing.created_at), id: listing.id.0 }.to_string()
    };
    Ok(Json(query.limit.page(rows, cursor, |listing| listing)))
}

/// Approve a listing that waits for a moderator
///
/// Everybody sees it. The seller is notified by email.
#[utoipa::path(post, path = "/v1/listings/{listing}/approve", tag = "listings", params(("listing" = ListingId, Path)), responses(
    (status = 200, description = "Published", body = Listing),
    (status = 403, description = "`role_too_low`; `own_listing`"),
    (status = 409, description = "`listing_status`: it does not wait"),
))]
async fn approve_listing(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ListingId>,
) -> Result<Json<Listing>> {
    decide(&state, &caller, id, Decision::Approve).await
}

/// Refuse a listing that waits for a moderator
///
/// It is a draft again, with the reason in `status_reason`. The seller is notified by email.
#[utoipa::path(post, path = "/v1/listings/{listing}/refuse", tag = "listings", params(("listing" = ListingId, Path)),
    request_body = ListingReason, responses(
    (status = 200, description = "A draft again", body = Listing),
    (status = 403, description = "`role_too_low`; `own_listing`"),
    (status = 409, description = "`listing_status`: it does not wait"),
    (status = 422, description = "`reason_length`"),
))]
async fn refuse_listing(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ListingId>,
    Json(body): Json<ListingReason>,
) -> Result<Json<Listing>> {
    caller.platform(PlatformRole::Moderator)?;
    decide(&state, &caller, id, Decision::Refuse(&given_reason(&body.reason)?)).await
}

/// Suspend a listing
///
/// Nobody but its seller sees it any more; its auction is shown to those who have bid in it as well. The auction goes on in time, but
/// takes no bid and no purchase; if it ends before the listing is reinstated, it is cancelled. The seller is notified by email.
#[utoipa::path(post, path = "/v1/listings/{listing}/suspend", tag = "listings", params(("listing" = ListingId, Path)),
    request_body = ListingReason, responses(
    (status = 200, description = "Suspended", body = Listing),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`listing_status`: it is not published"),
    (status = 422, description = "`reason_length`"),
))]
async fn suspend_listing(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ListingId>,
    Json(body): Json<ListingReason>,
) -> Result<Json<Listing>> {
    caller.platform(PlatformRole::Moderator)?;
    decide(&state, &caller, id, Decision::Suspend(&given_reason(&body.reason)?)).await
}

/// Lift a listing's suspension
///
/// Everybody sees it again, and its auction takes bids again until the end that it had.
#[utoipa::path(post, path = "/v1/listings/{listing}/reinstate", tag = "listings", params(("listing" = ListingId, Path)),
    responses(
    (status = 200, description = "Published again", body = Listing),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`listing_status`: it is not suspended"),
))]
async fn reinstate_listing(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ListingId>,
) -> Result<Json<Listing>> {
    decide(&state, &caller, id, Decision::Reinstate).await
}

/// Carries out a decision, and tells the seller and those who watch the auction of it.
async fn decide(state: &AppState, caller: &Caller, id: ListingId, decision: Decision<'_>) -> Result<Json<Listing>> {
    caller.platform(PlatformRole::Moderator)?;
    let mut tx = state.ledger.begin().await?;
    if caller.belongs_to(found(&mut tx, id).await?.seller_org_id) {
        return Err(Problem::forbidden("own_listing", "somebody else decides about your own listings"));
    }
    let moderated = store::decide(&mut tx, Actor::User(caller.user), id, decision).await?;
    mail::moderated(&mut tx, decision, &moderated).await?;
    if decision == Decision::Approve {
        tell_relisted(&mut tx, &moderated.listing).await?;
    }
    if let Some(auction) = &moderated.auction {
        let news = if auction.suspended { News::Suspended } else { News::Reinstated };
        announce(&mut tx, news, auction);
    }
    tx.commit().await?;
    Ok(Json(moderated.listing))
}
