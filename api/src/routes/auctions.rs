//! Auctions: who may see, make and end them. Bidding is in [`bids`].

mod approval;
pub(crate) mod bids;
mod buy_now;
mod refusals;
mod second_chances;
mod tag;
mod topic;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jobs::auctions::events::{News, announce};
use jobs::auctions::{CloseAuction, OpenAuction, RemindBidders, Reminder};
use market::auctions::model::{AuctionView, NewAuction};
use market::auctions::store::{self, AuctionError, OpenFilter, Place};
use market::identity::{OrgKind, PlatformRole};
use market::ids::{AuctionId, ListingId};
use queue::Enqueue;
use serde::Deserialize;
use shared::audit::Actor;
use shared::ids::OrgId;
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use super::listings::found as found_listing;
use crate::auth::Caller;
use crate::conditional::WeakTag;
use crate::error::Result;
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::paging::{Limit, Page, TimeCursor};
use crate::state::AppState;

pub(crate) use topic::AuctionTopic;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(auctions_of_listing, create_auction))
        .routes(routes!(list_auctions))
        .routes(routes!(get_auction))
        .routes(routes!(cancel_auction))
        .merge(bids::router())
        .merge(buy_now::router())
        .merge(second_chances::router())
        .merge(approval::router())
}

/// Auction a published listing
///
/// Item, currency, quantity and minimum order are the listing's. Whoever bids is bound by the terms, so they cannot be
/// changed. The auction opens and closes by itself. The lot of a listing with a site is reserved there until it is decided.
#[utoipa::path(post, path = "/v1/listings/{listing}/auctions", tag = "auctions", params(("listing" = ListingId, Path), Acting, OptionalKey),
    request_body = NewAuction, responses(
    (status = 201, description = "Scheduled, or live when its start has come", body = AuctionView,
        headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `org_kind`: it is not a seller"),
    (status = 409, description = "`not_for_auction`; `auction_open`: the listing has an open auction; `out_of_stock`: fewer units than \
        the lot are available at the listing's site"),
    (status = 422, description = "`invalid_value`"),
))]
async fn create_auction(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(listing): Path<ListingId>,
    Keyed { key, body: new }: Keyed<NewAuction>,
) -> Result<Response> {
    let owner = found_listing(&mut *state.db.acquire().await?, listing).await?.seller_org_id;
    let seller = acting.trader_of(owner, &caller, "listing")?;
    caller.acts_as(OrgKind::Seller, seller)?;
    key.once(&state.ledger, seller.0, StatusCode::CREATED, async |tx| {
        let id = store::create(tx, seller, caller.user, listing, &new).await?;
        let view = found(tx, id, Some(seller)).await?;
        tx.enqueue_each(timers(&view)).await?;
        Ok(Made::at(format!("/v1/auctions/{id}"), view))
    })
    .await
}

/// The jobs of what happens to the auction by itself: it opens, bidders are reminded, it closes. Each job looks again under the
/// auction's lock: when the end has moved, it waits for the new one.
pub(super) fn timers(view: &AuctionView) -> Vec<Enqueue> {
    let auction = view.id;
    let mut timers = vec![
        Enqueue::new(&OpenAuction { auction }).run_at(view.starts_at),
        Enqueue::new(&CloseAuction { auction }).run_at(view.ends_at),
    ];
    for reminder in Reminder::ALL {
        let due = view.ends_at - reminder.before_end();
        // A reminder that is due while nobody can have bid yet reminds nobody.
        if due > view.starts_at.max(view.server_time) {
            timers.push(Enqueue::new(&RemindBidders { auction, reminder }).run_at(due));
        }
    }
    timers
}

#[derive(Debug, serde::Serialize, ToSchema)]
struct AuctionsOfListing {
    /// The latest first.
    items: Vec<AuctionView>,
}

/// List a listing's auctions, the latest first
///
/// The entity tag leaves `server_time` out.
#[utoipa::path(get, path = "/v1/listings/{listing}/auctions", tag = "auctions", security((), ("bearer" = [])),
    params(("listing" = ListingId, Path), Acting), responses(
    (status = 200, description = "All of them; none when there is no such listing", body = AuctionsOfListing),
))]
async fn auctions_of_listing(
    State(state): State<AppState>,
    caller: Option<Caller>,
    Path(listing): Path<ListingId>,
    acting: Acting,
) -> Result<(WeakTag, Json<AuctionsOfListing>)> {
    let viewer = acting.viewer(caller.as_ref())?;
    let mut conn = state.db.acquire().await?;
    let ids = store::of_listing(&mut conn, listing).await?;
    let mut items = store::views(&mut conn, &ids, viewer).await?;
    retain_shown(&mut conn, &mut items, caller.as_ref(), viewer).await?;
    Ok((tag::of(&items, None)?, Json(AuctionsOfListing { items })))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListAuctions {
    seller: Option<OrgId>,
    #[param(inline)]
    after: Option<TimeCursor>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List open auctions, the next to end first
///
/// Live ones and those that have yet to start. A late bid moves an auction's end: while you page it may show up twice. The entity
/// tag leaves `server_time` out.
#[utoipa::path(get, path = "/v1/auctions", tag = "auctions", security((), ("bearer" = [])), params(Acting, ListAuctions), responses(
    (status = 200, description = "A page", body = Page<AuctionView>),
))]
async fn list_auctions(
    State(state): State<AppState>,
    caller: Option<Caller>,
    acting: Acting,
    Query(query): Query<ListAuctions>,
) -> Result<(WeakTag, Json<Page<AuctionView>>)> {
    let viewer = acting.viewer(caller.as_ref())?;
    let after = query.after.map(|after| Place { ends_at: after.at, id: AuctionId(after.id) });
    let mut conn = state.db.acquire().await?;
    let filter = OpenFilter { seller: query.seller, after, limit: query.limit.fetch() };
    let places = store::open_auctions(&mut conn, filter).await?;
    let ids: Vec<_> = places.iter().map(|place| place.id).collect();
    let views = store::views(&mut conn, &ids, viewer).await?;
    // Auctions are never deleted, so every place has its view. The cursor is the place as it was found: an end that has moved
    // since then must not skip others.
    let rows: Vec<_> = places.into_iter().zip(views).collect();
    let cursor = |(place, _): &(Place, AuctionView)| TimeCursor { at: place.ends_at, id: place.id.0 }.to_string();
    let page = query.limit.page(rows, cursor, |(_, view)| view);
    Ok((tag::of(&page.items, page.next.as_deref())?, Json(page)))
}

/// Read an auction
///
/// Reserve and maxima are nowhere in it. Count down from `server_time`, not from your own clock. The entity tag leaves
/// `server_time` out: after 304, or from a cache that has asked, the header `Date` has the time of the answer.
#[utoipa::path(get, path = "/v1/auctions/{auction}", tag = "auctions", security((), ("bearer" = [])),
    params(("auction" = AuctionId, Path), Acting), responses(
    (status = 200, description = "The auction", body = AuctionView),
))]
async fn get_auction(
    State(state): State<AppState>,
    caller: Option<Caller>,
    Path(id): Path<AuctionId>,
    acting: Acting,
) -> Result<(WeakTag, Json<AuctionView>)> {
    let viewer = acting.viewer(caller.as_ref())?;
    let mut views = vec![state.reads.auction(id, viewer).await?.ok_or(AuctionError::NotFound)?];
    if views.iter().any(|view| view.suspended) {
        retain_shown(&mut *state.db.acquire().await?, &mut views, caller.as_ref(), viewer).await?;
    }
    let view = views.pop().ok_or(AuctionError::NotFound)?;
    Ok((tag::of(std::slice::from_ref(&view), None)?, Json(view)))
}

/// Cancel an auction
///
/// The seller may while no bid stands, a moderator at any time before it is decided; its listing is withdrawn.
#[utoipa::path(post, path = "/v1/auctions/{auction}/cancel", tag = "auctions", params(("auction" = AuctionId, Path), Acting), responses(
    (status = 200, description = "Cancelled", body = AuctionView),
    (status = 409, description = "`auction_not_cancellable`: it is over, or has bids"),
    (status = 403, description = "`org_not_approved`; `role_too_low`"),
))]
async fn cancel_auction(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<AuctionId>,
) -> Result<Json<AuctionView>> {
    let mut tx = state.ledger.begin().await?;
    let seller = found(&mut tx, id, None).await?.seller_org_id;
    // Moderators do not decide about their own: there they are a seller like others.
    let seller = if caller.platform(PlatformRole::Moderator).is_ok() && !caller.belongs_to(seller) {
        None
    } else {
        Some(acting.trader_of(seller, &caller, "auction")?)
    };
    let view = store::cancel(&mut tx, Actor::User(caller.user), id, seller).await?;
    announce(&mut tx, News::Cancelled, &view);
    tx.commit().await?;
    Ok(Json(view))
}

/// The auction as `viewer` sees it, or the refusal.
async fn found(conn: &mut PgConnection, id: AuctionId, viewer: Option<OrgId>) -> Result<AuctionView> {
    Ok(store::view(conn, id, viewer).await?.ok_or(AuctionError::NotFound)?)
}

/// [`found`], unless it is hidden from the caller.
async fn found_for(
    caller: Option<&Caller>,
    conn: &mut PgConnection,
    id: AuctionId,
    viewer: Option<OrgId>,
) -> Result<AuctionView> {
    let mut views = vec![found(conn, id, viewer).await?];
    retain_shown(conn, &mut views, caller, viewer).await?;
    Ok(views.pop().ok_or(AuctionError::NotFound)?)
}

/// Takes out what is hidden from the caller: while its listing or its seller is suspended, an auction is shown to its seller, to
/// those who have bid in it, and to moderators only.
async fn retain_shown(
    conn: &mut PgConnection,
    views: &mut Vec<AuctionView>,
    caller: Option<&Caller>,
    viewer: Option<OrgId>,
) -> Result<()> {
    let hidden: Vec<_> = views.iter().filter(|view| view.suspended).map(|view| view.id).collect();
    if hidden.is_empty() || caller.is_some_and(|caller| caller.platform(PlatformRole::Moderator).is_ok()) {
        return Ok(());
    }
    let bid_in = match viewer {
        Some(org) => store::bid_in(conn, &hidden, org).await?,
        None => Vec::new(),
    };
    views.retain(|view| !view.suspended || viewer == Some(view.seller_org_id) || bid_in.contains(&view.id));
    Ok(())
}

#[cfg(test)]
mod tests;
