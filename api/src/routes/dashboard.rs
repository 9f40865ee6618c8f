//! What sellers see of their listings, and the questions that they are asked.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::NaiveDate;
use jobs::dashboard::mail;
use market::dashboard::model::{Figures, Inquiry, ListingFigures};
use market::dashboard::store::{self, FiguresError, InquiryError};
use market::ids::ListingId;
use serde::{Deserialize, Serialize};
use shared::text;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use super::days;
use super::listings::found;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::paging::Limit;
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_dashboard)).routes(routes!(inquire))
}

impl From<FiguresError> for Problem {
    fn from(error: FiguresError) -> Self {
        match error {
            FiguresError::Sql(error) => error.into(),
            error @ FiguresError::Money(_) => Self::internal(error),
        }
    }
}

impl From<InquiryError> for Problem {
    fn from(error: InquiryError) -> Self {
        match error {
            InquiryError::NotFound => Self::not_found("listing"),
            InquiryError::WrongStatus(_) => Self::conflict("listing_status", error.to_string()),
            InquiryError::OwnListing => Self::forbidden("own_listing", error.to_string()),
            InquiryError::Invalid(invalid) => invalid.into(),
            InquiryError::Sql(error) => error.into(),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DashboardDays {
    /// In the organisation's time zone.
    first_day: NaiveDate,
    /// Inclusive; at most 366 days from the first.
    last_day: NaiveDate,
    /// The `next` of an earlier page of listings.
    after: Option<ListingId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// A seller's figures for some days.
#[derive(Debug, Serialize, ToSchema)]
struct Dashboard {
    first_day: NaiveDate,
    last_day: NaiveDate,
    #[schema(example = "Europe/Berlin")]
    time_zone: String,
    /// Of all listings.
    total: Figures,
    /// Those that have any figure, oldest first.
    listings: Vec<ListingFigures>,
    /// Send this as `after` to get more listings; absent with the last ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<ListingId>,
}

/// Read a seller's figures
///
/// Views, inquiries, orders and revenue, of all listings together and of each. A view is counted within seconds, by the day that it
/// is where the seller is; the seller's own people are not counted.
#[utoipa::path(get, path = "/v1/dashboard", tag = "reports", params(Acting, DashboardDays), responses(
    (status = 200, description = "The figures", body = Dashboard),
    (status = 403, description = "`role_too_low`"),
    (status = 422, description = "`period_invalid`: the days are reversed, too many, or never were"),
))]
async fn get_dashboard(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(asked): Query<DashboardDays>,
) -> Result<Json<Dashboard>> {
    let seller = acting.member(&caller)?;
    let mut tx = state.db.begin().await?;
    shared::db::hold_snapshot(&mut tx).await?;
    let period = days::period(&mut tx, seller, asked.first_day, asked.last_day).await?;
    let total = store::total(&mut tx, seller, &period).await?;
    let rows = store::of_listings(&mut tx, seller, &period, asked.after, asked.limit.fetch()).await?;
    let page = asked.limit.page(rows, |listing| listing.listing_id.to_string(), |listing| listing);
    let next = page.next.is_some().then(|| page.items.last().map(|last| last.listing_id)).flatten();
    let (first_day, last_day, time_zone) = (asked.first_day, asked.last_day, period.zone().to_string());
    Ok(Json(Dashboard { first_day, last_day, time_zone, total, listings: page.items, next }))
}

/// A question to a seller.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewInquiry {
    #[serde(deserialize_with = "text::many_lines")]
    #[schema(
        pattern = "^([^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]|\\r\\n)*$",
        min_length = 1,
        max_length = 2_000
    )]
    text: String,
}

/// Ask the seller of a listing
///
/// Those who trade for the seller get the question by email.
#[utoipa::path(post, path = "/v1/listings/{listing}/inquiries", tag = "listings",
    params(("listing" = ListingId, Path), Acting, OptionalKey), request_body = NewInquiry, responses(
    (status = 200, description = "Asked", body = Inquiry),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `own_listing`"),
    (status = 409, description = "`listing_status`: it is not on offer any more"),
    (status = 422, description = "`invalid_value`"),
))]
async fn inquire(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ListingId>,
    Keyed { key, body }: Keyed<NewInquiry>,
) -> Result<Response> {
    let org = acting.trader(&caller)?;
    key.once(&state.ledger, org.0, StatusCode::OK, async |tx| {
        let listing = found(tx, id).await?;
        let inquiry = store::inquire(tx, org, caller.user, &listing, &body.text).await?;
        mail::inquiry(tx, &inquiry, &listing).await?;
        Ok(Made::new(inquiry))
    })
    .await
}

#[cfg(test)]
mod tests;
