//! Highest bids below the reserve, about which sellers decide.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jobs::auctions::answered;
use market::auctions::model::{Answer, Approval, Participant};
use market::auctions::store;
use market::ids::AuctionId;
use serde::Deserialize;
use shared::money::Money;
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
        .routes(routes!(get_approval))
        .routes(routes!(accept_approval))
        .routes(routes!(decline_approval))
        .routes(routes!(counter_approval))
}

/// Get the sale on approval of an auction
///
/// There is one when the highest bid of an ended auction is below the reserve. Only the seller and the bidder see it.
#[utoipa::path(get, path = "/v1/auctions/{auction}/approval", tag = "auctions", params(("auction" = AuctionId, Path), Acting), responses(
    (status = 200, description = "Where it stands", body = Approval),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_approval(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(auction): Path<AuctionId>,
) -> Result<Json<Approval>> {
    let viewer = acting.member(&caller)?;
    let mut conn = state.db.acquire().await?;
    found(&mut conn, auction, Some(viewer)).await?;
    let approval = store::approval(&mut conn, auction, viewer).await?;
    approval.map(Json).ok_or_else(|| Problem::not_found("sale on approval"))
}

/// Nothing needs to be said: both sides see the amount.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcceptApproval {}

/// Accept a sale on approval
///
/// The seller accepts the highest bid; the bidder accepts the amount that the seller has named instead. Makes the order.
#[utoipa::path(post, path = "/v1/auctions/{auction}/approval/accept", tag = "auctions", request_body = Option<AcceptApproval>, params(
    ("auction" = AuctionId, Path), Acting,
    ("Idempotency-Key" = String, Header, description = "A new one for each sale; the same again gets the same answer"),
), responses(
    (status = 201, description = "Sold; `Location` names the order", body = Bought, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `sellers_people`: you belong to the seller"),
    (status = 409, description = "`approval_ended`; `not_your_turn`; `seller_suspended`; `listing_suspended`; `limit_exceeded`: the bidder's limit in the sale \
        event does not leave as much"),
))]
async fn accept_approval(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(auction): Path<AuctionId>,
    Idempotent { key, body: _ }: Idempotent<Option<AcceptApproval>>,
) -> Result<Response> {
    let actor = Participant { org: acting.trader(&caller)?, user: caller.user };
    key.once(&state.ledger, actor.org.0, StatusCode::CREATED, async |tx| {
        let sold = store::answer(tx, auction, actor, Answer::Accept).await?;
        answered(tx, &sold).await?;
        let award = sold.closed.awards.first();
        let award = award.ok_or_else(|| Problem::internal(anyhow::anyhow!("an accepted bid without an award")))?;
        let bought = Bought { order: award.order, amount: award.amount, auction: sold.closed.auction.clone() };
        Ok(Made::at(format!("/v1/orders/{}", bought.order), bought))
    })
    .await
}

/// Decline a sale on approval
///
/// The seller declines the bid, or the bidder the seller's amount. The lot is not sold.
#[utoipa::path(post, path = "/v1/auctions/{auction}/approval/decline", tag = "auctions", params(("auction" = AuctionId, Path), Acting), responses(
    (status = 200, description = "It is over", body = Approval),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`approval_ended`; `not_your_turn`"),
))]
async fn decline_approval(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(auction): Path<AuctionId>,
) -> Result<Json<Approval>> {
    let actor = Participant { org: acting.trader(&caller)?, user: caller.user };
    answer(&state, auction, actor, Answer::Decline).await
}

/// What the seller would sell a lot for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CounterApproval {
    /// For the whole lot: above the highest bid and not above the reserve.
    amount: Money,
}

/// Ask the highest bidder for another amount
///
/// By the seller, once. The bidder has 24 hours to accept it.
#[utoipa::path(post, path = "/v1/auctions/{auction}/approval/counter", tag = "auctions", request_body = CounterApproval,
    params(("auction" = AuctionId, Path), Acting), responses(
    (status = 200, description = "The bidder decides", body = Approval),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`approval_ended`; `no_counter`: only the seller names another amount, and only once"),
    (status = 422, description = "`invalid_value`: an amount that is not above the bid, or above the reserve, or in another currency"),
))]
async fn counter_approval(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(auction): Path<AuctionId>,
    Json(body): Json<CounterApproval>,
) -> Result<Json<Approval>> {
    let actor = Participant { org: acting.trader(&caller)?, user: caller.user };
    answer(&state, auction, actor, Answer::Counter(body.amount)).await
}

async fn answer(state: &AppState, auction: AuctionId, actor: Participant, answer: Answer) -> Result<Json<Approval>> {
    let mut tx = state.ledger.begin().await?;
    let given = store::answer(&mut tx, auction, actor, answer).await?;
    answered(&mut tx, &given).await?;
    tx.commit().await?;
    Ok(Json(given.approval))
}
