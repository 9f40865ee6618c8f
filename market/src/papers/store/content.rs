//! What papers show, as it is when they are printed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::identity::Country;
use crate::ids::{AppointmentId, OrderId, ShipmentId};
use crate::papers::model::{Collection, Consignment, Goods, Pick, PickingList, Side, Units};
use crate::shipments::model::Tracking;

/// What of an order is in no shipment that has left.
pub async fn picking_list(conn: &mut PgConnection, order: OrderId) -> Result<Option<PickingList>, sqlx::Error> {
    let head = sqlx::query!(
        r#"SELECT s.legal_name AS seller, s.time_zone,
                  least((SELECT min(planned_pickup) FROM shipments WHERE order_id = o.id AND status = 'pending'),
                        (SELECT min(starts_at)
                         FROM appointments
                         WHERE order_id = o.id
                           AND kind = 'collection'
                           AND status = 'booked')) AS due
           FROM orders AS o
           JOIN orgs AS s ON s.id = o.seller_org_id
           WHERE o.id = $1"#,
        order.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(head) = head else { return Ok(None) };
    let rows = sqlx::query!(
        r#"SELECT n.title, n.unit, i.sku, s.name AS "site?", (n.quantity - gone.quantity)::bigint AS "quantity!"
           FROM order_lines AS n
           JOIN items AS i ON i.id = n.item_id
           LEFT JOIN reservations AS r ON r.order_id = n.order_id AND r.line_no = n.line_no AND r.status = 'taken'
           LEFT JOIN sites AS s ON s.id = r.site_id
           CROSS JOIN LATERAL (
               SELECT coalesce(sum(l.quantity - l.returned_quantity), 0) AS quantity
               FROM shipment_lines AS l
               JOIN shipments AS h ON h.id = l.shipment_id
               WHERE l.order_id = n.order_id
                 AND l.order_line = n.line_no
                 AND h.picked_up_at IS NOT NULL
           ) AS gone
           WHERE n.order_id = $1
             AND n.quantity > gone.quantity
           ORDER BY s.name, i.sku, n.line_no"#,
        order.0,
    )
    .fetch_all(conn)
    .await?;
    let pick = |site, sku, title, quantity, unit| Pick { site, sku, units: Units { title, quantity, unit } };
    let lines = rows.into_iter().map(|row| pick(row.site, row.sku, row.title, row.quantity, row.unit)).collect();
    Ok(Some(PickingList { order, seller: head.seller, due: head.due, time_zone: head.time_zone, lines }))
}

/// A shipment with its two sides.
pub async fn consignment(conn: &mut PgConnection, id: ShipmentId) -> Result<Option<Consignment>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT h.tracking AS "tracking: Tracking", h.order_id AS "order: OrderId", h.carrier, v.registration AS "vehicle?",
                  h.planned_pickup, h.planned_delivery, h.picked_up_at, h.to_address,
                  s.legal_name AS shipper, s.country AS shippers_country, c.legal_name AS consignee, c.country AS consignees_country,
                  f.name AS "from_site?", t.name AS "to_site?",
                  (SELECT name FROM regions WHERE code = 'earth/' || lower(s.country)) AS shippers_country_name,
                  (SELECT name FROM regions WHERE code = 'earth/' || lower(c.country)) AS consignees_country_name
           FROM shipments AS h
           JOIN orgs AS s ON s.id = h.org_id
           JOIN orgs AS c ON c.id = h.receiver_org_id
           LEFT JOIN vehicles AS v ON v.id = h.vehicle_id
           LEFT JOIN sites AS f ON f.id = h.from_site
           LEFT JOIN sites AS t ON t.id = h.to_site
           WHERE h.id = $1"#,
        id.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let from = Side {
        name: row.shipper,
        place: row.from_site,
        country: row.shippers_country,
        country_name: row.shippers_country_name,
    };
    let to = Side {
        name: row.consignee,
        place: row.to_address.or(row.to_site),
        country: row.consignees_country,
        country_name: row.consignees_country_name,
    };
    Ok(Some(Consignment {
        tracking: row.tracking,
        order: row.order,
        from,
        to,
        carrier: row.carrier,
        vehicle: row.vehicle,
        planned_pickup: row.planned_pickup,
        planned_delivery: row.planned_delivery,
        picked_up_at: row.picked_up_at,
        goods: goods(conn, id).await?,
    }))
}

async fn goods(conn: &mut PgConnection, id: ShipmentId) -> Result<Vec<Goods>, sqlx::Error> {
    sqlx::query_as!(
        Goods,
        r#"SELECT coalesce(o.title, i.title) AS "title!", l.quantity, l.weight_g, l.volume_ml, 'waste' = ANY (c.flags) AS "is_waste!",
                  i.attributes ->> 'ewc_code' AS ewc_code, i.attributes ->> 'material' AS material, i.attributes ->> 'origin' AS origin,
                  i.attributes ->> 'packaging' AS packaging,
                  ARRAY (SELECT jsonb_array_elements_text(i.attributes -> 'processing')
                         WHERE jsonb_typeof(i.attributes -> 'processing') = 'array') AS "processing!"
           FROM shipment_lines AS l
           JOIN items AS i ON i.id = l.item_id
           JOIN categories AS c ON c.id = i.category_id
           LEFT JOIN order_lines AS o ON o.order_id = l.order_id AND o.line_no = l.order_line
           WHERE l.shipment_id = $1
           ORDER BY l.line_no"#,
        id.0,
    )
    .fetch_all(conn)
    .await
}

/// The names of these countries by their codes, as far as they are known.
pub async fn country_names(
    conn: &mut PgConnection,
    countries: &[&Country],
) -> Result<BTreeMap<String, String>, sqlx::Error> {
    let codes: Vec<String> =
        countries.iter().map(|country| format!("earth/{}", country.as_str().to_lowercase())).collect();
    let rows = sqlx::query!(
        r#"SELECT upper(substr(code, 7)) AS "code!", name
           FROM regions
           WHERE code = ANY ($1)"#,
        codes.as_slice(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.code, row.name)).collect())
}

/// A collection with what is given out; `None`: it is a delivery, or there is none.
pub async fn collection(conn: &mut PgConnection, id: AppointmentId) -> Result<Option<Collection>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT a.order_id AS "order: OrderId", a.starts_at, a.ends_at, s.legal_name AS seller, b.legal_name AS buyer, t.name AS site,
                  r.name AS region, (t.latitude * 1000000)::bigint AS "latitude!", (t.longitude * 1000000)::bigint AS "longitude!",
                  coalesce(h.time_zone, s.time_zone) AS "time_zone!"
           FROM appointments AS a
           JOIN orders AS o ON o.id = a.order_id
           JOIN orgs AS s ON s.id = o.seller_org_id
           JOIN orgs AS b ON b.id = o.buyer_org_id
           JOIN sites AS t ON t.id = a.site_id
           JOIN regions AS r ON r.id = t.region_id
           LEFT JOIN site_hours AS h ON h.site_id = t.id
           WHERE a.id = $1
             AND a.kind = 'collection'"#,
        id.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let lines = sqlx::query_as!(
        Units,
        "SELECT title, quantity, unit FROM order_lines WHERE order_id = $1 ORDER BY line_no",
        row.order.0,
    )
    .fetch_all(conn)
    .await?;
    let span: (DateTime<Utc>, DateTime<Utc>) = (row.starts_at, row.ends_at);
    Ok(Some(Collection {
        order: row.order,
        seller: row.seller,
        buyer: row.buyer,
        site: row.site,
        region: row.region,
        latitude_e6: row.latitude,
        longitude_e6: row.longitude,
        time_zone: row.time_zone,
        starts_at: span.0,
        ends_at: span.1,
        lines,
    }))
}
