//! Job activity: what became of the jobs that were enqueued in the period and are not pruned, by time and kind.
//!
//! The ledger of jobs has no index by time, which every enqueued job would pay for: the statement reads it once.

use futures::stream::{self, StreamExt as _};
use sqlx::PgConnection;

use super::{Audience, BY_TIME, Definition, FROM, Rows, uncounted};
use crate::identity::PlatformRole;
use crate::reports::model::Scope;
use crate::reports::table::{Cell, Column, Decimal, Section};

pub(super) const DEFINITION: Definition = Definition {
    title: "Job activity",
    audience: Audience::Platform(PlatformRole::Operator),
    groupings: BY_TIME,
    filtered: false,
    whole_months: false,
    sections: |_| vec![KINDS],
    expected: uncounted,
    rows,
};

const KINDS: Section = Section {
    name: "kinds",
    title: "Jobs by time and kind",
    columns: &[
        FROM,
        Column::text("kind", "Kind"),
        Column::text("queue", "Queue"),
        Column::integer("jobs", "Jobs"),
        Column::integer("succeeded", "Succeeded"),
        Column::integer("cancelled", "Cancelled"),
        Column::integer("dead", "Dead"),
        Column::integer("open", "Open"),
        Column::integer("attempts", "Attempts"),
        // Of the last attempts of those that succeeded.
        Column::decimal("run_median", "Run time, median", "s"),
        Column::decimal("run_p95", "Run time, 95 %", "s"),
    ],
    charts: &[],
};

fn rows<'c>(conn: &'c mut PgConnection, scope: &'c Scope, section: &'static str) -> Rows<'c> {
    if section != KINDS.name {
        return stream::empty().boxed();
    }
    sqlx::query!(
        r#"
        SELECT
            date_trunc($4, created_at AT TIME ZONE $3::text)::date AS "from!", kind, queue, count(*) AS "jobs!",
            count(*) FILTER (WHERE state = 'succeeded') AS "succeeded!",
            count(*) FILTER (WHERE state = 'cancelled') AS "cancelled!",
            count(*) FILTER (WHERE state = 'dead') AS "dead!",
            count(*) FILTER (WHERE state < 'succeeded') AS "open!",
            sum(attempt)::bigint AS "attempts!",
            round(1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - started_at))
                FILTER (WHERE state = 'succeeded' AND started_at IS NOT NULL))::bigint AS median,
            round(1000 * percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - started_at))
                FILTER (WHERE state = 'succeeded' AND started_at IS NOT NULL))::bigint AS p95
        FROM jobs
        WHERE created_at >= $1
          AND created_at < $2
        GROUP BY 1, kind, queue
        ORDER BY 1, kind, queue
        "#,
        scope.period.starts_at(),
        scope.period.ends_at(),
        scope.period.zone().name(),
        scope.grouping(&DEFINITION).name(),
    )
    .fetch(conn)
    .map(|row| {
        let row = row?;
        let seconds = |millis: Option<i64>| Cell::of(millis, |digits| Cell::Decimal(Decimal { digits, places: 3 }));
        Ok(vec![
            Cell::Day(row.from),
            Cell::Text(row.kind),
            Cell::Text(row.queue),
            Cell::Integer(row.jobs),
            Cell::Integer(row.succeeded),
            Cell::Integer(row.cancelled),
            Cell::Integer(row.dead),
            Cell::Integer(row.open),
            Cell::Integer(row.attempts),
            seconds(row.median),
            seconds(row.p95),
        ])
    })
    .boxed()
}
