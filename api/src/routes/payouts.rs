//! Where sellers are paid out to, and what they were paid.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jobs::payouts::CheckPayoutAccount;
use market::identity::{MemberRole, OrgKind};
use market::ids::{PayoutAccountId, PayoutId};
use market::payments::{Provider, ProviderRef};
use market::payouts::model::{Payout, PayoutAccount};
use market::payouts::store::{self, PayoutError, PayoutFilter};
use queue::enqueue::Enqueue;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use super::payments::provider;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_payout_accounts, open_payout_account))
        .routes(routes!(get_payout_account))
        .routes(routes!(list_payouts))
}

impl From<PayoutError> for Problem {
    fn from(error: PayoutError) -> Self {
        let text = error.to_string();
        match error {
            PayoutError::NotFound => Self::not_found("payout account"),
            PayoutError::AccountExists => Self::conflict("payout_account_exists", text),
            PayoutError::OtherAmount { .. } | PayoutError::OtherName | PayoutError::AccountTaken => {
                Self::internal(error)
            }
            PayoutError::Ledger(error) => Self::internal(error),
            PayoutError::Money(error) => Self::internal(error),
            PayoutError::Sql(error) => error.into(),
        }
    }
}

/// What the account is to be like.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OpenPayoutAccount {
    /// The seller's own account at a provider that opens none for us: at Mollie the organisation that has let us pay to it.
    #[schema(min_length = 1, max_length = 200, example = "org_12345678")]
    account: Option<String>,
}

/// The account that the seller has named, as this provider needs it.
fn own_account(provider: Provider, body: Option<OpenPayoutAccount>) -> Result<Option<ProviderRef>> {
    let problem = |detail: &str| {
        let problem = Problem::unprocessable("invalid_value", "the account is not usable");
        Err(problem.at("/account", detail))
    };
    match (provider.opens_accounts(), body.and_then(|body| body.account)) {
        (true, None) => Ok(None),
        (true, Some(_)) => problem("expected none: this provider opens an account of its own"),
        (false, None) => problem("expected the name of the seller's account at this provider"),
        (false, Some(name)) if (1..=200).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(Some(ProviderRef(name)))
        }
        (false, Some(_)) => problem("expected 1 to 200 visible ASCII characters"),
    }
}

/// Open a payout account
///
/// At the payment provider that is configured here, by owners of a selling organisation. The answer comes before the provider's:
/// read the account until it is `active`. What has been earned until then is paid out by itself. At Mollie a seller has an account
/// already, and names it.
#[utoipa::path(post, path = "/v1/payout-accounts", tag = "orders", params(Acting, OptionalKey), request_body = Option<OpenPayoutAccount>, responses(
    (status = 202, description = "The provider is asked", body = PayoutAccount, headers(("Location" = String), ("Link" = String))),
    (status = 403, description = "`role_too_low`: an owner opens it; `org_not_approved`; `org_kind`: it is not a seller"),
    (status = 409, description = "`payout_account_exists`: one is open, or being opened; `no_provider`: nobody is paid here"),
    (status = 422, description = "`invalid_value`: the provider needs the seller's own account, or takes none"),
))]
async fn open_payout_account(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Keyed { key, body }: Keyed<Option<OpenPayoutAccount>>,
) -> Result<Response> {
    let seller = acting.trader_as(OrgKind::Seller, &caller)?;
    caller.member(seller, MemberRole::Owner)?;
    let provider = provider(&state)?;
    let own = own_account(provider, body)?;
    key.once(&state.ledger, seller.0, StatusCode::ACCEPTED, async |tx| {
        let account = store::open(tx, seller, caller.user, provider, own.as_ref()).await?;
        let check = CheckPayoutAccount { account: account.id };
        let job = tx.enqueue_with(Enqueue::new(&check).tenant(seller)).await?.id();
        Ok(Made::at(format!("/v1/payout-accounts/{}", account.id), account).by(Some(job)))
    })
    .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListPayoutAccounts {
    /// The `next` of an earlier page.
    after: Option<PayoutAccountId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List an organisation's payout accounts, newest first
#[utoipa::path(get, path = "/v1/payout-accounts", tag = "orders", params(Acting, ListPayoutAccounts), responses(
    (status = 200, description = "A page; at most one of a provider's is not `closed`", body = Page<PayoutAccount>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_payout_accounts(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<ListPayoutAccounts>,
) -> Result<Json<Page<PayoutAccount>>> {
    let org = acting.member(&caller)?;
    let rows = store::accounts(&mut *state.db.acquire().await?, org, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |account| account.id.to_string(), |account| account)))
}

/// Read a payout account
#[utoipa::path(get, path = "/v1/payout-accounts/{payout_account}", tag = "orders",
    params(("payout_account" = PayoutAccountId, Path), Acting), responses(
    (status = 200, description = "The account", body = PayoutAccount),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_payout_account(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<PayoutAccountId>,
) -> Result<Json<PayoutAccount>> {
    let org = acting.member(&caller)?;
    let found = store::account(&mut *state.db.acquire().await?, org, id).await?;
    found.map(Json).ok_or_else(|| Problem::not_found("payout account"))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListPayouts {
    /// The `next` of an earlier page.
    after: Option<PayoutId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List what an organisation is paid out, newest first
///
/// Once a day, all that it has earned in a currency becomes one payout. One that is `waiting` goes on by itself when there is an
/// account that can be paid to.
#[utoipa::path(get, path = "/v1/payouts", tag = "orders", params(Acting, ListPayouts), responses(
    (status = 200, description = "A page", body = Page<Payout>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_payouts(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<ListPayouts>,
) -> Result<Json<Page<Payout>>> {
    let filter = PayoutFilter { org: acting.member(&caller)?, before: query.after, limit: query.limit.fetch() };
    let rows = store::payouts(&mut *state.db.acquire().await?, filter).await?;
    Ok(Json(query.limit.page(rows, |payout| payout.id.to_string(), |payout| payout)))
}

#[cfg(test)]
mod tests;
