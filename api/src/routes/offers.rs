//! Offers: buyer and seller propose a price in turn, until one accepts what the other has proposed. A trade is one without a listing.

mod trades;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jobs::offers::{AcceptError, accept, await_answer, mail};
use market::identity::OrgKind;
use market::ids::{ItemId, ListingId, OfferId};
use market::offers::model::{Offer, Party, Proposal};
use market::offers::rules::{ActRefusal, TermsRefusal};
use market::offers::store::{self, NewOffer, OfferError};
use market::orders::model::Side;
use queue::JobTx;
use serde::Deserialize;
use shared::money::Money;
use shared::text;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use super::listings::found;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Idempotent, Made};
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(make_offer))
        .routes(routes!(trades::propose_trade))
        .routes(routes!(list_offers))
        .routes(routes!(get_offer))
        .routes(routes!(counter_offer))
        .routes(routes!(accept_offer))
        .routes(routes!(decline_offer))
        .routes(routes!(withdraw_offer))
}

impl From<OfferError> for Problem {
    fn from(error: OfferError) -> Self {
        let text = error.to_string();
        match error {
            OfferError::NotFound => Self::not_found("offer"),
            OfferError::Act(refusal) => match refusal {
                ActRefusal::Ended(_) => Self::conflict("offer_ended", text),
                ActRefusal::Late => Self::conflict("offer_expired", text),
                ActRefusal::Changed => Self::conflict("offer_changed", text.clone()).at("/version", text),
                ActRefusal::NotYourTurn | ActRefusal::YourTurn => Self::conflict("offer_turn", text),
                ActRefusal::TooManyTerms => Self::conflict("too_many_terms", text),
            },
            OfferError::Terms(refusal) => match refusal {
                TermsRefusal::NotOnOffer => Self::conflict("not_on_offer", text),
                TermsRefusal::TakesNone => Self::conflict("takes_no_offers", text),
                TermsRefusal::OwnListing => Self::forbidden("own_lot", text),
                TermsRefusal::Currency(_) => {
                    Self::unprocessable("invalid_value", "the price is in another currency").at("/price/currency", text)
                }
                TermsRefusal::Quantity { .. } => {
                    Self::unprocessable("invalid_value", "the quantity is not on offer").at("/quantity", text)
                }
            },
            OfferError::AlreadyOpen => Self::conflict("offer_open", text),
            OfferError::TradeOpen => Self::conflict("trade_open", text),
            OfferError::SellersPeople => Self::forbidden("sellers_people", text),
            OfferError::Item => Self::unprocessable("invalid_value", text.clone()).at("/item_id", text),
            OfferError::OutOfStock(_) => Self::conflict("out_of_stock", text),
            OfferError::Invalid(invalid) => invalid.into(),
            OfferError::Money(_) => Self::unprocessable("amount_too_large", text),
            OfferError::Order(error) => Self::internal(error),
            OfferError::Stock(error) => Self::internal(error),
            OfferError::Sql(error) => error.into(),
        }
    }
}

impl From<AcceptError> for Problem {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::Offer(error) => error.into(),
            AcceptError::Enqueue(error) => error.into(),
        }
    }
}

/// What an organisation must be on this side.
const fn kind(side: Side) -> OrgKind {
    match side {
        Side::Buyer => OrgKind::Buyer,
        Side::Seller => OrgKind::Seller,
    }
}

/// Tells the other side of the step, and returns the offer as it is now.
async fn after_step(tx: &mut JobTx, party: Party, id: OfferId) -> Result<Offer> {
    mail::step(tx, party.org, id).await?;
    Ok(store::offer(tx, party.org, id).await?.ok_or(OfferError::NotFound)?)
}

/// An offer to make.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MakeOffer {
    /// Per unit, in the listing's currency.
    price: Money,
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    quantity: i64,
    /// For the other side to read.
    #[serde(default, deserialize_with = "text::many_lines_or_null")]
    #[schema(pattern = "^([^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]|\\r\\n)*$", max_length = 1_000)]
    note: Option<String>,
    /// The own item that answers what is wanted; absent otherwise.
    item_id: Option<ItemId>,
}

/// Make an offer on a listing
///
/// Buyers make offers on what is sold by offer, or at a fixed price that takes offers; sellers on what is wanted. Nothing is reserved.
/// The other side has 48 hours to answer, and hears of it by email.
#[utoipa::path(post, path = "/v1/listings/{listing}/offers", tag = "offers", request_body = MakeOffer, params(
    ("listing" = ListingId, Path), Acting,
    ("Idempotency-Key" = String, Header, description = "A new one for each offer; the same again gets the same answer"),
), responses(
    (status = 201, description = "Made", body = Offer, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `own_lot`, `sellers_people`: you belong to the lister; `org_not_approved`; `org_kind`: it is not a buyer, or, for what is wanted, not a seller"),
    (status = 409, description = "`not_on_offer`; `takes_no_offers`; `offer_open`: there is an open offer of this organisation"),
    (status = 422, description = "`invalid_value`"),
))]
async fn make_offer(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(listing): Path<ListingId>,
    Idempotent { key, body }: Idempotent<MakeOffer>,
) -> Result<Response> {
    let org = acting.trader(&caller)?;
    key.once(&state.ledger, org.0, StatusCode::CREATED, async |tx| {
        let wanted = found(tx, listing).await?;
        let side = if wanted.sale_mode.lister() == OrgKind::Buyer { Side::Seller } else { Side::Buyer };
        caller.acts_as(kind(side), org)?;
        let by = Party { org, user: caller.user };
        let proposal = Proposal { price: body.price, quantity: body.quantity, note: body.note.as_deref() };
        let id = store::create(tx, by, NewOffer { listing, item: body.item_id, proposal }).await?;
        let offer = after_step(tx, by, id).await?;
        await_answer(tx, &offer).await?;
        Ok(Made::at(format!("/v1/offers/{id}"), offer))
    })
    .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListOffers {
    /// On which side the organisation is.
    #[param(inline)]
    side: Side,
    /// The `next` of an earlier page.
    after: Option<OfferId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List an organisation's offers, newest first
#[utoipa::path(get, path = "/v1/offers", tag = "offers", params(Acting, ListOffers), responses(
    (status = 200, description = "A page", body = Page<Offer>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_offers(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<ListOffers>,
) -> Result<Json<Page<Offer>>> {
    let org = acting.member(&caller)?;
    let mut conn = state.db.acquire().await?;
    let rows = store::of_party(&mut conn, org, query.side, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |offer| offer.id.to_string(), |offer| offer)))
}

/// Read an offer
#[utoipa::path(get, path = "/v1/offers/{offer}", tag = "offers", params(("offer" = OfferId, Path), Acting), responses(
    (status = 200, description = "The offer", body = Offer),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_offer(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<OfferId>,
) -> Result<Json<Offer>> {
    let org = acting.member(&caller)?;
    let offer = store::offer(&mut *state.db.acquire().await?, org, id).await?;
    Ok(Json(offer.ok_or(OfferError::NotFound)?))
}

/// Whom the caller acts for, who is a party of the offer and may trade on that side.
async fn party(tx: &mut JobTx, caller: &Caller, acting: Acting, id: OfferId) -> Result<Party> {
    let org = acting.trader(caller)?;
    let offer = store::offer(tx, org, id).await?.ok_or(OfferError::NotFound)?;
    caller.acts_as(kind(offer.side_of(org).ok_or(OfferError::NotFound)?), org)?;
    Ok(Party { org, user: caller.user })
}

/// Other terms.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CounterOffer {
    /// Of the terms that this answers, as they were shown.
    #[schema(minimum = 1, maximum = 50)]
    version: i32,
    /// Per unit.
    price: Money,
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    quantity: i64,
    /// For the other side to read.
    #[serde(default, deserialize_with = "text::many_lines_or_null")]
    #[schema(pattern = "^([^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]|\\r\\n)*$", max_length = 1_000)]
    note: Option<String>,
}

/// Answer an offer with other terms
///
/// It is the other side's turn then, again for 48 hours.
#[utoipa::path(post, path = "/v1/offers/{offer}/counter", tag = "offers", request_body = CounterOffer, params(
    ("offer" = OfferId, Path), Acting,
    ("Idempotency-Key" = String, Header, description = "A new one for each answer; the same again gets the same answer"),
), responses(
    (status = 200, description = "The offer", body = Offer),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `org_kind`; `sellers_people`"),
    (status = 409, description = "`offer_changed`: there are other terms by now; `offer_turn`: the other side is to answer; `offer_ended`; `offer_expired`; `too_many_terms`; `not_on_offer`; `takes_no_offers`"),
    (status = 422, description = "`invalid_value`"),
))]
async fn counter_offer(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<OfferId>,
    Idempotent { key, body }: Idempotent<CounterOffer>,
) -> Result<Response> {
    let org = acting.trader(&caller)?;
    key.once(&state.ledger, org.0, StatusCode::OK, async |tx| {
        let by = party(tx, &caller, acting, id).await?;
        let proposal = Proposal { price: body.price, quantity: body.quantity, note: body.note.as_deref() };
        store::counter(tx, by, id, body.version, &proposal).await?;
        Ok(Made::new(after_step(tx, by, id).await?))
    })
    .await
}

/// Which terms are meant.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AnswerOffer {
    /// Of the latest terms, as they were shown.
    #[schema(minimum = 1, maximum = 50)]
    version: i32,
}

/// Accept an offer
///
/// The units are reserved, and there is one order, which the buyer has three days to pay.
#[utoipa::path(post, path = "/v1/offers/{offer}/accept", tag = "offers", request_body = AnswerOffer, params(
    ("offer" = OfferId, Path), Acting,
    ("Idempotency-Key" = String, Header, description = "A new one for each answer; the same again gets the same answer"),
), responses(
    (status = 200, description = "Accepted: see its `order` and `checkout`", body = Offer),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `org_kind`; `sellers_people`"),
    (status = 409, description = "`out_of_stock`: others have bought it meanwhile, and the offer stays; `offer_changed`: there are other terms by now; `offer_turn`: the other side is to answer; `offer_ended`; `offer_expired`; `not_on_offer`; `takes_no_offers`"),
    (status = 422, description = "`invalid_value`; `amount_too_large`"),
))]
async fn accept_offer(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<OfferId>,
    Idempotent { key, body }: Idempotent<AnswerOffer>,
) -> Result<Response> {
    let org = acting.trader(&caller)?;
    key.once(&state.ledger, org.0, StatusCode::OK, async |tx| {
        let by = party(tx, &caller, acting, id).await?;
        accept(tx, by, id, body.version).await?;
        Ok(Made::new(after_step(tx, by, id).await?))
    })
    .await
}

/// Decline an offer
#[utoipa::path(post, path = "/v1/offers/{offer}/decline", tag = "offers", request_body = AnswerOffer, params(
    ("offer" = OfferId, Path), Acting,
    ("Idempotency-Key" = String, Header, description = "A new one for each answer; the same again gets the same answer"),
), responses(
    (status = 200, description = "Declined", body = Offer),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `org_kind`"),
    (status = 409, description = "`offer_changed`: there are other terms by now; `offer_turn`: the other side is to answer; `offer_ended`; `offer_expired`"),
))]
async fn decline_offer(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<OfferId>,
    Idempotent { key, body }: Idempotent<AnswerOffer>,
) -> Result<Response> {
    let org = acting.trader(&caller)?;
    key.once(&state.ledger, org.0, StatusCode::OK, async |tx| {
        let by = party(tx, &caller, acting, id).await?;
        store::decline(tx, by, id, body.version).await?;
        Ok(Made::new(after_step(tx, by, id).await?))
    })
    .await
}

/// Withdraw an offer that the other side has not answered
#[utoipa::path(post, path = "/v1/offers/{offer}/withdraw", tag = "offers", request_body = AnswerOffer, params(
    ("offer" = OfferId, Path), Acting,
    ("Idempotency-Key" = String, Header, description = "A new one for each answer; the same again gets the same answer"),
), responses(
    (status = 200, description = "Withdrawn", body = Offer),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `org_kind`"),
    (status = 409, description = "`offer_changed`: there are other terms by now; `offer_turn`: it is your turn to answer; `offer_ended`; `offer_expired`"),
))]
async fn withdraw_offer(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<OfferId>,
    Idempotent { key, body }: Idempotent<AnswerOffer>,
) -> Result<Response> {
    let org = acting.trader(&caller)?;
    key.once(&state.ledger, org.0, StatusCode::OK, async |tx| {
        let by = party(tx, &caller, acting, id).await?;
        store::withdraw(tx, by, id, body.version).await?;
        Ok(Made::new(after_step(tx, by, id).await?))
    })
    .await
}

#[cfg(test)]
mod tests;
