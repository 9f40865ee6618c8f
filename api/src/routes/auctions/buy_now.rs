//! Buying a lot at once.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jobs::auctions::awarded;
use jobs::auctions::events::{News, announce};
use market::auctions::model::AuctionView;
use market::auctions::store;
use market::identity::OrgKind;
use market::ids::{AuctionId, OrderId};
use queue::JobTx;
use serde::{Deserialize, Serialize};
use shared::ids::{OrgId, UserId};
use shared::money::Money;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::Path;
use crate::idempotency::{Idempotent, Made};
use crate::routes::acting::Acting;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(buy_now))
}

/// Nothing more to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BuyNow {}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Bought {
    /// To be paid.
    pub(super) order: OrderId,
    pub(super) amount: Money,
    pub(super) auction: AuctionView,
}

/// Buy a lot at its buy-now price
///
/// Ends the auction and makes the order. Against a bid at the same moment, one of the two is refused.
#[utoipa::path(post, path = "/v1/auctions/{auction}/buy-now", tag = "auctions", request_body = Option<BuyNow>, params(
    ("auction" = AuctionId, Path), Acting,
    ("Idempotency-Key" = String, Header, description = "A new one for each purchase; the same again gets the same answer"),
), responses(
    (status = 201, description = "Bought; `Location` names the order", body = Bought, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `own_lot`, `sellers_people`: you belong to the seller, `org_not_approved`, `org_kind`: it is not \
        a buyer, `brokers_excluded`, `barred`: too many won lots were not paid, `not_registered`: it is a lot of a sale event, which bidders register for"),
    (status = 409, description = "`buy_now_gone`, `auction_not_started`, `auction_ended`, `seller_suspended`, `listing_suspended`, \
        `limit_exceeded`: the limit in the sale event does not leave as much"),
))]
async fn buy_now(
    State(state): State<AppState>,
    caller: Caller,
    Path(auction): Path<AuctionId>,
    acting: Acting,
    Idempotent { key, body: _ }: Idempotent<Option<BuyNow>>,
) -> Result<Response> {
    let org = acting.trader_as(OrgKind::Buyer, &caller)?;
    key.once(&state.ledger, org.0, StatusCode::CREATED, async |tx| {
        let bought = buy(tx, auction, org, caller.user).await?;
        Ok(Made::at(format!("/v1/orders/{}", bought.order), bought))
    })
    .await
}

/// Buys the lot with all that belongs to it. The auction's closing job will find it decided and do nothing.
async fn buy(tx: &mut JobTx, auction: AuctionId, org: OrgId, user: UserId) -> Result<Bought> {
    let closed = store::buy_now(tx, auction, org, user).await?;
    let award =
        closed.awards.first().ok_or_else(|| Problem::internal(anyhow::anyhow!("a purchase without an award")))?;
    awarded(tx, &closed).await?;
    announce(tx, News::Bought, &closed.auction);
    Ok(Bought { order: award.order, amount: award.amount, auction: closed.auction })
}
