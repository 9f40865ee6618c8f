//! What sellers do to their listings.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use market::ids::ListingId;
use market::listings::model::{Listing, ListingChange, ListingStatus, NewListing};
use market::listings::store::{self, ListingError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::price::tell_relisted;
use super::{ListingView, found};
use crate::auth::Caller;
use crate::conditional::IfMatch;
use crate::error::Result;
use crate::extract::{Json, Path};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::routes::acting::Acting;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_listing))
        .routes(routes!(change_listing))
        .routes(routes!(missing_of_listing))
        .routes(routes!(publish_listing))
        .routes(routes!(withdraw_listing))
        .routes(routes!(relist_listing))
}

/// Draft a listing
///
/// Nobody outside of the organisation sees it until it is published. It grows step by step: the price, and attributes of the item
/// that the category requires, may follow. `GET /v1/listings/{listing}/missing` lists what is still needed.
#[utoipa::path(post, path = "/v1/listings", tag = "listings", params(Acting, OptionalKey), request_body = NewListing, responses(
    (status = 201, description = "A draft", body = Listing, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `org_kind`: it is not a seller, or, for a listing that asks to buy, not a buyer"),
    (status = 422, description = "`invalid_value`"),
))]
async fn create_listing(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Keyed { key, body: new }: Keyed<NewListing>,
) -> Result<Response> {
    let org = acting.trader_as(new.sale_mode.lister(), &caller)?;
    key.once(&state.ledger, org.0, StatusCode::CREATED, async |tx| {
        let id = store::create(tx, org, caller.user, &new).await?;
        Ok(Made::at(format!("/v1/listings/{id}"), found(tx, id).await?))
    })
    .await
}

/// Change a draft
///
/// Fields that are left out stay as they are. Of what others have seen only a fixed price is changed, with
/// `PUT /v1/listings/{listing}/price`: for anything else withdraw it and list it again.
#[utoipa::path(patch, path = "/v1/listings/{listing}", tag = "listings", params(("listing" = ListingId, Path), Acting, IfMatch),
    request_body = ListingChange, responses(
    (status = 200, description = "The draft", body = ListingView),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `org_kind`: it is not a seller, or, for a listing that asks to buy, not a buyer"),
    (status = 409, description = "`listing_status`: it is not a draft"),
    (status = 422, description = "`invalid_value`"),
))]
async fn change_listing(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ListingId>,
    expected: IfMatch,
    Json(change): Json<ListingChange>,
) -> Result<Json<ListingView>> {
    let mut tx = state.ledger.begin().await?;
    let draft = store::lock(&mut tx, id).await?;
    let seller = acting.trader_of(draft.seller_org_id, &caller, "listing")?;
    caller.acts_as(change.sale_mode.unwrap_or(draft.sale_mode).lister(), seller)?;
    // A draft is shown without its pictures.
    expected.check(&ListingView::new(draft.clone(), Vec::new()))?;
    store::change(&mut tx, &draft, &change).await?;
    let listing = found(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(ListingView::new(listing, Vec::new())))
}

/// What a draft needs before it can be published.
#[derive(Debug, Serialize, ToSchema)]
struct Missing {
    /// Empty: it can be published.
    missing: Vec<MissingPart>,
}

#[derive(Debug, Serialize, ToSchema)]
struct MissingPart {
    /// JSON pointer into the listing, or, below `/attributes`, into its item.
    #[schema(example = "/attributes/ewc_code")]
    pointer: String,
    #[schema(example = "the category requires this attribute")]
    detail: String,
}

/// List what a draft lacks
#[utoipa::path(get, path = "/v1/listings/{listing}/missing", tag = "listings", params(("listing" = ListingId, Path), Acting), responses(
    (status = 200, description = "Everything that keeps it from being published", body = Missing),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`listing_status`: it is not a draft; `category_schema`: the category's schema cannot be applied"),
))]
async fn missing_of_listing(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ListingId>,
) -> Result<Json<Missing>> {
    let mut conn = state.db.acquire().await?;
    let draft = found(&mut conn, id).await?;
    acting.owner(draft.seller_org_id, &caller, "listing")?;
    if draft.status != ListingStatus::Draft {
        return Err(ListingError::WrongStatus(draft.status).into());
    }
    let missing = store::missing(&mut conn, &draft).await?;
    let part = |fault: shared::invalid::Invalid| MissingPart { pointer: fault.pointer, detail: fault.message };
    Ok(Json(Missing { missing: missing.into_iter().map(part).collect() }))
}

/// Publish a draft
///
/// In some categories a moderator sees it first: it is `in_review` then. Those who watched what it lists again hear of it by email,
/// and watch it from then on.
#[utoipa::path(post, path = "/v1/listings/{listing}/publish", tag = "listings", params(("listing" = ListingId, Path), Acting), responses(
    (status = 200, description = "Everybody sees it, or a moderator does: see its `status`", body = Listing),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `org_kind`: it is not a seller, or, for a listing that asks to buy, not a buyer"),
    (status = 409, description = "`listing_status`: it is not a draft; `plan_limit`: the plan allows no more published listings at once; `category_schema`: the category's schema cannot be applied"),
    (status = 422, description = "`listing_incomplete`, with everything that is missing; a pointer below /attributes is into the item"),
))]
async fn publish_listing(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ListingId>,
) -> Result<Json<Listing>> {
    let mut tx = state.ledger.begin().await?;
    let draft = found(&mut tx, id).await?;
    let seller = acting.trader_of(draft.seller_org_id, &caller, "listing")?;
    caller.acts_as(draft.sale_mode.lister(), seller)?;
    store::publish(&mut tx, seller, id).await?;
    let listing = found(&mut tx, id).await?;
    tell_relisted(&mut tx, &listing).await?;
    tx.commit().await?;
    Ok(Json(listing))
}

/// Take a listing back
#[utoipa::path(post, path = "/v1/listings/{listing}/withdraw", tag = "listings", params(("listing" = ListingId, Path), Acting), responses(
    (status = 200, description = "Nobody else sees it any more", body = Listing),
    (status = 409, description = "`auction_open`: cancel its auction first; `listing_status`: it is over"),
    (status = 403, description = "`org_not_approved`; `role_too_low`"),
))]
async fn withdraw_listing(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ListingId>,
) -> Result<Json<Listing>> {
    let mut tx = state.ledger.begin().await?;
    let seller = acting.trader_of(found(&mut tx, id).await?.seller_org_id, &caller, "listing")?;
    store::withdraw(&mut tx, seller, id).await?;
    let listing = found(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(listing))
}

/// Nothing: the new listing is like the old one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Relist {}

/// List again what was not sold
///
/// A new draft with the same item, terms and pictures; change it if you like, then publish it. Its views begin anew.
#[utoipa::path(post, path = "/v1/listings/{listing}/relist", tag = "listings",
    params(("listing" = ListingId, Path), Acting, OptionalKey), request_body = Option<Relist>, responses(
    (status = 201, description = "A draft", body = Listing, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `org_kind`: it is not a seller, or, for a listing that asks to buy, not a buyer"),
    (status = 409, description = "`listing_status`: it has not ended and was not withdrawn, or nobody has seen it; `already_relisted`; \
        `too_many_images`: the organisation has no room for more pictures"),
    (status = 422, description = "`invalid_value`: the organisation has too many listings"),
))]
async fn relist_listing(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ListingId>,
    Keyed { key, body: _ }: Keyed<Option<Relist>>,
) -> Result<Response> {
    let over = found(&mut *state.db.acquire().await?, id).await?;
    let seller = acting.trader_of(over.seller_org_id, &caller, "listing")?;
    caller.acts_as(over.sale_mode.lister(), seller)?;
    key.once(&state.ledger, seller.0, StatusCode::CREATED, async |tx| {
        let again = store::relist(tx, seller, caller.user, id).await?;
        Ok(Made::at(format!("/v1/listings/{again}"), found(tx, again).await?))
    })
    .await
}

#[cfg(test)]
mod tests;
