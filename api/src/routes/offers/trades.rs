//! Trades: what one organisation gives another one from a site of its own, for a price that both agree on.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jobs::offers::await_answer;
use market::identity::OrgKind;
use market::ids::{ItemId, SiteId};
use market::offers::model::{Offer, Party, Proposal};
use market::offers::store::{self, NewTrade};
use serde::Deserialize;
use shared::ids::OrgId;
use shared::money::Money;
use shared::text;
use utoipa::ToSchema;

use super::{Acting, after_step};
use crate::auth::Caller;
use crate::error::Result;
use crate::idempotency::{Idempotent, Made};
use crate::state::AppState;

/// A trade to propose.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProposeTrade {
    /// Who is to get the goods and pay for them.
    buyer_org_id: OrgId,
    /// An own item.
    item_id: ItemId,
    /// The own site where it is.
    site_id: SiteId,
    /// Per unit; the trade stays in its currency.
    price: Money,
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    quantity: i64,
    /// For the other side to read.
    #[serde(default, deserialize_with = "text::many_lines_or_null")]
    #[schema(pattern = "^([^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]|\\r\\n)*$", max_length = 1_000)]
    note: Option<String>,
}

/// Propose a trade to another organisation
///
/// It is an offer without a listing, by whoever gives the goods: the other side accepts, declines or answers it as any offer, within 48
/// hours. Nothing is reserved before. Accepted, it is an order with the source `trade`, which is paid as any other; its goods may be
/// shipped before, and that they have arrived never alters whether they are paid. One trade of an item at a site is open with a buyer.
#[utoipa::path(post, path = "/v1/trades", tag = "offers", request_body = ProposeTrade, params(
    Acting,
    ("Idempotency-Key" = String, Header, description = "A new one for each trade; the same again gets the same answer"),
), responses(
    (status = 201, description = "Proposed", body = Offer, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `own_lot`, `sellers_people`: you belong to the other side; `org_not_approved`; `org_kind`: it is not a seller"),
    (status = 409, description = "`trade_open`: there is an open one of this item at this site with that buyer"),
    (status = 422, description = "`invalid_value`"),
))]
pub(super) async fn propose_trade(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Idempotent { key, body }: Idempotent<ProposeTrade>,
) -> Result<Response> {
    let org = acting.trader(&caller)?;
    key.once(&state.ledger, org.0, StatusCode::CREATED, async |tx| {
        caller.acts_as(OrgKind::Seller, org)?;
        let by = Party { org, user: caller.user };
        let proposal = Proposal { price: body.price, quantity: body.quantity, note: body.note.as_deref() };
        let new = NewTrade { buyer: body.buyer_org_id, item: body.item_id, site: body.site_id, proposal };
        let id = store::propose(tx, by, new).await?;
        let offer = after_step(tx, by, id).await?;
        await_answer(tx, &offer).await?;
        Ok(Made::at(format!("/v1/offers/{id}"), offer))
    })
    .await
}
