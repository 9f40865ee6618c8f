//! Vehicles, and when they are in maintenance.

use serde_json::json;
use shared::audit::{self, Actor};
use shared::ids::OrgId;
use sqlx::PgConnection;

use super::ShipmentError;
use super::room::loads_of;
use crate::ids::{MaintenanceId, VehicleId};
use crate::shipments::model::{Maintenance, NewMaintenance, NewVehicle, Vehicle, VehicleChange};
use crate::shipments::rules::ShipmentRefusal;
use crate::shipments::rules::room::{Room, judge_all};

/// Creates a vehicle of `org`.
pub async fn create_vehicle(
    conn: &mut PgConnection,
    org: OrgId,
    actor: Actor,
    new: &NewVehicle,
) -> Result<Vehicle, ShipmentError> {
    let made = sqlx::query_as!(
        Vehicle,
        r#"INSERT INTO vehicles (id, org_id, name, registration, max_weight_g, max_volume_ml)
           VALUES ($1, $2, $3, $4, $5, $6)
           RETURNING id AS "id: VehicleId", org_id AS "org_id: OrgId", name, registration, max_weight_g, max_volume_ml, created_at, version"#,
        VehicleId::generate().0,
        org.0,
        new.name,
        new.registration,
        new.max_weight_g,
        new.max_volume_ml,
    )
    .fetch_one(&mut *conn)
    .await?;
    write_down(conn, actor, "vehicle.create", &made).await?;
    Ok(made)
}

async fn write_down(conn: &mut PgConnection, actor: Actor, action: &str, vehicle: &Vehicle) -> Result<(), sqlx::Error> {
    let data = json!({"version": vehicle.version, "max_weight_g": vehicle.max_weight_g, "max_volume_ml": vehicle.max_volume_ml});
    let subject = ("vehicle", vehicle.id.to_string());
    audit::append(conn, audit::Entry { actor, action, subject, data }).await?;
    Ok(())
}

/// A vehicle of `org` that is in use.
pub async fn vehicle(conn: &mut PgConnection, org: OrgId, id: VehicleId) -> Result<Option<Vehicle>, sqlx::Error> {
    sqlx::query_as!(
        Vehicle,
        r#"SELECT id AS "id: VehicleId", org_id AS "org_id: OrgId", name, registration, max_weight_g, max_volume_ml, created_at, version
           FROM vehicles
           WHERE id = $1
             AND org_id = $2
             AND archived_at IS NULL"#,
        id.0,
        org.0,
    )
    .fetch_optional(conn)
    .await
}

/// [`vehicle`], locked against changes and loads until the transaction ends.
pub async fn lock_vehicle(conn: &mut PgConnection, org: OrgId, id: VehicleId) -> Result<Vehicle, ShipmentError> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM vehicles WHERE id = $1 AND org_id = $2 FOR NO KEY UPDATE", id.0, org.0)
        .fetch_optional(&mut *conn)
        .await?;
    vehicle(conn, org, id).await?.ok_or(ShipmentError::NoVehicle)
}

/// Up to `limit` vehicles of `org` that are in use, oldest first, after `after`.
pub async fn vehicles_of(
    conn: &mut PgConnection,
    org: OrgId,
    after: Option<VehicleId>,
    limit: i64,
) -> Result<Vec<Vehicle>, sqlx::Error> {
    sqlx::query_as!(
        Vehicle,
        r#"SELECT id AS "id: VehicleId", org_id AS "org_id: OrgId", name, registration, max_weight_g, max_volume_ml, created_at, version
           FROM vehicles
           WHERE org_id = $1
             AND id > coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)
             AND archived_at IS NULL
           ORDER BY id
           LIMIT $3"#,
        org.0,
        after.map(|id| id.0),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Changes a vehicle that is in use. What it carries, or is to, must go on having room.
pub async fn change_vehicle(
    conn: &mut PgConnection,
    org: OrgId,
    actor: Actor,
    id: VehicleId,
    change: &VehicleChange,
) -> Result<Vehicle, ShipmentError> {
    let before = lock_vehicle(conn, org, id).await?;
    let room = Room {
        weight_g: change.max_weight_g.unwrap_or(before.max_weight_g),
        volume_ml: change.max_volume_ml.unwrap_or(before.max_volume_ml),
    };
    if room.weight_g < before.max_weight_g || room.volume_ml < before.max_volume_ml {
        judge_all(room, &loads_of(conn, id, None).await?)?;
    }
    let changed = sqlx::query_as!(
        Vehicle,
        r#"UPDATE vehicles
           SET name = coalesce($2, name),
               registration = coalesce($3, registration),
               max_weight_g = $4,
               max_volume_ml = $5,
               version = version + 1
           WHERE id = $1
           RETURNING id AS "id: VehicleId", org_id AS "org_id: OrgId", name, registration, max_weight_g, max_volume_ml, created_at, version"#,
        id.0,
        change.name,
        change.registration,
        room.weight_g,
        room.volume_ml,
    )
    .fetch_one(&mut *conn)
    .await?;
    write_down(conn, actor, "vehicle.change", &changed).await?;
    Ok(changed)
}

/// Ends the use of a vehicle on which nothing is or is to be.
pub async fn archive_vehicle(
    conn: &mut PgConnection,
    org: OrgId,
    actor: Actor,
    id: VehicleId,
) -> Result<(), ShipmentError> {
    let vehicle = lock_vehicle(conn, org, id).await?;
    if !loads_of(conn, id, None).await?.is_empty() {
        return Err(ShipmentRefusal::VehicleInUse.into());
    }
    sqlx::query!("UPDATE vehicles SET archived_at = clock_timestamp(), version = version + 1 WHERE id = $1", id.0)
        .execute(&mut *conn)
        .await?;
    Ok(write_down(conn, actor, "vehicle.archive", &vehicle).await?)
}

/// The windows of a vehicle of `org` that are not over, earliest first.
pub async fn maintenance(
    conn: &mut PgConnection,
    org: OrgId,
    id: VehicleId,
) -> Result<Vec<Maintenance>, ShipmentError> {
    vehicle(conn, org, id).await?.ok_or(ShipmentError::NoVehicle)?;
    let windows = sqlx::query_as!(
        Maintenance,
        r#"SELECT id AS "id: MaintenanceId", starts_at, ends_at, reason
           FROM maintenance_windows
           WHERE vehicle_id = $1
             AND ends_at > clock_timestamp()
           ORDER BY starts_at
           LIMIT 100"#,
        id.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(windows)
}

/// Takes a vehicle out of use for a time in which nothing is or is to be on it.
pub async fn add_maintenance(
    conn: &mut PgConnection,
    org: OrgId,
    actor: Actor,
    id: VehicleId,
    new: &NewMaintenance,
) -> Result<Maintenance, ShipmentError> {
    let vehicle = lock_vehicle(conn, org, id).await?;
    let made = sqlx::query_as!(
        Maintenance,
        r#"INSERT INTO maintenance_windows (id, vehicle_id, starts_at, ends_at, reason)
           VALUES ($1, $2, $3, $4, $5)
           RETURNING id AS "id: MaintenanceId", starts_at, ends_at, reason"#,
        MaintenanceId::generate().0,
        id.0,
        new.starts_at,
        new.ends_at,
        new.reason,
    )
    .fetch_one(&mut *conn)
    .await?;
    let loads = loads_of(conn, id, None).await?;
    if loads.iter().any(|load| load.from < made.ends_at && made.starts_at < load.until) {
        return Err(ShipmentRefusal::VehicleInUse.into());
    }
    write_down(conn, actor, "vehicle.add_maintenance", &vehicle).await?;
    Ok(made)
}

/// Gives a vehicle back before its time, or after all.
pub async fn remove_maintenance(
    conn: &mut PgConnection,
    org: OrgId,
    actor: Actor,
    id: VehicleId,
    window: MaintenanceId,
) -> Result<(), ShipmentError> {
    let vehicle = lock_vehicle(conn, org, id).await?;
    let done = sqlx::query!("DELETE FROM maintenance_windows WHERE id = $1 AND vehicle_id = $2", window.0, id.0)
        .execute(&mut *conn)
        .await?;
    if done.rows_affected() == 0 {
        return Err(ShipmentError::NoVehicle);
    }
    Ok(write_down(conn, actor, "vehicle.remove_maintenance", &vehicle).await?)
}
