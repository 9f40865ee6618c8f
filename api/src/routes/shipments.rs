//! Shipments: what leaves a site or follows from an order, and what becomes of it. What carriers report is in
//! [`cargo_events`](super::cargo_events).

mod refusals;
mod topic;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use jobs::shipments::after;
use market::cargo::ShipmentStatus;
use market::identity::PlatformRole;
use market::ids::{OrderId, RegionId, ShipmentId, SiteId};
use market::offers::model::Party;
use market::shipments::model::{NewShipment, Shipment, ShipmentChange, ShipmentFigures, Tracking};
use market::shipments::store::{self, Done, FigureFilter, ShipmentError, ShipmentFilter};
use queue::JobTx;
use serde::Deserialize;
use shared::invalid::Invalid;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use topic::ShipmentTopic;

use super::acting::Acting;
use super::orgs::{given_reason, reason_schema};
use crate::auth::Caller;
use crate::conditional::IfMatch;
use crate::error::Result;
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::paging::{Limit, Page};
use crate::state::AppState;

/// What figures are of, unless other times are given.
const USUAL_SPAN: TimeDelta = TimeDelta::days(30);

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_shipments, create_shipment))
        .routes(routes!(get_shipment_figures))
        .routes(routes!(get_shipment, change_shipment))
        .routes(routes!(cancel_shipment))
        .routes(routes!(pick_up_shipment))
        .routes(routes!(deliver_shipment))
        .routes(routes!(fail_shipment))
        .routes(routes!(return_shipment))
}

/// The number that a path names.
fn number(text: &str) -> Result<Tracking> {
    Ok(Tracking::read(text).ok_or(ShipmentError::NotFound)?)
}

/// Does what follows from an act, and answers with what the shipment is now.
async fn after_act(mut tx: JobTx, done: Done, note: Option<&str>) -> Result<Json<Shipment>> {
    after(&mut tx, &done, note).await?;
    tx.commit().await?;
    Ok(Json(done.shipment))
}

/// Create a shipment
///
/// Of items from a site to another one or to an address, or of lines of an order to its buyer; the order is paid, unless it is a trade.
/// What the stock book has of the items is held until they are picked up; what is sold has left it already, or is reserved for its buyer.
/// On a vehicle it needs room and time.
#[utoipa::path(post, path = "/v1/shipments", tag = "shipments", params(Acting, OptionalKey), request_body = NewShipment, responses(
    (status = 201, description = "Created", body = Shipment, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 404, description = "`not_found`: there is no such order or vehicle"),
    (status = 409, description = "`out_of_stock`; `vehicle_full`: it says how much is too much; `vehicle_in_maintenance`; `not_paid`; `order_status`: nothing of it is sent now"),
    (status = 422, description = "`invalid_value`"),
))]
async fn create_shipment(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Keyed { key, body: new }: Keyed<NewShipment>,
) -> Result<Response> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    key.once(&state.ledger, by.org.0, StatusCode::CREATED, async |tx| {
        let done = store::create(tx, by, &new).await?;
        after(tx, &done, None).await?;
        Ok(Made::at(format!("/v1/shipments/{}", done.shipment.tracking), done.shipment))
    })
    .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListShipments {
    /// Only those that are at this.
    #[param(inline)]
    status: Option<ShipmentStatus>,
    /// Only those of this order.
    order: Option<OrderId>,
    /// The `next` of an earlier page.
    after: Option<ShipmentId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List what an organisation sends or gets, newest first
///
/// Members see their organisation's shipments, operators of the platform everybody's.
#[utoipa::path(get, path = "/v1/shipments", tag = "shipments", params(Acting, ListShipments), responses(
    (status = 200, description = "A page", body = Page<Shipment>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_shipments(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<ListShipments>,
) -> Result<Json<Page<Shipment>>> {
    let party = acting.member_or(PlatformRole::Operator, &caller)?;
    let ListShipments { status, order, after, limit } = query;
    let filter = ShipmentFilter { party, status, order, before: after, limit: limit.fetch() };
    let rows = store::page(&mut *state.db.acquire().await?, filter).await?;
    Ok(Json(limit.page(rows, |found| found.id.to_string(), |found| found)))
}

/// Read a shipment
///
/// For the organisation that sends it, the one that gets it, and operators of the platform who name one of them.
#[utoipa::path(get, path = "/v1/shipments/{shipment}", tag = "shipments",
    params(("shipment" = String, Path, description = "Its tracking number"), Acting), responses(
    (status = 200, description = "The shipment", body = Shipment),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_shipment(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(shipment): Path<String>,
) -> Result<Json<Shipment>> {
    let party = acting.member_or(PlatformRole::Operator, &caller)?;
    let found = store::get(&mut *state.db.acquire().await?, party, &number(&shipment)?).await?;
    Ok(Json(found.ok_or(ShipmentError::NotFound)?))
}

/// Change a shipment
///
/// By its shipper, until it is picked up. Fields that are left out stay as they are. What is held of the stock follows the quantities;
/// weights and volumes are of one unit, and change no quantity.
#[utoipa::path(patch, path = "/v1/shipments/{shipment}", tag = "shipments", request_body = ShipmentChange,
    params(("shipment" = String, Path, description = "Its tracking number"), Acting, IfMatch), responses(
    (status = 200, description = "The shipment", body = Shipment),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`shipment_status`: it was picked up, or is over; `out_of_stock`; `vehicle_full`; `vehicle_in_maintenance`"),
    (status = 422, description = "`invalid_value`"),
))]
async fn change_shipment(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(shipment): Path<String>,
    expected: IfMatch,
    Json(change): Json<ShipmentChange>,
) -> Result<Json<Shipment>> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let number = number(&shipment)?;
    let mut tx = state.ledger.begin().await?;
    if expected.is_sent() {
        expected.check(&store::lock_own(&mut tx, by.org, &number).await?)?;
    }
    let done = store::change(&mut tx, by, &number, &change).await?;
    after_act(tx, done, None).await
}

/// Cancel a shipment
///
/// By its shipper, until it is picked up. What was held of the stock is available again.
#[utoipa::path(post, path = "/v1/shipments/{shipment}/cancel", tag = "shipments",
    params(("shipment" = String, Path, description = "Its tracking number"), Acting), responses(
    (status = 200, description = "Cancelled", body = Shipment),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`shipment_status`: it was picked up, or is over"),
))]
async fn cancel_shipment(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(shipment): Path<String>,
) -> Result<Json<Shipment>> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let mut tx = state.ledger.begin().await?;
    let done = store::cancel(&mut tx, by, &number(&shipment)?).await?;
    after_act(tx, done, None).await
}

/// Say that a shipment was picked up
///
/// By its shipper. Its units are out of the stock from then on; an order that it is the first of is on its way.
#[utoipa::path(post, path = "/v1/shipments/{shipment}/pick-up", tag = "shipments",
    params(("shipment" = String, Path, description = "Its tracking number"), Acting), responses(
    (status = 200, description = "Picked up", body = Shipment),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`shipment_status`: it was picked up, or is over; `order_status`: nothing of it is sent now; `vehicle_full`; `vehicle_in_maintenance`"),
))]
async fn pick_up_shipment(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(shipment): Path<String>,
) -> Result<Json<Shipment>> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let mut tx = state.ledger.begin().await?;
    let done = store::pick_up(&mut tx, by, &number(&shipment)?).await?;
    after_act(tx, done, None).await
}

/// Units of a line that have arrived.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LineDelivered {
    #[schema(minimum = 1, maximum = 100)]
    line: i16,
    /// At most what is still on its way.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    quantity: i64,
}

/// What has arrived.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeliverShipment {
    /// Each line once; left out: all that is still on its way.
    #[schema(min_items = 1, max_items = 100)]
    lines: Option<Vec<LineDelivered>>,
}

/// Say that a shipment has arrived
///
/// By the organisation that sends it or the one that gets it; as a whole, or some units of its lines. At a site whose stock is counted the
/// units are there from then on. An order of which everything has arrived is delivered, and its time of inspection runs; its payment
/// stays as it is.
#[utoipa::path(post, path = "/v1/shipments/{shipment}/deliver", tag = "shipments", request_body = DeliverShipment,
    params(("shipment" = String, Path, description = "Its tracking number"), Acting, OptionalKey), responses(
    (status = 200, description = "Delivered, or a part of it", body = Shipment),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`shipment_status`: it was not picked up, or is over; `level_full`, `site_full`: there is no room for the units; `site_archived`"),
    (status = 422, description = "`invalid_value`"),
))]
async fn deliver_shipment(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(shipment): Path<String>,
    Keyed { key, body }: Keyed<DeliverShipment>,
) -> Result<Response> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let number = number(&shipment)?;
    let lines: Option<Vec<_>> =
        body.lines.map(|lines| lines.into_iter().map(|LineDelivered { line, quantity }| (line, quantity)).collect());
    key.once(&state.ledger, by.org.0, StatusCode::OK, async |tx| {
        let done = store::deliver(tx, by, &number, lines.as_deref()).await?;
        after(tx, &done, None).await?;
        Ok(Made::new(done.shipment))
    })
    .await
}

/// Why it was not delivered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FailShipment {
    /// It stands in the event log.
    #[schema(schema_with = reason_schema)]
    reason: String,
}

/// Say that a delivery was tried in vain
///
/// By the shipper. It can be delivered later, or come back.
#[utoipa::path(post, path = "/v1/shipments/{shipment}/fail", tag = "shipments", request_body = FailShipment,
    params(("shipment" = String, Path, description = "Its tracking number"), Acting), responses(
    (status = 200, description = "Still on its way", body = Shipment),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`shipment_status`: it was not picked up, or is over"),
    (status = 422, description = "`reason_length`"),
))]
async fn fail_shipment(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(shipment): Path<String>,
    Json(body): Json<FailShipment>,
) -> Result<Json<Shipment>> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let reason = given_reason(&body.reason)?;
    let mut tx = state.ledger.begin().await?;
    let done = store::fail(&mut tx, by, &number(&shipment)?).await?;
    after_act(tx, done, Some(&reason)).await
}

/// Say that a shipment is back
///
/// By the shipper. What was not delivered is in stock again where it was; an order's units can be sent again.
#[utoipa::path(post, path = "/v1/shipments/{shipment}/return", tag = "shipments",
    params(("shipment" = String, Path, description = "Its tracking number"), Acting), responses(
    (status = 200, description = "Back", body = Shipment),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`shipment_status`: it was not picked up, or is over; `level_full`, `site_full`: there is no room for the units; `site_archived`"),
))]
async fn return_shipment(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(shipment): Path<String>,
) -> Result<Json<Shipment>> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let mut tx = state.ledger.begin().await?;
    let done = store::give_back(&mut tx, by, &number(&shipment)?).await?;
    after_act(tx, done, None).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FiguresOf {
    /// What was picked up and what ended from here on; left out: from 30 days before `to`, or before now.
    from: Option<DateTime<Utc>>,
    /// Before this, and after `from`; left out: up to now.
    to: Option<DateTime<Utc>>,
    /// What left sites there, or in a part of it.
    region: Option<RegionId>,
    site: Option<SiteId>,
}

/// Read a shipper's figures
///
/// What was moved, how much of it was delivered and how much of that on time, and what is low: in all, by the site that it left, and by
/// the region of that site. Of the last 30 days, unless others are asked for.
/// Members read their organisation's figures, operators of the platform everybody's.
#[utoipa::path(get, path = "/v1/shipments/figures", tag = "shipments", params(Acting, FiguresOf), responses(
    (status = 200, description = "The figures", body = ShipmentFigures),
    (status = 403, description = "`role_too_low`"),
    (status = 422, description = "`invalid_value`"),
))]
async fn get_shipment_figures(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<FiguresOf>,
) -> Result<Json<ShipmentFigures>> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    let FiguresOf { from, to, region, site } = query;
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Err(Invalid::new("/to", "must be after `from`").into());
    }
    // What is so long ago that no time is 30 days before it begins with the beginning.
    let from = from.or_else(|| to.unwrap_or_else(|| state.clock.now()).checked_sub_signed(USUAL_SPAN));
    let filter = FigureFilter { org, from, to, region, site };
    Ok(Json(store::figures(&mut *state.db.acquire().await?, filter).await?))
}

#[cfg(test)]
mod tests;
