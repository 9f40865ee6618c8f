//! Lots that were not sold, or not paid, go to their next bidder.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jobs::auctions::events::{News, announce};
use jobs::auctions::{awarded, lapsed, offered};
use market::auctions::model::{Participant, SecondChance};
use market::auctions::store;
use market::identity::OrgKind;
use market::ids::{AuctionId, SecondChanceId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::buy_now::Bought;
use super::found;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path};
use crate::idempotency::{Idempotent, Made};
use crate::routes::acting::Acting;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_second_chances, offer_second_chance))
        .routes(routes!(accept_second_chance))
        .routes(routes!(decline_second_chance))
}

/// Offers to next bidders.
#[derive(Debug, Serialize, ToSchema)]
struct SecondChances {
    /// Newest first.
    #[schema(max_items = 1000)]
    items: Vec<SecondChance>,
}

/// List the offers of a lot to its next bidders
///
/// The seller sees all of them, a bidder their own.
#[utoipa::path(get, path = "/v1/auctions/{auction}/second-chances", tag = "auctions", params(("auction" = AuctionId, Path), Acting), responses(
    (status = 200, description = "All of them", body = SecondChances),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_second_chances(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(auction): Path<AuctionId>,
) -> Result<Json<SecondChances>> {
    let viewer = acting.member(&caller)?;
    let mut conn = state.db.acquire().await?;
    found(&mut conn, auction, Some(viewer)).await?;
    Ok(Json(SecondChances { items: store::chances(&mut conn, auction, viewer).await? }))
}

/// An offer to the next bidder.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSecondChance {
    /// The seller agrees to less than the reserve.
    #[serde(default)]
    below_reserve: bool,
}

/// Offer a lot to its next bidder
///
/// Once the auction has ended unsold, or a winner has not paid. The bidder has 24 hours to take it at their own maximum, which the
/// seller sees when it is taken.
#[utoipa::path(post, path = "/v1/auctions/{auction}/second-chances", tag = "auctions", request_body = NewSecondChance, params(
    ("auction" = AuctionId, Path), Acting,
    ("Idempotency-Key" = String, Header, description = "A new one for each offer; the same again gets the same answer"),
), responses(
    (status = 201, description = "Offered", body = SecondChance, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`no_next_bidder`: the auction is not over, the lot is sold, offered or listed again, or nobody else has \
        bid; `below_reserve`; `out_of_stock`"),
))]
async fn offer_second_chance(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(auction): Path<AuctionId>,
    Idempotent { key, body }: Idempotent<NewSecondChance>,
) -> Result<Response> {
    let seller = acting.trader(&caller)?;
    key.once(&state.ledger, seller.0, StatusCode::CREATED, async |tx| {
        let made = store::offer_chance(tx, seller, auction, body.below_reserve).await?;
        offered(tx, &made.title, &made.chance, made.bidder).await?;
        announce(tx, News::Changed, &made.auction);
        let shown = SecondChance { amount: None, ..made.chance };
        Ok(Made::at(format!("/v1/auctions/{auction}/second-chances"), shown))
    })
    .await
}

/// Nothing needs to be said: the offer is at the bidder's own maximum.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TakeChance {}

/// Take a lot that is offered to you
///
/// At your own maximum. Makes the order.
#[utoipa::path(post, path = "/v1/second-chances/{chance}/accept", tag = "auctions", request_body = Option<TakeChance>, params(
    ("chance" = SecondChanceId, Path), Acting,
    ("Idempotency-Key" = String, Header, description = "A new one for each purchase; the same again gets the same answer"),
), responses(
    (status = 201, description = "Bought; `Location` names the order", body = Bought, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `org_kind`: it is not a buyer; `sellers_people`: you belong to the seller"),
    (status = 409, description = "`second_chance_ended`; `limit_exceeded`: the limit in the sale event does not leave as much"),
))]
async fn accept_second_chance(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(chance): Path<SecondChanceId>,
    Idempotent { key, body: _ }: Idempotent<Option<TakeChance>>,
) -> Result<Response> {
    let org = acting.trader_as(OrgKind::Buyer, &caller)?;
    key.once(&state.ledger, org.0, StatusCode::CREATED, async |tx| {
        let closed = store::accept(tx, chance, org, caller.user).await?;
        let award = closed
            .awards
            .first()
            .ok_or_else(|| Problem::internal(anyhow::anyhow!("an accepted offer without an award")))?;
        awarded(tx, &closed).await?;
        announce(tx, News::Awarded, &closed.auction);
        let bought = Bought { order: award.order, amount: award.amount, auction: closed.auction.clone() };
        Ok(Made::at(format!("/v1/orders/{}", bought.order), bought))
    })
    .await
}

/// Leave a lot that is offered to you
///
/// It goes to the bidder after you, if the auction allows it, or back to the seller.
#[utoipa::path(post, path = "/v1/second-chances/{chance}/decline", tag = "auctions", params(("chance" = SecondChanceId, Path), Acting), responses(
    (status = 204, description = "It is not offered to you any more"),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`second_chance_ended`"),
))]
async fn decline_second_chance(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(chance): Path<SecondChanceId>,
) -> Result<StatusCode> {
    let bidder = Participant { org: acting.trader(&caller)?, user: caller.user };
    let mut tx = state.ledger.begin().await?;
    let found = store::decline(&mut tx, chance, bidder).await?;
    lapsed(&mut tx, chance, &found).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
