//! What moderators do to listings.

use axum::extract::State;
use jobs::auctions::events::{News, announce};
use jobs::listings::mail;
use market::identity::PlatformRole;
use market::ids::ListingId;
use market::listings::model::Listing;
use market::listings::store::{self, Moderated};
use queue::JobTx;
use serde::Deserialize;
use shared::audit::Actor;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::found;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path};
use crate::routes::orgs::{given_reason, reason_schema};
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(suspend_listing)).routes(routes!(reinstate_listing))
}

/// Why a listing is suspended; the seller reads it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ListingReason {
    #[schema(schema_with = reason_schema)]
    reason: String,
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
    let reason = given_reason(&body.reason)?;
    let mut tx = state.ledger.begin().await?;
    not_own(&caller, &mut tx, id).await?;
    let moderated = store::suspend(&mut tx, Actor::User(caller.user), id, &reason).await?;
    tell(tx, moderated, News::Suspended).await
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
    caller.platform(PlatformRole::Moderator)?;
    let mut tx = state.ledger.begin().await?;
    not_own(&caller, &mut tx, id).await?;
    let moderated = store::reinstate(&mut tx, Actor::User(caller.user), id).await?;
    tell(tx, moderated, News::Reinstated).await
}

async fn not_own(caller: &Caller, tx: &mut JobTx, id: ListingId) -> Result<()> {
    if caller.belongs_to(found(tx, id).await?.seller_org_id) {
        return Err(Problem::forbidden("own_listing", "somebody else decides about your own listings"));
    }
    Ok(())
}

/// Tells the seller, and those who watch the auction, of a decision, and commits it.
async fn tell(mut tx: JobTx, moderated: Moderated, news: News) -> Result<Json<Listing>> {
    mail::moderated(&mut tx, &moderated).await?;
    if let Some(auction) = &moderated.auction {
        announce(&mut tx, news, auction);
    }
    tx.commit().await?;
    Ok(Json(moderated.listing))
}
