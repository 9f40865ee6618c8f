//! Bidding.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use jobs::auctions::events::{News, announce};
use jobs::auctions::{FlagAccounts, NotifyOutbid};
use market::auctions::model::{AuctionView, BidView, SecretMoney};
use market::auctions::rules::Effect;
use market::auctions::store::{self, AuctionError};
use market::identity::OrgKind;
use market::ids::{AuctionId, BidId};
use queue::{Enqueue, JobTx};
use serde::{Deserialize, Serialize};
use shared::money::Money;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::found_for;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Idempotent, Made};
use crate::paging::{Limit, Page};
use crate::routes::acting::Acting;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_bids, place_bid)).routes(routes!(retract_bid))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlaceBid {
    /// How far to go at most. Nobody is shown it; bids are placed for you as far as needed. On a divisible lot the price per
    /// unit, which everybody sees.
    #[schema(value_type = Money)]
    maximum: SecretMoney,
    /// How many units; on divisible lots only.
    #[schema(minimum = 1)]
    quantity: Option<i64>,
}

/// What a bid did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum BidOutcome {
    /// You lead (or, of a divisible lot, would get something).
    Leads,
    /// Somebody's maximum, or earlier equal bid, is better.
    Outbid,
    /// You led already and raised your maximum; nobody else is notified.
    Raised,
}

impl From<Effect> for BidOutcome {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Leads => Self::Leads,
            Effect::Outbid => Self::Outbid,
            Effect::Raised => Self::Raised,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlacedBid {
    /// For taking the bid back.
    id: BidId,
    outcome: BidOutcome,
    placed_at: DateTime<Utc>,
    /// The bid came late and moved the end.
    end_moved: bool,
    /// As it stands with this bid.
    auction: AuctionView,
}

/// Bid
///
/// The first bid must reach the opening price, a later one `next_minimum`. The end is judged by the server's clock.
#[utoipa::path(post, path = "/v1/auctions/{auction}/bids", tag = "auctions", request_body = PlaceBid, params(
    ("auction" = AuctionId, Path), Acting,
    ("Idempotency-Key" = String, Header, description = "A new one for each bid; the same again gets the same answer"),
), responses(
    (status = 201, description = "Accepted; `Location` names the auction, which shows it", body = PlacedBid,
        headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `own_lot`, `sellers_people`: you belong to the seller, `org_not_approved`, `org_kind`: it is not \
        a buyer, `brokers_excluded`, `barred`: too many won lots were not paid"),
    (status = 409, description = "`auction_not_started`, `auction_ended`, `seller_suspended`, `listing_suspended`, \
        `too_many_bids`: the organisation has placed 1000 in this auction, `too_many_auctions`: its strikes leave it bids in fewer"),
    (status = 422, description = "`bid_too_low` (says the next minimum), `not_a_raise`, `amount_too_large`, \
        `quantity_on_whole_lot`, `quantity_out_of_range`, `invalid_value`"),
))]
async fn place_bid(
    State(state): State<AppState>,
    caller: Caller,
    Path(auction): Path<AuctionId>,
    acting: Acting,
    Idempotent { key, body }: Idempotent<PlaceBid>,
) -> Result<Response> {
    // Seven round trips: the caller, BEGIN, the key, lock and judge, write, the answer, COMMIT; the lock is held for the last four.
    // A divisible lot takes one more for its bids, and an organisation's first bid, or one that displaces somebody, one for the jobs
    // that follow.
    let org = acting.trader_as(OrgKind::Buyer, &caller)?;
    let bid = store::PlaceBid { auction, org, user: caller.user, maximum: body.maximum, quantity: body.quantity };
    key.once(&state.ledger, org.0, StatusCode::CREATED, async |tx| {
        Ok(Made::at(format!("/v1/auctions/{auction}"), accept(tx, &bid).await?))
    })
    .await
}

/// Places the bid with all that belongs to it.
pub(super) async fn accept(tx: &mut JobTx, bid: &store::PlaceBid) -> Result<PlacedBid> {
    let placed = store::place_bid(tx, bid).await?;
    let outbid = NotifyOutbid::of(&placed).map(|job| Enqueue::new(&job));
    let accounts = FlagAccounts::of(&placed, bid.org).map(|job| Enqueue::new(&job));
    match (outbid, accounts) {
        // One statement, under the lock; a job by itself is published at once.
        (Some(outbid), Some(accounts)) => tx.enqueue_all(vec![outbid, accounts]).await?,
        (Some(job), None) | (None, Some(job)) => {
            let _ = tx.enqueue_with(job).await?;
        }
        (None, None) => {}
    }
    // Of a hidden raise nobody may hear.
    if placed.public_change {
        announce(tx, News::Bid, &placed.auction);
    }
    Ok(PlacedBid {
        id: placed.bid,
        outcome: placed.effect.into(),
        placed_at: placed.placed_at,
        end_moved: placed.end_moved,
        auction: placed.auction,
    })
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListBids {
    /// The number that the page ends before.
    after: Option<i64>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List an auction's bids, the latest first
///
/// Bidders are numbered, not named. Maxima are nowhere in it, and raises only in the list of the organisation that placed them.
#[utoipa::path(get, path = "/v1/auctions/{auction}/bids", tag = "auctions", security((), ("bearer" = [])),
    params(("auction" = AuctionId, Path), Acting, ListBids), responses(
    (status = 200, description = "A page", body = Page<BidView>),
))]
async fn list_bids(
    State(state): State<AppState>,
    caller: Option<Caller>,
    Path(auction): Path<AuctionId>,
    acting: Acting,
    Query(query): Query<ListBids>,
) -> Result<Json<Page<BidView>>> {
    let viewer = acting.viewer(caller.as_ref())?;
    let mut conn = state.db.acquire().await?;
    found_for(caller.as_ref(), &mut conn, auction, viewer).await?;
    let rows = store::bids(&mut conn, auction, viewer, query.after, query.limit.fetch()).await?;
    let rows = rows.ok_or(AuctionError::NotFound)?;
    Ok(Json(query.limit.page(rows, |bid| bid.number.to_string(), |bid| bid)))
}

/// Take a bid back
///
/// More than twelve hours before the end any own bid; later only one of the last hour. Price and leader are computed anew from
/// the bids that remain, and everybody sees that it was taken back. Raises on top of the bid go with it.
#[utoipa::path(post, path = "/v1/auctions/{auction}/bids/{bid}/retract", tag = "auctions",
    params(("auction" = AuctionId, Path), ("bid" = BidId, Path), Acting), responses(
    (status = 200, description = "The auction without the bid", body = AuctionView),
    (status = 409, description = "`bid_retracted`, `retraction_too_late`, `auction_ended`"),
    (status = 403, description = "`org_not_approved`; `role_too_low`"),
))]
async fn retract_bid(
    State(state): State<AppState>,
    caller: Caller,
    Path((auction, bid)): Path<(AuctionId, BidId)>,
    acting: Acting,
) -> Result<Json<AuctionView>> {
    let org = acting.trader(&caller)?;
    let mut tx = state.ledger.begin().await?;
    let retracted = store::retract(&mut tx, bid, org, caller.user).await.map_err(|error| match error {
        AuctionError::NotFound => Problem::not_found("bid"),
        error => error.into(),
    })?;
    if retracted.auction.id != auction {
        return Err(Problem::not_found("bid"));
    }
    if retracted.public_change {
        announce(&mut tx, News::Retraction, &retracted.auction);
    }
    tx.commit().await?;
    Ok(Json(retracted.auction))
}
