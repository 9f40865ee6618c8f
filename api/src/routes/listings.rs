//! Items on offer.

mod drafts;
mod moderation;
mod of_item;
mod price;
pub(super) mod search;
mod topic;

use std::net::IpAddr;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use market::identity::PlatformRole;
use market::ids::ListingId;
use market::images::model::{Image, StoredVariant};
use market::images::store as images;
use market::listings::model::{Cursor, Listing, ListingStatus};
use market::listings::store::{self, ListingError};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use super::images::Picture;
use crate::auth::Caller;
use crate::auth::caller::ClientAddr;
use crate::caching;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::paging::{Limit, Page, TimeCursor};
use crate::state::AppState;
use crate::views::Visitor;

pub(crate) use topic::ListingTopic;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(my_listings))
        .routes(routes!(get_listing))
        .merge(search::router())
        .merge(drafts::router())
        .merge(price::router())
        .merge(of_item::router())
        .merge(moderation::router())
}

/// A listing with its pictures.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ListingView {
    #[serde(flatten)]
    listing: Listing,
    /// In their order; in lists only the first one.
    pictures: Vec<Picture>,
}

impl ListingView {
    pub(super) fn new(listing: Listing, pictures: Vec<(Image, Vec<StoredVariant>)>) -> Self {
        Self { listing, pictures: pictures.into_iter().map(|(image, files)| Picture::new(image, files)).collect() }
    }
}

impl From<ListingError> for Problem {
    fn from(error: ListingError) -> Self {
        match error {
            ListingError::NotFound => Self::not_found("listing"),
            ListingError::WrongStatus(_) => Self::conflict("listing_status", error.to_string()),
            ListingError::AuctionOpen => Self::conflict("auction_open", error.to_string()),
            ListingError::NotFixed => Self::conflict("not_fixed", error.to_string()),
            ListingError::PlanLimit(_) => Self::conflict("plan_limit", error.to_string()),
            ListingError::AlreadyRelisted => Self::conflict("already_relisted", error.to_string()),
            ListingError::Incomplete(faults) => {
                let detail = "the draft is not complete: change it and its item, then try again";
                let problem = Self::unprocessable("listing_incomplete", detail);
                faults.iter().fold(problem, |problem, fault| problem.at(&fault.pointer, fault.message.clone()))
            }
            ListingError::Item(error) => error.into(),
            ListingError::Pictures(error) => error.into(),
            ListingError::Invalid(invalid) => invalid.into(),
            ListingError::Database(error) => error.into(),
        }
    }
}

/// A page of published listings with the first picture of each.
pub(super) async fn newest_first(
    conn: &mut PgConnection,
    limit: Limit,
    rows: Vec<Listing>,
) -> Result<Page<ListingView>> {
    let ids: Vec<_> = rows.iter().map(|listing| listing.id).collect();
    let mut pictures = images::first_of(conn, &ids).await?;
    let cursor = |listing: &Listing| {
        // What is found was published, so that there is a time.
        let at = listing.published_at.unwrap_or(listing.created_at);
        TimeCursor { at, id: listing.id.0 }.to_string()
    };
    Ok(limit.page(rows, cursor, |listing| {
        let first = pictures.remove(&listing.id);
        ListingView::new(listing, first.into_iter().collect())
    }))
}

/// Where a list of published listings goes on.
pub(super) fn cursor(after: TimeCursor) -> Cursor {
    Cursor { published_at: after.at, id: ListingId(after.id) }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MyListings {
    after: Option<ListingId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List an organisation's own listings in every state, oldest first
#[utoipa::path(get, path = "/v1/listings/mine", tag = "listings", params(Acting, MyListings), responses(
    (status = 200, description = "A page", body = Page<Listing>),
    (status = 403, description = "`role_too_low`"),
))]
async fn my_listings(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<MyListings>,
) -> Result<Json<Page<Listing>>> {
    let org = acting.member(&caller)?;
    let rows = store::listings_of(&mut *state.db.acquire().await?, org, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |listing| listing.id.to_string(), |listing| listing)))
}

/// Read a listing
///
/// Drafts, what was withdrawn or suspended, and what a suspended organisation offers are shown to the seller and to moderators
/// only, without pictures.
#[utoipa::path(get, path = "/v1/listings/{listing}", tag = "listings", security((), ("bearer" = [])),
    params(("listing" = ListingId, Path), Acting), responses(
    (status = 200, description = "The listing", body = ListingView),
))]
async fn get_listing(
    State(state): State<AppState>,
    caller: Option<Caller>,
    acting: Acting,
    ClientAddr(address): ClientAddr,
    headers: HeaderMap,
    Path(id): Path<ListingId>,
) -> Result<Response> {
    let mut conn = state.reads.acquire().await?;
    let listing = visible(&mut conn, caller.as_ref(), acting, id).await?;
    if listing.is_public() {
        saw(&state, &listing, caller.as_ref(), address, &headers);
        let pictures = images::of_listing(&mut conn, id).await?;
        conn.give_back();
        return Ok(caching::shared(ListingView::new(listing, pictures)));
    }
    // Its pictures have addresses that end: `GET /v1/images` gives them.
    Ok(Json(ListingView::new(listing, Vec::new())).into_response())
}

/// Counts a view of what is on offer, unless it is by somebody of the seller's.
fn saw(state: &AppState, listing: &Listing, caller: Option<&Caller>, address: IpAddr, headers: &HeaderMap) {
    let visitor = match caller {
        Some(caller) if caller.belongs_to(listing.seller_org_id) => return,
        Some(caller) => Visitor::Person(caller.user),
        None => Visitor::Somebody { address, headers },
    };
    if listing.status == ListingStatus::Published {
        state.views.saw(listing.id, visitor);
    }
}

/// A listing that the caller may see: what is public, the own organisation's, or any for moderators.
async fn visible(conn: &mut PgConnection, caller: Option<&Caller>, acting: Acting, id: ListingId) -> Result<Listing> {
    let viewer = acting.viewer(caller)?;
    let listing = found(conn, id).await?;
    if is_shown_to(&listing, caller, viewer) {
        return Ok(listing);
    }
    Err(ListingError::NotFound.into())
}

/// Whether the caller, who acts for `viewer`, may see a listing.
fn is_shown_to(listing: &Listing, caller: Option<&Caller>, viewer: Option<OrgId>) -> bool {
    let moderates = caller.is_some_and(|caller| caller.platform(PlatformRole::Moderator).is_ok());
    listing.is_public() || viewer == Some(listing.seller_org_id) || moderates
}

/// A listing whatever its state, or the refusal.
pub(super) async fn found(conn: &mut PgConnection, id: ListingId) -> Result<Listing> {
    Ok(store::listing(conn, id).await?.ok_or(ListingError::NotFound)?)
}

#[cfg(test)]
mod tests;
