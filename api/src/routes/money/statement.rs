//! What an organisation had with the platform, what moved, and what it has.

use axum::extract::State;
use chrono::{DateTime, NaiveDate, Utc};
use market::ids::OrderId;
use market::money::model::{StatementLine, Total, TransferId, TransferKind};
use market::money::store::statement::{self, StatementError};
use serde::{Deserialize, Serialize};
use shared::money::Currency;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::BalanceView;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Query};
use crate::paging::Limit;
use crate::routes::acting::Acting;
use crate::routes::days;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_statement))
}

impl From<StatementError> for Problem {
    fn from(error: StatementError) -> Self {
        match error {
            StatementError::Sql(error) => error.into(),
            error @ StatementError::Money(_) => Self::internal(error),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StatementDays {
    currency: Currency,
    /// In the organisation's time zone.
    first_day: NaiveDate,
    /// Inclusive; at most 366 days from the first.
    last_day: NaiveDate,
    /// The `next` of an earlier page of transfers.
    after: Option<i64>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// An organisation's accounts in one currency over some days.
#[derive(Debug, Serialize, ToSchema)]
struct Statement {
    currency: Currency,
    first_day: NaiveDate,
    last_day: NaiveDate,
    #[schema(example = "Europe/Berlin")]
    time_zone: String,
    /// When the first day began. Accounts that never held anything are left out.
    #[schema(max_items = 10)]
    opening: Vec<BalanceView>,
    /// When the last day ended, or now: what was there at the beginning, and the totals.
    #[schema(max_items = 10)]
    closing: Vec<BalanceView>,
    /// Of all transfers of these days, by kind and account.
    #[schema(max_items = 100)]
    totals: Vec<StatementTotal>,
    /// The transfers, in the order in which they were booked.
    transfers: Vec<StatementTransfer>,
    /// Send this as `after` to get more transfers; absent with the last ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// What all transfers of one kind did to one account.
#[derive(Debug, Serialize, ToSchema)]
struct StatementTotal {
    kind: TransferKind,
    /// How many they were.
    transfers: i64,
    moved: BalanceView,
}

impl From<Total> for StatementTotal {
    fn from(it: Total) -> Self {
        Self { kind: it.transfer, transfers: it.transfers, moved: it.moved.into() }
    }
}

/// A transfer and what it did to the organisation's accounts.
#[derive(Debug, Serialize, ToSchema)]
struct StatementTransfer {
    id: i64,
    kind: TransferKind,
    /// What was booked: the name of a payment, a refund, a payout, in the words of its kind.
    reference: String,
    /// The order that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<OrderId>,
    booked_at: DateTime<Utc>,
    /// Less than nothing where the account has less.
    #[schema(min_items = 1, max_items = 10)]
    moved: Vec<BalanceView>,
}

impl From<StatementLine> for StatementTransfer {
    fn from(it: StatementLine) -> Self {
        Self {
            id: it.transfer.0,
            kind: it.kind,
            reference: it.reference,
            order_id: it.order,
            booked_at: it.booked_at,
            moved: it.moved.into_iter().map(BalanceView::from).collect(),
        }
    }
}

/// Read an organisation's statement
///
/// What it had with the platform in one currency when the first day began, each transfer since, and what it had when the last day
/// ended, all read at one moment.
#[utoipa::path(get, path = "/v1/statement", tag = "orders", params(Acting, StatementDays), responses(
    (status = 200, description = "The balances, the totals, and a page of the transfers", body = Statement),
    (status = 403, description = "`role_too_low`"),
    (status = 422, description = "`period_invalid`: the days are reversed, too many, or never were"),
))]
async fn get_statement(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(asked): Query<StatementDays>,
) -> Result<Json<Statement>> {
    let org = acting.member(&caller)?;
    let mut tx = state.db.begin().await?;
    shared::db::hold_snapshot(&mut tx).await?;
    let period = days::period(&mut tx, org, asked.first_day, asked.last_day).await?;
    let summary = statement::summary(&mut tx, org, asked.currency, &period).await?;
    let after = asked.after.map(TransferId);
    let rows = statement::lines(&mut tx, org, asked.currency, &period, after, asked.limit.fetch()).await?;
    let page = asked.limit.page(rows, |line| line.transfer.0.to_string(), StatementTransfer::from);
    Ok(Json(Statement {
        currency: asked.currency,
        first_day: asked.first_day,
        last_day: asked.last_day,
        time_zone: period.zone().to_string(),
        opening: summary.opening.into_iter().map(BalanceView::from).collect(),
        closing: summary.closing.into_iter().map(BalanceView::from).collect(),
        totals: summary.totals.into_iter().map(StatementTotal::from).collect(),
        next: page.next.is_some().then(|| page.items.last().map(|last| last.id)).flatten(),
        transfers: page.items,
    }))
}

#[cfg(test)]
mod tests;
