//! Sale events: catalogues of lots that end one after the other. Who may bid in one is in [`registrations`]; bids go to the auctions.

mod registrations;
mod topic;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jobs::auctions::events::{News, announce};
use jobs::sale_events::mail;
use market::auctions::store as auctions;
use market::identity::OrgKind;
use market::ids::SaleEventId;
use market::sale_events::model::{NewSaleEvent, NewSaleEventLot, SaleEvent, SaleEventChange, SaleEventLot};
use market::sale_events::rules::NotDone;
use market::sale_events::store::{self, SaleEventError};
use serde::Deserialize;
use shared::ids::OrgId;
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use super::auctions::timers;
use crate::auth::Caller;
use crate::conditional::IfMatch;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) use topic::SaleEventTopic;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_sale_events, create_sale_event))
        .routes(routes!(get_sale_event, change_sale_event))
        .routes(routes!(list_sale_event_lots, add_sale_event_lot))
        .routes(routes!(remove_sale_event_lot))
        .routes(routes!(publish_sale_event))
        .routes(routes!(cancel_sale_event))
        .merge(registrations::router())
}

impl From<SaleEventError> for Problem {
    fn from(error: SaleEventError) -> Self {
        let text = error.to_string();
        match error {
            SaleEventError::NotFound(what) => Self::not_found(what),
            SaleEventError::NotDone(NotDone::NotDraft) => Self::conflict("not_draft", text),
            SaleEventError::NotDone(NotDone::Cancelled) => Self::conflict("sale_event_cancelled", text),
            SaleEventError::NotDone(NotDone::NoLots) => Self::conflict("no_lots", text),
            SaleEventError::NotDone(NotDone::NotPublished) => Self::not_found("sale event"),
            SaleEventError::NotDone(NotDone::Ended) => Self::conflict("sale_event_ended", text),
            SaleEventError::NotDone(NotDone::HasBids) => Self::conflict("sale_event_not_cancellable", text),
            SaleEventError::NotDone(NotDone::OwnEvent) => Self::forbidden("own_sale_event", text),
            SaleEventError::NotDone(NotDone::Refused) => Self::conflict("registration_refused", text),
            SaleEventError::NotDone(NotDone::Lowered) => Self::conflict("limit_lowered", text),
            SaleEventError::Lot { error, .. } => match Self::from(*error) {
                problem if problem.status().is_server_error() => problem,
                _ => Self::conflict("lot_not_for_sale", text),
            },
            SaleEventError::Invalid(invalid) => invalid.into(),
            SaleEventError::Sql(error) => error.into(),
        }
    }
}

/// The event, if `viewer` may see it.
async fn found(conn: &mut PgConnection, id: SaleEventId, viewer: Option<OrgId>) -> Result<SaleEvent> {
    let owned = store::get(conn, id).await?;
    let shown = owned.filter(|owned| !owned.hidden || viewer == Some(owned.event.seller_org_id));
    Ok(shown.ok_or(SaleEventError::NotFound("sale event"))?.event)
}

/// Make a sale event
///
/// A draft, which only its seller sees: lots are put into it, and it is published when they are complete.
#[utoipa::path(post, path = "/v1/sale-events", tag = "auctions", params(Acting, OptionalKey), request_body = NewSaleEvent,
    responses(
    (status = 201, description = "A draft", body = SaleEvent, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `org_kind`: it is not a seller"),
    (status = 422, description = "`invalid_value`"),
))]
async fn create_sale_event(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Keyed { key, body: new }: Keyed<NewSaleEvent>,
) -> Result<Response> {
    let seller = acting.trader_as(OrgKind::Seller, &caller)?;
    key.once(&state.ledger, seller.0, StatusCode::CREATED, async |tx| {
        let id = store::create(tx, seller, caller.user, &new).await?;
        Ok(Made::at(format!("/v1/sale-events/{id}"), found(tx, id, Some(seller)).await?))
    })
    .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListSaleEvents {
    /// Those of the organisation that asks, with its drafts, and no others.
    #[serde(default)]
    mine: bool,
    /// The `next` of an earlier page.
    after: Option<SaleEventId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List sale events, the latest first
#[utoipa::path(get, path = "/v1/sale-events", tag = "auctions", security((), ("bearer" = [])), params(Acting, ListSaleEvents),
    responses(
    (status = 200, description = "A page", body = Page<SaleEvent>),
    (status = 401, description = "`unauthenticated`: nobody's own"),
))]
async fn list_sale_events(
    State(state): State<AppState>,
    caller: Option<Caller>,
    acting: Acting,
    Query(query): Query<ListSaleEvents>,
) -> Result<Json<Page<SaleEvent>>> {
    let viewer = acting.viewer(caller.as_ref())?;
    let of = match viewer {
        viewer @ Some(_) if query.mine => viewer,
        None if query.mine => {
            return Err(Problem::unauthenticated("unauthenticated", "log in, and name the organisation that asks"));
        }
        _ => None,
    };
    let rows = store::page(&mut *state.db.acquire().await?, of, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |event| event.id.to_string(), |event| event)))
}

/// Read a sale event
#[utoipa::path(get, path = "/v1/sale-events/{sale_event}", tag = "auctions", security((), ("bearer" = [])),
    params(("sale_event" = SaleEventId, Path), Acting), responses(
    (status = 200, description = "The sale event", body = SaleEvent),
))]
async fn get_sale_event(
    State(state): State<AppState>,
    caller: Option<Caller>,
    acting: Acting,
    Path(id): Path<SaleEventId>,
) -> Result<Json<SaleEvent>> {
    let viewer = acting.viewer(caller.as_ref())?;
    Ok(Json(found(&mut *state.db.acquire().await?, id, viewer).await?))
}

/// Change a draft of a sale event
#[utoipa::path(patch, path = "/v1/sale-events/{sale_event}", tag = "auctions",
    params(("sale_event" = SaleEventId, Path), Acting, IfMatch), request_body = SaleEventChange, responses(
    (status = 200, description = "The draft", body = SaleEvent),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`not_draft`; `sale_event_cancelled`"),
    (status = 422, description = "`invalid_value`"),
))]
async fn change_sale_event(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<SaleEventId>,
    expected: IfMatch,
    Json(change): Json<SaleEventChange>,
) -> Result<Json<SaleEvent>> {
    let seller = acting.trader(&caller)?;
    let mut tx = state.ledger.begin().await?;
    if expected.is_sent() {
        store::lock_for(&mut tx, seller, id).await?;
        expected.check(&found(&mut tx, id, Some(seller)).await?)?;
    }
    store::change(&mut tx, seller, id, &change).await?;
    let changed = found(&mut tx, id, Some(seller)).await?;
    tx.commit().await?;
    Ok(Json(changed))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListLots {
    /// The number that the page begins after.
    after: Option<i32>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List the lots of a sale event, in the order of their numbers
///
/// Each is an auction from the publication on: bids are placed there, and late ones move ends.
#[utoipa::path(get, path = "/v1/sale-events/{sale_event}/lots", tag = "auctions", security((), ("bearer" = [])),
    params(("sale_event" = SaleEventId, Path), Acting, ListLots), responses(
    (status = 200, description = "A page", body = Page<SaleEventLot>),
))]
async fn list_sale_event_lots(
    State(state): State<AppState>,
    caller: Option<Caller>,
    acting: Acting,
    Path(id): Path<SaleEventId>,
    Query(query): Query<ListLots>,
) -> Result<Json<Page<SaleEventLot>>> {
    let viewer = acting.viewer(caller.as_ref())?;
    let mut conn = state.db.acquire().await?;
    let event = found(&mut conn, id, viewer).await?;
    let rows = store::lots(&mut conn, &event, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |lot| lot.lot_no.to_string(), |lot| lot)))
}

/// The number of a lot that was put into a draft.
#[derive(Debug, serde::Serialize, ToSchema)]
struct AddedLot {
    #[schema(minimum = 1, maximum = 500)]
    lot_no: i32,
}

/// Put a lot into a draft
///
/// A listing of the seller that is sold by auction, as a whole. It is published by the time the sale event is.
#[utoipa::path(post, path = "/v1/sale-events/{sale_event}/lots", tag = "auctions",
    params(("sale_event" = SaleEventId, Path), Acting, OptionalKey), request_body = NewSaleEventLot, responses(
    (status = 201, description = "It is in the list of lots, which `Location` names", body = AddedLot,
        headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`not_draft`; `sale_event_cancelled`"),
    (status = 422, description = "`invalid_value`"),
))]
async fn add_sale_event_lot(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<SaleEventId>,
    Keyed { key, body: lot }: Keyed<NewSaleEventLot>,
) -> Result<Response> {
    let seller = acting.trader(&caller)?;
    key.once(&state.ledger, seller.0, StatusCode::CREATED, async |tx| {
        let lot_no = store::add_lot(tx, seller, id, &lot).await?;
        Ok(Made::at(format!("/v1/sale-events/{id}/lots"), AddedLot { lot_no }))
    })
    .await
}

/// Take a lot out of a draft
#[utoipa::path(delete, path = "/v1/sale-events/{sale_event}/lots/{lot}", tag = "auctions",
    params(("sale_event" = SaleEventId, Path), ("lot" = i32, Path, minimum = 1, maximum = 500), Acting), responses(
    (status = 204, description = "Gone; the others keep their numbers"),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`not_draft`; `sale_event_cancelled`"),
))]
async fn remove_sale_event_lot(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path((id, lot)): Path<(SaleEventId, i32)>,
) -> Result<StatusCode> {
    let seller = acting.trader(&caller)?;
    let mut tx = state.ledger.begin().await?;
    store::remove_lot(&mut tx, seller, id, lot).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Publish a sale event
///
/// Each lot becomes an auction, all of them or none; from then on bidders register, and nothing about the lots changes. Lot `k` ends
/// `k - 1` steps after the first. A lot whose listing is not published, or is auctioned already, is named in the refusal.
#[utoipa::path(post, path = "/v1/sale-events/{sale_event}/publish", tag = "auctions",
    params(("sale_event" = SaleEventId, Path), Acting), responses(
    (status = 200, description = "Published", body = SaleEvent),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`not_draft`; `sale_event_cancelled`; `no_lots`; `lot_not_for_sale`: it says which, and why"),
    (status = 422, description = "`invalid_value`: the first end has passed"),
))]
async fn publish_sale_event(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<SaleEventId>,
) -> Result<Json<SaleEvent>> {
    let seller = acting.trader(&caller)?;
    let mut tx = state.ledger.begin().await?;
    let lots = store::publish(&mut tx, seller, caller.user, id).await?;
    let views = auctions::views(&mut tx, &lots, Some(seller)).await?;
    tx.enqueue_each(views.iter().flat_map(timers).collect()).await?;
    let published = found(&mut tx, id, Some(seller)).await?;
    tx.commit().await?;
    Ok(Json(published))
}

/// Cancel a sale event
///
/// While none of its lots has a bid or is decided. Their auctions are cancelled, and their listings withdrawn. Whoever has registered
/// hears of it by email.
#[utoipa::path(post, path = "/v1/sale-events/{sale_event}/cancel", tag = "auctions",
    params(("sale_event" = SaleEventId, Path), Acting), responses(
    (status = 200, description = "Cancelled", body = SaleEvent),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`sale_event_not_cancellable`: a lot has bids or is decided; `sale_event_cancelled`: it is already"),
))]
async fn cancel_sale_event(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<SaleEventId>,
) -> Result<Json<SaleEvent>> {
    let seller = acting.trader(&caller)?;
    let mut tx = state.ledger.begin().await?;
    for view in &store::cancel(&mut tx, seller, caller.user, id).await? {
        announce(&mut tx, News::Cancelled, view);
    }
    let cancelled = found(&mut tx, id, Some(seller)).await?;
    let bidders = store::bidders(&mut tx, id).await?;
    mail::cancelled(&mut tx, id, &cancelled.title, &bidders).await?;
    tx.commit().await?;
    Ok(Json(cancelled))
}

#[cfg(test)]
mod tests;
