//! The fleet: what an organisation moves things with, and when it cannot.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use market::identity::PlatformRole;
use market::ids::{MaintenanceId, VehicleId};
use market::shipments::model::{Maintenance, NewMaintenance, NewVehicle, Vehicle, VehicleChange};
use market::shipments::store::{self, ShipmentError};
use serde::{Deserialize, Serialize};
use shared::audit::Actor;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use crate::auth::Caller;
use crate::conditional::IfMatch;
use crate::error::Result;
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_vehicles, create_vehicle))
        .routes(routes!(get_vehicle, change_vehicle, archive_vehicle))
        .routes(routes!(list_maintenance, add_maintenance))
        .routes(routes!(remove_maintenance))
}

/// Add a vehicle
#[utoipa::path(post, path = "/v1/vehicles", tag = "shipments", params(Acting, OptionalKey), request_body = NewVehicle, responses(
    (status = 201, description = "Added", body = Vehicle, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`"),
    (status = 422, description = "`invalid_value`"),
))]
async fn create_vehicle(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Keyed { key, body: new }: Keyed<NewVehicle>,
) -> Result<Response> {
    let org = acting.preparer(&caller)?;
    key.once(&state.ledger, org.0, StatusCode::CREATED, async |tx| {
        let made = store::create_vehicle(tx, org, Actor::User(caller.user), &new).await?;
        Ok(Made::at(format!("/v1/vehicles/{}", made.id), made))
    })
    .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListVehicles {
    after: Option<VehicleId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List an organisation's vehicles, oldest first
///
/// Members see their organisation's vehicles, operators of the platform everybody's.
#[utoipa::path(get, path = "/v1/vehicles", tag = "shipments", params(Acting, ListVehicles), responses(
    (status = 200, description = "A page", body = Page<Vehicle>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_vehicles(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<ListVehicles>,
) -> Result<Json<Page<Vehicle>>> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    let rows = store::vehicles_of(&mut *state.db.acquire().await?, org, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |vehicle| vehicle.id.to_string(), |vehicle| vehicle)))
}

/// Read a vehicle
///
/// Members see their organisation's vehicles, operators of the platform everybody's.
#[utoipa::path(get, path = "/v1/vehicles/{vehicle}", tag = "shipments", params(("vehicle" = VehicleId, Path), Acting), responses(
    (status = 200, description = "The vehicle", body = Vehicle),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_vehicle(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<VehicleId>,
) -> Result<Json<Vehicle>> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    let found = store::vehicle(&mut *state.db.acquire().await?, org, id).await?;
    Ok(Json(found.ok_or(ShipmentError::NoVehicle)?))
}

/// Change a vehicle
///
/// Fields that are left out stay as they are. What is on it, or is to be, must go on having room.
#[utoipa::path(patch, path = "/v1/vehicles/{vehicle}", tag = "shipments", params(("vehicle" = VehicleId, Path), Acting, IfMatch),
    request_body = VehicleChange, responses(
    (status = 200, description = "The vehicle", body = Vehicle),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`vehicle_full`: it says how much is too much"),
    (status = 422, description = "`invalid_value`"),
))]
async fn change_vehicle(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<VehicleId>,
    expected: IfMatch,
    Json(change): Json<VehicleChange>,
) -> Result<Json<Vehicle>> {
    let org = acting.preparer(&caller)?;
    let mut tx = state.ledger.begin().await?;
    if expected.is_sent() {
        expected.check(&store::lock_vehicle(&mut tx, org, id).await?)?;
    }
    let changed = store::change_vehicle(&mut tx, org, Actor::User(caller.user), id, &change).await?;
    tx.commit().await?;
    Ok(Json(changed))
}

/// Archive a vehicle
///
/// It leaves the lists; what it has carried keeps it.
#[utoipa::path(delete, path = "/v1/vehicles/{vehicle}", tag = "shipments", params(("vehicle" = VehicleId, Path), Acting, IfMatch),
    responses(
    (status = 204, description = "Archived"),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`vehicle_in_use`: a shipment on it has not ended"),
))]
async fn archive_vehicle(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<VehicleId>,
    expected: IfMatch,
) -> Result<StatusCode> {
    let org = acting.preparer(&caller)?;
    let mut tx = state.ledger.begin().await?;
    if expected.is_sent() {
        expected.check(&store::lock_vehicle(&mut tx, org, id).await?)?;
    }
    store::archive_vehicle(&mut tx, org, Actor::User(caller.user), id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// When a vehicle cannot be used.
#[derive(Debug, Serialize, ToSchema)]
struct MaintenanceWindows {
    /// Earliest first.
    #[schema(max_items = 100)]
    items: Vec<Maintenance>,
}

/// List when a vehicle is in maintenance
///
/// From now on. Members see their organisation's vehicles, operators of the platform everybody's.
#[utoipa::path(get, path = "/v1/vehicles/{vehicle}/maintenance", tag = "shipments", params(("vehicle" = VehicleId, Path), Acting),
    responses(
    (status = 200, description = "All that are not over", body = MaintenanceWindows),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_maintenance(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<VehicleId>,
) -> Result<Json<MaintenanceWindows>> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    Ok(Json(MaintenanceWindows { items: store::maintenance(&mut *state.db.acquire().await?, org, id).await? }))
}

/// Plan maintenance of a vehicle
///
/// Nothing can be on it then.
#[utoipa::path(post, path = "/v1/vehicles/{vehicle}/maintenance", tag = "shipments", request_body = NewMaintenance,
    params(("vehicle" = VehicleId, Path), Acting, OptionalKey), responses(
    (status = 201, description = "Planned", body = Maintenance, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`vehicle_in_use`: a shipment needs it then"),
    (status = 422, description = "`invalid_value`"),
))]
async fn add_maintenance(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<VehicleId>,
    Keyed { key, body: new }: Keyed<NewMaintenance>,
) -> Result<Response> {
    let org = acting.preparer(&caller)?;
    key.once(&state.ledger, org.0, StatusCode::CREATED, async |tx| {
        let made = store::add_maintenance(tx, org, Actor::User(caller.user), id, &new).await?;
        Ok(Made::at(format!("/v1/vehicles/{id}/maintenance"), made))
    })
    .await
}

/// Remove planned maintenance of a vehicle
#[utoipa::path(delete, path = "/v1/vehicles/{vehicle}/maintenance/{maintenance}", tag = "shipments",
    params(("vehicle" = VehicleId, Path), ("maintenance" = MaintenanceId, Path), Acting), responses(
    (status = 204, description = "Removed"),
    (status = 403, description = "`role_too_low`"),
))]
async fn remove_maintenance(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path((id, window)): Path<(VehicleId, MaintenanceId)>,
) -> Result<StatusCode> {
    let org = acting.preparer(&caller)?;
    let mut tx = state.ledger.begin().await?;
    store::remove_maintenance(&mut tx, org, Actor::User(caller.user), id, window).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests;
