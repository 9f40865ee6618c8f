//! Cargo volume: what left an organisation's sites in the period, by time and by carrier.

use futures::stream::{self, StreamExt as _};
use sqlx::PgConnection;

use super::{Audience, BY_TIME, Definition, FROM, Rows, thousandths, uncounted};
use crate::reports::model::Scope;
use crate::reports::table::{Cell, Chart, ChartKind, Column, Section};

pub(super) const DEFINITION: Definition = Definition {
    title: "Cargo volume",
    audience: Audience::Members,
    groupings: BY_TIME,
    filtered: false,
    whole_months: false,
    sections: |_| vec![TIMES, CARRIERS],
    expected: uncounted,
    rows,
};

const SHIPMENTS: Column = Column::integer("shipments", "Shipments");
const UNITS: Column = Column::integer("units", "Units");
const WEIGHT: Column = Column::decimal("weight", "Weight", "kg");
const VOLUME: Column = Column::decimal("volume", "Volume", "l");

const TIMES: Section = Section {
    name: "times",
    title: "Cargo by time",
    columns: &[FROM, SHIPMENTS, UNITS, WEIGHT, VOLUME],
    charts: &[
        Chart { title: "Weight", kind: ChartKind::Line, along: "from", values: &["weight"] },
        Chart { title: "Shipments", kind: ChartKind::Bar, along: "from", values: &["shipments"] },
    ],
};
const CARRIERS: Section = Section {
    name: "carriers",
    title: "Cargo by carrier",
    columns: &[
        Column::text("carrier", "Carrier"),
        SHIPMENTS,
        Column::integer("delivered", "Delivered"),
        Column::integer("returned", "Returned"),
        UNITS,
        WEIGHT,
        VOLUME,
    ],
    charts: &[Chart { title: "Weight", kind: ChartKind::Bar, along: "carrier", values: &["weight"] }],
};

fn rows<'c>(conn: &'c mut PgConnection, scope: &'c Scope, section: &'static str) -> Rows<'c> {
    match section {
        "times" => times(conn, scope),
        "carriers" => carriers(conn, scope),
        _ => stream::empty().boxed(),
    }
}

fn times<'c>(conn: &'c mut PgConnection, scope: &'c Scope) -> Rows<'c> {
    sqlx::query!(
        r#"
        SELECT
            date_trunc($5, s.picked_up_at AT TIME ZONE $4::text)::date AS "from!", count(DISTINCT s.id) AS "shipments!",
            sum(l.quantity)::bigint AS "units!", sum(l.weight_g::numeric * l.quantity)::text AS "weight!",
            sum(l.volume_ml::numeric * l.quantity)::text AS "volume!"
        FROM shipments AS s
        JOIN shipment_lines AS l ON l.shipment_id = s.id
        WHERE s.org_id = $1
          AND s.picked_up_at >= $2
          AND s.picked_up_at < $3
        GROUP BY 1
        ORDER BY 1
        "#,
        scope.org.0,
        scope.period.starts_at(),
        scope.period.ends_at(),
        scope.period.zone().name(),
        scope.grouping(&DEFINITION).name(),
    )
    .fetch(conn)
    .map(|row| {
        let row = row?;
        Ok(vec![
            Cell::Day(row.from),
            Cell::Integer(row.shipments),
            Cell::Integer(row.units),
            Cell::Decimal(thousandths(&row.weight)?),
            Cell::Decimal(thousandths(&row.volume)?),
        ])
    })
    .boxed()
}

fn carriers<'c>(conn: &'c mut PgConnection, scope: &'c Scope) -> Rows<'c> {
    sqlx::query!(
        r#"
        SELECT
            s.carrier, count(DISTINCT s.id) AS "shipments!", count(DISTINCT s.id) FILTER (WHERE s.status = 'delivered') AS "delivered!",
            count(DISTINCT s.id) FILTER (WHERE s.status = 'returned') AS "returned!", sum(l.quantity)::bigint AS "units!",
            sum(l.weight_g::numeric * l.quantity)::text AS "weight!", sum(l.volume_ml::numeric * l.quantity)::text AS "volume!"
        FROM shipments AS s
        JOIN shipment_lines AS l ON l.shipment_id = s.id
        WHERE s.org_id = $1
          AND s.picked_up_at >= $2
          AND s.picked_up_at < $3
        GROUP BY s.carrier
        ORDER BY sum(l.weight_g::numeric * l.quantity) DESC, s.carrier
        "#,
        scope.org.0,
        scope.period.starts_at(),
        scope.period.ends_at(),
    )
    .fetch(conn)
    .map(|row| {
        let row = row?;
        Ok(vec![
            Cell::text(row.carrier.unwrap_or_else(|| "No carrier".to_owned())),
            Cell::Integer(row.shipments),
            Cell::Integer(row.delivered),
            Cell::Integer(row.returned),
            Cell::Integer(row.units),
            Cell::Decimal(thousandths(&row.weight)?),
            Cell::Decimal(thousandths(&row.volume)?),
        ])
    })
    .boxed()
}
