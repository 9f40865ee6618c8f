use serde_json::value::RawValue;
use shared::ids::OrgId;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};

use super::EpcisError;
use crate::cargo::{CargoEvent, EventType, Position, ShipmentStatus, StoredEvent};
use crate::epcis::model::{After, EpcMatch, EventOrder, EventQuery, KeptEvent, OrderBy};

/// What is shown of events: when each was recorded, and what declares it to be wrong, if anything does.
const SHOWN: &str = r#"
SELECT
    event.id, event.event_time, event.recorded_at,
    event.event || jsonb_build_object('recordTime', event.recorded_at) || CASE
        WHEN declaration.event IS NULL THEN '{}'
        ELSE jsonb_build_object(
            'tradeyard:declaredInError', declaration.event -> 'errorDeclaration',
            '@context', CASE
                WHEN event.event -> '@context' @> '[{"tradeyard": "urn:tradeyard:epcis:"}]' THEN event.event -> '@context'
                ELSE event.event -> '@context' || '{"tradeyard": "urn:tradeyard:epcis:"}'
            END
        )
    END AS json
FROM ("#;

/// Joined to the few events that are shown, not to all that fit.
const DECLARED: &str = r"
) AS event
LEFT JOIN cargo_epcis_keys AS declared
    ON declared.org = event.org
    AND declared.event_id = event.event_id
    AND declared.declares_error
    AND NOT event.declares_error
LEFT JOIN cargo_epcis_events AS declaration
    ON declaration.id = declared.event
    AND declaration.recorded_at = declared.recorded_at
";

#[derive(FromRow)]
struct Row {
    id: i64,
    event_time: chrono::DateTime<chrono::Utc>,
    recorded_at: chrono::DateTime<chrono::Utc>,
    json: Json<Box<RawValue>>,
}

impl From<Row> for KeptEvent {
    fn from(row: Row) -> Self {
        Self { id: row.id, event_time: row.event_time, recorded_at: row.recorded_at, json: row.json.0 }
    }
}

/// Up to `limit` of an organisation's events after `after`, in the order that is asked for.
pub async fn find(
    conn: &mut PgConnection,
    org: OrgId,
    query: &EventQuery,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<KeptEvent>, sqlx::Error> {
    let mut sql = QueryBuilder::new("");
    push_statement(&mut sql, org, query, after, limit);
    // Planned for what is asked: parameters that are not given leave no trace in it.
    let rows = sql.build_query_as::<Row>().persistent(false).fetch_all(conn).await?;
    Ok(rows.into_iter().map(KeptEvent::from).collect())
}

fn push_statement(sql: &mut QueryBuilder<Postgres>, org: OrgId, query: &EventQuery, after: Option<After>, limit: i64) {
    if !query.matches.is_empty() {
        push_matches(sql, org, &query.matches);
    }
    sql.push(SHOWN);
    sql.push("SELECT * FROM cargo_epcis_events AS event WHERE event.org = ").push_bind(org.0);
    if !query.matches.is_empty() {
        sql.push(" AND (event.id, event.recorded_at) IN (SELECT event, recorded_at FROM matched)");
    }
    match query.types.as_slice() {
        [] => {}
        // What is equal to one value comes in the order of an index; by a word of our own the server knows how much that is.
        [one] => {
            sql.push(" AND event.type = '").push(one.name()).push("'");
        }
        several => {
            let names: Vec<&str> = several.iter().map(|kind| kind.name()).collect();
            sql.push(" AND event.type = ANY(").push_bind(names).push("::cargo_epcis_type[])");
        }
    }
    let bounds = [
        (" AND event.event_time >= ", query.event_time_from),
        (" AND event.event_time < ", query.event_time_before),
        (" AND event.recorded_at >= ", query.record_time_from),
        (" AND event.recorded_at < ", query.record_time_before),
    ];
    for (condition, bound) in bounds {
        if let Some(bound) = bound {
            sql.push(condition).push_bind(bound);
        }
    }
    let lists = [
        (" AND event.action::text = ", &query.actions),
        (" AND event.biz_step = ", &query.biz_steps),
        (" AND event.disposition = ", &query.dispositions),
        (" AND event.read_point = ", &query.read_points),
        (" AND event.biz_location = ", &query.biz_locations),
        (" AND event.event_id = ", &query.event_ids),
    ];
    for (condition, values) in lists {
        match values.as_slice() {
            [] => {}
            [one] => {
                sql.push(condition).push_bind(one.clone());
            }
            several => {
                sql.push(condition).push("ANY(").push_bind(several.to_vec()).push(")");
            }
        }
    }
    if !query.corrective_ids.is_empty() {
        sql.push(" AND event.corrective_ids && ").push_bind(query.corrective_ids.clone());
    }
    if !query.event_ids.is_empty() {
        // The keys know where they are.
        sql.push(" AND (event.id, event.recorded_at) IN (SELECT event, recorded_at FROM cargo_epcis_keys WHERE org = ");
        sql.push_bind(org.0).push(" AND event_id = ANY(").push_bind(query.event_ids.clone()).push("))");
    }
    if query.declares_error {
        sql.push(" AND event.declares_error");
    }
    let (time, order, later) = in_order(query.order);
    if let Some(after) = after {
        sql.push(format!(" AND (event.{time}, event.id) {later} (")).push_bind(after.at);
        sql.push(", ").push_bind(after.id).push(")");
    }
    sql.push(format!(" ORDER BY {order} LIMIT ")).push_bind(limit);
    sql.push(DECLARED).push(format!("ORDER BY {order}"));
}

/// The column that an order goes by, the order, and how what is later in it compares.
const fn in_order(order: EventOrder) -> (&'static str, &'static str, &'static str) {
    match (order.by, order.is_descending) {
        (OrderBy::EventTime, false) => ("event_time", "event.event_time, event.id", ">"),
        (OrderBy::EventTime, true) => ("event_time", "event.event_time DESC, event.id DESC", "<"),
        (OrderBy::RecordTime, false) => ("recorded_at", "event.recorded_at, event.id", ">"),
        (OrderBy::RecordTime, true) => ("recorded_at", "event.recorded_at DESC, event.id DESC", "<"),
    }
}

/// The events in which each of the matches has at least one EPC.
fn push_matches(sql: &mut QueryBuilder<Postgres>, org: OrgId, matches: &[EpcMatch]) {
    let (mut numbers, mut epcs, mut roles) = (Vec::new(), Vec::new(), Vec::new());
    for (number, one) in (1_i32..).zip(matches) {
        for epc in &one.epcs {
            for role in one.roles {
                numbers.push(number);
                epcs.push(epc.clone());
                roles.push(role.name());
            }
        }
    }
    sql.push("WITH matched AS (SELECT found.event, found.recorded_at FROM UNNEST(").push_bind(numbers);
    sql.push(", ").push_bind(epcs).push(", ").push_bind(roles);
    sql.push(
        "::cargo_epcis_role[]) AS wanted (number, epc, role)
        JOIN cargo_epcis_epcs AS found ON found.epc = wanted.epc AND found.role = wanted.role AND found.org = ",
    );
    sql.push_bind(org.0);
    sql.push(" GROUP BY found.event, found.recorded_at HAVING count(DISTINCT wanted.number) = ");
    sql.push_bind(i64::try_from(matches.len()).unwrap_or(i64::MAX)).push(")");
}

/// How the server would find them.
#[cfg(test)]
pub(super) async fn explained(conn: &mut PgConnection, org: OrgId, query: &EventQuery) -> Result<String, sqlx::Error> {
    let mut sql = QueryBuilder::new("EXPLAIN ");
    push_statement(&mut sql, org, query, None, 30);
    let lines: Vec<String> = sql.build_query_scalar().persistent(false).fetch_all(conn).await?;
    Ok(lines.join("\n"))
}

/// The event of this id; if only a declaration is there, that.
pub async fn get(conn: &mut PgConnection, org: OrgId, event_id: &str) -> Result<KeptEvent, EpcisError> {
    let mut sql = QueryBuilder::<Postgres>::new(SHOWN);
    sql.push("SELECT * FROM cargo_epcis_events WHERE (id, recorded_at) IN (");
    sql.push("SELECT event, recorded_at FROM cargo_epcis_keys WHERE org = ").push_bind(org.0);
    sql.push(" AND event_id = ").push_bind(event_id);
    sql.push(") ORDER BY declares_error LIMIT 1").push(DECLARED);
    let row = sql.build_query_as::<Row>().persistent(false).fetch_optional(conn).await?;
    row.map(KeptEvent::from).ok_or(EpcisError::NotFound)
}

/// What corrects these events of a shipment's log, in the order of recording.
pub async fn corrections(
    conn: &mut PgConnection,
    org: OrgId,
    shipment: &str,
    events: &[StoredEvent],
) -> Result<Vec<StoredEvent>, sqlx::Error> {
    let names: Vec<String> = events.iter().map(|one| one.event.source_event_id.clone()).collect();
    let rows = sqlx::query!(
        r#"
        SELECT
            id AS "id!", recorded_at, source, source_event_id, sequence, shipment, type AS "kind: EventType",
            status AS "status: ShipmentStatus", occurred_at, latitude, longitude, corrects,
            payload AS "payload: Json<Box<RawValue>>"
        FROM cargo_events
        WHERE org = $1
            AND shipment = $2
            AND corrects = ANY($3)
        ORDER BY id
        "#,
        org.0,
        shipment,
        &names,
    )
    .fetch_all(conn)
    .await?;
    let stored = rows.into_iter().map(|row| StoredEvent {
        id: row.id,
        recorded_at: row.recorded_at,
        event: CargoEvent {
            source: row.source,
            source_event_id: row.source_event_id,
            sequence: row.sequence,
            shipment: row.shipment,
            kind: row.kind,
            status: row.status,
            occurred_at: row.occurred_at,
            position: row.latitude.zip(row.longitude).map(|(latitude, longitude)| Position { latitude, longitude }),
            corrects: row.corrects,
            payload: row.payload.map(|payload| payload.0),
        },
    });
    Ok(stored.collect())
}
