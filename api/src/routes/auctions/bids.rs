//! Bidding.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use jobs::auctions::events::{News, announce};
use jobs::auctions::{FlagAccounts, NotifyLeader, NotifyOutbid, mail};
use market::auctions::model::{self, AuctionView, BidView, SecretMoney};
use market::auctions::rules::Effect;
use market::auctions::store::{self, AuctionError};
use market::identity::OrgKind;
use market::ids::{AuctionId, BidId};
use queue::{Enqueue, JobTx};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use shared::money::Money;
use shared::trace::TraceParent;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::found_for;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Act, Done, Idempotent, Made};
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
pub(crate) enum BidOutcome {
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
pub(crate) struct PlacedBid {
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
        a buyer, `brokers_excluded`, `barred`: too many won lots were not paid, `not_registered`: it is a lot of a sale event, which bidders register for"),
    (status = 409, description = "`auction_not_started`, `auction_ended`, `seller_suspended`, `listing_suspended`, \
        `too_many_bids`: the organisation has placed 1000 in this auction, `too_many_auctions`: its strikes leave it bids in fewer, \
        `limit_exceeded`: its limit in the sale event does not leave as much (says what it leaves)"),
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
    // Six round trips and the caller's: BEGIN, the key, lock and judge, write, the answer, COMMIT, shared by all bids that come at the
    // same time; the locks are held for the last four. A divisible lot takes one more for its bids, and an organisation's first bid, or
    // one that displaces somebody, one for the jobs that follow.
    let org = acting.trader_as(OrgKind::Buyer, &caller)?;
    let bid = store::PlaceBid { auction, org, user: caller.user, maximum: body.maximum, quantity: body.quantity };
    if let Some(answer) = state.bids.ask(&key, org.0, Bidding { bid, trace: TraceParent::current() }).await {
        return answer;
    }
    key.once(&state.ledger, org.0, StatusCode::CREATED, async |tx| Ok(made(accept(tx, &bid).await?))).await
}

/// A bid that shares a transaction with others, and the trace of its request.
pub(crate) struct Bidding {
    bid: store::PlaceBid,
    trace: Option<TraceParent>,
}

impl Act for Bidding {
    const NAME: &'static str = "bids";
    const STATUS: StatusCode = StatusCode::CREATED;
    type Body = PlacedBid;

    async fn all(tx: &mut JobTx, acts: &[&Self]) -> Result<Vec<Option<Done<Self>>>> {
        let bids: Vec<_> = acts.iter().map(|act| act.bid).collect();
        let tried = store::place_bids(tx, &bids).await?;
        let placed = acts.iter().zip(&tried).filter_map(|(act, tried)| Some((act, tried.as_ref()?.as_ref().ok()?)));
        let jobs =
            placed.clone().flat_map(|(act, placed)| follow(placed, act.bid.org).map(|job| job.traced(act.trace)));
        tx.enqueue_each(jobs.collect()).await?;
        placed.for_each(|(_, placed)| tell(tx, placed));
        let done = tried.into_iter().map(|tried| Some(tried?.map(|placed| made(placed.into())).map_err(Problem::from)));
        Ok(done.collect())
    }
}

fn made(placed: PlacedBid) -> Made<PlacedBid> {
    Made::at(format!("/v1/auctions/{}", placed.auction.id), placed)
}

/// Places the bid with all that belongs to it.
pub(super) async fn accept(tx: &mut JobTx, bid: &store::PlaceBid) -> Result<PlacedBid> {
    let placed = store::place_bid(tx, bid).await?;
    tx.enqueue_each(follow(&placed, bid.org).collect()).await?;
    tell(tx, &placed);
    Ok(placed.into())
}

/// The jobs that a bid calls for.
fn follow(placed: &model::PlacedBid, org: OrgId) -> impl Iterator<Item = Enqueue> {
    let outbid = NotifyOutbid::of(placed).map(|job| Enqueue::new(&job));
    let accounts = FlagAccounts::of(placed, org).map(|job| Enqueue::new(&job));
    outbid.into_iter().chain(accounts)
}

/// Tells everybody who watches the auction. Of a hidden raise nobody may hear.
fn tell(tx: &mut JobTx, placed: &model::PlacedBid) {
    if placed.public_change {
        announce(tx, News::Bid, &placed.auction);
    }
}

impl From<model::PlacedBid> for PlacedBid {
    fn from(placed: model::PlacedBid) -> Self {
        Self {
            id: placed.bid,
            outcome: placed.effect.into(),
            placed_at: placed.placed_at,
            end_moved: placed.end_moved,
            auction: placed.auction,
        }
    }
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
    mail::bids_lapsed(&mut tx, bid, &retracted).await?;
    if let Some(notice) = NotifyLeader::of(bid, &retracted) {
        let _ = tx.enqueue_with(notice).await?;
    }
    tx.commit().await?;
    Ok(Json(retracted.auction))
}
