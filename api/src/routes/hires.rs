//! The days that orders have of what is for hire.

use axum::extract::State;
use chrono::NaiveDate;
use jobs::hires::{ActError, hire};
use market::hires::rules::HireRefusal;
use market::hires::store::{self, HireError};
use market::ids::OrderId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(hired_days, hire_days))
}

impl From<HireError> for Problem {
    fn from(error: HireError) -> Self {
        let text = error.to_string();
        match error {
            HireError::NotFound => Self::not_found("line of an order"),
            HireError::Refused(HireRefusal::OrderStatus(_)) => Self::conflict("order_status", text),
            HireError::Refused(HireRefusal::Fixed) => Self::conflict("days_fixed", text),
            HireError::Refused(HireRefusal::Unfit(faults)) => faults.into(),
            HireError::Taken(places) => {
                let taken = Self::conflict("days_taken", text);
                places.iter().fold(taken, |problem, place| problem.at(format!("/days/{place}"), "is taken"))
            }
            HireError::Sql(error) => error.into(),
        }
    }
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Hire(error) => error.into(),
            ActError::Mail(error) => error.into(),
        }
    }
}

/// The days that are hired.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HiredDays {
    /// In order, when they are read.
    #[schema(max_items = 366)]
    days: Vec<NaiveDate>,
}

/// Read the days that a line of an order has
///
/// For buyer and seller. Days that it gave up, and those of an order that came to nothing, are not among them.
#[utoipa::path(get, path = "/v1/orders/{order}/lines/{line}/days", tag = "orders",
    params(("order" = OrderId, Path), ("line" = i16, Path, minimum = 1, maximum = 100), Acting), responses(
    (status = 200, description = "Its days; none of what is not for hire", body = HiredDays),
    (status = 403, description = "`role_too_low`"),
))]
async fn hired_days(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path((order, line)): Path<(OrderId, i16)>,
) -> Result<Json<HiredDays>> {
    let party = acting.member(&caller)?;
    let days = store::days_of(&mut *state.db.acquire().await?, party, order, line).await?;
    Ok(Json(HiredDays { days }))
}

/// Choose the days for which a service is hired
///
/// By the buyer, instead of the days that the line has: all of them or none. Nobody else can have them until the order comes to nothing.
/// There are no more than the units that were bought, and as many if the price is for a day. They may be chosen until the work is done,
/// and changed until they are paid. Buyer and seller get a mail that names them, unless the line had them already.
#[utoipa::path(put, path = "/v1/orders/{order}/lines/{line}/days", tag = "orders", request_body = HiredDays,
    params(("order" = OrderId, Path), ("line" = i16, Path, minimum = 1, maximum = 100), Acting), responses(
    (status = 200, description = "Its days", body = HiredDays),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`days_taken`: somebody has some of them, or the seller does not work then; `days_fixed`: others are paid; `order_status`: it is done, or came to nothing"),
    (status = 422, description = "`invalid_value`"),
))]
async fn hire_days(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path((order, line)): Path<(OrderId, i16)>,
    Json(body): Json<HiredDays>,
) -> Result<Json<HiredDays>> {
    let buyer = acting.trader(&caller)?;
    let mut tx = state.ledger.begin().await?;
    let days = hire(&mut tx, buyer, order, line, &body.days).await?;
    tx.commit().await?;
    Ok(Json(HiredDays { days }))
}

#[cfg(test)]
mod tests;
