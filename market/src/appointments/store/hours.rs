//! When sites are open, and what is free there.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use shared::audit::{self, Actor};
use shared::ids::OrgId;
use sqlx::PgConnection;

use super::AppointmentError;
use super::book::there;
use super::storage::{fees, set_fees};
use crate::appointments::model::{AppointmentKind, DeliveryHours, SiteHours, Slot, WallTime, Window};
use crate::appointments::rules::slots::{Hours, Span, free, judge_hours};
use crate::identity::TimeZone;
use crate::ids::{OrderId, SiteId};
use crate::offers::model::Party;
use crate::stock::store::lock_site;

/// The most sites whose slots are shown.
const MOST_SITES: i64 = 10;

/// The hours of a site of `org`, if it has any.
pub async fn hours(conn: &mut PgConnection, org: OrgId, site: SiteId) -> Result<Option<SiteHours>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT h.time_zone, h.slot_minutes, h.capacity, h.free_days
         FROM site_hours AS h
         JOIN sites AS s ON s.id = h.site_id
         WHERE h.site_id = $1
           AND h.org_id = $2
           AND s.archived_at IS NULL",
        site.0,
        org.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let windows = sqlx::query!(
        "SELECT weekday, opens, closes FROM site_windows WHERE site_id = $1 ORDER BY weekday, opens",
        site.0,
    )
    .fetch_all(&mut *conn)
    .await?;
    let closed_days = sqlx::query_scalar!("SELECT day FROM site_closed_days WHERE site_id = $1 ORDER BY day", site.0)
        .fetch_all(&mut *conn)
        .await?;
    Ok(Some(SiteHours {
        time_zone: TimeZone::try_from(row.time_zone).map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        slot_minutes: row.slot_minutes,
        capacity: row.capacity,
        windows: windows.into_iter().map(|row| window(row.weekday, row.opens, row.closes)).collect(),
        deliveries: deliveries(conn, site).await?,
        closed_days,
        free_days: row.free_days,
        storage_fees: fees(conn, site).await?,
    }))
}

fn window(weekday: i16, opens: i16, closes: i16) -> Window {
    Window { weekday, opens: WallTime::of_minute(opens), closes: WallTime::of_minute(closes) }
}

/// When goods are delivered from a site, if there are slots for that.
async fn deliveries(conn: &mut PgConnection, site: SiteId) -> Result<Option<DeliveryHours>, sqlx::Error> {
    let row = sqlx::query!("SELECT slot_minutes, capacity FROM site_delivery_hours WHERE site_id = $1", site.0)
        .fetch_optional(&mut *conn)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let windows = sqlx::query!(
        "SELECT weekday, opens, closes FROM site_delivery_windows WHERE site_id = $1 ORDER BY weekday, opens",
        site.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(Some(DeliveryHours {
        slot_minutes: row.slot_minutes,
        capacity: row.capacity,
        windows: windows.into_iter().map(|row| window(row.weekday, row.opens, row.closes)).collect(),
    }))
}

/// Sets when goods are collected at a site of the organisation, and delivered from it. What is booked stays. Needs a transaction.
pub async fn set_hours(
    conn: &mut PgConnection,
    by: Party,
    site: SiteId,
    new: &SiteHours,
) -> Result<SiteHours, AppointmentError> {
    judge_hours(new)?;
    lock_site(conn, by.org, site).await?;
    sqlx::query!(
        "INSERT INTO site_hours (site_id, org_id, time_zone, slot_minutes, capacity, free_days)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (site_id) DO UPDATE
         SET time_zone = excluded.time_zone,
             slot_minutes = excluded.slot_minutes,
             capacity = excluded.capacity,
             free_days = excluded.free_days",
        site.0,
        by.org.0,
        new.time_zone.as_str(),
        new.slot_minutes,
        new.capacity,
        new.free_days,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("DELETE FROM site_windows WHERE site_id = $1", site.0).execute(&mut *conn).await?;
    sqlx::query!("DELETE FROM site_closed_days WHERE site_id = $1", site.0).execute(&mut *conn).await?;
    let (weekdays, opens, closes) = columns(&new.windows);
    sqlx::query!(
        "INSERT INTO site_windows (site_id, weekday, opens, closes)
         SELECT $1, weekday, opens, closes
         FROM unnest($2::smallint[], $3::smallint[], $4::smallint[]) AS given (weekday, opens, closes)",
        site.0,
        &weekdays,
        &opens,
        &closes,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO site_closed_days (site_id, day) SELECT DISTINCT $1::uuid, day FROM unnest($2::date[]) AS given (day)",
        site.0,
        &new.closed_days,
    )
    .execute(&mut *conn)
    .await?;
    set_deliveries(conn, site, new.deliveries.as_ref()).await?;
    set_fees(conn, site, &new.storage_fees).await?;
    let (actor, subject) = (Actor::User(by.user), ("site", site.to_string()));
    let mut data = json!({"slot_minutes": new.slot_minutes, "capacity": new.capacity, "windows": new.windows.len()});
    if let Some(new) = &new.deliveries {
        data["deliveries"] =
            json!({"slot_minutes": new.slot_minutes, "capacity": new.capacity, "windows": new.windows.len()});
    }
    audit::append(conn, audit::Entry { actor, action: "site.set_hours", subject, data }).await?;
    hours(conn, by.org, site).await?.ok_or(AppointmentError::NotFound)
}

/// The minutes of these windows, weekday by weekday: when they open, and when they close.
fn columns(windows: &[Window]) -> (Vec<i16>, Vec<i16>, Vec<i16>) {
    let column = |of: fn(&Window) -> i16| windows.iter().map(of).collect();
    (column(|window| window.weekday), column(|window| window.opens.minute()), column(|window| window.closes.minute()))
}

/// Sets when goods are delivered from a site whose hours are locked.
async fn set_deliveries(conn: &mut PgConnection, site: SiteId, new: Option<&DeliveryHours>) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM site_delivery_windows WHERE site_id = $1", site.0).execute(&mut *conn).await?;
    sqlx::query!("DELETE FROM site_delivery_hours WHERE site_id = $1", site.0).execute(&mut *conn).await?;
    let Some(new) = new else { return Ok(()) };
    sqlx::query!(
        "INSERT INTO site_delivery_hours (site_id, slot_minutes, capacity) VALUES ($1, $2, $3)",
        site.0,
        new.slot_minutes,
        new.capacity,
    )
    .execute(&mut *conn)
    .await?;
    let (weekdays, opens, closes) = columns(&new.windows);
    sqlx::query!(
        "INSERT INTO site_delivery_windows (site_id, weekday, opens, closes)
         SELECT $1, weekday, opens, closes
         FROM unnest($2::smallint[], $3::smallint[], $4::smallint[]) AS given (weekday, opens, closes)",
        site.0,
        &weekdays,
        &opens,
        &closes,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What of a kind is booked or proposed at a site and is not over, by when it begins.
pub(super) async fn booked(
    conn: &mut PgConnection,
    site: SiteId,
    kind: AppointmentKind,
) -> Result<Vec<Span>, sqlx::Error> {
    sqlx::query_as!(
        Span,
        "SELECT starts_at, ends_at
         FROM appointments
         WHERE site_id = $1
           AND kind = $2
           AND status IN ('proposed', 'booked')
         ORDER BY starts_at",
        site.0,
        kind as AppointmentKind,
    )
    .fetch_all(conn)
    .await
}

/// The times from one day to another at which goods of an order of `party` can be collected, or delivered as long as they have not left:
/// where they are, or, of those without a site, anywhere at their seller's.
pub async fn slots(
    conn: &mut PgConnection,
    party: OrgId,
    order: OrderId,
    kind: AppointmentKind,
    days: (NaiveDate, NaiveDate),
) -> Result<Vec<Slot>, AppointmentError> {
    let of = sqlx::query!(
        r#"SELECT seller_org_id AS "seller: OrgId", clock_timestamp() AS "now!"
           FROM orders
           WHERE id = $1
             AND $2 IN (buyer_org_id, seller_org_id)"#,
        order.0,
        party.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(AppointmentError::NoOrder)?;
    let sites = sqlx::query_scalar!(
        r#"SELECT DISTINCT h.site_id AS "site: SiteId"
           FROM order_lines AS n
           LEFT JOIN reservations AS r ON r.order_id = n.order_id AND r.line_no = n.line_no AND r.status <> 'freed'
           JOIN site_hours AS h ON h.org_id = $2 AND h.site_id = coalesce(r.site_id, h.site_id)
           WHERE n.order_id = $1
             AND ($4 OR EXISTS (SELECT FROM site_delivery_hours AS d WHERE d.site_id = h.site_id))
           ORDER BY h.site_id
           LIMIT $3"#,
        order.0,
        of.seller.0,
        MOST_SITES,
        kind == AppointmentKind::Collection,
    )
    .fetch_all(&mut *conn)
    .await?;
    let now: DateTime<Utc> = of.now;
    let mut slots = Vec::new();
    for site in sites {
        if kind == AppointmentKind::Delivery && !there(conn, order, site).await?.any {
            continue;
        }
        let hours = hours(conn, of.seller, site).await?;
        let Some(hours) = hours.as_ref().and_then(|hours| Hours::of(hours, kind)) else { continue };
        let booked = booked(conn, site, kind).await?;
        let of_site = free(&hours, days, &booked, now).into_iter();
        slots.extend(of_site.map(|(Span { starts_at, ends_at }, free)| Slot { kind, site, starts_at, ends_at, free }));
    }
    slots.sort_by_key(|slot| (slot.starts_at, slot.site.0));
    Ok(slots)
}
