//! When the scheduler enqueues a job by itself: the declaration, its timetable, and what to do about missed times.
//!
//! A job's contract declares its schedules as constants:
//! ```
//! # use std::time::Duration;
//! use queue::schedule::{Misfire, Schedule};
//! const SCHEDULES: &[Schedule] = &[
//!     Schedule::every("auctions.sweep", Duration::from_secs(15)).misfire(Misfire::Skip),
//!     Schedule::cron("fx.refresh", "0 15 16 * * *").zone(chrono_tz::Europe::Berlin),
//! ];
//! ```
//! Everything in this folder but `store` is pure: [`Timetable`] turns an expression and a time zone into instants by the DST
//! rule of `docs/decisions/0004-dst-rule.md`, and [`Misfire::choose`] picks which of the due ones fire. The scheduler asks the
//! database for the time and writes one row per fired tick.
//!
//! How to get this wrong: enqueueing the job outside the transaction that inserts its tick. Two schedulers then fire
//! one tick twice, or none.

use std::time::Duration;

use chrono_tz::Tz;
use serde::Serialize;
use serde_json::Value;

mod expression;
mod misfire;
pub mod store;
mod timetable;

pub use expression::{Expression, ExpressionError};
pub use misfire::{Chosen, Misfire, ON_TIME, UnknownMisfire};
pub use timetable::{MAX_DUE, Timetable};

/// A schedule as a job's contract declares it. Operators may override its expression, zone and misfire policy at run time.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Schedule {
    /// Permanent and unique among all schedules; usually the job's kind.
    pub name: &'static str,
    pub trigger: Trigger,
    /// Where the expression's wall clock hangs. Intervals have none.
    pub zone: Tz,
    pub misfire: Misfire,
    payload: Option<fn() -> Value>,
}

/// What a declaration says about its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// See [`Expression`] for the syntax.
    Cron(&'static str),
    /// Whole seconds, counted from the Unix epoch: every minute is at second 0, whoever asks.
    Every(Duration),
}

impl Schedule {
    /// Fires at the wall-clock times that a cron expression names, in UTC unless [`Schedule::zone`] says otherwise.
    pub const fn cron(name: &'static str, expression: &'static str) -> Self {
        Self::new(name, Trigger::Cron(expression))
    }

    /// Fires again and again after the same elapsed time, whatever the wall clock does.
    pub const fn every(name: &'static str, interval: Duration) -> Self {
        Self::new(name, Trigger::Every(interval))
    }

    const fn new(name: &'static str, trigger: Trigger) -> Self {
        Self { name, trigger, zone: Tz::UTC, misfire: Misfire::FireOnce, payload: None }
    }

    pub const fn zone(self, zone: Tz) -> Self {
        Self { zone, ..self }
    }

    pub const fn misfire(self, misfire: Misfire) -> Self {
        Self { misfire, ..self }
    }

    /// What the job is given, usually `|| schedule::payload(&PruneJobs { … })`. Without it, a job without fields is meant.
    pub const fn payload(self, payload: fn() -> Value) -> Self {
        Self { payload: Some(payload), ..self }
    }

    /// The declared expression as text: a cron expression, or `@every 15s`.
    pub fn expression(&self) -> String {
        match self.trigger {
            Trigger::Cron(text) => text.to_owned(),
            Trigger::Every(interval) => expression::every_text(interval),
        }
    }

    /// The declared times; an error names the field of the expression that is wrong.
    pub fn timetable(&self) -> Result<Timetable, ExpressionError> {
        Ok(Timetable::new(Expression::parse(&self.expression())?, self.zone))
    }

    /// The payload to enqueue.
    pub fn payload_value(&self) -> Value {
        self.payload.map_or_else(|| Value::Object(serde_json::Map::new()), |make| make())
    }
}

/// The payload of a job as a schedule's table keeps it. A job that does not serialise gives `null`, which its contract refuses
/// when the scheduler starts.
pub fn payload<J: Serialize>(job: &J) -> Value {
    serde_json::to_value(job).unwrap_or(Value::Null)
}

/// Reads a time zone by its IANA name.
pub fn parse_zone(name: &str) -> Result<Tz, UnknownZone> {
    name.trim().parse().map_err(|_| UnknownZone(name.chars().take(60).collect()))
}

/// An IANA time zone, such as `Europe/Berlin`: how the OpenAPI document says what [`parse_zone`] reads.
#[derive(Debug)]
pub enum ZoneName {}

impl utoipa::PartialSchema for ZoneName {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let names = chrono_tz::TZ_VARIANTS.map(Tz::name);
        let text = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::schema::Type::String);
        text.enum_values(Some(names)).into()
    }
}

impl utoipa::ToSchema for ZoneName {}

/// There is no such time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time zone; write an IANA name such as Europe/Berlin or UTC")]
pub struct UnknownZone(String);

#[cfg(test)]
mod tests;
