//! Prices of what is on offer, and who hears of it.

use axum::extract::State;
use jobs::watches::{NotifyWatchers, WatchNews};
use market::ids::ListingId;
use market::listings::model::{Listing, ListingStatus};
use market::listings::store;
use queue::JobTx;
use serde::Deserialize;
use shared::money::Money;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::found;
use crate::auth::Caller;
use crate::error::Result;
use crate::extract::{Json, Path};
use crate::routes::acting::Acting;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(set_price))
}

/// A price for what is on offer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPrice {
    /// Per unit, in the listing's currency.
    price: Money,
}

/// Set the fixed price of a published listing
///
/// What is ordered already keeps its price. Those who watch the listing hear by email that it costs less.
#[utoipa::path(put, path = "/v1/listings/{listing}/price", tag = "listings", params(("listing" = ListingId, Path), Acting),
    request_body = NewPrice, responses(
    (status = 200, description = "The listing", body = Listing),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `org_kind`: it is not a seller"),
    (status = 409, description = "`listing_status`: it is not published; `not_fixed`: it is sold in another way"),
    (status = 422, description = "`invalid_value`"),
))]
async fn set_price(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ListingId>,
    Json(body): Json<NewPrice>,
) -> Result<Json<Listing>> {
    let mut tx = state.ledger.begin().await?;
    let before = store::lock(&mut tx, id).await?;
    let seller = acting.trader_of(before.seller_org_id, &caller, "listing")?;
    caller.acts_as(before.sale_mode.lister(), seller)?;
    store::reprice(&mut tx, &before, body.price).await?;
    if let Some(was) = before.price.filter(|was| was.minor() > body.price.minor()) {
        let news = WatchNews::PriceFell { was, now: body.price };
        let _ = tx.enqueue(&NotifyWatchers { listing: id, news }).await?;
    }
    let listing = found(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(listing))
}

/// Tells those who watched what a listing lists again, once everybody sees it.
pub(super) async fn tell_relisted(tx: &mut JobTx, listing: &Listing) -> Result<()> {
    if let Some(of) = listing.relist_of.filter(|_| listing.status == ListingStatus::Published) {
        let news = WatchNews::Relisted { of };
        let _ = tx.enqueue(&NotifyWatchers { listing: listing.id, news }).await?;
    }
    Ok(())
}
