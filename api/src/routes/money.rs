//! What the platform takes, and what organisations have with it.

mod statement;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use market::identity::{Plan, PlatformRole};
use market::ids::CategoryId;
use market::money::model::{AccountKind, Balance};
use market::money::rules::premium::{BadTariff, PremiumTariff};
use market::money::store::ledger;
use market::money::store::revisions::{self, CommissionRevision, PremiumRevision};
use market::money::store::tariffs::{self, TariffError};
use serde::{Deserialize, Serialize};
use shared::audit::Actor;
use shared::money::{BasisPoints, Currency, Money};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Query};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_balances))
        .merge(statement::router())
        .routes(routes!(list_commissions, revise_commission))
        .routes(routes!(list_premiums, revise_premium))
}

impl From<TariffError> for Problem {
    fn from(error: TariffError) -> Self {
        let text = error.to_string();
        match error {
            TariffError::NoCategory => {
                Self::unprocessable("invalid_value", "there is no such category").at("/category_id", text)
            }
            TariffError::AtTheSameTime => Self::conflict("changed_meanwhile", text),
            TariffError::Sql(error) => error.into(),
        }
    }
}

/// What an organisation has in one currency.
#[derive(Debug, Serialize, ToSchema)]
struct BalanceView {
    kind: AccountKind,
    amount: Money,
}

impl From<Balance> for BalanceView {
    fn from(it: Balance) -> Self {
        Self { kind: it.kind, amount: it.amount }
    }
}

/// An organisation's balances.
#[derive(Debug, Serialize, ToSchema)]
struct Balances {
    /// By currency: `held` is paid and not yet earned, `receivable` is earned, `payable` is on its way out.
    #[schema(max_items = 600)]
    items: Vec<BalanceView>,
}

/// Read an organisation's balances
#[utoipa::path(get, path = "/v1/balances", tag = "orders", params(Acting), responses(
    (status = 200, description = "By currency; accounts that never held anything are left out", body = Balances),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_balances(State(state): State<AppState>, caller: Caller, acting: Acting) -> Result<Json<Balances>> {
    let org = acting.member(&caller)?;
    let found = ledger::balances(&mut *state.db.acquire().await?, org).await?;
    Ok(Json(Balances { items: found.into_iter().map(BalanceView::from).collect() }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListRevisions {
    /// The `next` of an earlier page.
    after: Option<i64>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// A revision of the commission.
#[derive(Debug, Serialize, ToSchema)]
struct CommissionView {
    id: i64,
    plan: Plan,
    /// Absent: in every category that has none of its own, and whose parents have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    category_id: Option<CategoryId>,
    /// The highest of a plan in a category holds.
    revision: i32,
    /// Of the price, in hundredths of a percent.
    #[schema(minimum = 0, maximum = 10_000)]
    fee_bps: i32,
    created_at: DateTime<Utc>,
}

impl From<CommissionRevision> for CommissionView {
    fn from(it: CommissionRevision) -> Self {
        Self {
            id: it.id,
            plan: it.plan,
            category_id: it.category,
            revision: it.revision,
            fee_bps: it.fee.get(),
            created_at: it.created_at,
        }
    }
}

/// List commissions, newest revision first
#[utoipa::path(get, path = "/v1/admin/commission-rates", tag = "admin", params(ListRevisions), responses(
    (status = 200, description = "A page", body = Page<CommissionView>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_commissions(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ListRevisions>,
) -> Result<Json<Page<CommissionView>>> {
    caller.platform(PlatformRole::Finance)?;
    let rows = revisions::commissions(&mut *state.db.acquire().await?, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |it| it.id.to_string(), CommissionView::from)))
}

/// The next commission of a plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCommission {
    plan: Plan,
    /// Without it, for every category that has none of its own, and whose parents have none.
    category_id: Option<CategoryId>,
    /// Of the price, in hundredths of a percent.
    #[schema(minimum = 0, maximum = 10_000)]
    fee_bps: i32,
}

/// What was revised.
#[derive(Debug, Serialize, ToSchema)]
struct Revised {
    id: i64,
    revision: i32,
}

fn rate(bps: i32, pointer: &str) -> Result<BasisPoints> {
    BasisPoints::try_from(bps).map_err(|error| {
        Problem::unprocessable("invalid_value", "the rate is not usable").at(pointer, error.to_string())
    })
}

/// Revise a plan's commission
///
/// For orders made from now on; those that exist keep theirs.
#[utoipa::path(post, path = "/v1/admin/commission-rates", tag = "admin", params(OptionalKey), request_body = NewCommission, responses(
    (status = 201, description = "It holds from now on", body = Revised, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`changed_meanwhile`: somebody else has revised it at the same time"),
    (status = 422, description = "`invalid_value`"),
))]
async fn revise_commission(
    State(state): State<AppState>,
    caller: Caller,
    Keyed { key, body }: Keyed<NewCommission>,
) -> Result<Response> {
    caller.platform(PlatformRole::Finance)?;
    let fee = rate(body.fee_bps, "/fee_bps")?;
    key.once(&state.ledger, caller.user.0, StatusCode::CREATED, async |tx| {
        let actor = Actor::User(caller.user);
        let made = tariffs::revise_commission(tx, actor, body.plan, body.category_id, fee).await?;
        Ok(Made::at("/v1/admin/commission-rates", Revised { id: made.id, revision: made.revision }))
    })
    .await
}

/// A part of a price and what is paid of it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Tier {
    /// Where the part ends, in minor units; absent in the last one.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_i64)]
    #[serde(skip_serializing_if = "Option::is_none")]
    upto: Option<i64>,
    /// In hundredths of a percent.
    #[schema(minimum = 0, maximum = 10_000)]
    bps: i32,
}

/// A revision of the buyer's premium.
#[derive(Debug, Serialize, ToSchema)]
struct PremiumView {
    id: i64,
    /// Absent: in every category that has none of its own, and whose parents have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    category_id: Option<CategoryId>,
    currency: Currency,
    /// The highest of a category and currency holds.
    revision: i32,
    /// Each rate is for its part of the price, as income tax is.
    #[schema(min_items = 1, max_items = 20)]
    tiers: Vec<Tier>,
    /// The premium is at least this, in minor units.
    least_minor: i64,
    created_at: DateTime<Utc>,
}

impl From<PremiumRevision> for PremiumView {
    fn from(it: PremiumRevision) -> Self {
        let ends = it.tariff.upto().iter().copied().map(Some).chain([None]);
        Self {
            id: it.id,
            category_id: it.category,
            currency: it.tariff.currency(),
            revision: it.revision,
            tiers: ends.zip(it.tariff.rates()).map(|(upto, rate)| Tier { upto, bps: rate.get() }).collect(),
            least_minor: it.tariff.least(),
            created_at: it.created_at,
        }
    }
}

/// List the buyer's premiums, newest revision first
#[utoipa::path(get, path = "/v1/admin/premium-tariffs", tag = "admin", params(ListRevisions), responses(
    (status = 200, description = "A page", body = Page<PremiumView>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_premiums(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ListRevisions>,
) -> Result<Json<Page<PremiumView>>> {
    caller.platform(PlatformRole::Finance)?;
    let rows = revisions::premiums(&mut *state.db.acquire().await?, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |it| it.id.to_string(), PremiumView::from)))
}

/// The next premium of a category.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPremium {
    /// Without it, for every category that has none of its own, and whose parents have none.
    category_id: Option<CategoryId>,
    currency: Currency,
    /// The parts of a price, from below; the last one has no end.
    #[schema(min_items = 1, max_items = 20)]
    tiers: Vec<Tier>,
    /// In minor units.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_i64)]
    least_minor: i64,
}

impl NewPremium {
    fn tariff(&self) -> Result<PremiumTariff> {
        let unusable = |pointer: &str, detail: String| {
            Problem::unprocessable("invalid_value", "the tariff is not usable").at(pointer, detail)
        };
        let Some((last, parts)) = self.tiers.split_last() else {
            return Err(unusable("/tiers", "expected 1 to 20".to_owned()));
        };
        if last.upto.is_some() {
            return Err(unusable(&format!("/tiers/{}/upto", parts.len()), "the last part has no end".to_owned()));
        }
        let mut upto = Vec::with_capacity(parts.len());
        for (n, tier) in parts.iter().enumerate() {
            let pointer = format!("/tiers/{n}/upto");
            upto.push(tier.upto.ok_or_else(|| unusable(&pointer, "every part but the last ends".to_owned()))?);
        }
        let rates: Result<Vec<_>> =
            self.tiers.iter().enumerate().map(|(n, tier)| rate(tier.bps, &format!("/tiers/{n}/bps"))).collect();
        PremiumTariff::new(self.currency, upto, rates?, self.least_minor).map_err(|error| {
            let pointer = if matches!(error, BadTariff::Least) { "/least_minor" } else { "/tiers" };
            unusable(pointer, error.to_string())
        })
    }
}

/// Revise the buyer's premium
///
/// For orders made from now on; those that exist keep theirs.
#[utoipa::path(post, path = "/v1/admin/premium-tariffs", tag = "admin", params(OptionalKey), request_body = NewPremium, responses(
    (status = 201, description = "It holds from now on", body = Revised, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`changed_meanwhile`: somebody else has revised it at the same time"),
    (status = 422, description = "`invalid_value`"),
))]
async fn revise_premium(
    State(state): State<AppState>,
    caller: Caller,
    Keyed { key, body }: Keyed<NewPremium>,
) -> Result<Response> {
    caller.platform(PlatformRole::Finance)?;
    let tariff = body.tariff()?;
    key.once(&state.ledger, caller.user.0, StatusCode::CREATED, async |tx| {
        let made = tariffs::revise_premium(tx, Actor::User(caller.user), body.category_id, &tariff).await?;
        Ok(Made::at("/v1/admin/premium-tariffs", Revised { id: made.id, revision: made.revision }))
    })
    .await
}

#[cfg(test)]
mod tests;
