//! Reviews: what the two sides of a completed order say about each other, and how organisations are rated by them.

mod moderation;

use axum::extract::State;
use axum::response::Response;
use jobs::reviews::{ActError, write};
use market::ids::{OrderId, ReviewId};
use market::offers::model::Party;
use market::orders::store as orders;
use market::reviews::model::{OrderReview, OrgProfile, PublicReview};
use market::reviews::rules::ReviewRefusal;
use market::reviews::store::{self, ReviewError};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use shared::text;
use sqlx::PgConnection;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use crate::auth::Caller;
use crate::caching;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(write_review))
        .routes(routes!(list_reviews_of_order))
        .routes(routes!(answer_review))
        .routes(routes!(get_org_profile))
        .routes(routes!(list_reviews_of_org))
        .merge(moderation::router())
}

impl From<ReviewError> for Problem {
    fn from(error: ReviewError) -> Self {
        let text = error.to_string();
        match error {
            ReviewError::NotFound(what) => Self::not_found(what),
            ReviewError::Refused(ReviewRefusal::NotCompleted) => Self::conflict("not_completed", text),
            ReviewError::Refused(ReviewRefusal::TooLate { .. }) => Self::conflict("review_too_late", text),
            ReviewError::Refused(ReviewRefusal::Shown { .. }) => Self::conflict("review_shown", text),
            ReviewError::Refused(ReviewRefusal::Answered) => Self::conflict("review_answered", text),
            ReviewError::Refused(ReviewRefusal::Hidden) => Self::conflict("review_hidden", text),
            ReviewError::Refused(ReviewRefusal::Own) => Self::forbidden("own_review", text),
            ReviewError::Reported => Self::conflict("reported", text),
            ReviewError::Decided => Self::conflict("report_decided", text),
            ReviewError::OwnOrg => Self::forbidden("own_org", text),
            ReviewError::Invalid(invalid) => invalid.into(),
            ReviewError::Sql(error) => error.into(),
        }
    }
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Review(error) => error.into(),
            ActError::Enqueue(error) => error.into(),
            ActError::Mail(error) => error.into(),
        }
    }
}

/// A text of up to 2,000 characters.
fn text_schema() -> ObjectBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String);
    text.min_length(Some(1)).max_length(Some(2000)).pattern(Some(text::VISIBLE_LINES))
}

/// What one side of an order says about the other.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WriteReview {
    #[schema(minimum = 1, maximum = 5)]
    stars: i16,
    /// Everybody can read it once it is shown.
    #[serde(deserialize_with = "text::many_lines")]
    #[schema(schema_with = text_schema)]
    text: String,
}

/// Write a review
///
/// By either side of a completed order, once, within 60 days. It is shown as soon as the other side has written, or after seven days;
/// until then nobody else reads it, and the same request changes it.
#[utoipa::path(put, path = "/v1/orders/{order}/review", tag = "orders", request_body = WriteReview,
    params(("order" = OrderId, Path), Acting), responses(
    (status = 200, description = "Written", body = OrderReview),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`not_completed`; `review_too_late`; `review_shown`: it stays as it is"),
    (status = 422, description = "`invalid_value`"),
))]
async fn write_review(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(order): Path<OrderId>,
    Json(body): Json<WriteReview>,
) -> Result<Json<OrderReview>> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let mut tx = state.ledger.begin().await?;
    let review = write(&mut tx, by, order, body.stars, &body.text).await?;
    tx.commit().await?;
    Ok(Json(review))
}

/// The reviews of an order.
#[derive(Debug, Serialize, ToSchema)]
struct ReviewsOfOrder {
    /// One of each side at most.
    #[schema(max_items = 2)]
    items: Vec<OrderReview>,
}

/// List the reviews of an order
///
/// For the organisation that buys or sells: its own review, and the other one once it is shown.
#[utoipa::path(get, path = "/v1/orders/{order}/reviews", tag = "orders", params(("order" = OrderId, Path), Acting), responses(
    (status = 200, description = "All that the organisation may read", body = ReviewsOfOrder),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_reviews_of_order(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(order): Path<OrderId>,
) -> Result<Json<ReviewsOfOrder>> {
    let party = acting.member(&caller)?;
    let mut conn = state.db.acquire().await?;
    orders::order(&mut conn, party, order).await?.ok_or_else(|| Problem::not_found("order"))?;
    Ok(Json(ReviewsOfOrder { items: store::of_order(&mut conn, party, order).await? }))
}

/// What is said to a review.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AnswerReview {
    /// Everybody can read it.
    #[serde(deserialize_with = "text::many_lines")]
    #[schema(schema_with = text_schema)]
    text: String,
}

/// Answer a review
///
/// By the organisation that it is about, once, when it is shown.
#[utoipa::path(post, path = "/v1/reviews/{review}/answer", tag = "orders", request_body = AnswerReview,
    params(("review" = ReviewId, Path), Acting), responses(
    (status = 200, description = "Answered", body = OrderReview),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`review_answered`; `review_hidden`: by a moderator"),
    (status = 422, description = "`invalid_value`"),
))]
async fn answer_review(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ReviewId>,
    Json(body): Json<AnswerReview>,
) -> Result<Json<OrderReview>> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let mut tx = state.ledger.begin().await?;
    let review = store::answer(&mut tx, by, id, &body.text).await?;
    tx.commit().await?;
    Ok(Json(review))
}

/// An approved organisation; to everybody others do not exist.
async fn profile(conn: &mut PgConnection, org: OrgId) -> Result<OrgProfile> {
    store::profile(conn, org).await?.ok_or_else(|| Problem::not_found("organisation"))
}

/// Read an organisation's public profile
///
/// Of approved organisations: their name, since when they are registered, and how they were reviewed.
#[utoipa::path(get, path = "/v1/orgs/{org}/profile", tag = "orgs", security(()), params(("org" = OrgId, Path)), responses(
    (status = 200, description = "The profile", body = OrgProfile),
))]
async fn get_org_profile(State(state): State<AppState>, Path(org): Path<OrgId>) -> Result<Response> {
    let mut conn = state.db.acquire().await?;
    Ok(caching::shared(profile(&mut conn, org).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListReviews {
    /// The `next` of an earlier page.
    after: Option<ReviewId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List the reviews of an organisation
///
/// What others have said about an approved organisation, newest first, with its answers.
#[utoipa::path(get, path = "/v1/orgs/{org}/reviews", tag = "orgs", security(()), params(("org" = OrgId, Path), ListReviews), responses(
    (status = 200, description = "A page", body = Page<PublicReview>),
))]
async fn list_reviews_of_org(
    State(state): State<AppState>,
    Path(org): Path<OrgId>,
    Query(query): Query<ListReviews>,
) -> Result<Response> {
    let mut conn = state.db.acquire().await?;
    profile(&mut conn, org).await?;
    let rows = store::of_org(&mut conn, org, query.after, query.limit.fetch()).await?;
    Ok(caching::shared(query.limit.page(rows, |review| review.id.to_string(), |review| review)))
}

#[cfg(test)]
mod tests;
