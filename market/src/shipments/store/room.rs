//! Whether a vehicle has room, read under its lock.

use chrono::{DateTime, TimeDelta, Utc};
use shared::ids::OrgId;
use sqlx::PgConnection;

use super::ShipmentError;
use super::vehicles::lock_vehicle;
use crate::ids::{ShipmentId, VehicleId};
use crate::shipments::model::ShipmentLine;
use crate::shipments::rules::room::{Away, Load, Room, judge};

/// Locks the vehicle, and refuses lines that it has no room or no time for between these times: as planned, or from now on when they
/// are loaded.
pub(super) async fn take_room(
    conn: &mut PgConnection,
    (org, vehicle): (OrgId, VehicleId),
    shipment: ShipmentId,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    lines: &[ShipmentLine],
) -> Result<(), ShipmentError> {
    let found = lock_vehicle(conn, org, vehicle).await?;
    let room = Room { weight_g: found.max_weight_g, volume_ml: found.max_volume_ml };
    let sum =
        |of: fn(&ShipmentLine) -> i64| lines.iter().map(|line| line.open_quantity().saturating_mul(of(line))).sum();
    // What leaves late is on it for a moment at least.
    let until = until.max(from + TimeDelta::seconds(1));
    let new = Load { from, until, weight_g: sum(|line| line.weight_g), volume_ml: sum(|line| line.volume_ml) };
    let loads = loads_of(conn, vehicle, Some(shipment)).await?;
    let away = away(conn, vehicle).await?;
    Ok(judge(room, &loads, &away, new)?)
}

/// What is on a locked vehicle, or is to be: everything that has not ended, but `except`.
pub(super) async fn loads_of(
    conn: &mut PgConnection,
    vehicle: VehicleId,
    except: Option<ShipmentId>,
) -> Result<Vec<Load>, sqlx::Error> {
    // What is on it is on it now, whatever was planned.
    sqlx::query_as!(
        Load,
        r#"SELECT coalesce(s.picked_up_at, s.planned_pickup) AS "from!",
                  CASE WHEN s.picked_up_at IS NULL THEN s.planned_delivery
                       ELSE greatest(s.planned_delivery, clock_timestamp() + interval '1 second') END AS "until!",
                  sum((l.quantity - l.delivered_quantity - l.returned_quantity) * l.weight_g)::bigint AS "weight_g!",
                  sum((l.quantity - l.delivered_quantity - l.returned_quantity) * l.volume_ml)::bigint AS "volume_ml!"
           FROM shipments AS s
           JOIN shipment_lines AS l ON l.shipment_id = s.id
           WHERE s.vehicle_id = $1
             AND s.ended_at IS NULL
             AND s.id IS DISTINCT FROM $2
           GROUP BY s.id"#,
        vehicle.0,
        except.map(|id| id.0),
    )
    .fetch_all(conn)
    .await
}

async fn away(conn: &mut PgConnection, vehicle: VehicleId) -> Result<Vec<Away>, sqlx::Error> {
    sqlx::query_as!(
        Away,
        r#"SELECT starts_at AS "from", ends_at AS "until"
           FROM maintenance_windows
           WHERE vehicle_id = $1
             AND ends_at > clock_timestamp()
           ORDER BY starts_at"#,
        vehicle.0,
    )
    .fetch_all(conn)
    .await
}
