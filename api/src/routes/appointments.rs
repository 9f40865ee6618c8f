//! Appointments: when goods of an order are collected or delivered, and the pass that they are given out for.

mod refusals;
mod site;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use jobs::appointments::{accept, book, cancel, reschedule};
use market::appointments::model::{
    Appointment, AppointmentKind, MOST_DAYS, NewAppointment, Pass, Settlement, Slot, Storage,
};
use market::appointments::store::{self, AppointmentError};
use market::ids::{AppointmentId, OrderId};
use market::offers::model::Party;
use market::orders::store as orders;
use serde::{Deserialize, Serialize};
use shared::invalid::Invalid;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(site::get_site_hours, site::set_site_hours))
        .routes(routes!(site::redeem_pass))
        .routes(routes!(list_slots_of_order))
        .routes(routes!(list_appointments_of_order, make_appointment))
        .routes(routes!(get_appointment))
        .routes(routes!(accept_appointment))
        .routes(routes!(move_appointment))
        .routes(routes!(cancel_appointment))
        .routes(routes!(issue_pass))
        .routes(routes!(settle_storage))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SlotsOf {
    /// What for; without it, collections.
    kind: Option<AppointmentKind>,
    /// By the clock on each site's wall.
    first_day: NaiveDate,
    /// At most 14 days together.
    last_day: NaiveDate,
}

/// Times at which an order can be collected or delivered.
#[derive(Debug, Serialize, ToSchema)]
struct Slots {
    /// By when they begin.
    items: Vec<Slot>,
}

/// List when an order can be collected or delivered
///
/// For the organisation that buys or sells: the slots with room, at the sites that its goods were sold from; goods without a site are at
/// all of the seller's sites that have hours, of which ten are shown. Deliveries have slots of their own, as long as something is to be
/// delivered; where there are none, the buyer says when they would like to get the goods.
#[utoipa::path(get, path = "/v1/orders/{order}/slots", tag = "appointments", params(("order" = OrderId, Path), Acting, SlotsOf), responses(
    (status = 200, description = "The slots of these days", body = Slots),
    (status = 403, description = "`role_too_low`"),
    (status = 422, description = "`invalid_value`"),
))]
async fn list_slots_of_order(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(order): Path<OrderId>,
    Query(query): Query<SlotsOf>,
) -> Result<Json<Slots>> {
    let party = acting.member(&caller)?;
    let SlotsOf { kind, first_day, last_day } = query;
    let kind = kind.unwrap_or(AppointmentKind::Collection);
    if !(0..MOST_DAYS).contains(&(last_day - first_day).num_days()) {
        return Err(
            Invalid::new("/last_day", format!("must be one of the {MOST_DAYS} days from `first_day` on")).into()
        );
    }
    let items = store::slots(&mut *state.db.acquire().await?, party, order, kind, (first_day, last_day)).await?;
    Ok(Json(Slots { items }))
}

/// The appointments of an order.
#[derive(Debug, Serialize, ToSchema)]
struct Appointments {
    /// Newest first.
    #[schema(max_items = 100)]
    items: Vec<Appointment>,
    /// What keeping its goods costs, if it costs anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    storage: Option<Storage>,
}

/// List the appointments of an order
///
/// For the organisation that buys or sells.
#[utoipa::path(get, path = "/v1/orders/{order}/appointments", tag = "appointments", params(("order" = OrderId, Path), Acting), responses(
    (status = 200, description = "All of them", body = Appointments),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_appointments_of_order(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(order): Path<OrderId>,
) -> Result<Json<Appointments>> {
    let party = acting.member(&caller)?;
    let mut conn = state.db.acquire().await?;
    orders::order(&mut conn, party, order).await?.ok_or_else(|| Problem::not_found("order"))?;
    let items = store::of_order(&mut conn, order).await?;
    Ok(Json(Appointments { items, storage: store::storage(&mut conn, order).await? }))
}

/// Make an appointment
///
/// About an order that is paid and has not arrived. The buyer books it; what the seller makes is proposed, and booked when the buyer
/// accepts it. A collection takes a free slot of a site, of goods that were offered for `pickup`. A delivery takes a free slot of the site
/// that it comes from, of goods that were offered for more than `pickup`; without a site it is a time at which the buyer would like to get
/// the goods, and takes none. Shipments without a plan of their own are planned by it.
#[utoipa::path(post, path = "/v1/orders/{order}/appointments", tag = "appointments", request_body = NewAppointment,
    params(("order" = OrderId, Path), Acting, OptionalKey), responses(
    (status = 201, description = "Booked, or proposed", body = Appointment, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`not_paid`; `order_status`: it has arrived, or is over; `slot_taken`; `appointment_exists`: move that one; \
        `nothing_to_collect`, `nothing_to_deliver`: nothing of it is there; `not_for_collection`, `not_for_delivery`: the seller may \
        propose it"),
    (status = 422, description = "`invalid_value`"),
))]
async fn make_appointment(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(order): Path<OrderId>,
    Keyed { key, body: new }: Keyed<NewAppointment>,
) -> Result<Response> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    key.once(&state.ledger, by.org.0, StatusCode::CREATED, async |tx| {
        let made = book(tx, by, order, &new).await?;
        Ok(Made::at(format!("/v1/appointments/{}", made.id), made))
    })
    .await
}

/// Read an appointment
///
/// For the organisation that buys or sells.
#[utoipa::path(get, path = "/v1/appointments/{appointment}", tag = "appointments",
    params(("appointment" = AppointmentId, Path), Acting), responses(
    (status = 200, description = "The appointment", body = Appointment),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_appointment(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<AppointmentId>,
) -> Result<Json<Appointment>> {
    let party = acting.member(&caller)?;
    let found = store::get(&mut *state.db.acquire().await?, party, id).await?;
    Ok(Json(found.ok_or(AppointmentError::NotFound)?))
}

/// Agree to an appointment
///
/// By the buyer, to what the seller has proposed.
#[utoipa::path(post, path = "/v1/appointments/{appointment}/accept", tag = "appointments",
    params(("appointment" = AppointmentId, Path), Acting), responses(
    (status = 200, description = "Booked", body = Appointment),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`appointment_status`: it is not a proposal; `appointment_too_close`: it has begun; `order_status`; \
        `nothing_to_collect`, `nothing_to_deliver`: nothing of it is there any more"),
))]
async fn accept_appointment(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<AppointmentId>,
) -> Result<Json<Appointment>> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let mut tx = state.ledger.begin().await?;
    let booked = accept(&mut tx, by, id).await?;
    tx.commit().await?;
    Ok(Json(booked))
}

/// Another time.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MoveAppointment {
    /// At a site: when another of its slots begins.
    starts_at: DateTime<Utc>,
    /// Without a site, and only then: at most 24 hours later.
    ends_at: Option<DateTime<Utc>>,
}

/// Move an appointment
///
/// By the buyer, until two hours before it begins.
#[utoipa::path(post, path = "/v1/appointments/{appointment}/move", tag = "appointments", request_body = MoveAppointment,
    params(("appointment" = AppointmentId, Path), Acting), responses(
    (status = 200, description = "Booked for that time", body = Appointment),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`appointment_status`: it is not booked; `appointment_too_close`; `slot_taken`; `order_status`; \
        `nothing_to_collect`, `nothing_to_deliver`"),
    (status = 422, description = "`invalid_value`"),
))]
async fn move_appointment(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<AppointmentId>,
    Json(body): Json<MoveAppointment>,
) -> Result<Json<Appointment>> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let mut tx = state.ledger.begin().await?;
    let moved = reschedule(&mut tx, by, id, body.starts_at, body.ends_at).await?;
    tx.commit().await?;
    Ok(Json(moved))
}

/// Cancel an appointment
///
/// By the buyer or the seller: a proposal at any time, what is booked until two hours before it begins. Its pass is good for nothing
/// from then on.
#[utoipa::path(post, path = "/v1/appointments/{appointment}/cancel", tag = "appointments",
    params(("appointment" = AppointmentId, Path), Acting), responses(
    (status = 200, description = "Cancelled", body = Appointment),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`appointment_status`: it is over; `appointment_too_close`"),
))]
async fn cancel_appointment(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<AppointmentId>,
) -> Result<Json<Appointment>> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let mut tx = state.ledger.begin().await?;
    let cancelled = cancel(&mut tx, by, id).await?;
    tx.commit().await?;
    Ok(Json(cancelled))
}

/// Issue the pass of an appointment
///
/// By the buyer of a booked collection. The pass is shown once; a new one takes the place of the one before, which is good for nothing
/// from then on. Whoever shows it gets the goods.
#[utoipa::path(post, path = "/v1/appointments/{appointment}/pass", tag = "appointments",
    params(("appointment" = AppointmentId, Path), Acting), responses(
    (status = 200, description = "The pass, for this once", body = Pass),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`appointment_status`: it is not booked; `not_collected`: it is a delivery; `pass_expired`: it is over; `order_status`"),
))]
async fn issue_pass(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<AppointmentId>,
) -> Result<Json<Pass>> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let mut tx = state.ledger.begin().await?;
    let pass = store::issue(&mut tx, by, id).await?;
    tx.commit().await?;
    Ok(Json(pass))
}

/// What has become of what was due.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SettleStorage {
    how: Settlement,
}

/// Settle what is due for storage
///
/// By the seller, who has got all of it from the buyer or gives it up. Then the goods can be given out.
#[utoipa::path(post, path = "/v1/orders/{order}/storage/settle", tag = "appointments", request_body = SettleStorage,
    params(("order" = OrderId, Path), Acting), responses(
    (status = 200, description = "Nothing is due", body = Storage),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`not_paid`; `nothing_due`"),
))]
async fn settle_storage(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(order): Path<OrderId>,
    Json(body): Json<SettleStorage>,
) -> Result<Json<Storage>> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let mut tx = state.ledger.begin().await?;
    let settled = store::settle(&mut tx, by, order, body.how).await?;
    tx.commit().await?;
    Ok(Json(settled))
}

#[cfg(test)]
mod tests;
