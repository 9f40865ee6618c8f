//! What differs between the payment provider and here.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use jobs::reconciliation::Reconcile;
use market::identity::PlatformRole;
use market::ids::DifferenceId;
use market::reconciliation::model::Difference;
use market::reconciliation::store::{self, DifferenceError, DifferenceFilter};
use serde::{Deserialize, Serialize};
use shared::ids::JobId;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::orgs::{given_reason, reason_schema};
use super::payments::provider;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::paging::{Limit, Page};
use crate::state::AppState;

/// The longest time that is compared at once.
const LONGEST: TimeDelta = TimeDelta::days(31);

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(reconcile_payments))
        .routes(routes!(list_differences))
        .routes(routes!(close_difference))
}

impl From<DifferenceError> for Problem {
    fn from(error: DifferenceError) -> Self {
        match error {
            DifferenceError::NotFound => Self::not_found("difference"),
            DifferenceError::Closed => Self::conflict("difference_closed", error.to_string()),
            DifferenceError::Sql(error) => error.into(),
        }
    }
}

/// What to compare.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReconcilePayments {
    /// What was made since then, at most 31 days ago; without it, since three days ago.
    since: Option<DateTime<Utc>>,
}

/// The job that compares.
#[derive(Debug, Serialize, ToSchema)]
struct Reconciling {
    /// The new job, or the open one that does the same.
    job: JobId,
    url: String,
}

/// Compare what the payment provider has with what is here
///
/// Also done once a day. It mends nothing and writes down what differs, each difference once.
#[utoipa::path(post, path = "/v1/admin/payments/reconcile", tag = "admin", params(OptionalKey),
    request_body = Option<ReconcilePayments>, responses(
    (status = 202, description = "The job; `Location` and `Link` name it", body = Reconciling,
        headers(("Location" = String), ("Link" = String))),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`no_provider`: nobody can pay here"),
    (status = 422, description = "`invalid_value`"),
))]
async fn reconcile_payments(
    State(state): State<AppState>,
    caller: Caller,
    Keyed { key, body }: Keyed<Option<ReconcilePayments>>,
) -> Result<Response> {
    caller.platform(PlatformRole::Finance)?;
    provider(&state)?;
    let since = body.unwrap_or_default().since;
    let now = state.clock.now();
    if since.is_some_and(|since| since >= now || since < now - LONGEST) {
        let problem = Problem::unprocessable("invalid_value", "the time is not usable");
        return Err(problem.at("/since", "expected a time in the last 31 days"));
    }
    key.once(&state.ledger, caller.user.0, StatusCode::ACCEPTED, async |tx| {
        let job = tx.enqueue(&Reconcile { since, until: None }).await?.id();
        let url = format!("/v1/jobs/{job}");
        Ok(Made::at(url.clone(), Reconciling { job, url }).by(Some(job)))
    })
    .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListDifferences {
    /// Only those that nobody has closed.
    #[serde(default)]
    open: bool,
    /// The `next` of an earlier page.
    after: Option<DifferenceId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List what differs between the payment provider and here, newest first
#[utoipa::path(get, path = "/v1/admin/reconciliation-differences", tag = "admin", params(ListDifferences), responses(
    (status = 200, description = "A page", body = Page<Difference>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_differences(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ListDifferences>,
) -> Result<Json<Page<Difference>>> {
    caller.platform(PlatformRole::Finance)?;
    let filter = DifferenceFilter { open: query.open, before: query.after, limit: query.limit.fetch() };
    let rows = store::differences(&mut *state.db.acquire().await?, filter).await?;
    Ok(Json(query.limit.page(rows, |difference| difference.id.to_string(), |difference| difference)))
}

/// What was found out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CloseDifference {
    /// How it came about and what was done.
    #[schema(schema_with = reason_schema)]
    reason: String,
}

/// Close a difference that was looked into
///
/// It changes nothing else, and the same difference is not written down again.
#[utoipa::path(post, path = "/v1/admin/reconciliation-differences/{difference}/close", tag = "admin",
    request_body = CloseDifference, params(("difference" = DifferenceId, Path)), responses(
    (status = 200, description = "Closed", body = Difference),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`difference_closed`"),
    (status = 422, description = "`reason_length`"),
))]
async fn close_difference(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<DifferenceId>,
    Json(body): Json<CloseDifference>,
) -> Result<Json<Difference>> {
    caller.platform(PlatformRole::Finance)?;
    let note = given_reason(&body.reason)?;
    let mut tx = state.ledger.begin().await?;
    let closed = store::close(&mut tx, caller.user, id, &note).await?;
    tx.commit().await?;
    Ok(Json(closed))
}

#[cfg(test)]
mod tests;
