//! Inventory check: what is at an organisation's sites now, whether the movements of each level add up to it, and which levels became
//! low or recovered in the period.

use futures::stream::{self, StreamExt as _};
use sqlx::PgConnection;

use super::{Audience, Definition, Expected, Rows};
use crate::reports::model::Scope;
use crate::reports::table::{Cell, Column, Section, Shape};

pub(super) const DEFINITION: Definition = Definition {
    title: "Inventory check",
    audience: Audience::Members,
    groupings: &[],
    filtered: false,
    whole_months: false,
    sections: |_| vec![LEVELS, ALERTS],
    expected,
    rows,
};

const LEVELS: Section = Section {
    name: "levels",
    title: "Stock levels",
    columns: &[
        Column::text("sku", "SKU"),
        Column::text("title", "Item"),
        Column::text("site", "Site"),
        Column::text("unit", "Unit"),
        Column::integer("on_hand", "On hand"),
        Column::integer("reserved", "Reserved"),
        Column::integer("available", "Available"),
        Column::integer("quarantined", "Quarantined"),
        Column::integer("capacity", "Capacity"),
        Column::integer("added", "Added in the period"),
        Column::integer("taken", "Taken in the period"),
        // On hand less the sum of the movements: nothing, unless a level is wrong.
        Column::integer("difference", "Difference"),
        Column::text("low", "Low"),
    ],
    charts: &[],
};
const ALERTS: Section = Section {
    name: "alerts",
    title: "Low and recovered",
    columns: &[
        Column::new("at", "At", Shape::Time),
        Column::text("sku", "SKU"),
        Column::text("title", "Item"),
        Column::text("site", "Site"),
        Column::text("change", "Change"),
        Column::integer("on_hand", "On hand"),
    ],
    charts: &[],
};

fn expected<'c>(conn: &'c mut PgConnection, scope: &'c Scope) -> Expected<'c> {
    Box::pin(async move {
        let levels = sqlx::query_scalar!(
            r#"
            SELECT count(*) AS "count!"
            FROM stock_levels
            WHERE org_id = $1
            "#,
            scope.org.0,
        )
        .fetch_one(conn)
        .await?;
        Ok(Some(levels))
    })
}

fn rows<'c>(conn: &'c mut PgConnection, scope: &'c Scope, section: &'static str) -> Rows<'c> {
    match section {
        "levels" => levels(conn, scope),
        "alerts" => alerts(conn, scope),
        _ => stream::empty().boxed(),
    }
}

fn levels<'c>(conn: &'c mut PgConnection, scope: &'c Scope) -> Rows<'c> {
    sqlx::query!(
        r#"
        SELECT
            i.sku, i.title, s.name AS site, i.unit, v.on_hand, v.reserved, v.quarantined, v.capacity, v.is_low,
            m.added AS "added!", m.taken AS "taken!", m.on_hand AS "moved!"
        FROM stock_levels AS v
        JOIN items AS i ON i.id = v.item_id
        JOIN sites AS s ON s.id = v.site_id
        CROSS JOIN LATERAL (
            SELECT
                coalesce(sum(on_hand_delta) FILTER (WHERE on_hand_delta > 0 AND at >= $2 AND at < $3), 0)::bigint AS added,
                coalesce(-sum(on_hand_delta) FILTER (WHERE on_hand_delta < 0 AND at >= $2 AND at < $3), 0)::bigint AS taken,
                coalesce(sum(on_hand_delta), 0)::bigint AS on_hand
            FROM stock_movements
            WHERE item_id = v.item_id
              AND site_id = v.site_id
        ) AS m
        WHERE v.org_id = $1
        ORDER BY v.item_id, v.site_id
        "#,
        scope.org.0,
        scope.period.starts_at(),
        scope.period.ends_at(),
    )
    .fetch(conn)
    .map(|row| {
        let row = row?;
        Ok(vec![
            Cell::Text(row.sku),
            Cell::Text(row.title),
            Cell::Text(row.site),
            Cell::Text(row.unit),
            Cell::Integer(row.on_hand),
            Cell::Integer(row.reserved),
            Cell::Integer(row.on_hand - row.reserved),
            Cell::Integer(row.quarantined),
            Cell::of(row.capacity, Cell::Integer),
            Cell::Integer(row.added),
            Cell::Integer(row.taken),
            Cell::Integer(row.on_hand - row.moved),
            Cell::text(if row.is_low { "yes" } else { "no" }),
        ])
    })
    .boxed()
}

fn alerts<'c>(conn: &'c mut PgConnection, scope: &'c Scope) -> Rows<'c> {
    sqlx::query!(
        r#"
        SELECT a.at, i.sku, i.title, s.name AS site, a.direction, a.on_hand
        FROM stock_levels AS v
        JOIN stock_alerts AS a ON a.item_id = v.item_id AND a.site_id = v.site_id
        JOIN items AS i ON i.id = v.item_id
        JOIN sites AS s ON s.id = v.site_id
        WHERE v.org_id = $1
          AND v.crossings > 0
          AND a.at >= $2
          AND a.at < $3
        ORDER BY a.at, a.item_id, a.site_id
        "#,
        scope.org.0,
        scope.period.starts_at(),
        scope.period.ends_at(),
    )
    .fetch(conn)
    .map(|row| {
        let row = row?;
        Ok(vec![
            Cell::Time(row.at),
            Cell::Text(row.sku),
            Cell::Text(row.title),
            Cell::Text(row.site),
            Cell::text(if row.direction == "down" { "low" } else { "recovered" }),
            Cell::Integer(row.on_hand),
        ])
    })
    .boxed()
}
