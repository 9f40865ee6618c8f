//! Who may do what to a return, when time decides, and what units that come back cost.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use shared::money::{Money, MoneyError};

use super::model::{Disposition, REQUEST_TERM, ReturnStatus};
use crate::orders::model::OrderStatus;

/// Why nothing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReturnRefusal {
    #[error("nothing was delivered that could go back")]
    NotDelivered,
    #[error("a dispute about the order is not decided")]
    Disputed,
    #[error("not possible while the order is {0:?}")]
    OrderStatus(OrderStatus),
    #[error("the time to ask for a return is over since {since}")]
    TooLate { since: DateTime<Utc> },
    #[error("not possible while the return is {0:?}")]
    Status(ReturnStatus),
    #[error("name at least one line")]
    NoLine,
    #[error("there is no line {0}")]
    UnknownLine(i16),
    #[error("line {0} is named twice")]
    TwiceNamed(i16),
    #[error("of line {line} between 1 and {most} units can go back")]
    Quantity { line: i16, most: i64 },
    #[error("of line {line} nothing is left that could go back")]
    NothingLeft { line: i16 },
    #[error("say where the units of line {0} go")]
    NoDisposition(i16),
}

/// Whether a return may be asked for; `now` was read after the order's lock.
pub fn judge_request(
    order: OrderStatus,
    delivered_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), ReturnRefusal> {
    match order {
        OrderStatus::Delivered | OrderStatus::Accepted | OrderStatus::Completed => {}
        OrderStatus::Disputed => return Err(ReturnRefusal::Disputed),
        OrderStatus::Paid | OrderStatus::InFulfilment => return Err(ReturnRefusal::NotDelivered),
        other => return Err(ReturnRefusal::OrderStatus(other)),
    }
    // A dispute can complete an order that never arrived.
    let since = delivered_at.ok_or(ReturnRefusal::NotDelivered)? + REQUEST_TERM;
    if now > since { Err(ReturnRefusal::TooLate { since }) } else { Ok(()) }
}

/// A line of an order, as far as returns are concerned.
#[derive(Clone, Copy, Debug)]
pub struct Bought {
    pub line: i16,
    pub quantity: i64,
    /// Units in returns that have not come to nothing.
    pub returning: i64,
}

/// Units of a line that somebody wants to send back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub line: i16,
    pub quantity: i64,
}

/// Whether these units can go back.
pub fn judge_lines(bought: &[Bought], wanted: &[Wanted]) -> Result<(), ReturnRefusal> {
    if wanted.is_empty() {
        return Err(ReturnRefusal::NoLine);
    }
    let mut named = BTreeSet::new();
    for &Wanted { line, quantity } in wanted {
        let of = bought.iter().find(|bought| bought.line == line).ok_or(ReturnRefusal::UnknownLine(line))?;
        if !named.insert(line) {
            return Err(ReturnRefusal::TwiceNamed(line));
        }
        let most = of.quantity - of.returning;
        if most < 1 {
            return Err(ReturnRefusal::NothingLeft { line });
        }
        if !(1..=most).contains(&quantity) {
            return Err(ReturnRefusal::Quantity { line, most });
        }
    }
    Ok(())
}

/// What somebody does to a return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Approve,
    Refuse,
    Cancel,
    Send,
    Receive,
}

/// Whether it may be done. What is approved may be received at once: the buyer may have brought it.
pub fn judge_act(act: Act, status: ReturnStatus, order: OrderStatus) -> Result<(), ReturnRefusal> {
    use ReturnStatus::{Approved, InTransit, Requested};
    let may = match act {
        Act::Approve | Act::Refuse => status == Requested,
        Act::Send => status == Approved,
        Act::Receive => matches!(status, Approved | InTransit),
        Act::Cancel => matches!(status, Requested | Approved | InTransit),
    };
    if !may {
        return Err(ReturnRefusal::Status(status));
    }
    if order == OrderStatus::Disputed { Err(ReturnRefusal::Disputed) } else { Ok(()) }
}

/// Whether the units of these lines, and of no others, are said to go somewhere, once.
pub fn judge_dispositions(lines: &[i16], given: &[(i16, Disposition)]) -> Result<(), ReturnRefusal> {
    let mut named = BTreeSet::new();
    for (line, _) in given {
        if !lines.contains(line) {
            return Err(ReturnRefusal::UnknownLine(*line));
        }
        if !named.insert(*line) {
            return Err(ReturnRefusal::TwiceNamed(*line));
        }
    }
    match lines.iter().find(|line| !named.contains(line)) {
        Some(line) => Err(ReturnRefusal::NoDisposition(*line)),
        None => Ok(()),
    }
}

/// What time makes of a return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timely {
    /// The seller has not answered.
    Approve,
    /// The buyer has not sent it.
    Lapse,
    /// The seller has not said whether it has arrived.
    Receive,
    NotYet {
        until: DateTime<Utc>,
    },
    /// It has ended, or a dispute decides first.
    Nothing,
}

/// What is to be done at `now`, which was read after the order's lock.
#[must_use]
pub fn judge_time(
    status: ReturnStatus,
    due_at: Option<DateTime<Utc>>,
    order: OrderStatus,
    now: DateTime<Utc>,
) -> Timely {
    let Some(until) = due_at else { return Timely::Nothing };
    if now < until {
        return Timely::NotYet { until };
    }
    match status {
        _ if order == OrderStatus::Disputed => Timely::Nothing,
        ReturnStatus::Requested => Timely::Approve,
        ReturnStatus::Approved => Timely::Lapse,
        ReturnStatus::InTransit => Timely::Receive,
        _ => Timely::Nothing,
    }
}

/// A line of an order whose units come back now, have come before, or do not.
#[derive(Clone, Copy, Debug)]
pub struct Returned {
    /// The goods' price.
    pub amount: Money,
    pub quantity: i64,
    /// Units that came back before.
    pub before: i64,
    pub now: i64,
}

/// What the units that come back now cost the buyer: goods, tax and premium. `payable` is what the whole order cost and `lines`
/// are all its lines.
///
/// The largest remainder shares it out over the lines by their prices, and what a line costs over its units. The units that
/// came back first cost the same whether they came at once or one by one: what a return costs is the difference between all that
/// came up to it and all that came before, so that the returns of everything come to exactly everything.
pub fn share(payable: Money, lines: &[Returned]) -> Result<Money, MoneyError> {
    let weights: Vec<u64> = lines.iter().map(|line| line.amount.minor().unsigned_abs()).collect();
    let mut sum = Money::from_minor(0, payable.currency());
    for (line, cost) in lines.iter().zip(payable.split(&weights)?) {
        let before = first(cost, line.before, line.quantity)?;
        let after = first(cost, line.before + line.now, line.quantity)?;
        sum = sum.checked_add(after.checked_sub(before)?)?;
    }
    Ok(sum)
}

/// What the first `units` of a line of `quantity` cost; never less than fewer of them.
fn first(cost: Money, units: i64, quantity: i64) -> Result<Money, MoneyError> {
    let rest = quantity - units;
    let parts = cost.split(&[units.unsigned_abs(), rest.unsigned_abs()])?;
    Ok(parts.first().copied().unwrap_or(cost))
}

#[cfg(test)]
mod tests;
