//! Goods of an order that are given out where they are.

use shared::audit::Actor;
use sqlx::PgConnection;

use super::act::arrives;
use super::locked::{finish, lock_shipment};
use super::order::{leaves, ordered, pack};
use super::{Done, ShipmentError};
use crate::escrow::store::{self as escrow, EscrowError};
use crate::ids::{OrderId, ShipmentId, SiteId};
use crate::offers::model::Party;
use crate::shipments::rules::{judge_delivery, judge_order};

/// Gives out what is left of a locked order at a site of its seller's: what waits there leaves and arrives in the act, and so does what
/// was sold from there, or from no site, and is in no shipment.
pub(crate) async fn collect(
    conn: &mut PgConnection,
    by: Party,
    order: escrow::Locked,
    site: SiteId,
) -> Result<Vec<Done>, ShipmentError> {
    judge_order(order.status)?;
    let elsewhere = elsewhere(conn, order.id, site).await?;
    let here = ordered(conn, order.id).await?.into_iter().filter(|line| !elsewhere.contains(&line.of.line));
    pack(conn, by, &order, Some(site), here.collect()).await?;
    let (actor, status) = (Actor::User(by.user), order.status);
    let (mut of, mut done) = (order, Vec::new());
    for id in waiting(conn, of.id, site).await? {
        let mut locked = lock_shipment(conn, id, Some(of)).await?;
        let (mut moved, sent) = leaves(conn, &mut locked, actor).await?;
        let units = judge_delivery(&locked.shipment.lines, None)?;
        let (arrived, step) = arrives(conn, &mut locked, &units, actor).await?;
        moved.extend(arrived);
        done.push(finish(conn, &locked, actor, "collect", moved, step.or(sent)).await?);
        of = locked.order.ok_or(ShipmentError::NoOrder)?;
    }
    // Everything has left in another way.
    if done.is_empty() { Err(EscrowError::OrderStatus(status).into()) } else { Ok(done) }
}

/// The lines of an order that were sold from other sites.
async fn elsewhere(conn: &mut PgConnection, order: OrderId, site: SiteId) -> Result<Vec<i16>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT line_no AS "line!"
           FROM reservations
           WHERE order_id = $1
             AND status = 'taken'
             AND site_id <> $2"#,
        order.0,
        site.0,
    )
    .fetch_all(conn)
    .await
}

/// The shipments of a locked order that wait at this site, or at none, oldest first.
async fn waiting(conn: &mut PgConnection, order: OrderId, site: SiteId) -> Result<Vec<ShipmentId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: ShipmentId"
           FROM shipments
           WHERE order_id = $1
             AND status = 'pending'
             AND coalesce(from_site, $2) = $2
           ORDER BY id"#,
        order.0,
        site.0,
    )
    .fetch_all(conn)
    .await
}
