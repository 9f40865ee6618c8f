//! When keeping goods costs another day.

use chrono::{DateTime, TimeDelta, Utc};
use shared::invalid::Invalid;
use shared::money::{MAX_TRADED_MINOR, Money};

use super::slots::{Hours, Span, free};
use crate::appointments::model::MOST_STORAGE_DAYS;
use crate::orders::model::OrderStatus;

/// The storage of an order, read under its lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    pub status: OrderStatus,
    /// Whether something of it is still there.
    pub is_there: bool,
    /// How many days were booked.
    pub days: i16,
    /// When the next one begins to cost.
    pub due_at: DateTime<Utc>,
}

/// What is to be done about the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    NotYet,
    /// Its number, counted from 1, and when the one after it begins.
    Book {
        day: i16,
        until: DateTime<Utc>,
    },
    /// It costs nothing.
    Skip {
        until: DateTime<Utc>,
    },
    /// Neither it nor any after it costs anything.
    End,
}

/// Judges at `now`, which was read after the lock. A day that has begun costs as a whole.
#[must_use]
pub fn next(terms: Terms, now: DateTime<Utc>) -> Next {
    if now < terms.due_at {
        return Next::NotYet;
    }
    let until = terms.due_at + TimeDelta::days(1);
    match terms.status {
        OrderStatus::Disputed => Next::Skip { until },
        OrderStatus::Paid | OrderStatus::InFulfilment if terms.is_there && terms.days < MOST_STORAGE_DAYS => {
            Next::Book { day: terms.days + 1, until }
        }
        _ => Next::End,
    }
}

/// From when the days run that cost nothing: the end of the first slot that its buyer could have had when they booked one at `now`. What
/// is taken may have their own among it.
#[must_use]
pub fn free_from(booked: Span, hours: &Hours<'_>, taken: &[Span], now: DateTime<Utc>) -> DateTime<Utc> {
    let sooner = free(hours, (hours.day(now), hours.day(booked.starts_at)), taken, now);
    sooner.first().map_or(booked.ends_at, |(slot, _)| slot.ends_at.min(booked.ends_at))
}

/// Says what is wrong with what keeping goods costs, and where: an amount for each currency.
pub fn judge_fees(fees: &[Money]) -> Result<(), Invalid> {
    for (place, fee) in fees.iter().enumerate() {
        if !(1..=MAX_TRADED_MINOR).contains(&fee.minor()) {
            return Err(Invalid::new(
                format!("/storage_fees/{place}/amount"),
                "must be above zero, within what is traded",
            ));
        }
        if fees[..place].iter().any(|other| other.currency() == fee.currency()) {
            return Err(Invalid::new(format!("/storage_fees/{place}/currency"), "name each currency once"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
