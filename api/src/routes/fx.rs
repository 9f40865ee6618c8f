//! Exchange rates.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use market::money::model::Snapshot;
use market::money::rules::fx::PerEuro;
use market::money::store::rates;
use serde::{Deserialize, Serialize};
use shared::money::Currency;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cache::What;
use crate::caching;
use crate::error::{Problem, Result};
use crate::extract::Query;
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_rates))
}

/// The exchange rates of one day.
#[derive(Debug, Serialize, ToSchema)]
struct RatesView {
    /// Who states them.
    #[schema(example = "ecb", max_length = 40)]
    source: String,
    /// The day that they are of.
    day: NaiveDate,
    fetched_at: DateTime<Utc>,
    /// By currency.
    #[schema(max_items = 300)]
    rates: Vec<RateView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RateView {
    /// Never the euro, whose rate is 1.
    currency: Currency,
    /// How much of the currency one euro buys.
    #[schema(pattern = r"^[0-9]{1,12}\.[0-9]{10}$", example = "1.0862000000")]
    per_euro: String,
}

impl RateView {
    fn new((currency, per_euro): (Currency, PerEuro)) -> Self {
        Self { currency, per_euro: per_euro.to_string() }
    }
}

impl From<Snapshot> for RatesView {
    fn from(snapshot: Snapshot) -> Self {
        Self {
            source: snapshot.source,
            day: snapshot.day,
            fetched_at: snapshot.fetched_at,
            rates: snapshot.rates.into_iter().map(RateView::new).collect(),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RatesOf {
    /// The rates that held on this day: on a day without rates of its own, those of the last day before that has some.
    /// Without it, the newest.
    day: Option<NaiveDate>,
}

/// Read exchange rates
#[utoipa::path(get, path = "/v1/fx/rates", tag = "catalogue", security(()), params(RatesOf), responses(
    (status = 200, description = "The rates", body = RatesView),
    (status = 404, description = "`not_found`: there are no rates yet, or none of so early a day"),
))]
async fn get_rates(State(state): State<AppState>, uri: Uri, Query(query): Query<RatesOf>) -> Result<Response> {
    let rates = state.cache.answer(What::Rates, &uri, || rates_of(&state, query.day)).await?;
    Ok(caching::shared_encoded(rates))
}

async fn rates_of(state: &AppState, day: Option<NaiveDate>) -> Result<RatesView> {
    let mut conn = state.db.acquire().await?;
    let found = match day {
        Some(day) => rates::of_day(&mut conn, day).await?,
        None => rates::newest(&mut conn).await?,
    };
    Ok(found.ok_or_else(|| Problem::not_found("snapshot of exchange rates"))?.into())
}

#[cfg(test)]
mod tests;
