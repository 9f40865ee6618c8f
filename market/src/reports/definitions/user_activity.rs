//! User activity: how many people did what on the whole platform. Numbers only: nobody is named.

use futures::stream::{self, StreamExt as _};
use sqlx::PgConnection;

use super::{Audience, BY_TIME, Definition, FROM, Rows, uncounted};
use crate::identity::PlatformRole;
use crate::reports::model::Scope;
use crate::reports::table::{Cell, Chart, ChartKind, Column, Section};

pub(super) const DEFINITION: Definition = Definition {
    title: "User activity",
    audience: Audience::Platform(PlatformRole::Admin),
    groupings: BY_TIME,
    filtered: false,
    whole_months: false,
    sections: |_| vec![TIMES],
    expected: uncounted,
    rows,
};

const TIMES: Section = Section {
    name: "times",
    title: "Activity by time",
    columns: &[
        FROM,
        Column::integer("registered", "People registered"),
        Column::integer("orgs", "Organisations founded"),
        // Of the sessions that are kept.
        Column::integer("logins", "Logins"),
        Column::integer("bids", "Bids"),
        Column::integer("orders", "Orders"),
        // Logged in, bid or ordered.
        Column::integer("active", "People active"),
    ],
    charts: &[Chart { title: "People", kind: ChartKind::Line, along: "from", values: &["active", "registered"] }],
};

fn rows<'c>(conn: &'c mut PgConnection, scope: &'c Scope, section: &'static str) -> Rows<'c> {
    if section != TIMES.name {
        return stream::empty().boxed();
    }
    sqlx::query!(
        r#"
        SELECT
            date_trunc($4, at AT TIME ZONE $3::text)::date AS "from!",
            count(*) FILTER (WHERE act = 'register') AS "registered!",
            count(*) FILTER (WHERE act = 'found') AS "orgs!",
            count(*) FILTER (WHERE act = 'log_in') AS "logins!",
            count(*) FILTER (WHERE act = 'bid') AS "bids!",
            count(*) FILTER (WHERE act = 'order') AS "orders!",
            count(DISTINCT person) FILTER (WHERE act IN ('log_in', 'bid', 'order')) AS "active!"
        FROM (
            SELECT 'register' AS act, created_at AS at, id AS person
            FROM users
            WHERE created_at >= $1 AND created_at < $2
            UNION ALL
            SELECT 'found', created_at, created_by
            FROM orgs
            WHERE created_at >= $1 AND created_at < $2
            UNION ALL
            SELECT 'log_in', created_at, user_id
            FROM sessions
            WHERE created_at >= $1 AND created_at < $2
            UNION ALL
            SELECT 'bid', placed_at, placed_by
            FROM bids
            WHERE placed_at >= $1 AND placed_at < $2
            UNION ALL
            SELECT 'order', created_at, placed_by
            FROM orders
            WHERE created_at >= $1 AND created_at < $2
        ) AS acts
        GROUP BY 1
        ORDER BY 1
        "#,
        scope.period.starts_at(),
        scope.period.ends_at(),
        scope.period.zone().name(),
        scope.grouping(&DEFINITION).name(),
    )
    .fetch(conn)
    .map(|row| {
        let row = row?;
        let counts = [row.registered, row.orgs, row.logins, row.bids, row.orders, row.active];
        Ok(std::iter::once(Cell::Day(row.from)).chain(counts.map(Cell::Integer)).collect())
    })
    .boxed()
}
