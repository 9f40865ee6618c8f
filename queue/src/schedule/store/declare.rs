//! What the code declares, brought into the table.
//!
//! Every running scheduler says so again and again, because programs of two versions run side by side during a deploy: a
//! schedule is retired only when nobody has declared it for [`RETIRED_AFTER`], so the old version cannot retire what the
//! new one brings, nor keep what it drops.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use serde_json::Value;
use sqlx::PgConnection;

use super::Times;
use crate::registry::{KindInfo, Registry};
use crate::schedule::Schedule;

/// A schedule that no program has declared for this long is retired.
pub const RETIRED_AFTER: Duration = Duration::from_mins(2);

/// All declared schedules of a program, checked.
#[derive(Clone, Debug, Default)]
pub struct Declarations(Vec<Declared>);

#[derive(Clone, Debug)]
struct Declared {
    name: &'static str,
    kind: &'static str,
    payload: Value,
    times: Times,
}

/// Everything that is wrong with the declarations, one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wrong schedules: {}", self.0.join("; "))
    }
}

impl std::error::Error for Faults {}

impl Declarations {
    /// Collects the schedules of all contracts and checks names, expressions and payloads.
    pub fn of(registry: &Registry) -> Result<Self, Faults> {
        let (mut declared, mut faults, mut names) = (Vec::new(), Vec::new(), HashSet::new());
        for info in registry {
            for schedule in info.schedules {
                if !names.insert(schedule.name) {
                    faults.push(format!("{}: declared twice", schedule.name));
                }
                match read(info, schedule) {
                    Ok(one) => declared.push(one),
                    Err(fault) => faults.push(format!("{}: {fault}", schedule.name)),
                }
            }
        }
        if faults.is_empty() { Ok(Self(declared)) } else { Err(Faults(faults)) }
    }

    /// The names, in the order of the contracts.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().map(|declared| declared.name)
    }
}

fn read(info: &KindInfo, schedule: &Schedule) -> Result<Declared, String> {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    if !(1..=80).contains(&schedule.name.len()) || !schedule.name.bytes().all(known) {
        return Err("the name is not of up to 80 of a-z, 0-9, '.', '_' and '-'".to_owned());
    }
    let times = Times {
        expression: schedule.expression(),
        zone: schedule.zone.name().to_owned(),
        misfire: schedule.misfire.to_string(),
    };
    let times = times.tidy().map_err(|error| error.to_string())?;
    // A job without fields reads an empty object or, as a unit struct, null.
    let payloads = [schedule.payload_value(), Value::Null];
    let mut problem = String::new();
    for payload in payloads {
        match info.enqueue(payload.clone()) {
            Ok(_) if !payload.is_object() && !payload.is_null() => {
                return Err("the payload of a schedule is an object".to_owned());
            }
            Ok(_) => return Ok(Declared { name: schedule.name, kind: info.kind.name, payload, times }),
            Err(error) if problem.is_empty() => problem = error.to_string(),
            Err(_) => {}
        }
    }
    Err(problem)
}

/// What became of a declaration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declaration {
    /// The schedules that nobody declares any more.
    pub retired: Vec<String>,
    /// Those that were left out, because somebody holds their rows: they are to be declared once more.
    pub held: Vec<String>,
}

/// Writes the declarations into the table, and retires what nobody declares any more. Nothing waits for a row that somebody holds.
///
/// With `anew` the rows take what this program declares, and a schedule whose times changed starts from now; a running
/// scheduler repeats it without, which only says that the declarations still stand.
pub async fn declare(
    conn: &mut PgConnection,
    declarations: &Declarations,
    anew: bool,
) -> Result<Declaration, sqlx::Error> {
    let (mut names, mut kinds, mut payloads) = (Vec::new(), Vec::new(), Vec::new());
    let (mut expressions, mut zones, mut misfires) = (Vec::new(), Vec::new(), Vec::new());
    for declared in &declarations.0 {
        names.push(declared.name.to_owned());
        kinds.push(declared.kind.to_owned());
        payloads.push(declared.payload.clone());
        expressions.push(declared.times.expression.clone());
        zones.push(declared.times.zone.clone());
        misfires.push(declared.times.misfire.clone());
    }
    let written = sqlx::query_scalar!(
        r#"
        WITH free AS (
            SELECT name
            FROM schedules
            WHERE name = ANY ($1)
            ORDER BY name
            FOR NO KEY UPDATE SKIP LOCKED
        )
        INSERT INTO schedules AS old (
            name, origin, kind, payload, expression, zone, misfire, declared_at, decided_until, changed_by
        )
        SELECT name, 'declared', kind, payload, expression, zone, misfire, clock.now, clock.now, 'code'
        FROM (SELECT clock_timestamp() AS now) AS clock,
             unnest($1::text[], $2::text[], $3::jsonb[], $4::text[], $5::text[], $6::text[])
                 AS new (name, kind, payload, expression, zone, misfire)
        WHERE name IN (SELECT name FROM free)
           OR name NOT IN (SELECT name FROM schedules)
        -- All schedulers write the rows in one order, so that none waits for another in a circle.
        ORDER BY name
        ON CONFLICT (name) DO UPDATE
        SET declared_at = excluded.declared_at,
            retired_at = NULL,
            origin = 'declared',
            kind = CASE WHEN $7 THEN excluded.kind ELSE old.kind END,
            payload = CASE WHEN $7 THEN excluded.payload ELSE old.payload END,
            expression = CASE WHEN $7 THEN excluded.expression ELSE old.expression END,
            zone = CASE WHEN $7 THEN excluded.zone ELSE old.zone END,
            misfire = CASE WHEN $7 THEN excluded.misfire ELSE old.misfire END,
            decided_until = CASE
                WHEN old.retired_at IS NOT NULL
                  OR $7 AND coalesce(old.override_expression, excluded.expression)
                            <> coalesce(old.override_expression, old.expression)
                  OR $7 AND coalesce(old.override_zone, excluded.zone) <> coalesce(old.override_zone, old.zone)
                THEN excluded.decided_until
                ELSE old.decided_until
            END,
            changed_at = CASE
                WHEN $7 AND (excluded.kind, excluded.payload, excluded.expression, excluded.zone, excluded.misfire)
                            IS DISTINCT FROM (old.kind, old.payload, old.expression, old.zone, old.misfire)
                THEN excluded.declared_at
                ELSE old.changed_at
            END,
            changed_by = CASE
                WHEN $7 AND (excluded.kind, excluded.payload, excluded.expression, excluded.zone, excluded.misfire)
                            IS DISTINCT FROM (old.kind, old.payload, old.expression, old.zone, old.misfire)
                THEN 'code'
                ELSE old.changed_by
            END
        RETURNING name
        "#,
        &names,
        &kinds,
        &payloads,
        &expressions,
        &zones,
        &misfires,
        anew,
    )
    .fetch_all(&mut *conn)
    .await?;
    let retired = sqlx::query_scalar!(
        r#"
        UPDATE schedules
        SET retired_at = clock_timestamp()
        FROM (
            SELECT name
            FROM schedules
            WHERE origin = 'declared'
              AND retired_at IS NULL
              AND declared_at < clock_timestamp() - $1::double precision * interval '1 second'
              -- A row that was held until now may be late, and is declared all the same.
              AND name <> ALL ($2)
            FOR NO KEY UPDATE SKIP LOCKED
        ) AS past
        WHERE schedules.name = past.name
        RETURNING schedules.name
        "#,
        RETIRED_AFTER.as_secs_f64(),
        &names,
    )
    .fetch_all(conn)
    .await?;
    let held = names.into_iter().filter(|name| !written.contains(name)).collect();
    Ok(Declaration { retired, held })
}
