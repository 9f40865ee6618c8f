//! What may be done with a shipment, and what of its units.

pub mod figures;
pub mod follow;
pub mod room;
pub mod tracking;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::model::ShipmentLine;
use crate::cargo::ShipmentStatus;
use crate::orders::model::OrderStatus;

/// Why nothing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShipmentRefusal {
    #[error("not possible while the shipment is {}", .0.name())]
    Status(ShipmentStatus),
    #[error("not possible while the order is {0:?}")]
    OrderStatus(OrderStatus),
    #[error("there is no line {0}")]
    UnknownLine(i16),
    #[error("line {0} is named twice")]
    TwiceNamed(i16),
    #[error("of line {line} between 1 and {most} units are possible")]
    Quantity { line: i16, most: i64 },
    #[error("name at least one line")]
    NoLine,
    #[error("the vehicle cannot carry that: {weight_over_g} g and {volume_over_ml} ml are too much")]
    VehicleFull { weight_over_g: i64, volume_over_ml: i64 },
    #[error("the vehicle is in maintenance from {from} until {until}")]
    InMaintenance { from: DateTime<Utc>, until: DateTime<Utc> },
    #[error("shipments that have not ended need the vehicle")]
    VehicleInUse,
}

/// What somebody does to a shipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Change,
    Cancel,
    PickUp,
    Deliver,
    Fail,
    GiveBack,
}

/// Whether it may be done.
pub fn judge_act(act: Act, status: ShipmentStatus) -> Result<(), ShipmentRefusal> {
    let pending = status == ShipmentStatus::Pending;
    let may = match act {
        Act::Change | Act::Cancel | Act::PickUp => pending,
        Act::Deliver | Act::Fail | Act::GiveBack => !pending && !status.is_terminal(),
    };
    if may { Ok(()) } else { Err(ShipmentRefusal::Status(status)) }
}

/// The units of each line that are delivered: those that are given, or all that are still on their way.
pub fn judge_delivery(
    lines: &[ShipmentLine],
    given: Option<&[(i16, i64)]>,
) -> Result<Vec<(i16, i64)>, ShipmentRefusal> {
    let Some(given) = given else {
        let open = lines.iter().map(|line| (line.line, line.open_quantity()));
        return Ok(open.filter(|(_, quantity)| *quantity > 0).collect());
    };
    if given.is_empty() {
        return Err(ShipmentRefusal::NoLine);
    }
    let mut named = BTreeSet::new();
    for &(number, quantity) in given {
        let line = lines.iter().find(|line| line.line == number).ok_or(ShipmentRefusal::UnknownLine(number))?;
        if !named.insert(number) {
            return Err(ShipmentRefusal::TwiceNamed(number));
        }
        let most = line.open_quantity();
        if !(1..=most).contains(&quantity) {
            return Err(ShipmentRefusal::Quantity { line: number, most });
        }
    }
    Ok(given.to_vec())
}

/// Whether lines that are changed exist and are named once.
pub fn judge_lines(lines: &[ShipmentLine], named: impl Iterator<Item = i16>) -> Result<(), ShipmentRefusal> {
    let mut seen = BTreeSet::new();
    for number in named {
        if lines.iter().all(|line| line.line != number) {
            return Err(ShipmentRefusal::UnknownLine(number));
        }
        if !seen.insert(number) {
            return Err(ShipmentRefusal::TwiceNamed(number));
        }
    }
    Ok(())
}

/// A line of an order, as far as shipments are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ordered {
    pub line: i16,
    pub quantity: i64,
    /// In shipments that were not cancelled, less what came back.
    pub shipped: i64,
    pub delivered: i64,
}

/// Whether everything that was ordered has arrived.
#[must_use]
pub fn all_delivered(lines: &[Ordered]) -> bool {
    lines.iter().all(|line| line.delivered >= line.quantity)
}

/// Whether an order's goods may leave.
pub fn judge_order(status: OrderStatus) -> Result<(), ShipmentRefusal> {
    match status {
        OrderStatus::Paid | OrderStatus::InFulfilment => Ok(()),
        other => Err(ShipmentRefusal::OrderStatus(other)),
    }
}

#[cfg(test)]
mod tests;
