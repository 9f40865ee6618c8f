//! Schedules as people read them.

use std::fmt::Write;

use chrono::{DateTime, TimeZone, Utc};
use queue::schedule::parse_zone;
use queue::schedule::store::{ScheduleView, Times};

use super::{Next, Started};
use crate::output::{Column, Output, or_dash, relative, short};

pub(super) fn list(schedules: &[ScheduleView], now: DateTime<Utc>, output: Output) -> String {
    if schedules.is_empty() {
        return "No schedules yet: a scheduler sets them up when it starts.".to_owned();
    }
    let mut table = output.table(&[
        Column::cut("NAME", 20),
        Column::cut("TIMES", 12),
        Column::cut("ZONE", 8),
        Column::full("LAST"),
        Column::full("NEXT"),
        Column::cut("STATE", 12),
    ]);
    for schedule in schedules {
        table.add_row([
            schedule.name.clone(),
            schedule.times.expression.clone(),
            schedule.times.zone.clone(),
            relative(schedule.last_fire_at, now),
            relative(schedule.next.first().copied(), now),
            state(schedule),
        ]);
    }
    table.to_string()
}

/// Whether it fires and, if not, why, in a word or two.
fn state(schedule: &ScheduleView) -> String {
    if schedule.retired_at.is_some() {
        return "retired".to_owned();
    }
    if schedule.paused {
        return "paused".to_owned();
    }
    match &schedule.problem {
        Some(problem) => short(problem, 60),
        None if schedule.next.is_empty() => "has no time left".to_owned(),
        None if schedule.overridden => "ok, overridden".to_owned(),
        None => "ok".to_owned(),
    }
}

pub(super) fn detail(schedule: &ScheduleView, now: DateTime<Utc>) -> String {
    let mut text = format!("Schedule {}  {}", schedule.name, state(schedule));
    let mut fact = |name: &str, value: String| {
        let _ = write!(text, "\n  {name:<12}{value}");
    };
    fact("job", format!("{} {}", schedule.kind, schedule.payload));
    fact("times", times(&schedule.times));
    match &schedule.declared {
        None => fact("declared", "no: it was added at run time".to_owned()),
        Some(declared) if schedule.overridden => fact("declared", times(declared)),
        Some(_) => {}
    }
    fact("last fired", both(schedule.last_fire_at, &schedule.times.zone, now));
    fact("last job", or_dash(schedule.last_job));
    let mut name = "next";
    for at in &schedule.next {
        fact(name, both(Some(*at), &schedule.times.zone, now));
        name = "";
    }
    if let Some(problem) = &schedule.problem {
        fact("problem", problem.clone());
    }
    if schedule.retired_at.is_some() {
        fact("retired", format!("{}: no running program declares it", relative(schedule.retired_at, now)));
    }
    fact("changed", format!("{} by {}", relative(Some(schedule.changed_at), now), schedule.changed_by));
    text
}

fn times(times: &Times) -> String {
    format!("{} ({}), missed times: {}", times.expression, times.zone, times.misfire)
}

/// The time on the zone's wall clock, and how far off it is.
fn both(at: Option<DateTime<Utc>>, zone: &str, now: DateTime<Utc>) -> String {
    let wall = at.map(|at| match parse_zone(zone) {
        Ok(zone) => zone.from_utc_datetime(&at.naive_utc()).format("%a %Y-%m-%d %H:%M:%S %Z").to_string(),
        Err(_) => at.format("%a %Y-%m-%d %H:%M:%S UTC").to_string(),
    });
    match wall {
        Some(wall) => format!("{wall}, {}", relative(at, now)),
        None => "–".to_owned(),
    }
}

pub(super) fn started(started: &Started) -> String {
    let Started { schedule, job, new } = started;
    if *new {
        format!("{schedule}: job {job} is in its queue; `tradeyard jobs show {job}` shows it")
    } else {
        format!("nothing was added: the open job {job} does the same; `tradeyard jobs show {job}` shows it")
    }
}

pub(super) fn switched(schedule: &ScheduleView, now: DateTime<Utc>) -> String {
    if schedule.paused {
        return format!("{} is paused", schedule.name);
    }
    match schedule.next.first() {
        Some(at) => format!("{} goes on; it fires {}", schedule.name, relative(Some(*at), now)),
        None => format!("{} is not paused any more, but does not fire: {}", schedule.name, state(schedule)),
    }
}

pub(super) fn next(next: &Next, now: DateTime<Utc>, output: Output) -> String {
    let mut text = format!("{}: {} ({})", next.schedule, next.expression, next.zone);
    if let Some(silent) = next.silent {
        let _ = write!(text, "\nIt is {silent}: none of these will fire as things stand.");
    }
    if next.times.is_empty() {
        return text + "\nIt names no time that is still to come.";
    }
    // For a schedule in UTC, one column is enough.
    let elsewhere = next.zone != "UTC";
    let mut columns = vec![Column::full("UTC"), Column::full("IN")];
    if elsewhere {
        columns.insert(0, Column::full("LOCAL"));
    }
    let mut table = output.table(&columns);
    for time in &next.times {
        let mut cells = vec![time.utc.format("%a %Y-%m-%d %H:%M:%S").to_string(), relative(Some(time.utc), now)];
        if elsewhere {
            cells.insert(0, time.local.format("%a %Y-%m-%d %H:%M:%S %:z").to_string());
        }
        table.add_row(cells);
    }
    let _ = write!(text, "\n{table}");
    text
}
