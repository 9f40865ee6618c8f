//! Which days an order may have.

use chrono::{Datelike, NaiveDate};
use shared::invalid::{Faults, Invalid};

use crate::orders::model::OrderStatus;

/// The most days of one line.
pub const MAX_DAYS: usize = 366;

/// The last year that has a calendar.
const LAST_YEAR: i32 = 2100;

/// A line of an order, read while the order is locked.
#[derive(Clone, Debug)]
pub struct Line {
    pub status: OrderStatus,
    pub quantity: i64,
    /// Whether its item is of a category of services, which have calendars.
    pub is_service: bool,
    /// Whether its price is for a day.
    pub by_day: bool,
    /// By the seller's calendar.
    pub today: NaiveDate,
    /// What it has, in order.
    pub days: Vec<NaiveDate>,
}

/// Why a line does not get its days, whoever has them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HireRefusal {
    #[error("not possible while the order is {0:?}")]
    OrderStatus(OrderStatus),
    #[error("it is paid for these days: agree on others with the seller, who can give the money back")]
    Fixed,
    #[error(transparent)]
    Unfit(#[from] Faults),
}

/// The days, in order, if the line may have them as far as nobody else has.
pub fn judge(line: &Line, wanted: &[NaiveDate]) -> Result<Vec<NaiveDate>, HireRefusal> {
    if !matches!(line.status, OrderStatus::PendingPayment | OrderStatus::Paid | OrderStatus::InFulfilment) {
        return Err(HireRefusal::OrderStatus(line.status));
    }
    if let Some(faults) = Faults::of(faults(line, wanted)) {
        return Err(faults.into());
    }
    let mut days = wanted.to_vec();
    days.sort_unstable();
    if line.status != OrderStatus::PendingPayment && !line.days.is_empty() && days != line.days {
        return Err(HireRefusal::Fixed);
    }
    Ok(days)
}

/// The first and the last of each stretch of days that follow each other. They are in order.
#[must_use]
pub fn stretches(days: &[NaiveDate]) -> Vec<(NaiveDate, NaiveDate)> {
    let mut stretches: Vec<(NaiveDate, NaiveDate)> = Vec::new();
    for day in days {
        match stretches.last_mut().map(|(_, last)| last).filter(|last| last.succ_opt() == Some(*day)) {
            Some(last) => *last = *day,
            None => stretches.push((*day, *day)),
        }
    }
    stretches
}

fn faults(line: &Line, wanted: &[NaiveDate]) -> Vec<Invalid> {
    let all = |message: String| vec![Invalid::new("/days", message)];
    if wanted.is_empty() {
        return Vec::new();
    }
    if !line.is_service {
        return all("only what is of a category of services has days".to_owned());
    }
    // Nobody takes a year of somebody's calendar for the price of an hour.
    let most = usize::try_from(line.quantity).map_or(MAX_DAYS, |units| units.min(MAX_DAYS));
    if wanted.len() > most {
        return all(format!("must be at most {most}: no more than the units that are bought"));
    }
    if line.by_day && wanted.len() < most {
        return all(format!("must be {most}, one for each unit that is bought"));
    }
    let wrong = wanted.iter().enumerate().filter_map(|(place, day)| {
        let message = if wanted[..place].contains(day) {
            Some("is there twice")
        } else if line.days.contains(day) {
            None
        } else if *day < line.today {
            Some("has passed")
        } else {
            (day.year() > LAST_YEAR).then_some("is too far away")
        };
        message.map(|message| Invalid::new(format!("/days/{place}"), message))
    });
    wrong.collect()
}

#[cfg(test)]
mod tests;
