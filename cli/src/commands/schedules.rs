//! `tradeyard schedules …`

mod views;

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
use clap::Subcommand;
use queue::ops::{self, Actor};
use queue::registry::Registry;
use queue::schedule::store::{self, ScheduleError, ScheduleView, TimesError};
use serde::{Serialize, Serializer};
use shared::ids::JobId;
use sqlx::{Connection, PgConnection};

use crate::failure::advised;
use crate::output::{Output, relative};
use crate::{connect, near};

#[derive(Debug, Subcommand)]
pub(crate) enum Schedules {
    /// List the schedules with when they fired and fire next.
    List,
    /// Show everything about a schedule.
    Show { name: String },
    /// Run a schedule's job now, also while it is paused. The next fire time stays.
    Run { name: String },
    /// Stop schedules from firing.
    Pause {
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Let schedules fire again, from now: times that passed during the pause do not fire.
    Resume {
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Show the next fire times, in the schedule's zone and in UTC.
    Next {
        name: String,
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1_000))]
        count: u16,
    },
}

impl Schedules {
    pub(crate) async fn run(self, output: Output) -> anyhow::Result<()> {
        let mut conn = connect::database().await?;
        let conn = &mut conn;
        let now = ops::now(conn).await?;
        match self {
            Self::List => output.show(&store::list(conn).await?, |schedules| views::list(schedules, now, output)),
            Self::Show { name } => output.show(&get(conn, &name).await?, |schedule| views::detail(schedule, now)),
            Self::Run { name } => {
                let started = run_now(conn, &jobs::registry()?, &name).await?;
                output.show(&started, views::started)
            }
            Self::Pause { names } => {
                for name in names {
                    output.show(&set_paused(conn, &name, true).await?, |schedule| views::switched(schedule, now))?;
                }
                Ok(())
            }
            Self::Resume { names } => {
                for name in names {
                    output.show(&set_paused(conn, &name, false).await?, |schedule| views::switched(schedule, now))?;
                }
                Ok(())
            }
            Self::Next { name, count } => {
                output.show(&next(conn, &name, count).await?, |next| views::next(next, now, output))
            }
        }
    }
}

async fn get(conn: &mut PgConnection, name: &str) -> anyhow::Result<ScheduleView> {
    match store::get(conn, name).await {
        Err(unknown @ ScheduleError::Unknown(_)) => {
            let all = store::list(conn).await?;
            let names = all.iter().map(|schedule| schedule.name.as_str());
            Err(advised(unknown.to_string(), near::advice("schedules", names, name)))
        }
        found => Ok(found?),
    }
}

async fn set_paused(conn: &mut PgConnection, name: &str, paused: bool) -> anyhow::Result<ScheduleView> {
    let mut tx = conn.begin().await?;
    let before = get(&mut tx, name).await?;
    if before.paused == paused {
        let now = ops::now(&mut tx).await?;
        return Err(if paused {
            let since = relative(Some(before.changed_at), now);
            advised(
                format!("{name} is paused already, by {} {since}", before.changed_by),
                format!("`tradeyard schedules resume {name}` lets it fire again"),
            )
        } else {
            advised(
                format!("{name} is not paused"),
                format!("`tradeyard schedules show {name}` shows when it fires, or why it does not"),
            )
        });
    }
    let after = if paused {
        store::pause(&mut tx, name, Actor::CommandLine).await?
    } else {
        store::resume(&mut tx, name, Actor::CommandLine).await?
    };
    tx.commit().await?;
    Ok(after)
}

/// The answer of `run`.
#[derive(Debug, Serialize)]
struct Started {
    schedule: String,
    job: JobId,
    /// `false` if an open job with the same unique key already does the same.
    new: bool,
}

async fn run_now(conn: &mut PgConnection, registry: &Registry, name: &str) -> anyhow::Result<Started> {
    // Comes first, for the advice on an unknown name.
    get(conn, name).await?;
    let enqueued = store::run_now(conn, registry, name, Actor::CommandLine).await?;
    Ok(Started { schedule: name.to_owned(), job: enqueued.id(), new: enqueued.is_new() })
}

/// The answer of `next`.
#[derive(Debug, Serialize)]
struct Next {
    schedule: String,
    expression: String,
    zone: String,
    /// `paused` or `retired`, if none of these times will fire as things stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    silent: Option<&'static str>,
    times: Vec<FireTime>,
}

#[derive(Debug, Serialize)]
struct FireTime {
    utc: DateTime<Utc>,
    /// On the wall clock of the zone, with its offset at that time.
    #[serde(serialize_with = "rfc3339")]
    local: DateTime<FixedOffset>,
}

fn rfc3339<S: Serializer>(at: &DateTime<FixedOffset>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

async fn next(conn: &mut PgConnection, name: &str, count: u16) -> anyhow::Result<Next> {
    let schedule = get(conn, name).await?;
    let (timetable, _) = schedule.times.read().map_err(|wrong: TimesError| {
        advised(
            format!("{name} cannot fire: {wrong}"),
            format!("set other times: PATCH /v1/schedules/{name} or the console"),
        )
    })?;
    let now = ops::now(conn).await?;
    let times = timetable
        .upcoming(now)
        .take(count.into())
        .map(|utc| FireTime { utc, local: utc.with_timezone(&timetable.zone()).fixed_offset() })
        .collect();
    let silent = match schedule.retired_at {
        Some(_) => Some("retired"),
        None => schedule.paused.then_some("paused"),
    };
    let store::Times { expression, zone, .. } = schedule.times;
    Ok(Next { schedule: schedule.name, expression, zone, silent, times })
}

#[cfg(test)]
mod tests;
