//! Papers that are asked for.

use chrono::{DateTime, Utc};
use shared::ids::JobId;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::{PaperError, consignment};
use crate::appointments::store::may_issue;
use crate::cargo::ShipmentStatus;
use crate::ids::{OrderId, PaperId, ShipmentId};
use crate::offers::model::Party;
use crate::orders::model::OrderStatus;
use crate::papers::model::{NewPaper, PaperKind, Subject, WasteData};

/// Writes down which paper `by` asks for, if it is there for them; returns it and when. Needs a transaction.
pub async fn ask(conn: &mut PgConnection, by: Party, new: &NewPaper) -> Result<(PaperId, DateTime<Utc>), PaperError> {
    let (mut order, mut shipment, mut appointment) = (None, None, None);
    match Subject::of(new.kind, new.about) {
        Subject::PickingList(id) => {
            to_be_picked(conn, by, id).await?;
            order = Some(id.0);
        }
        Subject::ShippingLabel(id) => {
            sent_by(conn, by, id).await?;
            shipment = Some(id.0);
        }
        Subject::WasteMovement(id) => {
            sent_by(conn, by, id).await?;
            let of = consignment(conn, id).await?.ok_or(PaperError::NotFound("shipment"))?;
            if !of.goods.iter().any(|goods| goods.is_waste) {
                return Err(PaperError::NoWaste);
            }
            shipment = Some(id.0);
        }
        Subject::ReleasePass(id) => {
            may_issue(conn, by, id).await?;
            appointment = Some(id.0);
        }
    }
    let id = PaperId::generate();
    let created_at = sqlx::query_scalar!(
        "INSERT INTO papers (id, org_id, requested_by, kind, order_id, shipment_id, appointment_id, waste)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         RETURNING created_at",
        id.0,
        by.org.0,
        by.user.0,
        new.kind as PaperKind,
        order,
        shipment,
        appointment,
        new.waste.as_ref().map(Json) as Option<Json<&WasteData>>,
    )
    .fetch_one(conn)
    .await?;
    Ok((id, created_at))
}

/// Refuses orders of others, and those of which nothing is sent now.
async fn to_be_picked(conn: &mut PgConnection, by: Party, id: OrderId) -> Result<(), PaperError> {
    let status = sqlx::query_scalar!(
        r#"SELECT status AS "status: OrderStatus" FROM orders WHERE id = $1 AND seller_org_id = $2"#,
        id.0,
        by.org.0,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(PaperError::NotFound("order"))?;
    match status {
        OrderStatus::Paid | OrderStatus::InFulfilment => Ok(()),
        other => Err(PaperError::OrderStatus(other)),
    }
}

/// Refuses shipments of others, and cancelled ones.
async fn sent_by(conn: &mut PgConnection, by: Party, id: ShipmentId) -> Result<(), PaperError> {
    let status = sqlx::query_scalar!(
        r#"SELECT status AS "status: ShipmentStatus" FROM shipments WHERE id = $1 AND org_id = $2"#,
        id.0,
        by.org.0,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(PaperError::NotFound("shipment"))?;
    if status == ShipmentStatus::Cancelled { Err(PaperError::ShipmentStatus) } else { Ok(()) }
}

/// Notes which job prints the paper.
pub async fn set_job(conn: &mut PgConnection, id: PaperId, job: JobId) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE papers SET job_id = $2 WHERE id = $1", id.0, job.0).execute(conn).await?;
    Ok(())
}
