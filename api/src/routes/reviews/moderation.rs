//! Reports of reviews: organisations make them, moderators decide.

use axum::extract::State;
use market::identity::PlatformRole;
use market::ids::{ReviewId, ReviewReportId};
use market::offers::model::Party;
use market::reviews::model::{ReviewReport, ReviewReportOutcome, ReviewReportReason};
use market::reviews::store;
use serde::Deserialize;
use shared::text;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::error::Result;
use crate::extract::{Json, Path, Query};
use crate::paging::{Limit, Page};
use crate::routes::acting::Acting;
use crate::routes::orgs::{given_reason, reason_schema};
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(report_review))
        .routes(routes!(list_review_reports))
        .routes(routes!(decide_review_report))
}

/// Why a review should not be there.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReportReview {
    reason: ReviewReportReason,
    /// For the moderators.
    #[serde(default, deserialize_with = "text::many_lines_or_null")]
    #[schema(
        pattern = "^([^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]|\\r\\n)*$",
        min_length = 1,
        max_length = 1_000
    )]
    note: Option<String>,
}

/// Report a review
///
/// To the moderators, by anybody who trades for another organisation than its author's.
#[utoipa::path(post, path = "/v1/reviews/{review}/reports", tag = "orders", request_body = ReportReview,
    params(("review" = ReviewId, Path), Acting), responses(
    (status = 200, description = "Reported", body = ReviewReport),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `own_review`"),
    (status = 409, description = "`reported`: the organisation has reported it before"),
    (status = 422, description = "`invalid_value`"),
))]
async fn report_review(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ReviewId>,
    Json(body): Json<ReportReview>,
) -> Result<Json<ReviewReport>> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let mut tx = state.ledger.begin().await?;
    let report = store::report(&mut tx, by, id, body.reason, body.note.as_deref()).await?;
    tx.commit().await?;
    Ok(Json(report))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListReviewReports {
    /// Also those that are decided.
    #[serde(default)]
    all: bool,
    /// The `next` of an earlier page.
    after: Option<ReviewReportId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List reports of reviews
///
/// Those that nobody has decided, oldest first, with what they are about. For moderators.
#[utoipa::path(get, path = "/v1/admin/review-reports", tag = "admin", params(ListReviewReports), responses(
    (status = 200, description = "A page", body = Page<ReviewReport>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_review_reports(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ListReviewReports>,
) -> Result<Json<Page<ReviewReport>>> {
    caller.platform(PlatformRole::Moderator)?;
    let mut conn = state.db.acquire().await?;
    let rows = store::reports(&mut conn, !query.all, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |report| report.id.to_string(), |report| report)))
}

/// What becomes of a report.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DecideReviewReport {
    outcome: ReviewReportOutcome,
    #[schema(schema_with = reason_schema)]
    reason: String,
}

/// Decide about a report of a review
///
/// One that is upheld hides the review for good: it counts no more, and nobody but its author, who is told the reason, reads it. For
/// moderators who belong to no organisation that it concerns.
#[utoipa::path(post, path = "/v1/admin/review-reports/{review_report}/decide", tag = "admin", request_body = DecideReviewReport,
    params(("review_report" = ReviewReportId, Path)), responses(
    (status = 200, description = "Decided", body = ReviewReport),
    (status = 403, description = "`role_too_low`; `own_org`"),
    (status = 409, description = "`report_decided`"),
    (status = 422, description = "`reason_length`"),
))]
async fn decide_review_report(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ReviewReportId>,
    Json(body): Json<DecideReviewReport>,
) -> Result<Json<ReviewReport>> {
    caller.platform(PlatformRole::Moderator)?;
    let reason = given_reason(&body.reason)?;
    let mut tx = state.ledger.begin().await?;
    let report = store::decide(&mut tx, caller.user, id, body.outcome, &reason).await?;
    tx.commit().await?;
    Ok(Json(report))
}
