//! Listings that people keep an eye on.

use std::collections::HashMap;

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use market::ids::ListingId;
use market::images::store as images;
use market::listings::model::Listing;
use market::listings::store as listings;
use market::watches::model::Watch;
use market::watches::store::{self, WatchError};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::listings::{ListingView, found};
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::paging::{Limit, Page, TimeCursor};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(watch_listing, unwatch_listing)).routes(routes!(my_watches))
}

impl From<WatchError> for Problem {
    fn from(error: WatchError) -> Self {
        match error {
            WatchError::TooMany => Self::conflict("too_many_watches", error.to_string()),
            WatchError::Sql(error) => error.into(),
        }
    }
}

/// Watch a listing
///
/// Those who watch it hear by email when its auction ends soon, when its fixed price falls, and when it is listed again. A second
/// time changes nothing.
#[utoipa::path(put, path = "/v1/listings/{listing}/watch", tag = "listings", params(("listing" = ListingId, Path)), responses(
    (status = 204, description = "Watched"),
    (status = 404, description = "`not_found`: not everybody sees such a listing"),
    (status = 409, description = "`too_many_watches`"),
))]
async fn watch_listing(State(state): State<AppState>, caller: Caller, Path(id): Path<ListingId>) -> Result<StatusCode> {
    let mut conn = state.db.acquire().await?;
    if !found(&mut conn, id).await?.is_public() {
        return Err(Problem::not_found("listing"));
    }
    store::begin(&mut conn, caller.user, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stop watching a listing
#[utoipa::path(delete, path = "/v1/listings/{listing}/watch", tag = "listings", params(("listing" = ListingId, Path)), responses(
    (status = 204, description = "Not watched, whether or not it was"),
))]
async fn unwatch_listing(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ListingId>,
) -> Result<StatusCode> {
    store::end(&mut *state.db.acquire().await?, caller.user, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MyWatches {
    #[param(inline)]
    after: Option<TimeCursor>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// A listing that the caller watches.
#[derive(Debug, Serialize, ToSchema)]
struct Watched {
    listing_id: ListingId,
    since: DateTime<Utc>,
    /// Absent while not everybody sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    listing: Option<ListingView>,
}

/// List what the caller watches, newest first
#[utoipa::path(get, path = "/v1/me/watches", tag = "me", params(MyWatches), responses(
    (status = 200, description = "A page", body = Page<Watched>),
))]
async fn my_watches(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<MyWatches>,
) -> Result<Json<Page<Watched>>> {
    let mut conn = state.db.acquire().await?;
    let after = query.after.map(|after| (after.at, ListingId(after.id)));
    let rows = store::of_user(&mut conn, caller.user, after, query.limit.fetch()).await?;
    let ids: Vec<_> = rows.iter().map(|watch| watch.listing).collect();
    let mut pictures = images::first_of(&mut conn, &ids).await?;
    let listings = listings::listings(&mut conn, &ids).await?;
    let mut public: HashMap<_, _> = listings.into_iter().filter(Listing::is_public).map(|one| (one.id, one)).collect();
    let cursor = |watch: &Watch| TimeCursor { at: watch.since, id: watch.listing.0 }.to_string();
    let page = query.limit.page(rows, cursor, |watch| Watched {
        listing_id: watch.listing,
        since: watch.since,
        listing: public.remove(&watch.listing).map(|listing| {
            let first = pictures.remove(&watch.listing);
            ListingView::new(listing, first.into_iter().collect())
        }),
    });
    Ok(Json(page))
}

#[cfg(test)]
mod tests;
