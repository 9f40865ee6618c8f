//! Reports that people get after each period, with filters of their own.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use market::ids::ReportSubscriptionId;
use market::reports::definitions::Audience;
use market::reports::model::{Format, Kind, NewSubscription, Parameters, Scope, Subscription};
use market::reports::rules::{Cadence, Unfit, judge};
use market::reports::store::{self, ReportError};
use market::reports::table::Shape;
use queue::JobTx;
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use super::days::zone;
use super::reports::unfit;
use crate::auth::Caller;
use crate::conditional::IfMatch;
use crate::error::Result;
use crate::extract::{Json, Path};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_report_subscriptions, subscribe_to_report))
        .routes(routes!(get_report_subscription, unsubscribe_from_report))
}

/// A report to get after each period.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SubscribeToReport {
    kind: Kind,
    format: Format,
    cadence: Cadence,
    /// How it is grouped and filtered.
    #[serde(default)]
    parameters: Parameters,
    /// To be mailed only when its first total, in some currency, is lower than that of the period before by so many percent; absent: always.
    #[schema(minimum = 1, maximum = 100)]
    falls_by: Option<i16>,
}

/// Subscribe to a report
///
/// After each day, week from Monday, or month of the organisation's time zone, the caller gets it by mail: days after midnight, weeks and
/// months at six in the morning. The first one is of the period that has begun. Whoever may no longer ask for reports of the organisation
/// gets none.
#[utoipa::path(post, path = "/v1/report-subscriptions", tag = "reports", params(Acting, OptionalKey), request_body = SubscribeToReport,
    responses(
    (status = 201, description = "Subscribed", body = Subscription, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`too_many_subscriptions`: a person subscribes to at most 50 reports"),
    (status = 422, description = "`parameters_invalid`: the kind is of the whole platform, is not grouped or filtered like this, compares \
        months and is not monthly, or has no totals that could fall; or the category or region does not exist"),
))]
async fn subscribe_to_report(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Keyed { key, body }: Keyed<SubscribeToReport>,
) -> Result<Response> {
    let org = acting.preparer(&caller)?;
    key.once(&state.ledger, org.0, StatusCode::CREATED, async |tx| {
        let new = judged(tx, org, &body).await?;
        let made = store::subscribe(tx, caller.user, org, &new).await?;
        Ok(Made::at(format!("/v1/report-subscriptions/{}", made.id), made))
    })
    .await
}

/// Refuses what no report of the kind could be.
async fn judged(tx: &mut JobTx, org: OrgId, body: &SubscribeToReport) -> Result<NewSubscription> {
    let &SubscribeToReport { kind, format, cadence, parameters, falls_by } = body;
    let definition = kind.definition();
    if matches!(definition.audience, Audience::Platform(_)) {
        return Err(unfit("/kind", "a report of the whole platform has no subscribers".to_owned()));
    }
    let zone = zone(tx, org).await?;
    let period = cadence.due(store::now(tx).await?, zone).map_err(ReportError::from)?;
    judge(kind, &period, &parameters).map_err(|error| {
        let pointer = if error == Unfit::PartOfMonth { "/cadence" } else { error.pointer() };
        unfit(pointer, error.to_string())
    })?;
    store::known(tx, &parameters).await?;
    if let Some(percent) = falls_by {
        if !(1..=100).contains(&percent) {
            return Err(unfit("/falls_by", "must lie between 1 and 100".to_owned()));
        }
        let sections = (definition.sections)(&Scope { org, period, parameters });
        let mut columns = sections.iter().flat_map(|section| section.columns);
        if !columns.any(|column| column.shape == Shape::Money) {
            return Err(unfit("/falls_by", "a report of this kind has no totals".to_owned()));
        }
    }
    Ok(NewSubscription { kind, format, cadence, parameters, falls_by })
}

#[derive(Debug, Serialize, ToSchema)]
struct ReportSubscriptions {
    /// Oldest first, at most 50.
    items: Vec<Subscription>,
}

/// List the caller's subscriptions to reports of an organisation
#[utoipa::path(get, path = "/v1/report-subscriptions", tag = "reports", params(Acting), responses(
    (status = 200, description = "All of them", body = ReportSubscriptions),
))]
async fn list_report_subscriptions(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
) -> Result<Json<ReportSubscriptions>> {
    let org = acting.member(&caller)?;
    let items = store::subscriptions(&mut *state.db.acquire().await?, caller.user, org).await?;
    Ok(Json(ReportSubscriptions { items }))
}

/// Read a subscription to a report
#[utoipa::path(get, path = "/v1/report-subscriptions/{subscription}", tag = "reports",
    params(("subscription" = ReportSubscriptionId, Path)), responses(
    (status = 200, description = "The subscription", body = Subscription),
))]
async fn get_report_subscription(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ReportSubscriptionId>,
) -> Result<Json<Subscription>> {
    Ok(Json(store::subscription(&mut *state.db.acquire().await?, caller.user, id).await?))
}

/// End a subscription to a report
///
/// What is being made is still mailed.
#[utoipa::path(delete, path = "/v1/report-subscriptions/{subscription}", tag = "reports",
    params(("subscription" = ReportSubscriptionId, Path), IfMatch), responses((status = 204, description = "Ended")))]
async fn unsubscribe_from_report(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ReportSubscriptionId>,
    expected: IfMatch,
) -> Result<StatusCode> {
    let mut tx = state.ledger.begin().await?;
    expected.check(&store::subscription(&mut tx, caller.user, id).await?)?;
    store::unsubscribe(&mut tx, caller.user, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests;
