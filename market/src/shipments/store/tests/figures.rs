use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::*;
use crate::ids::RegionId;
use crate::shipments::model::{RegionFigures, ShipmentCounts, SiteFigures};
use crate::stock::model::{NewSite, SiteKind};

/// What becomes of a shipment.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Delivered,
    Returned,
    OnItsWay,
    Waiting,
    Cancelled,
}

/// A line of a shipment, with what is known of the shipment.
type Raw = (
    Uuid,
    Option<SiteId>,
    Option<RegionId>,
    String,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    i64,
    i64,
    i64,
);

async fn region(conn: &mut PgConnection, code: &str) -> RegionId {
    sqlx::query_scalar("SELECT id FROM regions WHERE code = $1").bind(code).fetch_one(conn).await.expect("a region")
}

async fn raw(conn: &mut PgConnection, org: shared::ids::OrgId) -> Vec<Raw> {
    sqlx::query_as(
        "SELECT h.id, h.from_site, s.region_id, h.status::text, h.picked_up_at, h.ended_at, h.planned_delivery, l.quantity,
                l.volume_ml, l.weight_g
         FROM shipments AS h
         LEFT JOIN sites AS s ON s.id = h.from_site
         JOIN shipment_lines AS l ON l.shipment_id = h.id
         WHERE h.org_id = $1",
    )
    .bind(org)
    .fetch_all(conn)
    .await
    .expect("the rows")
}

/// What the rows come to, one by one.
fn counted<'a>(rows: impl Iterator<Item = &'a Raw>, low_levels: i64) -> ShipmentCounts {
    let (mut counts, mut seen) = (ShipmentCounts { low_levels, ..ShipmentCounts::default() }, BTreeSet::new());
    for (id, _, _, status, picked_up, ended, planned, quantity, volume, weight) in rows {
        if picked_up.is_some() {
            counts.moved_ml += quantity * volume;
            counts.moved_g += quantity * weight;
        }
        if !seen.insert(id) {
            continue;
        }
        counts.picked_up += i64::from(picked_up.is_some());
        if status == "delivered" || status == "returned" {
            counts.ended += 1;
        }
        if status == "delivered" {
            counts.delivered += 1;
            if let Some(planned) = planned {
                counts.planned += 1;
                counts.on_time += i64::from(ended.expect("it has ended") <= *planned);
            }
        }
    }
    let share = |part: i64, all: i64| if all == 0 { None } else { Some(part * 10_000 / all) };
    counts.delivered_bps = share(counts.delivered, counts.ended);
    counts.on_time_bps = share(counts.on_time, counts.planned);
    counts
}

/// Ships from two sites in two countries, so that every figure of one differs from the other's.
async fn shipped(conn: &mut PgConnection, yard: &Yard, second: SiteId, begun: DateTime<Utc>) {
    let snow = item(conn, yard.shipper, "snow").await;
    count(conn, yard.shipper, snow, yard.site, 50).await;
    count(conn, yard.shipper, yard.item, second, 100).await;
    let (soon, late) = (Some(begun + TimeDelta::days(1)), Some(begun - TimeDelta::days(1)));
    for (from, quantity, planned, end) in [
        (yard.site, 1, soon, End::Delivered),
        (yard.site, 2, None, End::Delivered),
        (yard.site, 3, late, End::Delivered),
        (yard.site, 4, soon, End::Returned),
        (yard.site, 5, None, End::Waiting),
        (yard.site, 6, None, End::Cancelled),
        (second, 2, soon, End::Delivered),
        (second, 1, soon, End::Delivered),
        (second, 3, late, End::Delivered),
        (second, 7, None, End::Returned),
        (second, 8, None, End::Returned),
        (second, 9, soon, End::OnItsWay),
    ] {
        let mut new = NewShipment { from_site: Some(from), planned_delivery: planned, ..yard.transfer(quantity) };
        new.lines[0].weight_g += quantity;
        if from == yard.site && quantity == 1 {
            // Two lines are one shipment.
            new.lines.push(line(snow, 2));
        }
        let (number, by) = (yard.sent(conn, &new).await, yard.by());
        if end == End::Cancelled {
            act(conn, async |tx| cancel(tx, by, &number).await).await.expect("cancelled");
        }
        if matches!(end, End::Cancelled | End::Waiting) {
            continue;
        }
        act(conn, async |tx| pick_up(tx, by, &number).await).await.expect("picked up");
        let done = match end {
            End::Delivered => act(conn, async |tx| deliver(tx, by, &number, None).await).await.map(|_| ()),
            End::Returned => act(conn, async |tx| give_back(tx, by, &number).await).await.map(|_| ()),
            End::OnItsWay | End::Waiting | End::Cancelled => Ok(()),
        };
        done.expect("ended");
    }
}

#[tokio::test]
async fn figures_are_the_raw_rows() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let yard = Yard::with(&mut conn, 100).await;
    let begun = database_time(&mut conn).await;
    let (germany, france) = (region(&mut conn, "earth/de").await, region(&mut conn, "earth/fr").await);
    let new = NewSite {
        region_id: france,
        name: "Lyon".to_owned(),
        kind: SiteKind::Depot,
        latitude: 45.8,
        longitude: 4.8,
        capacity: None,
    };
    let second = stock::create_site(&mut conn, yard.shipper.org, &new).await.expect("a site").id;
    shipped(&mut conn, &yard, second, begun).await;
    // Two levels are low, both where things arrive.
    sqlx::query("UPDATE stock_levels SET low_at = 1000, is_low = true, version = version + 1 WHERE site_id = $1")
        .bind(yard.away)
        .execute(&mut *conn)
        .await
        .expect("low");
    let rows = raw(&mut conn, yard.shipper.org).await;
    let from = |site: SiteId| rows.iter().filter(move |row| row.1 == Some(site));
    let there = |region: RegionId| rows.iter().filter(move |row| row.2 == Some(region));

    let filter = FigureFilter { org: yard.shipper.org, from: Some(begun), to: None, region: None, site: None };
    let all = figures(&mut conn, filter).await.expect("counted");
    assert_eq!(all.counts, counted(rows.iter(), 2));
    let site_figures = |site_id: SiteId, region_id, low| SiteFigures {
        site_id: Some(site_id),
        region_id: Some(region_id),
        counts: counted(from(site_id), low),
    };
    let mut sites =
        [site_figures(yard.site, germany, 0), site_figures(yard.away, germany, 2), site_figures(second, france, 0)];
    sites.sort_by_key(|site| site.site_id);
    assert_eq!(all.sites, sites);
    let region_figures =
        |region_id, low| RegionFigures { region_id: Some(region_id), counts: counted(there(region_id), low) };
    let mut regions = [region_figures(germany, 2), region_figures(france, 0)];
    regions.sort_by_key(|region| region.region_id);
    assert_eq!(all.regions, regions);
    // The rows say something about every figure, and not the same about both sites.
    let (one, other) = (counted(from(yard.site), 0), counted(from(second), 0));
    assert_eq!((one.delivered_bps, one.on_time_bps), (Some(7_500), Some(5_000)));
    assert_eq!((other.delivered_bps, other.on_time_bps), (Some(6_000), Some(6_666)));
    assert!(one.picked_up != other.picked_up && one.moved_ml != other.moved_ml && one.moved_g != other.moved_g);
    assert_eq!(all.recent.len(), 10);

    // One site, one region and what lies in it, and both of them.
    let earth = region(&mut conn, "earth").await;
    for (narrow, wanted) in [
        (FigureFilter { site: Some(second), ..filter }, counted(from(second), 0)),
        (FigureFilter { region: Some(france), ..filter }, counted(there(france), 0)),
        (FigureFilter { region: Some(germany), ..filter }, counted(there(germany), 2)),
        (FigureFilter { region: Some(earth), ..filter }, counted(rows.iter(), 2)),
        (FigureFilter { from: None, ..filter }, counted(rows.iter(), 2)),
    ] {
        assert_eq!(figures(&mut conn, narrow).await.expect("counted").counts, wanted, "{narrow:?}");
    }
    // Nothing that was moved is in another region, before, or another's; what is low is low now, whenever it was moved.
    for (none, low) in [
        (FigureFilter { region: Some(RegionId(Uuid::nil())), ..filter }, 0),
        (FigureFilter { from: None, to: Some(begun), ..filter }, 2),
        (FigureFilter { org: yard.other.org, ..filter }, 0),
    ] {
        let none = figures(&mut conn, none).await.expect("counted");
        assert_eq!(none.counts, counted([].iter(), low));
    }
    drop(conn);
    db.close().await;
}
