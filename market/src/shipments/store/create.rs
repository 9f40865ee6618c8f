//! New shipments.

use shared::audit::Actor;
use shared::ids::OrgId;
use shared::invalid::Invalid;
use sqlx::PgConnection;

use super::locked::{everything, finish, lock_shipment, lock_sold, move_stock};
use super::order::{OrderedItem, ordered};
use super::plan::delivered_until;
use super::room::take_room;
use super::{Done, ShipmentError};
use crate::ids::{ItemId, OrderId, ShipmentId, SiteId};
use crate::offers::model::Party;
use crate::shipments::model::{NewShipment, NewShipmentLine, Tracking};
use crate::stock::store::{Carriage, has_book};

/// A line, with what it takes from stock and where its units arrive.
struct Line {
    item: ItemId,
    stocked: bool,
    to_item: Option<ItemId>,
}

/// Creates a shipment, and holds the units that stock books have of it. Needs a transaction, which is rolled back after an error.
pub async fn create(conn: &mut PgConnection, by: Party, new: &NewShipment) -> Result<Done, ShipmentError> {
    if new.lines.is_empty() {
        return Err(Invalid::new("/lines", "name at least one line").into());
    }
    let order = match new.order_id {
        Some(order) => Some(lock_sold(conn, by.org, order).await?),
        None => None,
    };
    let elsewhere = order.as_ref().zip(new.consignee_org_id).is_some_and(|(order, consignee)| consignee != order.buyer);
    if elsewhere {
        return Err(Invalid::new("/consignee_org_id", "an order goes to its buyer").into());
    }
    let consignee = order.as_ref().map(|order| order.buyer).or(new.consignee_org_id);
    let planned_delivery = match (new.planned_delivery, new.order_id, new.vehicle) {
        // What is on a vehicle of the shipper's is planned by the shipper.
        (None, Some(order), None) => {
            delivered_until(conn, order).await?.filter(|at| new.planned_pickup.is_none_or(|pickup| pickup < *at))
        }
        (given, ..) => given,
    };
    let (id, number) = (ShipmentId::generate(), Tracking::generate());
    sqlx::query!(
        "INSERT INTO shipments
             (id, org_id, consignee_org_id, order_id, from_site, to_site, to_address, carrier, vehicle_id, tracking, planned_pickup,
              planned_delivery, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        id.0,
        by.org.0,
        consignee.map(|org| org.0),
        new.order_id.map(|order| order.0),
        new.from_site.map(|site| site.0),
        new.to_site.map(|site| site.0),
        new.to_address,
        new.carrier,
        new.vehicle.map(|vehicle| vehicle.0),
        number.as_str(),
        new.planned_pickup,
        planned_delivery,
        by.user.0,
    )
    .execute(&mut *conn)
    .await?;
    let bought = match new.order_id {
        Some(order) => ordered(conn, order).await?,
        None => Vec::new(),
    };
    for (place, line) in new.lines.iter().enumerate() {
        let at = |field: &str, message: &str| Invalid::new(format!("/lines/{place}/{field}"), message);
        let found = match (new.order_id, line.item_id, line.order_line) {
            (None, Some(item), None) => of_item(conn, new, consignee.unwrap_or(by.org), item).await?,
            (Some(_), None, Some(number)) => {
                of_order(&bought, number).ok_or_else(|| at("order_line", "the order has no such line"))?
            }
            (None, ..) => return Err(at("item_id", "name an item, and no line of an order").into()),
            (Some(_), ..) => return Err(at("order_line", "name a line of the order, and no item").into()),
        };
        let number = i16::try_from(place + 1).unwrap_or(i16::MAX);
        insert_line(conn, (id, number), by.org, new.order_id, line, &found)
            .await
            .map_err(|error| error.within(place))?;
    }
    let locked = lock_shipment(conn, id, order.and_then(|order| order.paid)).await?;
    let planned = new.planned_pickup.zip(new.planned_delivery);
    if let Some((vehicle, planned)) = new.vehicle.zip(planned) {
        take_room(conn, (by.org, vehicle), id, planned, &locked.shipment.lines).await?;
    }
    let actor = Actor::User(by.user);
    let units = everything(&locked.shipment);
    let moved = move_stock(conn, &locked.shipment, Carriage::Hold, &units, actor).await?;
    finish(conn, &locked, actor, "create", moved, None).await
}

/// A line of an own item. Its units arrive in the receiver's book at the site if that counts an item of the same SKU there.
async fn of_item(
    conn: &mut PgConnection,
    new: &NewShipment,
    receiver: OrgId,
    item: ItemId,
) -> Result<Line, ShipmentError> {
    let stocked = new.from_site.is_some() && has_book(conn, item).await?;
    let to_item = match new.to_site {
        Some(site) if stocked => arriving_as(conn, item, receiver, site).await?,
        _ => None,
    };
    Ok(Line { item, stocked, to_item })
}

/// As which item of `receiver` units of `item` are counted at `site`: itself at home, elsewhere one with the same SKU that is kept
/// there.
async fn arriving_as(
    conn: &mut PgConnection,
    item: ItemId,
    receiver: OrgId,
    site: SiteId,
) -> Result<Option<ItemId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT there.id AS "item: ItemId"
           FROM items AS sent
           JOIN items AS there ON there.org_id = $2 AND there.sku = sent.sku
           WHERE sent.id = $1
             AND (there.id = sent.id
                  OR EXISTS (SELECT FROM stock_levels WHERE item_id = there.id AND site_id = $3))
           ORDER BY there.id
           LIMIT 1"#,
        item.0,
        receiver.0,
        site.0,
    )
    .fetch_optional(conn)
    .await
}

/// A line of an order: what was paid has left the stock book already.
fn of_order(bought: &[OrderedItem], number: i16) -> Option<Line> {
    let line = bought.iter().find(|line| line.of.line == number)?;
    Some(Line { item: line.item, stocked: false, to_item: None })
}

async fn insert_line(
    conn: &mut PgConnection,
    (shipment, number): (ShipmentId, i16),
    org: OrgId,
    order: Option<OrderId>,
    new: &NewShipmentLine,
    line: &Line,
) -> Result<(), ShipmentError> {
    sqlx::query!(
        "INSERT INTO shipment_lines
             (shipment_id, line_no, org_id, item_id, order_id, order_line, quantity, weight_g, volume_ml, stocked, to_item_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        shipment.0,
        number,
        org.0,
        line.item.0,
        order.map(|order| order.0),
        new.order_line,
        new.quantity,
        new.weight_g,
        new.volume_ml,
        line.stocked,
        line.to_item.map(|item| item.0),
    )
    .execute(conn)
    .await?;
    Ok(())
}
